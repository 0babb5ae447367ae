package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"chute/connectors"
)

var _ connectors.Filer = (*Folder)(nil)

// syncedWhole are the file systems (statfs(2), f_type) that make everything durable by one syncfs: contents, names and folders. Others,
// FUSE for one, may only have handed it on by then.
var syncedWhole = map[int64]bool{
	unix.EXT4_SUPER_MAGIC:  true,
	unix.XFS_SUPER_MAGIC:   true,
	unix.BTRFS_SUPER_MAGIC: true,
	unix.F2FS_SUPER_MAGIC:  true,
	unix.TMPFS_MAGIC:       true,
}

// CreateAll implements connectors.Filer: with one sync of the file system where that is enough, else with one for each file and folder.
func (f *Folder) CreateAll(ctx context.Context, files []connectors.NewFile) error {
	if err := f.createAll(ctx, files); err != nil {
		return fmt.Errorf("create %d files: %w", len(files), err)
	}
	return nil
}

func (f *Folder) createAll(ctx context.Context, files []connectors.NewFile) error {
	fd, err := f.openDir(".")
	if err != nil {
		return err
	}
	// Open before the first write: the kernel tells of errors in writing since then.
	root, err := reopen(fd)
	if err != nil {
		return err
	}
	defer unix.Close(root)
	whole, err := f.syncsWhole(root)
	if err != nil {
		return err
	}
	d := &filing{folder: f, whole: whole, at: -1}
	for _, file := range files {
		if err = d.add(ctx, file); err != nil {
			err = fmt.Errorf("%q: %w", file.Name, err)
			break
		}
	}
	if err = errors.Join(err, d.close()); err != nil || !whole {
		return err
	}
	return retry(func() error { return f.syncfs(root) })
}

// syncsWhole tells whether one syncfs does for the store's file system.
func (f *Folder) syncsWhole(root int) (bool, error) {
	var st unix.Statfs_t
	if err := retry(func() error { return unix.Fstatfs(root, &st) }); err != nil {
		return false, fmt.Errorf("ask for the file system: %w", err)
	}
	return syncedWhole[int64(uint32(st.Type))], nil
}

// filing makes one file after the other and keeps the folder open that they are in.
type filing struct {
	folder *Folder
	whole  bool // all is synced in the end
	dir    string
	at     int // descriptor of dir, -1: none yet
}

func (d *filing) add(ctx context.Context, file connectors.NewFile) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := checkName(file.Name); err != nil {
		return err
	}
	if !d.folder.own(file.Name) {
		return fmt.Errorf("not below %q: %w", d.folder.Work, fs.ErrPermission)
	}
	dir, base := split(file.Name)
	if d.at < 0 || dir != d.dir {
		if err := d.close(); err != nil {
			return err
		}
		at, err := d.folder.ensureDir(dir)
		if err != nil {
			return err
		}
		d.dir, d.at = dir, at
	}
	return d.write(base, file.Content)
}

// write makes a file under its name at once: what a crash leaves of it is chute's own, and half of it at worst.
func (d *filing) write(base string, content []byte) error {
	var fd int
	err := retry(func() (err error) {
		fd, err = unix.Openat(d.at, base, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
		return err
	})
	if err != nil {
		return err
	}
	file := os.NewFile(uintptr(fd), base)
	_, err = file.Write(content)
	if err == nil {
		err = file.Chmod(d.folder.FileMode)
	}
	if err == nil && !d.whole {
		err = retry(func() error { return d.folder.fsync(int(file.Fd())) })
	}
	return errors.Join(err, file.Close())
}

// close ends the work in a folder.
func (d *filing) close() error {
	if d.at < 0 {
		return nil
	}
	at := d.at
	d.at = -1
	defer unix.Close(at)
	if d.whole {
		return nil
	}
	return d.folder.syncAt(at)
}
