// Package local is a store on this machine: a folder tree in which partners and chute work at the same time.
//
// Whoever may write into an inbox may also put a link there, swap a folder for a link between two of our system calls, or make a pipe
// that blocks its reader for ever. So no path is ever handed to the kernel as a whole: each method opens the store's root, goes
// down without following links, by one openat2 or folder by folder, and does its one step relative to the descriptor it has come to. (os.Root
// keeps names inside as well, but it follows links inside the root and its Rename overwrites.) Nothing is kept open between calls: a store that
// is mounted late, unmounted or made anew is simply seen by the next call.
//
// Two rules keep partners' files safe: names are given only by operations that can't replace what has the name, and only
// what lies below the work folder is ever removed.
//
// Synced means: fsync of a file's content before it gets its name, fsync of a folder for the names in it; or, for many own files at once, one
// syncfs on file systems where that is as good.
//
// That something may have changed is heard from fsnotify. It doesn't say when a writer closes a file, so the first pause in writing has to
// do for that; it can't be told to leave out writes, so that all of them are read here. Who writes through mmap isn't heard
// at all, nor is that a file system was unmounted: the next look that is due by itself finds those.
package local

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"chute/connectors"
)

// Folder is a store's tree below Root. It is made by New or Open and used by pointer.
type Folder struct {
	Root string // absolute path of the store; it may be a link, the operator's word; everything below it is walked without following any
	Work string // chute's own folder, relative to Root, on the file system of the inboxes

	// Modes of what others are to read, set whatever the umask is. What is below the work folder is private all the same:
	// its folders are 0700.
	FileMode fs.FileMode // of committed files; New sets 0640
	DirMode  fs.FileMode // of folders that Rename makes outside the work folder; New sets 0750, a parent's set-group-id bit is inherited

	// Held for writing while folders are made and synced, for reading while one is looked for: who finds a folder may rely on
	// its being durable.
	making sync.RWMutex
	// Guards looking whether an own name is free and taking it, where the kernel can't do both in one step.
	naming sync.Mutex

	stepwise atomic.Bool // the kernel can't walk by itself: openat2(2) is from Linux 5.6, and some sandboxes don't have it

	// The kernel's, but in tests.
	renameat2 func(fromDir int, from string, toDir int, to string, flags uint) error
	fsync     func(fd int) error
	syncfs    func(fd int) error
	look      func(dir int, name string, st *unix.Stat_t) error // at an entry of a listing
}

var (
	_ connectors.Folder     = (*Folder)(nil)
	_ connectors.Sifter     = (*Folder)(nil)
	_ connectors.WriterSeer = (*Folder)(nil)
	_ connectors.Waker      = (*Folder)(nil)
	_ connectors.Sizer      = (*Folder)(nil)
)

// New returns the store at root, which needn't be there yet: until it is mounted or made every call fails, mostly with fs.ErrNotExist. Only
// the work folder's name is checked; the folder is made when it is first needed. There is nothing to close.
func New(root, work string) (*Folder, error) {
	if err := checkName(work); err != nil {
		return nil, fmt.Errorf("open store %q: work folder %q: %w", root, work, err)
	}
	return &Folder{Root: root, Work: work, FileMode: 0o640, DirMode: 0o750, renameat2: unix.Renameat2, fsync: unix.Fsync, syncfs: unix.Syncfs, look: lstat}, nil
}

// Open is New for a root that has to be an existing folder.
func Open(root, work string) (*Folder, error) {
	f, err := New(root, work)
	if err != nil {
		return nil, err
	}
	fd, err := f.openDir(".")
	if err != nil {
		return nil, fmt.Errorf("open store %q: %w", root, err)
	}
	return f, unix.Close(fd)
}

// checkName refuses names that aren't plain relative ones. "." and doubled slashes are refused too: a name has one spelling.
func checkName(name string) error {
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case part == "", part == ".", part == "..":
			return fmt.Errorf("not a plain relative name: %w", fs.ErrInvalid)
		case strings.IndexByte(part, 0) >= 0:
			return fmt.Errorf("has a zero byte: %w", fs.ErrInvalid)
		}
	}
	return nil
}

// checkDir is checkName for folders, where "." is the root.
func checkDir(name string) error {
	if name == "." {
		return nil
	}
	return checkName(name)
}

// split cuts a checked name into its folder and its last part.
func split(name string) (dir, base string) {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return ".", name
	}
	return name[:i], name[i+1:]
}

// own tells whether name lies below the work folder. The work folder itself doesn't.
func (f *Folder) own(name string) bool { return strings.HasPrefix(name, f.Work+"/") }

// Remove implements connectors.Folder.
func (f *Folder) Remove(ctx context.Context, name string) error {
	if err := f.remove(ctx, name); err != nil {
		return fmt.Errorf("remove %q: %w", name, err)
	}
	return nil
}

func (f *Folder) remove(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := checkName(name); err != nil {
		return err
	}
	if !f.own(name) {
		return fmt.Errorf("not below %q: %w", f.Work, fs.ErrPermission)
	}
	dir, base := split(name)
	fd, err := f.openDir(dir)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	// unlink never follows a link and refuses folders with EISDIR; only then is it a folder's turn.
	err = retry(func() error { return unix.Unlinkat(fd, base, 0) })
	if err == unix.EISDIR {
		err = retry(func() error { return unix.Unlinkat(fd, base, unix.AT_REMOVEDIR) })
	}
	return err
}

// Sync implements connectors.Folder. The folders are synced in the order in which they are given.
func (f *Folder) Sync(ctx context.Context, dirs ...string) error {
	synced := make(map[string]bool, len(dirs))
	for _, dir := range dirs {
		if synced[dir] {
			continue
		}
		if err := f.syncDir(ctx, dir); err != nil {
			return fmt.Errorf("sync %q: %w", dir, err)
		}
		synced[dir] = true
	}
	return nil
}

func (f *Folder) syncDir(ctx context.Context, dir string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := checkDir(dir); err != nil {
		return err
	}
	fd, err := f.openDir(dir)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return f.syncAt(fd)
}

// Free implements connectors.Sizer: what the file system leaves to users without special rights.
func (f *Folder) Free(context.Context) (int64, error) {
	var st unix.Statfs_t
	if err := retry(func() error { return unix.Statfs(f.Root, &st) }); err != nil {
		return 0, fmt.Errorf("ask for free space in %q: %w", f.Root, err)
	}
	return int64(st.Bavail) * st.Frsize, nil
}
