package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"chute/config"
	"chute/connectors"
	"chute/pipeline/ledger"
)

// fetches are how many files of a batch are copied at a time: most of the time of a small one is waiting for answers.
const fetches = 8

// source is the folder that the job's files are read from.
func (im *Importer) source() connectors.Folder {
	if im.InPlace {
		return im.Inbox
	}
	return im.Store
}

// sourceName is where in it a file is.
func (b *batch) sourceName(it *item) string {
	if b.im.InPlace {
		return b.im.inboxName(it)
	}
	return b.fileName(it)
}

// far returns the folder that files are read from when it is one whose files are copied to this machine first.
func (im *Importer) far() connectors.Fetcher {
	from, _ := im.source().(connectors.Fetcher)
	return from
}

// apart does something that takes as long as the store wants it to, where that is far away.
func (im *Importer) apart(ctx context.Context, do func() error) error {
	if im.Apart == nil || im.far() == nil {
		return do()
	}
	return im.Apart(ctx, do)
}

// fetch copies the files to this machine. A copy that is there already, whole or in part, is from an earlier try.
func (im *Importer) fetch(ctx context.Context, b *batch) error {
	var wanted []*item
	for _, it := range b.active() {
		had, err := im.Spool.has(it.run)
		if it.err = err; err == nil && !had {
			wanted = append(wanted, it)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	if err := im.roomFor(ctx, wanted); err != nil {
		return err
	}
	im.fetchAll(ctx, b, wanted)
	return nil
}

// fetchAll takes down for each file what came of it.
func (im *Importer) fetchAll(ctx context.Context, b *batch, wanted []*item) {
	next := make(chan *item)
	var working sync.WaitGroup
	for range min(fetches, len(wanted)) {
		working.Go(func() {
			for it := range next {
				it.err = im.fetchOne(ctx, b, it)
			}
		})
	}
	for _, it := range wanted {
		next <- it
	}
	close(next)
	working.Wait()
}

func (im *Importer) fetchOne(ctx context.Context, b *batch, it *item) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	err := im.effect("fetch", func() error { return im.Spool.fetch(ctx, im.far(), b.sourceName(it), it.run) })
	if errors.Is(err, connectors.ErrChanged) {
		return errors.Join(errChanged, im.Spool.remove(it.run.ID))
	}
	if errors.Is(err, fs.ErrPermission) { // for the file, or for its copy?
		if _, look := im.lookAt(ctx, b.sourceName(it)); look != nil {
			err = look
		}
	}
	if err != nil {
		return fmt.Errorf("fetch %q: %w", it.run.File.Name, im.gone(err))
	}
	return nil
}

// roomFor tells why the copies of files can't be made for now.
func (im *Importer) roomFor(ctx context.Context, items []*item) error {
	if im.Spool.Room == nil {
		return nil
	}
	room, err := im.Spool.Room(ctx)
	if err != nil {
		return err
	}
	var needed int64
	for _, it := range items {
		needed += it.run.File.Size
	}
	if needed > room {
		return fmt.Errorf("%s can take %s before it has less than limits.min_free left, and the files that are to be fetched have %s",
			im.Spool.Dir, config.Size(max(room, 0)), config.Size(needed))
	}
	return nil
}

// spooled is the copy of a file that is far away. How it reads is the copy's matter, how it looks now is the file's own.
type spooled struct {
	*os.File
	look func() (connectors.File, error)
}

func (s spooled) Stat() (connectors.File, error) { return s.look() }

// openSpooled opens the copy of a file.
func (im *Importer) openSpooled(ctx context.Context, b *batch, it *item) (connectors.OpenFile, error) {
	f, err := im.Spool.open(it.run)
	if err != nil {
		return nil, err
	}
	return spooled{f, func() (connectors.File, error) { return im.lookAt(ctx, b.sourceName(it)) }}, nil
}

// lookAt looks at a file in the folder that files are read from.
func (im *Importer) lookAt(ctx context.Context, name string) (connectors.File, error) {
	f, err := im.source().Open(ctx, name)
	if err != nil {
		return connectors.File{}, unreadable(im.gone(err))
	}
	look, err := f.Stat()
	return look, errors.Join(err, f.Close())
}

// gone says what it means that a file isn't where it is read from. Out of an inbox its owner may take it back whenever he likes: that is a change.
func (im *Importer) gone(err error) error {
	switch {
	case !errors.Is(err, fs.ErrNotExist):
		return err
	case im.remembers:
		return fmt.Errorf("%w: it left its inbox: %w", errChanged, err)
	case im.InPlace:
		return err
	}
	return fmt.Errorf("%w: %w", errGone, err)
}

// unreadable says of an error of opening a file that has been taken that others are read all the same: their owner doesn't let chute read this one.
func unreadable(err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return fmt.Errorf("%w: let chute read it: %w", connectors.ErrUnreadable, err)
}

// clearSpool gives back what copies of files that need none any more take. One that waits for a person is fetched again.
func (im *Importer) clearSpool(b *batch) {
	if im.far() == nil {
		return
	}
	for _, it := range b.begun() {
		if it.run.State != ledger.Settled && it.run.State != ledger.Withdrawn && it.run.Status != ledger.Stuck {
			continue
		}
		if err := im.Spool.remove(it.run.ID); err != nil {
			im.Log.Warn().Err(err).Uint64("run", it.run.ID).Msg("a copy of a file that is through can't be removed; the next start does it")
		}
	}
}
