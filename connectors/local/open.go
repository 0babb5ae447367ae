package local

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"chute/connectors"
)

// Open implements connectors.Folder.
func (f *Folder) Open(ctx context.Context, name string) (connectors.OpenFile, error) {
	fd, base, err := f.openRegular(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", name, err)
	}
	return &openFile{file: os.NewFile(uintptr(fd), name), name: base}, nil
}

// openRegular opens a regular file for reading, without blocking and without touching anything that isn't one: opening a
// device may already do something. The first look refuses those, the second one what was swapped in between.
func (f *Folder) openRegular(ctx context.Context, name string) (fd int, base string, err error) {
	if err := ctx.Err(); err != nil {
		return -1, "", err
	}
	if err := checkName(name); err != nil {
		return -1, "", err
	}
	dir, base := split(name)
	at, err := f.openDir(dir)
	if err != nil {
		return -1, "", err
	}
	defer unix.Close(at)
	var st unix.Stat_t
	if err := lstat(at, base, &st); err != nil {
		return -1, "", err
	}
	if err := wantRegular(&st); err != nil {
		return -1, "", err
	}
	fd, err = openAt(at, base, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err == unix.ELOOP || err == unix.ENXIO { // became a link, or a socket
		err = connectors.ErrIrregular
	}
	if err != nil {
		return -1, "", err
	}
	if err = fstat(fd, &st); err == nil {
		err = wantRegular(&st)
	}
	if err == nil {
		err = unix.SetNonblock(fd, false) // it was for opening only: reads are to wait for their bytes
	}
	if err != nil {
		unix.Close(fd)
		return -1, "", err
	}
	return fd, base, nil
}

func wantRegular(st *unix.Stat_t) error {
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return connectors.ErrIrregular
	}
	return nil
}

type openFile struct {
	file *os.File
	name string
}

func (o *openFile) Read(p []byte) (int, error)             { return o.file.Read(p) }
func (o *openFile) ReadAt(p []byte, at int64) (int, error) { return o.file.ReadAt(p, at) }
func (o *openFile) Close() error                           { return o.file.Close() }

func (o *openFile) Stat() (connectors.File, error) {
	raw, err := o.file.SyscallConn()
	if err != nil {
		return connectors.File{}, fmt.Errorf("look at open file %q: %w", o.name, err)
	}
	var st unix.Stat_t
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = fstat(int(fd), &st) }); err != nil {
		failed = err
	}
	if failed != nil {
		return connectors.File{}, fmt.Errorf("look at open file %q: %w", o.name, failed)
	}
	return fileOf(o.name, &st), nil
}

// BeingWritten implements connectors.WriterSeer with a read lease, which the kernel refuses while anybody has the file open for
// writing. The lease is given back at once; a writer that comes in between waits for those microseconds.
// On files of other users it needs CAP_LEASE; without, and on file systems that know no leases, it can't be told.
func (f *Folder) BeingWritten(ctx context.Context, name string) (bool, error) {
	fd, _, err := f.openRegular(ctx, name)
	switch {
	case errors.Is(err, unix.EAGAIN): // another program has a write lease: it has the file to itself, as Samba does for its clients
		return true, nil
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look for writers of %q: %w", name, err)
	}
	defer unix.Close(fd)
	err = lease(fd, unix.F_RDLCK)
	switch err {
	case nil:
		if err := lease(fd, unix.F_UNLCK); err != nil {
			return false, fmt.Errorf("give back the lease on %q: %w", name, err)
		}
		return false, nil
	case unix.EAGAIN:
		return true, nil
	case unix.EACCES, unix.EPERM, unix.ENOSYS, unix.EOPNOTSUPP, unix.EINVAL, unix.ENOLCK:
		return false, nil
	}
	return false, fmt.Errorf("look for writers of %q: %w", name, err)
}

func lease(fd, kind int) error {
	return retry(func() error {
		_, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, kind)
		return err
	})
}
