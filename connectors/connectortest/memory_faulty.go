package connectortest

import (
	"context"
	"errors"
	"io/fs"
	"sync/atomic"

	"chute/connectors"
)

// Call names one call to a folder, or to a file opened or created in it.
type Call struct {
	Op   string // "create all" (Name is that of the first file), "list", "open", "read", "stat", "create", "write", "commit", "discard", "rename", "remove", "sync", "free", "writing", "wake"
	Name string // the file or folder; "sync" comes once for each folder
	To   string // the new name, for "rename"
}

// FaultyFolder passes everything on to Folder, and asks the hooks around each call. An error from Before is returned in place of
// doing anything: the call failed and nothing was done. An error from After is returned though all of it was done: the answer got lost.
// A hook may also Crash a Memory, or cancel a context. Nil hooks let everything through. Hooks are called from the
// goroutine of the call.
type FaultyFolder struct {
	Folder connectors.Folder
	Before func(Call) error
	After  func(Call) error
}

var (
	_ connectors.Folder     = (*FaultyFolder)(nil)
	_ connectors.Sifter     = (*FaultyFolder)(nil)
	_ connectors.WriterSeer = (*FaultyFolder)(nil)
	_ connectors.Waker      = (*FaultyFolder)(nil)
	_ connectors.Sizer      = (*FaultyFolder)(nil)
	_ connectors.Filer      = (*FaultyFolder)(nil)
)

// Nth returns a hook that answers the n-th call it sees, from 1, with err, and seen, which tells how many calls it saw. With n = 0 it only
// counts: a test runs once to count, and then once for each call there is, as Before and as After.
func Nth(n int, err error) (hook func(Call) error, seen func() int) {
	var count atomic.Int64
	hook = func(Call) error {
		if count.Add(1) == int64(n) {
			return err
		}
		return nil
	}
	return hook, func() int { return int(count.Load()) }
}

func (f *FaultyFolder) around(c Call, do func() error) error {
	if f.Before != nil {
		if err := f.Before(c); err != nil {
			return err
		}
	}
	if err := do(); err != nil {
		return err
	}
	if f.After != nil {
		return f.After(c)
	}
	return nil
}

// around1 is around for calls with a result, which is withheld when the call fails.
func around1[T any](f *FaultyFolder, c Call, do func() (T, error)) (T, error) {
	var result, none T
	err := f.around(c, func() (err error) { result, err = do(); return err })
	if err != nil {
		return none, err
	}
	return result, nil
}

func (f *FaultyFolder) List(ctx context.Context, dir string) ([]connectors.File, error) {
	return around1(f, Call{Op: "list", Name: dir}, func() ([]connectors.File, error) { return f.Folder.List(ctx, dir) })
}

// Sift fails when Folder isn't a Sifter.
func (f *FaultyFolder) Sift(ctx context.Context, dir string, wanted func(name string, kind fs.FileMode) bool) ([]connectors.File, error) {
	sifter, ok := f.Folder.(connectors.Sifter)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return around1(f, Call{Op: "list", Name: dir}, func() ([]connectors.File, error) { return sifter.Sift(ctx, dir, wanted) })
}

func (f *FaultyFolder) Open(ctx context.Context, name string) (connectors.OpenFile, error) {
	return around1(f, Call{Op: "open", Name: name}, func() (connectors.OpenFile, error) {
		o, err := f.Folder.Open(ctx, name)
		if err != nil {
			return nil, err
		}
		return &faultyOpen{OpenFile: o, folder: f, name: name}, nil
	})
}

func (f *FaultyFolder) Create(ctx context.Context, name string) (connectors.PendingFile, error) {
	return around1(f, Call{Op: "create", Name: name}, func() (connectors.PendingFile, error) {
		p, err := f.Folder.Create(ctx, name)
		if err != nil {
			return nil, err
		}
		return &faultyPending{PendingFile: p, folder: f, name: name}, nil
	})
}

