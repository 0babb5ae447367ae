package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"chute/connectors"
)

// Pending is a file being written, in the folder where it will get its name, under a temporary one: ".pending-" and a random
// text. A killed process leaves that behind, below its own ledger's part of the work folder, for whoever clears up there.
// It is used by one goroutine at a time.
type Pending struct {
	folder *Folder
	file   *os.File // nil once committed or given up
	dir    int      // descriptor of the file's folder
	temp   string   // its name now; empty when it has none any more
	base   string   // its name to be
	name   string   // the same with the folders, for errors
	mode   fs.FileMode

	unsynced int64          // bytes that no sync was begun for
	early    sync.WaitGroup // a sync beside writing
	failed   error          // of such a sync, once early is waited for: the kernel tells of lost bytes only once
}

// earlySync is how much is written before it is synced, beside writing. Little is left for the sync that counts then. That the disk is only asked to begin
// (sync_file_range) isn't as much: what it has in its own cache by then is most of what a sync waits for.
const earlySync = 32 << 20

// Create implements connectors.Folder; the result is a *Pending.
func (f *Folder) Create(ctx context.Context, name string) (connectors.PendingFile, error) {
	p, err := f.create(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("create %q: %w", name, err)
	}
	return p, nil
}

func (f *Folder) create(ctx context.Context, name string) (*Pending, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := checkName(name); err != nil {
		return nil, err
	}
	if !f.own(name) {
		return nil, fmt.Errorf("not below %q: %w", f.Work, fs.ErrPermission)
	}
	dir, base := split(name)
	at, err := f.ensureDir(dir)
	if err != nil {
		return nil, err
	}
	p := &Pending{folder: f, dir: at, temp: ".pending-" + rand.Text(), base: base, name: name, mode: f.FileMode}
	var fd int
	err = retry(func() error {
		fd, err = unix.Openat(at, p.temp, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
		return err
	})
	if err != nil {
		unix.Close(at)
		return nil, err
	}
	p.file = os.NewFile(uintptr(fd), name)
	return p, nil
}

// Write implements io.Writer. Small writes are the caller's to gather.
func (p *Pending) Write(b []byte) (int, error) {
	if p.file == nil {
		return 0, fmt.Errorf("write %q: %w", p.name, fs.ErrClosed)
	}
	n, err := p.file.Write(b)
	if p.unsynced += int64(n); err == nil && p.unsynced >= earlySync {
		err = p.syncEarly()
	}
	return n, err
}

// syncEarly syncs what is written, beside what is going to be, when the last such sync is over.
func (p *Pending) syncEarly() error {
	if p.early.Wait(); p.failed != nil {
		return fmt.Errorf("sync %q: %w", p.name, p.failed)
	}
	p.unsynced = 0
	fd := int(p.file.Fd())
	p.early.Go(func() { p.failed = retry(func() error { return p.folder.fsync(fd) }) })
	return nil
}

// Chmod sets the permission bits that the file will have from Commit on, in place of Folder.FileMode.
func (p *Pending) Chmod(mode fs.FileMode) error {
	p.mode = mode.Perm()
	return nil
}

// Chown gives the file to another user or group; -1 leaves either as it is.
func (p *Pending) Chown(uid, gid int) error {
	if p.file == nil {
		return fmt.Errorf("chown %q: %w", p.name, fs.ErrClosed)
	}
	return p.file.Chown(uid, gid)
}

// Commit implements connectors.PendingFile. After a failure the file can only be discarded: a sync that failed once may seem to
// succeed the next time though the bytes are gone.
func (p *Pending) Commit(ctx context.Context) error {
	if err := p.commit(ctx); err != nil {
		return fmt.Errorf("commit %q: %w", p.name, err)
	}
	return nil
}

func (p *Pending) commit(ctx context.Context) error {
	if p.file == nil {
		return fs.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	file := p.file
	p.file = nil
	p.early.Wait()
	err := p.failed
	if err == nil {
		err = file.Chmod(p.mode)
	}
	if err == nil {
		err = retry(func() error { return p.folder.fsync(int(file.Fd())) })
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := p.folder.move(move{fromDir: p.dir, from: p.temp, toDir: p.dir, to: p.base, own: true, private: true}); err != nil {
		return err
	}
	p.temp = ""
	return unix.Close(p.dir)
}

// Discard implements connectors.PendingFile.
func (p *Pending) Discard() error {
	if p.temp == "" {
		return nil
	}
	var errs []error
	if p.file != nil {
		p.early.Wait()
		errs = append(errs, p.file.Close())
		p.file = nil
	}
	if err := retry(func() error { return unix.Unlinkat(p.dir, p.temp, 0) }); err != nil && err != unix.ENOENT {
		errs = append(errs, err)
	}
	p.temp = ""
	if err := errors.Join(append(errs, unix.Close(p.dir))...); err != nil {
		return fmt.Errorf("discard %q: %w", p.name, err)
	}
	return nil
}
