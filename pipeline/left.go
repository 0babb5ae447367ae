package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"chute/pipeline/ledger"
)

// finishLeft moves or deletes a file that stayed in its inbox, unless it was taken away or another one has its name by now. It can be repeated.
//
// A file that is to be deleted goes through the work folder, where nobody but chute changes it. So does one whose store tells no file from another of
// the same size and time: there its bytes are read once more, and those of another file go back.
func (im *Importer) finishLeft(ctx context.Context, it *item) error {
	m := &it.run.Moves[len(it.run.Moves)-1]
	held := im.leftHeld(it)
	switch {
	case m.To == "":
		return nil
	case m.To == m.From: // written down: what was taken for it is another one
		return im.putBack(ctx, it, held)
	case m.To != held && !nameless(it):
		return im.moveLeft(ctx, it, m)
	}
	if err := im.takeLeft(ctx, it, m.From, held); err != nil {
		return err
	}
	other, err := im.isOther(ctx, it, held)
	if errors.Is(err, fs.ErrNotExist) {
		return im.removeHeld(ctx, held) // it was through before a crash, or its owner has taken it back
	}
	if err != nil {
		return err
	}
	if other {
		m.To = m.From
		if err := im.effect("other left", func() error { return im.record(ctx, []*item{it}) }); err != nil {
			return err
		}
		return im.putBack(ctx, it, held)
	}
	return im.endHeld(ctx, it, m, held)
}

// nameless tells whether size and time are all that tells the file from another one of its name. One that was too large to be read has no hash either.
func nameless(it *item) bool { return it.run.File.Inode == 0 && it.run.SHA256 != "" }

// leftHeld is where in the store's work folder a file is that stayed in its inbox until its run was through.
func (im *Importer) leftHeld(it *item) string {
	return nameIn(batchFolder(im.storeWork, im.Ledger.ID(), it.run.ID), it.run.File.Name)
}

// isHeld tells whether the work folder has the file. Only a clear answer is one.
func (im *Importer) isHeld(ctx context.Context, held string) (bool, error) {
	_, err := im.lookAt(ctx, held)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// looksLeft tells whether what has the name looks like the file that was loaded.
func (im *Importer) looksLeft(ctx context.Context, it *item, name string) (bool, error) {
	look, err := im.lookAt(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && look.Same(it.run.File), err
}

// moveLeft moves the file out of its inbox to its final name.
func (im *Importer) moveLeft(ctx context.Context, it *item, m *ledger.Move) error {
	same, err := im.looksLeft(ctx, it, m.From)
	if err != nil {
		return err
	}
	if same {
		effect := "move left"
		err := im.move(ctx, effect, im.Inbox.Rename, im.existsThere, it, m)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return im.syncLeft(ctx, m.From, m.To)
}

// takeLeft moves the file out of its inbox into the work folder, unless an earlier try has done so.
func (im *Importer) takeLeft(ctx context.Context, it *item, from, held string) error {
	there, err := im.isHeld(ctx, held)
	if err != nil {
		return err
	}
	if !there {
		same, err := im.looksLeft(ctx, it, from)
		if err != nil {
			return err
		}
		if same {
			err := im.effect("take left", func() error { return im.Inbox.Rename(ctx, from, held) })
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return im.syncLeft(ctx, from, held)
}

// syncLeft makes the move of a file durable, where the folder can do that.
func (im *Importer) syncLeft(ctx context.Context, from, to string) error {
	err := im.Inbox.Sync(ctx, path.Dir(to), path.Dir(from))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// isOther tells whether the file in the work folder isn't the one that was loaded: it was replaced between the last look and its move or, where size and
// time are all that a look tells, at any moment since it was copied.
func (im *Importer) isOther(ctx context.Context, it *item, held string) (bool, error) {
	f, err := im.Inbox.Open(ctx, held)
	if err != nil {
		return false, unreadable(err)
	}
	defer f.Close()
	look, err := f.Stat()
	if err != nil || !look.Same(it.run.File) || !nameless(it) {
		return err == nil && !look.Same(it.run.File), err
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return false, fmt.Errorf("read it once more, to know that it is the file that was loaded: %w", err)
	}
	return hex.EncodeToString(hash.Sum(nil)) != it.run.SHA256, nil
}

// endHeld deletes the file in the work folder, or gives it its final name.
func (im *Importer) endHeld(ctx context.Context, it *item, m *ledger.Move, held string) error {
	if m.To == held {
		err := im.effect("delete", func() error { return im.Inbox.Remove(ctx, held) })
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return im.removeHeld(ctx, held)
	}
	rename := func(ctx context.Context, _, to string) error { return im.Inbox.Rename(ctx, held, to) }
	effect := "put away"
	if err := im.move(ctx, effect, rename, im.existsThere, it, m); err != nil {
		return err
	}
	if err := im.syncLeft(ctx, held, m.To); err != nil {
		return err
	}
	return im.removeHeld(ctx, held)
}

// putBack gives another file than the one that was loaded back to its inbox. If a third one has the name there by now it gets one with the run's number.
func (im *Importer) putBack(ctx context.Context, it *item, held string) error {
	there, err := im.isHeld(ctx, held)
	if err != nil {
		return err
	}
	if there {
		name, err := free(ctx, im.existsThere, it.run.Inbox, it.run.File.Name, it.run.ID, nil)
		if err != nil {
			return err
		}
		to := path.Join(it.run.Inbox, name)
		if err := im.effect("put back", func() error { return im.Inbox.Rename(ctx, held, to) }); err != nil {
			return fmt.Errorf("put another file than the one that was loaded back into the inbox: %w", err)
		}
		im.Log.Warn().Uint64("run", it.run.ID).Str("file", it.run.File.Name).Str("name", to).
			Msg("another file of the same name, size and time took the place of the one that was loaded: it is in the inbox, to be loaded as well")
	}
	if err := im.syncLeft(ctx, held, path.Join(it.run.Inbox, it.run.File.Name)); err != nil {
		return err
	}
	return im.removeHeld(ctx, held)
}

// removeHeld removes the folders that held a file. One that isn't empty is said, and left.
func (im *Importer) removeHeld(ctx context.Context, held string) error {
	for dir := path.Dir(held); strings.HasPrefix(dir, im.storeWork+"/") && strings.Count(dir, "/") > strings.Count(im.storeWork, "/")+1; dir = path.Dir(dir) {
		if err := im.Inbox.Remove(ctx, dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			im.Log.Warn().Err(err).Str("folder", dir).Msg("an empty work folder can't be removed")
		}
	}
	return nil
}
