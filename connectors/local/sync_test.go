package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"chute/connectors"
)

// syncs records what is synced, by the names that inodes have at that moment, and answers with fail.
type syncs struct {
	names []string
	fail  error
}

func record(t *testing.T, f *Folder) *syncs {
	s := new(syncs)
	f.fsync = func(fd int) error {
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			t.Error(err)
		}
		s.names = append(s.names, nameOf(t, f, st.Ino))
		if s.fail != nil {
			return s.fail
		}
		return unix.Fsync(fd)
	}
	return s
}

// nameOf finds an inode's name in the store; a file that is still pending is "pending".
func nameOf(t *testing.T, f *Folder, inode uint64) (name string) {
	err := filepath.WalkDir(f.Root, func(path string, _ fs.DirEntry, err error) error {
		var st unix.Stat_t
		if err := errors.Join(err, unix.Lstat(path, &st)); err != nil {
			return err
		}
		if st.Ino == inode {
			name, err = filepath.Rel(f.Root, path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if matched, _ := filepath.Match(".pending-*", filepath.Base(name)); matched {
		return "pending"
	}
	return name
}

func (s *syncs) want(t *testing.T, names ...string) {
	t.Helper()
	if !slices.Equal(s.names, names) {
		t.Errorf("synced %q, want %q", s.names, names)
	}
	s.names = nil
}

func commitFile(ctx context.Context, f *Folder, name string) error {
	p, err := f.Create(ctx, name)
	if err != nil {
		return err
	}
	return errors.Join(p.Commit(ctx), p.Discard())
}

// TestSyncs: new folders are synced into the ones above, content before it has its name, names when they are told to be.
func TestSyncs(t *testing.T) {
	f := store(t)
	put(t, f, "in/a", "a")
	s := record(t, f)
	steps := []struct {
		act  func() error
		want []string
	}{
		{func() error { return f.Rename(t.Context(), "in/a", ".chute/1/a") }, []string{".", ".chute"}},
		{func() error { return commitFile(t.Context(), f, ".chute/1/report") }, []string{"pending"}},
		{func() error { return commitFile(t.Context(), f, ".chute/2/report") }, []string{".chute", "pending"}},
		{func() error { return f.Rename(t.Context(), ".chute/1/a", "done/a") }, []string{"."}},
		{func() error { return f.Rename(t.Context(), ".chute/1/report", "done/report") }, nil},
		{func() error { return f.Sync(t.Context(), "done", ".chute/1", "done", ".") }, []string{"done", ".chute/1", "."}},
	}
	for _, step := range steps {
		if err := step.act(); err != nil {
			t.Fatal(err)
		}
		s.want(t, step.want...)
	}
}

// TestSyncFails: what couldn't be synced isn't reported as done, nor relied on by the next call.
func TestSyncFails(t *testing.T) {
	f := store(t)
	put(t, f, "in/a", "a")
	put(t, f, ".chute/1/b", "b")
	s := record(t, f)
	s.fail = unix.EIO
	for range 2 { // the second time nothing has become right
		wantError(t, f.Rename(t.Context(), "in/a", "done/x/a"), unix.EIO)
		wantError(t, commitFile(t.Context(), f, ".chute/2/c"), unix.EIO)
		wantError(t, commitFile(t.Context(), f, ".chute/1/c"), unix.EIO)
		wantError(t, f.Sync(t.Context(), "in"), unix.EIO)
	}
	s.want(t, ".", ".chute", "pending", "in", ".", ".chute", "pending", "in")
	for dir, want := range map[string]string{".": ".chute in", ".chute": "1", ".chute/1": "b"} {
		wantDir(t, f, dir, want)
	}
	// Folders that can't be synced are as durable as they get; a file that can't be isn't.
	s.fail = unix.EINVAL
	if err := f.Rename(t.Context(), "in/a", "done/x/a"); err != nil {
		t.Error(err)
	}
	wantError(t, commitFile(t.Context(), f, ".chute/1/c"), unix.EINVAL)
}

// TestEarlySync: a large file is synced while it is written, and once more at the end; a sync of these that fails can't be made good by a later one.
func TestEarlySync(t *testing.T) {
	f := store(t)
	put(t, f, ".chute/1/b", "b")
	write := func(p connectors.PendingFile, bytes int) (err error) {
		for piece := make([]byte, 1<<20); bytes > 0 && err == nil; bytes -= len(piece) {
			_, err = p.Write(piece)
		}
		return err
	}
	s := record(t, f)
	create := func() connectors.PendingFile {
		p, err := f.Create(t.Context(), ".chute/1/c")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, more := range []int{0, earlySync} { // the error comes at the end, or with the next sync
		p := create()
		s.fail = unix.EIO
		err := write(p, earlySync)
		p.(*Pending).early.Wait()
		s.fail = nil
		if more > 0 {
			wantError(t, write(p, more), unix.EIO)
		} else if err != nil {
			t.Error(err)
		}
		wantError(t, p.Commit(t.Context()), unix.EIO)
		if err := p.Discard(); err != nil {
			t.Error(err)
		}
		s.want(t, "pending")
		wantDir(t, f, ".chute/1", "b")
	}
	p := create()
	if err := errors.Join(write(p, earlySync+1), p.Commit(t.Context())); err != nil {
		t.Error(err)
	}
	s.want(t, "pending", "pending")
	wantDir(t, f, ".chute/1", "b c")
}

func wantDir(t *testing.T, f *Folder, dir, want string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(f.Root, dir))
	if err != nil {
		t.Error(err)
	}
	got := ""
	for i, e := range entries {
		if i > 0 {
			got += " "
		}
		got += e.Name()
	}
	if got != want {
		t.Errorf("%q holds %q, want %q", dir, got, want)
	}
}

// TestFoundFolderIsDurable: while one call makes a folder, another that needs it doesn't go on before it is synced.
func TestFoundFolderIsDurable(t *testing.T) {
	f := store(t)
	put(t, f, "in/a", "a")
	put(t, f, "in/b", "b")
	second := make(chan error, 1)
	var once sync.Once
	f.fsync = func(fd int) error {
		once.Do(func() { // done is made and not yet synced
			go func() { second <- f.Rename(t.Context(), "in/b", "done/b") }()
			select {
			case <-second:
				t.Error("the second call relied on a folder that a power cut would have undone")
				close(second)
			case <-time.After(50 * time.Millisecond):
			}
		})
		return unix.Fsync(fd)
	}
	if err := f.Rename(t.Context(), "in/a", "done/a"); err != nil {
		t.Error(err)
	}
	if err := <-second; err != nil {
		t.Error(err)
	}
	wantDir(t, f, "done", "a b")
}
