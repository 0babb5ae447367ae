package pipeline

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"chute/connectors"
	"chute/pipeline/ledger"
)

// EndByHand ends a run of a file given by hand that was cut off. What was about to become visible does; everything else is taken
// back, because nobody waits for it any more and the file is where it always was.
func (im *Importer) EndByHand(ctx context.Context, run ledger.Run) error {
	switch run.State {
	case ledger.Publishing, ledger.Published, ledger.Rejecting:
		v := im.Resume(ctx, []uint64{run.ID})[0]
		if v.Outcome == connectors.Later {
			return v.Err
		}
		return nil
	default:
		return im.GiveUp(ctx, run.ID)
	}
}

// GiveUp withdraws a run that has announced nothing yet; one that has stays in the ledger, to be finished by EndByHand.
func (im *Importer) GiveUp(ctx context.Context, id uint64) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterwards)
	defer cancel()
	run, err := im.Ledger.Run(ctx, id)
	if err != nil {
		return err
	}
	switch run.State {
	case ledger.Claiming, ledger.Claimed, ledger.Staging:
	default:
		return nil
	}
	b := &batch{im: im, folder: im.folder(run.Batch), items: []*item{{run: run}}}
	if err := im.cleanStage(ctx, b); err != nil {
		return err
	}
	wishes, err := im.Ledger.Wishes(ctx, id)
	if err != nil {
		return err
	}
	it := b.items[0]
	it.run.State, it.run.Status, it.run.Finished = ledger.Withdrawn, ledger.Failed, now()
	if wishes[id].Want == ledger.Cancel {
		it.run.Status = ledger.Cancelled
	}
	if err := im.record(ctx, b.items); err != nil {
		return err
	}
	im.clearFolder(ctx, b.folder)
	return nil
}

// clearOut removes what an unfinished try of these files wrote into the batch's out folder. What lies ready there for others stays.
func (im *Importer) clearOut(ctx context.Context, b *batch) error {
	for _, it := range b.active() {
		for _, suffix := range []string{logSuffix, reportSuffix} {
			if err := im.Store.Remove(ctx, b.outName(it, suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		if err := im.removeFiles(ctx, b.rejectFolder(it)); err != nil {
			return err
		}
	}
	return nil
}

// removeFiles removes the files of an own folder that may be missing; folders in it stay.
func (im *Importer) removeFiles(ctx context.Context, folder string) error {
	files, err := im.Store.List(ctx, folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.Mode.IsDir() {
			continue
		}
		if err := im.Store.Remove(ctx, path.Join(folder, f.Name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
