package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"chute/connectors"
)

// move is one rename with both folders open.
type move struct {
	fromDir, toDir int
	from, to       string
	folder         bool // a folder is moved
	own            bool // the old name is below the work folder, where nobody else takes names
	private        bool // the new name is below the work folder, where nobody else gives names
}

// Rename implements connectors.Folder. It also refuses what is neither a file nor an own folder. When it fails, folders that it made above `to` stay.
func (f *Folder) Rename(ctx context.Context, from, to string) error {
	if err := f.rename(ctx, from, to); err != nil {
		return fmt.Errorf("rename %q to %q: %w", from, to, err)
	}
	return nil
}

func (f *Folder) rename(ctx context.Context, from, to string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := checkName(from); err != nil {
		return err
	}
	if err := checkName(to); err != nil {
		return fmt.Errorf("new name: %w", err)
	}
	if strings.HasPrefix(to, from+"/") {
		return fmt.Errorf("into itself: %w", fs.ErrInvalid)
	}
	m := move{own: f.own(from), private: f.own(to)}
	var err error
	var dir string
	dir, m.from = split(from)
	if m.fromDir, err = f.openDir(dir); err != nil {
		return err
	}
	defer unix.Close(m.fromDir)
	if m.folder, err = f.movable(m.fromDir, m.from, m.own); err != nil {
		return err
	}
	dir, m.to = split(to)
	if m.toDir, err = f.ensureDir(dir); err != nil {
		return err
	}
	defer unix.Close(m.toDir)
	if m.own && !m.private && !m.folder {
		if err := inheritGroup(m); err != nil {
			return err
		}
	}
	return f.move(m)
}

// inheritGroup gives an own file that goes out the group that a file made in its new folder would have: set-group-id folders are how partners are let
// read what lies there. Files that are the partner's stay as they are.
func inheritGroup(m move) error {
	var dir, file unix.Stat_t
	if err := unix.Fstat(m.toDir, &dir); err != nil {
		return err
	}
	if err := lstat(m.fromDir, m.from, &file); err != nil {
		return err
	}
	if dir.Mode&unix.S_ISGID == 0 || dir.Gid == file.Gid || file.Uid != uint32(os.Geteuid()) {
		return nil
	}
	err := retry(func() error { return unix.Fchownat(m.fromDir, m.from, -1, int(dir.Gid), unix.AT_SYMLINK_NOFOLLOW) })
	if errors.Is(err, unix.EPERM) {
		return nil // not one of our groups; then the file is readable for whom its mode says
	}
	return err
}

// movable refuses what Rename doesn't move, and tells folders from files.
func (f *Folder) movable(dir int, name string, own bool) (folder bool, err error) {
	var st unix.Stat_t
	if err := lstat(dir, name, &st); err != nil {
		return false, err
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return false, wantRegular(&st)
	case !own:
		return false, fmt.Errorf("a folder that isn't below %q: %w", f.Work, fs.ErrPermission)
	}
	return true, nil
}

// move gives the new name in one step that can't replace anything; which way depends on the file system.
func (f *Folder) move(m move) error {
	err := retry(func() error { return f.renameat2(m.fromDir, m.from, m.toDir, m.to, unix.RENAME_NOREPLACE) })
	switch err {
	case unix.EXDEV: // two bind mounts of one file system too, as two ReadWritePaths= entries make
		return connectors.ErrCrossDevice
	case unix.EINVAL, unix.ENOSYS, unix.EOPNOTSUPP: // NFS and some FUSE file systems
	default:
		return err
	}
	switch {
	case m.private:
		return f.moveToPrivate(m)
	case m.folder:
		return moveFolder(m)
	case m.own:
		return moveByLink(m)
	}
	var st unix.Stat_t
	if lstat(m.toDir, m.to, &st) == nil {
		return unix.EEXIST
	}
	return fmt.Errorf("the file system can't rename without replacing (renameat2 RENAME_NOREPLACE), "+
		"and a partner's file can only be moved into %q there: %w", f.Work, err)
}

// moveToPrivate looks whether the name is free, then renames. Below the work folder that is enough: each ledger has a folder of
// its own there, and only one process at a time has the ledger.
func (f *Folder) moveToPrivate(m move) error {
	f.naming.Lock()
	defer f.naming.Unlock()
	var st unix.Stat_t
	switch err := lstat(m.toDir, m.to, &st); {
	case err == nil:
		return unix.EEXIST
	case err != unix.ENOENT:
		return err
	}
	return renameAt(m)
}

// moveFolder takes the name with an empty folder, which mkdir does for one only, and renames over it, which the kernel does
// only while it is empty.
func moveFolder(m move) error {
	if err := retry(func() error { return unix.Mkdirat(m.toDir, m.to, 0o700) }); err != nil {
		return err
	}
	err := renameAt(m)
	if err != nil {
		err = errors.Join(err, unix.Unlinkat(m.toDir, m.to, unix.AT_REMOVEDIR))
	}
	return err
}

// moveByLink gives the file a second name, which can't replace anything, and takes the first. It is for own files only: a
// partner could put another file under the first name in between. Killed in between it has both; the next call finishes what was begun.
func moveByLink(m move) error {
	err := retry(func() error { return unix.Linkat(m.fromDir, m.from, m.toDir, m.to, 0) })
	switch {
	case err == unix.EXDEV:
		return connectors.ErrCrossDevice
	case err == unix.EEXIST && !sameFile(m):
		return err
	case err == unix.EPERM, err == unix.EACCES, err == unix.EOPNOTSUPP:
		return fmt.Errorf("the file system can't rename without replacing, and a second name for the file is refused "+
			"(see fs.protected_hardlinks in proc(5)): let chute own the file, or use another file system: %w", err)
	case err != nil && err != unix.EEXIST:
		return err
	}
	return retry(func() error { return unix.Unlinkat(m.fromDir, m.from, 0) })
}

// sameFile tells whether both names are links to one file.
func sameFile(m move) bool {
	var a, b unix.Stat_t
	if lstat(m.fromDir, m.from, &a) != nil || lstat(m.toDir, m.to, &b) != nil {
		return false
	}
	return a.Dev == b.Dev && a.Ino == b.Ino && a.Nlink > 1
}

// renameAt is the plain rename, which replaces.
func renameAt(m move) error {
	err := retry(func() error { return unix.Renameat(m.fromDir, m.from, m.toDir, m.to) })
	if err == unix.EXDEV {
		return connectors.ErrCrossDevice
	}
	return err
}
