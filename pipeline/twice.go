package pipeline

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strconv"

	"chute/connectors"
)

// A rename is one step for whoever looks, but not for every power cut: a file may be left with both of its names, where a file system or a server on
// another machine makes the new one first and takes the old one away later. It is one file all the same, so the old name goes as it was meant to.

// moveOwn moves something out of the work folder, or ends a move of which a power cut left both names.
func (im *Importer) moveOwn(ctx context.Context, from, to string) error {
	err := im.Store.Rename(ctx, from, to)
	if errors.Is(err, fs.ErrExist) && im.sameFile(ctx, from, to) {
		return im.Store.Remove(ctx, from)
	}
	return err
}

// endClaim takes away the name that a claimed file may still have in its inbox: into the work folder first, for outside of it nothing is ever removed, and
// a name may come to stand for another file at any time.
func (im *Importer) endClaim(ctx context.Context, b *batch, it *item) error {
	old, claimed := im.inboxName(it), b.fileName(it)
	if !im.sameFile(ctx, old, claimed) {
		return nil
	}
	spare := path.Join(b.folder, ".again-"+strconv.FormatUint(it.run.ID, 10))
	if im.sameFile(ctx, spare, claimed) { // from an earlier try
		if err := im.Store.Remove(ctx, spare); err != nil {
			return err
		}
	}
	if err := im.Store.Rename(ctx, old, spare); err != nil {
		return err
	}
	if !im.sameFile(ctx, spare, claimed) {
		return im.Store.Rename(ctx, spare, old)
	}
	return im.Store.Remove(ctx, spare)
}

// sameFile tells whether two names of the store stand for one file. Where a store has no inodes that can't be told, and is denied.
func (im *Importer) sameFile(ctx context.Context, a, b string) bool {
	one, err := im.look(ctx, a)
	if err != nil || one.Inode == 0 {
		return false
	}
	other, err := im.look(ctx, b)
	other.Name = one.Name
	return err == nil && one.Same(other)
}

func (im *Importer) look(ctx context.Context, name string) (connectors.File, error) {
	f, err := im.Store.Open(ctx, name)
	if err != nil {
		return connectors.File{}, err
	}
	defer f.Close()
	return f.Stat()
}
