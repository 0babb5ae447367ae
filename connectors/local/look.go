package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Place is what a folder of the store is.
type Place struct {
	UID, GID      uint32
	Mode          fs.FileMode
	Device, Inode uint64 // two folders that have both alike are one
}

// Look tells what a folder is. One that is reached only through a link gives an error wrapping fs.ErrInvalid, as everywhere.
func (f *Folder) Look(ctx context.Context, dir string) (Place, error) {
	place, err := f.lookAt(ctx, dir)
	if err != nil {
		return place, fmt.Errorf("look at folder %q: %w", dir, err)
	}
	return place, nil
}

func (f *Folder) lookAt(ctx context.Context, dir string) (Place, error) {
	if err := ctx.Err(); err != nil {
		return Place{}, err
	}
	if err := checkDir(dir); err != nil {
		return Place{}, err
	}
	fd, err := f.openDir(dir)
	if err != nil {
		return Place{}, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := fstat(fd, &st); err != nil {
		return Place{}, err
	}
	return Place{UID: st.Uid, GID: st.Gid, Mode: modeOf(st.Mode), Device: st.Dev, Inode: st.Ino}, nil
}

// OthersWrite tells whether everybody on this machine may give and take names in the folder.
func (p Place) OthersWrite() bool { return p.Mode.Perm()&0o002 != 0 }

// KeepsOthersFiles tells whether the kernel lets only the owner of a file, or of the folder, take it out of the folder: its sticky bit is set, and
// the folder isn't ours.
func (p Place) KeepsOthersFiles() bool {
	return p.Mode&fs.ModeSticky != 0 && p.UID != uint32(os.Geteuid()) && !capable(unix.CAP_FOWNER)
}

// Landing is the folder itself, or, while it isn't there, the nearest one above it: what has to be made is made in that one.
func (f *Folder) Landing(ctx context.Context, dir string) (string, error) {
	for {
		_, err := f.Look(ctx, dir)
		if !errors.Is(err, fs.ErrNotExist) || dir == "." {
			return dir, err
		}
		dir = path.Dir(dir)
	}
}

// Writable tries whether files can be made in the folder, with one that never gets a name.
func (f *Folder) Writable(ctx context.Context, dir string) error {
	if _, err := f.Look(ctx, dir); err != nil {
		return err
	}
	at, err := f.openDir(dir)
	if err != nil {
		return err
	}
	defer unix.Close(at)
	fd, err := openAt(at, ".", unix.O_WRONLY|unix.O_TMPFILE)
	switch err {
	case nil:
		unix.Close(fd)
	case unix.EOPNOTSUPP, unix.EISDIR, unix.ENOENT, unix.EINVAL: // the file system knows no files without names
		err = retry(func() error { return unix.Faccessat(at, ".", unix.W_OK|unix.X_OK, unix.AT_EACCESS) })
	}
	if err != nil {
		return fmt.Errorf("make a file in %q: %w", dir, err)
	}
	return nil
}

// Foreign are the names in a folder of what belongs to another user than the folder.
func (f *Folder) Foreign(ctx context.Context, dir string) (names []string, err error) {
	place, err := f.Look(ctx, dir)
	if err != nil {
		return nil, err
	}
	entries, err := f.List(ctx, dir)
	if err != nil {
		return nil, err
	}
	at, err := f.openDir(dir)
	if err != nil {
		return nil, err
	}
	defer unix.Close(at)
	for _, e := range entries {
		var st unix.Stat_t
		if lstat(at, e.Name, &st) == nil && st.Uid != place.UID {
			names = append(names, e.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// SeesWriters tells whether BeingWritten can tell who writes other users' files: that needs CAP_LEASE, and not only in a user namespace of our own.
func SeesWriters() bool {
	users, err := os.ReadFile("/proc/self/uid_map")
	fields := strings.Fields(string(users))
	return err == nil && capable(unix.CAP_LEASE) && len(fields) == 3 && fields[0] == "0" && fields[1] == "0" && fields[2] == "4294967295"
}

// capable tells whether this thread has a capability now.
func capable(capability int) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	return data[capability/32].Effective&(1<<(capability%32)) != 0
}
