package sftp

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	client "github.com/pkg/sftp"

	"chute/connectors"
)

// move is one rename.
type move struct {
	from, to string
	was      connectors.File // what is renamed, as it was before
	private  bool            // the new name is below the work folder, where nobody else gives names
}

// Rename implements connectors.Folder. It also refuses what is neither a file nor an own folder. When it fails, folders that it made above `to` stay.
func (f *Folder) Rename(ctx context.Context, from, to string) error {
	if err := f.within(ctx, func(ctx context.Context) error { return f.rename(ctx, from, to) }); err != nil {
		return fmt.Errorf("rename %q to %q: %w", from, to, err)
	}
	return nil
}

func (f *Folder) rename(ctx context.Context, from, to string) error {
	if err := checkName(from); err != nil {
		return err
	}
	if err := checkName(to); err != nil {
		return fmt.Errorf("new name: %w", err)
	}
	if strings.HasPrefix(to, from+"/") {
		return fmt.Errorf("into itself: %w", fs.ErrInvalid)
	}
	if err := f.walk(ctx, parent(from)); err != nil {
		return err
	}
	was, err := f.lstat(ctx, from)
	m := move{from: from, to: to, was: was, private: f.own(to)}
	switch {
	case err != nil:
		return err
	case was.Mode.IsDir() && !f.own(from):
		return fmt.Errorf("a folder that isn't below %q: %w", f.config.Work, fs.ErrPermission)
	case !was.Mode.IsDir() && !was.Regular():
		return connectors.ErrIrregular
	}
	if err := f.ensureDir(ctx, parent(to)); err != nil {
		return err
	}
	return f.move(ctx, m)
}

// move gives the new name in a way that can't replace anything; which way depends on the server.
func (f *Folder) move(ctx context.Context, m move) error {
	able, err := f.able(ctx)
	switch {
	case err != nil:
		return err
	case able.ReadOnly != "":
		return fmt.Errorf("%s: %w", able.ReadOnly, fs.ErrPermission)
	case able.Rename != Overwrites:
		return f.moveOnce(ctx, m)
	case m.private, m.was.Mode.IsDir(), !able.Exclusive: // a folder replaces an empty folder at most
		return f.moveToFree(ctx, m)
	}
	return f.moveToReserved(ctx, m)
}

// moveOnce asks for the rename, never for the one that replaces. A lost answer is replaced by a look: the request isn't made again.
func (f *Folder) moveOnce(ctx context.Context, m move) error {
	err := f.once(ctx, func(c *client.Client) error { return c.Rename(f.path(m.from), f.path(m.to)) })
	switch {
	case err == nil:
		return nil
	case lost(err):
		return f.moved(ctx, m, err)
	case errors.Is(err, fs.ErrNotExist):
		return err
	}
	// The protocol has no word for "exists", and none for "on another file system".
	if _, there := f.lstat(ctx, m.to); there == nil {
		return fmt.Errorf("%w (%w)", fs.ErrExist, err)
	}
	if f.apart(ctx, parent(m.from), parent(m.to)) {
		return fmt.Errorf("%w (%w)", connectors.ErrCrossDevice, err)
	}
	return err
}

// moved looks whether a rename was done whose answer was lost. Not done is not an answer: the server may still be about to do it.
func (f *Folder) moved(ctx context.Context, m move, err error) error {
	to, there := f.lstat(ctx, m.to)
	_, left := f.lstat(ctx, m.from)
	if there == nil && errors.Is(left, fs.ErrNotExist) && same(to, m.was) {
		return nil
	}
	return err
}

// apart tells whether two folders are on different file systems, where the server tells.
func (f *Folder) apart(ctx context.Context, a, b string) bool {
	var ids [2]uint64
	err := f.ask(ctx, func(c *client.Client) error {
		for i, dir := range []string{a, b} {
			vfs, err := c.StatVFS(f.path(dir))
			if err != nil {
				return err
			}
			ids[i] = vfs.Fsid
		}
		return nil
	})
	return err == nil && ids[0] != ids[1]
}

// moveToFree looks whether the name is free, then renames. Below the work folder that is enough: each ledger has a folder of its own there, and
// only one process at a time has the ledger.
func (f *Folder) moveToFree(ctx context.Context, m move) error {
	f.naming.Lock()
	defer f.naming.Unlock()
	switch _, err := f.lstat(ctx, m.to); {
	case err == nil:
		return fs.ErrExist
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return f.moveOnce(ctx, m)
}

// moveToReserved takes the name with a small file that says for whom it is taken, which can be done for one only, and renames over it. Killed in
// between the name stays taken; the next call finds it taken for itself.
func (f *Folder) moveToReserved(ctx context.Context, m move) error {
	sum := sha256.Sum256([]byte(m.from + "\x00" + m.to))
	ticket := []byte("reserved " + hex.EncodeToString(sum[:]) + "\n")
	if err := f.reserve(ctx, m.to, ticket); err != nil && !(errors.Is(err, fs.ErrExist) && f.holds(ctx, m.to, ticket)) {
		return err
	}
	err := f.once(ctx, func(c *client.Client) error { return c.Rename(f.path(m.from), f.path(m.to)) })
	if lost(err) {
		return f.moved(ctx, m, err)
	}
	if err != nil && f.holds(ctx, m.to, ticket) {
		err = errors.Join(err, f.ask(ctx, func(c *client.Client) error { return c.Remove(f.path(m.to)) }))
	}
	return err
}

// reserve makes a file that must not exist.
func (f *Folder) reserve(ctx context.Context, name string, content []byte) error {
	err := f.once(ctx, func(c *client.Client) error {
		file, err := c.OpenFile(f.path(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL)
		if err != nil {
			return err
		}
		_, err = file.Write(content)
		return errors.Join(err, file.Close())
	})
	if err == nil || lost(err) {
		return err
	}
	if _, there := f.lstat(ctx, name); there == nil {
		return fmt.Errorf("%w (%w)", fs.ErrExist, err)
	}
	return err
}

// holds tells whether a file has just this content.
func (f *Folder) holds(ctx context.Context, name string, content []byte) bool {
	o, err := f.open(ctx, name)
	if err != nil {
		return false
	}
	defer o.Close() // it was only read
	got := make([]byte, len(content)+1)
	n, err := o.readAt(ctx, got, 0)
	return err == io.EOF && bytes.Equal(got[:n], content)
}