func (f *FaultyFolder) Rename(ctx context.Context, from, to string) error {
	return f.around(Call{Op: "rename", Name: from, To: to}, func() error { return f.Folder.Rename(ctx, from, to) })
}

func (f *FaultyFolder) Remove(ctx context.Context, name string) error {
	return f.around(Call{Op: "remove", Name: name}, func() error { return f.Folder.Remove(ctx, name) })
}

// Sync syncs folder by folder, so that a fault can come in between.
func (f *FaultyFolder) Sync(ctx context.Context, dirs ...string) error {
	for _, dir := range dirs {
		if err := f.around(Call{Op: "sync", Name: dir}, func() error { return f.Folder.Sync(ctx, dir) }); err != nil {
			return err
		}
	}
	return nil
}

// BeingWritten answers false when Folder can't tell.
func (f *FaultyFolder) BeingWritten(ctx context.Context, name string) (bool, error) {
	return around1(f, Call{Op: "writing", Name: name}, func() (bool, error) {
		if w, ok := f.Folder.(connectors.WriterSeer); ok {
			return w.BeingWritten(ctx, name)
		}
		return false, nil
	})
}

// Wake fails when Folder isn't a Waker.
func (f *FaultyFolder) Wake(ctx context.Context, dirs []string, wake func()) (func(), error) {
	return around1(f, Call{Op: "wake"}, func() (func(), error) {
		if w, ok := f.Folder.(connectors.Waker); ok {
			return w.Wake(ctx, dirs, wake)
		}
		return nil, errors.ErrUnsupported
	})
}

// Free fails when Folder isn't a Sizer.
func (f *FaultyFolder) Free(ctx context.Context) (int64, error) {
	return around1(f, Call{Op: "free"}, func() (int64, error) {
		if s, ok := f.Folder.(connectors.Sizer); ok {
			return s.Free(ctx)
		}
		return 0, errors.ErrUnsupported
	})
}

// CreateAll fails when Folder isn't a Filer.
func (f *FaultyFolder) CreateAll(ctx context.Context, files []connectors.NewFile) error {
	filer, ok := f.Folder.(connectors.Filer)
	if !ok {
		return errors.ErrUnsupported
	}
	c := Call{Op: "create all"}
	if len(files) > 0 {
		c.Name = files[0].Name
	}
	return f.around(c, func() error { return filer.CreateAll(ctx, files) })
}

type faultyOpen struct {
	connectors.OpenFile
	folder *FaultyFolder
	name   string
}

// Read returns the bytes that were read beside an error from After, as readers may.
func (o *faultyOpen) Read(p []byte) (n int, err error) {
	err = o.folder.around(Call{Op: "read", Name: o.name}, func() (err error) { n, err = o.OpenFile.Read(p); return err })
	return n, err
}

func (o *faultyOpen) ReadAt(p []byte, at int64) (n int, err error) {
	err = o.folder.around(Call{Op: "read", Name: o.name}, func() (err error) { n, err = o.OpenFile.ReadAt(p, at); return err })
	return n, err
}

func (o *faultyOpen) Stat() (connectors.File, error) {
	return around1(o.folder, Call{Op: "stat", Name: o.name}, o.OpenFile.Stat)
}

type faultyPending struct {
	connectors.PendingFile
	folder *FaultyFolder
	name   string
}

// Write reports the bytes that were written beside an error from After: all of them, with an error, is what a full disk's sync says.
func (p *faultyPending) Write(b []byte) (n int, err error) {
	err = p.folder.around(Call{Op: "write", Name: p.name}, func() (err error) { n, err = p.PendingFile.Write(b); return err })
	return n, err
}

func (p *faultyPending) Commit(ctx context.Context) error {
	return p.folder.around(Call{Op: "commit", Name: p.name}, func() error { return p.PendingFile.Commit(ctx) })
}

func (p *faultyPending) Discard() error {
	return p.folder.around(Call{Op: "discard", Name: p.name}, p.PendingFile.Discard)
}
