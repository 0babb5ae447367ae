package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"chute/connectors"
	"chute/connectors/native"
	"chute/pipeline/ledger"
	"chute/pipeline/reconcile"
)

// Sweep removes, at the start, the work folders of batches that are through: a crash may have come between the last record in the ledger and
// the removal. One that has a file in it stays as it is: of a batch that the ledger doesn't know somebody decides (Orphans). Folders of other ledgers aren't touched.
func (im *Importer) Sweep(ctx context.Context) error {
	if im.State != nil && !im.InPlace {
		if err := im.remembering().Sweep(ctx); err != nil {
			return err
		}
	}
	batches, _, err := workFolders(ctx, im.Store, path.Join(im.Work, im.Ledger.ID()))
	if err != nil {
		return err
	}
	last, err := im.Ledger.Last(ctx)
	if err != nil {
		return err
	}
	// After the listing: the folder of a batch that began meanwhile isn't among them.
	busy, err := im.busyFolders(ctx)
	if err != nil {
		return err
	}
	for _, batch := range batches {
		if busy[batch] || !ledger.Plausible(batch, last) {
			continue // in use, or somebody else made it
		}
		f := &orphanFolder{folder: im.folder(batch)}
		if err := f.list(ctx, im.Store); err != nil {
			return fmt.Errorf("look for work folders that are left: %w", err)
		}
		if len(f.files) == 0 {
			im.clearFolder(ctx, f.folder)
		} else if _, err := im.Ledger.Run(ctx, batch); err == nil {
			im.Log.Warn().Str("folder", f.folder).Int("files", len(f.files)).Msg("files lie in the work folder of a batch that is settled; look at what they are")
		}
	}
	return nil
}

// busyFolders are the batches, by number, with a file that isn't through.
func (im *Importer) busyFolders(ctx context.Context) (map[uint64]bool, error) {
	unsettled, err := im.Ledger.Unsettled(ctx)
	if err != nil {
		return nil, err
	}
	busy := map[uint64]bool{}
	for _, r := range unsettled {
		busy[r.Batch] = true
	}
	return busy, nil
}

// clearFolder removes a batch's work folder with what is chute's own in it: the claim file, and sidecars of a run that was withdrawn. If
// anything else is there, the folder stays.
func (im *Importer) clearFolder(ctx context.Context, folder string) {
	out := path.Join(folder, outFolder)
	err := im.removeOut(ctx, out)
	if err == nil {
		err = im.removeEmpty(ctx, out)
	}
	if err == nil {
		err = im.removeEmpty(ctx, path.Join(folder, apartFolder))
	}
	if err == nil {
		err = im.removeClaim(ctx, folder)
	}
	if err == nil {
		err = im.removeEmpty(ctx, folder)
	}
	if err != nil {
		im.Log.Warn().Err(err).Str("folder", folder).Msg("a work folder of files that are settled isn't empty; look at what is in it")
	}
}

// removeOut removes the files of the out folder and of the folders in it.
func (im *Importer) removeOut(ctx context.Context, out string) error {
	inside, err := im.Store.List(ctx, out)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range inside {
		if f.Mode.IsDir() {
			err = errors.Join(err, im.removeFiles(ctx, path.Join(out, f.Name)))
		}
	}
	return errors.Join(err, im.removeFiles(ctx, out))
}

// removeEmpty removes a folder of empty folders.
func (im *Importer) removeEmpty(ctx context.Context, folder string) error {
	inside, err := im.Store.List(ctx, folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range inside {
		if f.Mode.IsDir() {
			err = errors.Join(err, im.Store.Remove(ctx, path.Join(folder, f.Name)))
		}
	}
	if err != nil {
		return err
	}
	return im.Store.Remove(ctx, folder)
}

// removeClaim removes claim.json, and what a crash left of writing it, unless a claimed file is beside it.
func (im *Importer) removeClaim(ctx context.Context, folder string) error {
	inside, err := im.Store.List(ctx, folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range inside {
		if !ownName(f.Name) {
			return fmt.Errorf("%q is in it", f.Name)
		}
	}
	for _, f := range inside {
		err = errors.Join(err, im.Store.Remove(ctx, path.Join(folder, f.Name)))
	}
	return err
}

// ownName tells chute's files from claimed ones in a work folder: claimed files never have a hidden name, files being written do.
func ownName(name string) bool { return name == claimFile || strings.HasPrefix(name, ".") }

// sweepStages drops stages of this ledger whose runs are through: after a power cut a dropped table may be back.
func (im *Importer) sweepStages(ctx context.Context, s connectors.Session) error {
	prefix := "chute_stage_" + im.Ledger.ID() + "_"
	rows, err := reconcile.Catalog(ctx, s, connectors.Statement{
		SQL: "SELECT database, name FROM system.tables WHERE startsWith(name, ?)", Args: []any{prefix}})
	if err != nil {
		return fmt.Errorf("look for stages that are left: %w", err)
	}
	for _, r := range rows {
		database, name := r[0].(string), r[1].(string)
		id, err := runOfStage(name, prefix)
		if err != nil {
			continue // not a name of ours
		}
		run, err := im.Ledger.Run(ctx, id)
		if err != nil && !errors.Is(err, ledger.ErrNoRun) {
			return err
		}
		if err == nil && run.State != ledger.Settled && run.State != ledger.Withdrawn {
			continue
		}
		if err := im.drop(ctx, s, native.Table(database, name)); err != nil {
			return fmt.Errorf("sweep up what is left: %w", err)
		}
	}
	return nil
}
