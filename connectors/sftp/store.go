package sftp

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"syscall"

	client "github.com/pkg/sftp"
)

// Remove implements connectors.Folder.
func (f *Folder) Remove(ctx context.Context, name string) error {
	if err := f.within(ctx, func(ctx context.Context) error { return f.remove(ctx, name) }); err != nil {
		return fmt.Errorf("remove %q: %w", name, err)
	}
	return nil
}

func (f *Folder) remove(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if !f.own(name) {
		return fmt.Errorf("not below %q: %w", f.config.Work, fs.ErrPermission)
	}
	if err := f.walk(ctx, parent(name)); err != nil {
		return err
	}
	file, err := f.lstat(ctx, name)
	if err != nil {
		return err
	}
	err = f.once(ctx, func(c *client.Client) error {
		if file.Mode.IsDir() {
			return c.RemoveDirectory(f.path(name))
		}
		return c.Remove(f.path(name))
	})
	if lost(err) {
		if _, left := f.lstat(ctx, name); errors.Is(left, fs.ErrNotExist) {
			return nil
		}
	}
	return err
}

// fsync is the name of OpenSSH's request to make a file durable.
const fsync = "fsync@openssh.com"

func syncs(c *client.Client) bool {
	version, known := c.HasExtension(fsync)
	return known && version == "1"
}

// Sync implements connectors.Folder. OpenSSH syncs folders as it does files; with other servers it is only looked whether the folder is there.
func (f *Folder) Sync(ctx context.Context, dirs ...string) error {
	return f.within(ctx, func(ctx context.Context) error { return f.syncDirs(ctx, dirs) })
}

func (f *Folder) syncDirs(ctx context.Context, dirs []string) error {
	synced := make(map[string]bool, len(dirs))
	for _, dir := range dirs {
		if synced[dir] {
			continue
		}
		err := checkDir(dir)
		if err == nil {
			err = f.walk(ctx, dir)
		}
		if err != nil {
			return fmt.Errorf("sync %q: %w", dir, err)
		}
		if err := f.syncDir(ctx, dir); err != nil {
			return err
		}
		synced[dir] = true
	}
	return nil
}

// syncDir makes a folder's entries durable, where the server can.
func (f *Folder) syncDir(ctx context.Context, dir string) error {
	if _, err := f.trySyncDir(ctx, dir); err != nil {
		return fmt.Errorf("sync %q: %w", dir, err)
	}
	return nil
}

// trySyncDir tells as well whether the server could. It may refuse to open a folder as if it were a file.
func (f *Folder) trySyncDir(ctx context.Context, dir string) (able bool, err error) {
	err = f.ask(ctx, func(c *client.Client) error {
		if !syncs(c) {
			return nil
		}
		file, err := c.Open(f.path(dir))
		if refused(err) && !errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		err = file.Sync()
		if able = err == nil; unsupported(err) {
			err = nil
		}
		return errors.Join(err, file.Close())
	})
	return able, err
}

// unsupported tells an answer that says that there is no such request. What a file system can't do, EINVAL, comes as a bad message.
func unsupported(err error) bool {
	var status *client.StatusError
	return errors.As(err, &status) && (status.FxCode() == client.ErrSSHFxOpUnsupported || status.FxCode() == client.ErrSSHFxBadMessage)
}

// Root tells whether the store's own folder is there: fs.ErrNotExist when nothing is, ENOTDIR when something else has its name.
func (f *Folder) Root(ctx context.Context) error {
	folder := false
	err := f.ask(ctx, func(c *client.Client) error {
		info, err := c.Stat(f.path(".")) // it may be a link, the operator's word
		folder = err == nil && info.IsDir()
		return err
	})
	if err == nil && !folder {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return fmt.Errorf("look at the store's folder: %w", err)
	}
	return nil
}

// Free implements connectors.Sizer, where the server tells.
func (f *Folder) Free(ctx context.Context) (int64, error) {
	free := int64(math.MaxInt64)
	err := f.ask(ctx, func(c *client.Client) error {
		vfs, err := c.StatVFS(f.path("."))
		if unsupported(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if vfs.Frsize > 0 && vfs.Bavail < math.MaxInt64/vfs.Frsize {
			free = int64(vfs.Bavail * vfs.Frsize)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("ask for free space: %w", err)
	}
	return free, nil
}
