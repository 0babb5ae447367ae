package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"chute/config"
	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/pipeline/reconcile"
)

// checkEarlier keeps a file from being loaded, as long as nothing of it is visible, that could not replace the earlier ones: because one of
// them isn't through yet, or because nobody could tell its rows from others.
func (im *Importer) checkEarlier(ctx context.Context, it *item, want ledger.Identity) error {
	if !want.Replace && want.Again == 0 {
		return nil
	}
	earlier, err := im.Ledger.Earlier(ctx, want)
	if err != nil {
		return err
	}
	for _, run := range earlier {
		if run.State != ledger.Settled {
			return notThrough(run)
		}
		if want.Again != 0 {
			if err := im.checkAgain(ctx, it, run); err != nil {
				return err
			}
			continue
		}
		lineage, err := lineageIn(run)
		if err != nil {
			return err
		}
		if run.Accepted > 0 && !lineage.Known() {
			return fmt.Errorf("the file can't replace the one of run %d, which was loaded without lineage: delete its rows from %s yourself and set "+
				`redelivery.changed = "load" for this file`, run.ID, run.Target)
		}
	}
	return nil
}

// checkAgain keeps a file from being loaded again that isn't the one that the earlier run loaded, or whose rows of then couldn't leave.
func (im *Importer) checkAgain(ctx context.Context, it *item, earlier ledger.Run) error {
	if it.run.SHA256 != earlier.SHA256 {
		return fmt.Errorf("the file isn't the one that run %d loaded: its bytes are others", earlier.ID)
	}
	if earlier.Accepted == 0 {
		return nil
	}
	session, target, err := im.placeOfRun(ctx, it, earlier)
	if err != nil || target == nil {
		return err
	}
	_, err = im.haveLeft(ctx, it, earlier, session, target)
	if err != nil {
		return fmt.Errorf("the rows of run %d, which it would replace, can't be taken out of %s: %w", earlier.ID, target.Table(), err)
	}
	return nil
}

// replace takes the rows of earlier files of the same name out of the table, now that those of the new ones are in it. What is to leave was written
// down when publishing was announced, so that it is finished after any wreck, whatever the job says by then. Deleting rows that are gone does nothing.
func (im *Importer) replace(ctx context.Context, b *batch) error {
	if im.Job.Redelivery.Changed != "replace" && im.Again == 0 && !b.resumed {
		return nil
	}
	for _, it := range b.active() {
		if it.run.State == ledger.Published {
			it.err = im.replaceEarlier(ctx, it)
		}
	}
	return nil
}

func (im *Importer) replaceEarlier(ctx context.Context, it *item) error {
	earlier, err := im.Ledger.Replacing(ctx, it.run.ID)
	if err != nil || len(earlier) == 0 {
		return err
	}
	var ids []uint64
	for _, run := range earlier {
		if run.Accepted > 0 {
			if err := im.removeRun(ctx, it, run); err != nil {
				return fmt.Errorf("the file is loaded, and the rows of run %d, which it replaces, can't be deleted: %w", run.ID, err)
			}
		}
		ids = append(ids, run.ID)
	}
	if err := im.effect("replaced", func() error { return im.Ledger.Replaced(ctx, it.run.ID, now()) }); err != nil {
		return err
	}
	im.Log.Info().Str("job", it.run.Job).Str("file", config.Shown(it.run.File.Name)).Uint64("run", it.run.ID).Uints64("replaced", ids).
		Msg("the rows of the earlier runs are gone")
	return nil
}

// removeRun deletes the rows of an earlier run from the table that they were loaded into, and has the database sync that.
func (im *Importer) removeRun(ctx context.Context, it *item, run ledger.Run) error {
	session, target, err := im.placeOfRun(ctx, it, run)
	if err != nil || target == nil {
		return err
	}
	if left, err := im.haveLeft(ctx, it, run, session, target); err != nil || left {
		return err
	}
	if err := im.deleteRows(ctx, "replace", session, target, []uint64{im.Ledger.Lineage(run.ID)}, im.statementPrefix(it)); err != nil {
		return err
	}
	return im.effect("sync replaced", func() error { return session.Sync(ctx) })
}

// placeOfRun is the table that an earlier run's rows are in, where it is now; nil when it isn't there, and no rows either.
func (im *Importer) placeOfRun(ctx context.Context, it *item, run ledger.Run) (connectors.Session, *reconcile.Target, error) {
	table, err := tableName(run.Target)
	if err != nil {
		return nil, nil, err
	}
	lineage, err := lineageIn(run)
	if err != nil {
		return nil, nil, err
	}
	session, target, err := im.whereabouts(ctx, it, run, table, lineage)
	if errors.Is(err, connectors.ErrNoTable) {
		return nil, nil, nil
	}
	return session, target, err
}

// haveLeft tells that no rows of a run are left in a table from which they couldn't be taken out, as after a restore. Rows that are there and have to stay are an error.
func (im *Importer) haveLeft(ctx context.Context, it *item, run ledger.Run, s connectors.Session, t *reconcile.Target) (bool, error) {
	why := t.Irreplaceable()
	if why == "" {
		return false, nil
	}
	if t.CountsRun() {
		id := im.Ledger.Lineage(run.ID)
		counts, err := reconcile.Count(ctx, s, t.Table(), t.Lineage, im.statementID(it, "count"), []uint64{id})
		if err != nil || counts[id] == 0 {
			return err == nil, err
		}
	}
	return false, errors.New(why)
}

// whereabouts finds the server that has an earlier run's rows: the one that the new rows went to, or else the one that was written down. The first
// may be the second under another address.
func (im *Importer) whereabouts(ctx context.Context, it *item, run ledger.Run, table config.TableName, l reconcile.Lineage) (connectors.Session, *reconcile.Target, error) {
	session, err := im.session(ctx, it.run.Server)
	if err != nil {
		return nil, nil, err
	}
	target, err := reconcile.Describe(ctx, session, table, l)
	if session.Server().Address == run.Server {
		return session, target, err
	}
	if err == nil && target.Lineage.Known() {
		id := im.Ledger.Lineage(run.ID)
		counts, err := reconcile.Count(ctx, session, target.Table(), l, im.statementID(it, "count"), []uint64{id})
		if err != nil || counts[id] > 0 {
			return session, target, err
		}
	}
	if session, err = im.session(ctx, run.Server); err != nil {
		return nil, nil, err
	}
	target, err = reconcile.Describe(ctx, session, table, l)
	return session, target, err
}

// lineageIn reads back which columns tell a run's rows from others.
func lineageIn(run ledger.Run) (l reconcile.Lineage, err error) {
	if run.Lineage == "" {
		return l, nil
	}
	if err := json.Unmarshal([]byte(run.Lineage), &l); err != nil {
		return l, fmt.Errorf("run %d: lineage in the ledger: %w", run.ID, err)
	}
	return l, nil
}
