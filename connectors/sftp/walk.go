package sftp

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"strings"
	"syscall"
	"time"

	client "github.com/pkg/sftp"

	"chute/connectors"
)

// kindBits are those of a mode that say what kind of file it is, in the protocol as in stat(2).
const kindBits = 0xf000

// fileOf is an entry as the server describes it. One whose kind the server doesn't tell is taken for none of those that are known.
func fileOf(name string, info fs.FileInfo) connectors.File {
	f := connectors.File{Name: name, Size: info.Size(), ModTime: info.ModTime(), Mode: info.Mode()}
	if f.Size < 0 { // 8 EiB and more are nonsense, and are not to look small
		f.Size = math.MaxInt64
	}
	if stat, ok := info.Sys().(*client.FileStat); ok && stat.Mode&kindBits == 0 {
		f.Mode |= fs.ModeIrregular
	}
	return f
}

// lstat looks at a checked name.
func (f *Folder) lstat(ctx context.Context, name string) (connectors.File, error) {
	var file connectors.File
	err := f.ask(ctx, func(c *client.Client) error {
		info, err := c.Lstat(f.path(name))
		if err == nil {
			file = fileOf(path.Base(name), info)
		}
		return err
	})
	return file, err
}

// steps are the folders on the way to a checked one, from the outermost on, itself included; the root isn't one.
func steps(dir string) []string {
	if dir == "." {
		return nil
	}
	var all []string
	for i := range dir {
		if dir[i] == '/' {
			all = append(all, dir[:i])
		}
	}
	return append(all, dir)
}

// walk looks at each folder on the way to dir, all at the same time, and refuses links. The root itself may be one, the operator's word.
func (f *Folder) walk(ctx context.Context, dir string) error {
	all := steps(dir)
	at, err := inOrder(len(all), len(all), func(part, _ int) error {
		file, err := f.lstat(ctx, all[part])
		switch {
		case err != nil:
			return err
		case file.Mode.Type() == fs.ModeSymlink:
			return fmt.Errorf("a link: %w", fs.ErrInvalid)
		case !file.Mode.IsDir():
			return syscall.ENOTDIR
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("folder %q: %w", all[at], err)
	}
	return nil
}

// ensureDir makes what is missing on the way to dir: private below the work folder and the work folder itself, DirMode elsewhere.
func (f *Folder) ensureDir(ctx context.Context, dir string) error {
	f.making.RLock()
	err := f.walk(ctx, dir)
	f.making.RUnlock()
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f.making.Lock()
	defer f.making.Unlock()
	for _, step := range steps(dir) {
		if err := f.walk(ctx, step); !errors.Is(err, fs.ErrNotExist) {
			if err != nil {
				return err
			}
			continue
		}
		if err := f.mkdir(ctx, step); err != nil {
			return fmt.Errorf("make folder %q: %w", step, err)
		}
		if err := f.syncDir(ctx, parent(step)); err != nil {
			return err
		}
	}
	return nil
}

// mkdir makes a folder, or finds that somebody else has made it.
func (f *Folder) mkdir(ctx context.Context, dir string) error {
	err := f.ask(ctx, func(c *client.Client) error { return c.Mkdir(f.path(dir)) })
	if err != nil {
		if lost(err) || f.walk(ctx, dir) != nil {
			return err
		}
		return nil
	}
	made, err := f.lstat(ctx, dir)
	if err != nil {
		return err
	}
	mode := f.config.DirMode
	if dir == f.config.Work || strings.HasPrefix(f.config.Work, dir+"/") || f.own(dir) {
		mode = 0o700
	}
	if made.Mode.Perm() == mode {
		return nil
	}
	// Bits other than permissions, as set-group-id, are the parent's wish. Not every server lets modes be set, and the folder's use doesn't hang on it.
	return f.optional(ctx, func(c *client.Client) error { return c.Chmod(f.path(dir), made.Mode&^fs.ModePerm|mode) })
}

// optional makes a request that a server may refuse.
func (f *Folder) optional(ctx context.Context, request func(*client.Client) error) error {
	if err := f.ask(ctx, request); !refused(err) {
		return err
	}
	return nil
}

// refused tells an answer that says no.
func refused(err error) bool {
	var status *client.StatusError
	return errors.As(err, &status) || errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist)
}

// same tells whether two looks saw the same, untouched entry, whatever it is called.
func same(a, b connectors.File) bool {
	return a.Mode.Type() == b.Mode.Type() && (a.Mode.IsDir() || a.Size == b.Size && a.ModTime.Equal(b.ModTime))
}

// grain is how exactly the protocol tells times.
const grain = time.Second
