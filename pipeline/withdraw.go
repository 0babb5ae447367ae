package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/pipeline/reconcile"
)

// Why runs are withdrawn to Claimed and staged again.
var (
	// errAltered: the target isn't what the stage was made for any more.
	errAltered = errors.New("the table was altered while a file was being loaded into it")
	// errStageGone: what was staged isn't there any more.
	errStageGone = errors.New("the staging table has lost records of the file, which is loaded again from its beginning")
)

// unchangedTarget withdraws the runs when the target isn't what the stage was made for.
func (im *Importer) unchangedTarget(ctx context.Context, b *batch, items []*item, there presence) error {
	if b.target.Definition == items[0].run.Definition {
		return nil
	}
	return im.withdrawRows(ctx, b, items, there, errAltered)
}

// wholeStage withdraws runs that were begun earlier and whose stage doesn't hold their rows any more: somebody dropped it, or a server
// that can't sync inserts lost power.
func (im *Importer) wholeStage(ctx context.Context, b *batch, items []*item, there presence) error {
	if !b.resumed {
		return nil // it was counted a moment ago
	}
	n, err := reconcile.CountAll(ctx, b.session, items[0].run.Stage, im.statementID(items[0], "count"))
	if err != nil && !reconcile.NoTable(err) || err == nil && n == rowsWanted(items) {
		return err
	}
	return im.withdrawRows(ctx, b, items, there, errStageGone)
}

// withdrawRows takes the rows of the runs out of the target, and the runs back to Claimed: they are staged again for the table as it is now. The error returned is why.
func (im *Importer) withdrawRows(ctx context.Context, b *batch, items []*item, there presence, why error) error {
	if there != none {
		if err := im.takeOut(ctx, b, items); err != nil {
			return err
		}
	}
	stage := items[0].run.Stage
	for _, it := range items {
		it.run.State, it.run.Stage, it.run.Status = ledger.Claimed, "", ledger.Retrying
	}
	if err := im.effect("withdrawn", func() error { return im.record(ctx, items) }); err != nil {
		return err
	}
	if err := im.drop(ctx, b.session, stage); err != nil {
		return err
	}
	return why
}

// takeOut deletes the rows of the runs from the target and waits until they are gone.
func (im *Importer) takeOut(ctx context.Context, b *batch, items []*item) error {
	return im.deleteRows(ctx, "take out", b.session, b.target, im.lineage(items), im.statementPrefix(items[0]))
}

// deleteRows deletes the rows that are in a table under some runs' numbers, by statements whose ids begin with prefix, and waits until they are gone.
func (im *Importer) deleteRows(ctx context.Context, effect string, s connectors.Session, t *reconcile.Target, runs []uint64, prefix string) error {
	st, asynchronous := reconcile.Delete(t, s.Server().Abilities, runs, prefix+"delete")
	if err := im.effect(effect, func() error { return s.Exec(ctx, st) }); err != nil {
		return fmt.Errorf("delete rows of a run from %s: %w", t.Table(), err)
	}
	for asynchronous {
		gone, err := reconcile.Gone(ctx, s, t, runs, prefix+"count")
		if err != nil || gone {
			return err
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}
