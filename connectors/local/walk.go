package local

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"chute/connectors"
)

// retry repeats a system call that a signal interrupted.
func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

// openAt opens name in the folder dir; without O_CREAT only.
func openAt(dir int, name string, flags int) (fd int, err error) {
	err = retry(func() error {
		fd, err = unix.Openat(dir, name, flags|unix.O_CLOEXEC, 0)
		return err
	})
	return fd, err
}

func lstat(dir int, name string, st *unix.Stat_t) error {
	return retry(func() error { return unix.Fstatat(dir, name, st, unix.AT_SYMLINK_NOFOLLOW) })
}

func fstat(fd int, st *unix.Stat_t) error {
	return retry(func() error { return unix.Fstat(fd, st) })
}

// openDir returns a descriptor of the folder with a checked name, good for reaching what is in it, not for reading it
// (O_PATH: a folder on the way needs no read permission).
func (f *Folder) openDir(name string) (int, error) {
	if fd, err := f.openBelow(name); err == nil {
		return fd, nil
	}
	return f.walk(name, step)
}

// openBelow has the kernel walk, in one call, and follow no link either. Where it can't do that, or anything at all is in the way, walking step by step
// tells what.
func (f *Folder) openBelow(name string) (fd int, err error) {
	if name == "." || f.stepwise.Load() {
		return -1, unix.ENOSYS
	}
	root, err := openAt(unix.AT_FDCWD, f.Root, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return -1, err
	}
	defer unix.Close(root)
	err = retry(func() error {
		fd, err = unix.Openat2(root, name, &unix.OpenHow{
			Flags:   unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC,
			Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
		})
		return err
	})
	if err == unix.ENOSYS {
		f.stepwise.Store(true)
	}
	return fd, err
}

// walk goes from the root to the folder with a checked name, by one call of step for each part.
func (f *Folder) walk(name string, step func(dir int, part string) (int, error)) (int, error) {
	fd, err := openAt(unix.AT_FDCWD, f.Root, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil || name == "." {
		return fd, err
	}
	for part := range strings.SplitSeq(name, "/") {
		next, err := step(fd, part)
		unix.Close(fd)
		if err != nil {
			return -1, err
		}
		fd = next
	}
	return fd, nil
}

// step opens the folder part in dir, which must not be a link.
func step(dir int, part string) (int, error) {
	fd, err := openAt(dir, part, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW)
	if err == unix.ENOTDIR {
		var st unix.Stat_t
		if lstat(dir, part, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK {
			return -1, fmt.Errorf("%q is a link, which is not followed: %w", part, fs.ErrInvalid)
		}
	}
	return fd, err
}

// reopen gives a descriptor for reading and syncing in place of one from openDir, which it closes.
func reopen(path int) (int, error) {
	defer unix.Close(path)
	return openAt(path, ".", unix.O_RDONLY|unix.O_DIRECTORY)
}

// syncAt makes the entries of the folder dir durable. File systems on which folders can't be synced say EINVAL or EOPNOTSUPP: there
// is nothing more to be done on them.
func (f *Folder) syncAt(dir int) error {
	fd, err := openAt(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	err = retry(func() error { return f.fsync(fd) })
	if err == unix.EINVAL || err == unix.EOPNOTSUPP {
		return nil
	}
	return err
}

// ensureDir is openDir that makes what is missing, durably.
func (f *Folder) ensureDir(name string) (int, error) {
	f.making.RLock()
	fd, err := f.openDir(name)
	f.making.RUnlock()
	if !errors.Is(err, fs.ErrNotExist) {
		return fd, err
	}
	f.making.Lock()
	defer f.making.Unlock()
	var reached []string
	return f.walk(name, func(dir int, part string) (int, error) {
		reached = append(reached, part)
		next, err := step(dir, part)
		if err != unix.ENOENT {
			return next, err
		}
		mode := f.DirMode
		if here := strings.Join(reached, "/"); here == f.Work || f.own(here) {
			mode = 0o700
		}
		return f.makeDir(dir, part, uint32(mode.Perm()))
	})
}

// makeDir makes one folder and syncs the one above. Another process may make it at the same time: then it keeps the mode it
// has, but its name is synced all the same. A folder that couldn't be synced is taken back, or the next call would rely on it.
func (f *Folder) makeDir(dir int, part string, mode uint32) (int, error) {
	made := retry(func() error { return unix.Mkdirat(dir, part, 0o700) })
	if made != nil && made != unix.EEXIST {
		return -1, fmt.Errorf("make folder %q: %w", part, made)
	}
	next, err := step(dir, part)
	if err != nil {
		return -1, err
	}
	if made == nil {
		err = widen(next, mode)
	}
	if err == nil {
		err = f.syncAt(dir)
	}
	if err != nil {
		unix.Close(next)
		if made == nil {
			err = errors.Join(err, unix.Unlinkat(dir, part, unix.AT_REMOVEDIR))
		}
		return -1, fmt.Errorf("make folder %q: %w", part, err)
	}
	return next, nil
}

// widen sets the permission bits of a new folder and leaves a set-group-id bit that it inherited.
func widen(dir int, mode uint32) error {
	var st unix.Stat_t
	if err := fstat(dir, &st); err != nil || st.Mode&0o777 == mode {
		return err
	}
	fd, err := openAt(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY) // fchmod doesn't take an O_PATH descriptor
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return retry(func() error { return unix.Fchmod(fd, st.Mode&unix.S_ISGID|mode) })
}

// fileOf is what the kernel says of an entry, in chute's words.
func fileOf(name string, st *unix.Stat_t) connectors.File {
	return connectors.File{
		Name:    name,
		Size:    st.Size,
		ModTime: time.Unix(st.Mtim.Unix()),
		Inode:   st.Ino,
		Links:   uint64(st.Nlink),
		Mode:    modeOf(st.Mode),
	}
}

func modeOf(m uint32) fs.FileMode {
	mode := fs.FileMode(m & 0o777)
	switch m & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		mode |= fs.ModeDir
	case unix.S_IFLNK:
		mode |= fs.ModeSymlink
	case unix.S_IFIFO:
		mode |= fs.ModeNamedPipe
	case unix.S_IFSOCK:
		mode |= fs.ModeSocket
	case unix.S_IFCHR:
		mode |= fs.ModeDevice | fs.ModeCharDevice
	case unix.S_IFBLK:
		mode |= fs.ModeDevice
	default:
		mode |= fs.ModeIrregular
	}
	if m&unix.S_ISUID != 0 {
		mode |= fs.ModeSetuid
	}
	if m&unix.S_ISGID != 0 {
		mode |= fs.ModeSetgid
	}
	if m&unix.S_ISVTX != 0 {
		mode |= fs.ModeSticky
	}
	return mode
}
