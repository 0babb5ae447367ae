package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"chute/connectors"
	"chute/pipeline/ledger"
)

// settle drops the stage and moves what lies ready in the work folder to its recorded names: sidecars first, the file last, so
// that a file in done or rejected always has its log beside it. It can be repeated: what isn't there any more was moved before.
func (im *Importer) settle(ctx context.Context, b *batch) error {
	items := b.active()
	if err := im.dropStages(ctx, b, items); err != nil {
		return err
	}
	var folders []string // where names came to first, then where they left: no order of losing power loses a name
	for _, it := range items {
		if it.err = im.moveOut(ctx, it); it.err != nil {
			it.err = fmt.Errorf("move %q to its final place: %w", it.run.File.Name, it.err)
		}
		for _, m := range im.ownMoves(it) {
			if dir := path.Dir(m.To); !slices.Contains(folders, dir) {
				folders = append(folders, dir)
			}
		}
	}
	if err := im.syncFolders(ctx, slices.Concat(folders, b.outFolders(items), b.fileFolders(items))); err != nil {
		return err
	}
	if items = b.active(); len(items) == 0 {
		return nil
	}
	return im.effect("settled", func() error {
		for _, it := range items {
			it.run.Status, it.run.State, it.run.Finished, it.run.Error = settledStatus(it.run), ledger.Settled, now(), ""
		}
		return im.advance(ctx, items)
	})
}

// settledStatus is how a run has ended, whatever it was called while it waited.
func settledStatus(r ledger.Run) ledger.Status {
	switch {
	case r.State == ledger.Rejecting && r.SameAs != 0:
		return ledger.Skipped
	case r.State == ledger.Rejecting && wasCancelled(r):
		return ledger.Cancelled
	case r.State == ledger.Rejecting:
		return ledger.Rejected
	case r.Rejects > 0:
		return ledger.FinishedWithRejects
	}
	return ledger.Finished
}

// underWay is the status of a run that isn't settled: what it is going to be it is only when its file lies where it belongs.
func underWay(s ledger.Status) ledger.Status {
	switch s {
	case ledger.Cancelled:
		return ledger.Cancelling
	case ledger.Finished, ledger.FinishedWithRejects, ledger.Rejected, ledger.Skipped:
		return ledger.Running
	}
	return s
}

// dropStages drops the stages of runs that have one. For rejected and skipped files the server may be out of reach:
// then they wait, so that no stage is ever forgotten; unless another server answers, and the stage is swept up when its own is back.
func (im *Importer) dropStages(ctx context.Context, b *batch, items []*item) error {
	var dropped []string
	for _, it := range items {
		stage := it.run.Stage
		if stage == "" || slices.Contains(dropped, stage) {
			continue
		}
		session, err := im.session(ctx, it.run.Server)
		if err != nil && im.another(ctx, it.run.Server, err) {
			delete(im.swept, it.run.Server)
			continue
		}
		if err != nil {
			return err
		}
		if err := im.effect("drop", func() error { return im.drop(ctx, session, stage) }); err != nil {
			return err
		}
		dropped = append(dropped, stage)
	}
	return nil
}

// moveOut moves the sidecars and then the file. A name that was taken meanwhile is never overwritten:
// another one is chosen and written down before the move is tried again.
func (im *Importer) moveOut(ctx context.Context, it *item) error {
	for i := range im.ownMoves(it) {
		effect := "move"
		if i == len(it.run.Moves)-1 && !im.InPlace {
			effect = "move file"
		}
		if err := im.move(ctx, effect, im.moveOwn, im.exists, it, &it.run.Moves[i]); err != nil {
			return err
		}
	}
	if im.remembers {
		return im.finishLeft(ctx, it)
	}
	return nil
}

// move moves one thing by rename to its recorded name, or to another one that is free.
func (im *Importer) move(ctx context.Context, effect string, rename func(ctx context.Context, from, to string) error, exists func(ctx context.Context, name string) (bool, error),
	it *item, m *ledger.Move) error {
	for try := 1; ; try++ {
		err := im.effect(effect, func() error { return rename(ctx, m.From, m.To) })
		if err == nil {
			return nil
		}
		if errors.Is(err, fs.ErrNotExist) {
			if there, lookErr := exists(ctx, m.To); lookErr == nil && there {
				return nil // moved before a crash
			}
		}
		if !errors.Is(err, fs.ErrExist) || try > 9 {
			return err
		}
		m.To = numbered(m.To, it.run.ID, try)
		if err := im.effect("new name", func() error { return im.record(ctx, []*item{it}) }); err != nil {
			return err
		}
	}
}

func (im *Importer) exists(ctx context.Context, name string) (bool, error) {
	return existsIn(ctx, im.Store, name)
}

// existsIn tells whether a name is given. A file that can't be read has its name too, but where the folder can't be searched no name tells anything: that is an error.
func existsIn(ctx context.Context, folder connectors.Folder, name string) (bool, error) {
	f, err := folder.Open(ctx, name)
	switch {
	case err == nil:
		f.Close()
		return true, nil
	case errors.Is(err, connectors.ErrIrregular):
		return true, nil
	case !errors.Is(err, fs.ErrPermission):
		return false, nil
	}
	files, listErr := folder.List(ctx, path.Dir(name))
	if listErr != nil {
		return false, listErr
	}
	if !slices.ContainsFunc(files, func(f connectors.File) bool { return f.Name == path.Base(name) }) {
		return false, err
	}
	return true, nil
}

func (im *Importer) syncFolders(ctx context.Context, folders []string) error {
	return im.effect("sync folders", func() error {
		for _, dir := range folders {
			if err := im.Store.Sync(ctx, dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return nil
	})
}
