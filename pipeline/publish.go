package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chute/config"
	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/pipeline/reconcile"
)

// errUndecided: whether the rows are in the target can't be told from the target. A person decides; nothing is sent until then.
var errUndecided = errors.New("it can't be told from the table whether these records are in it: a person has to decide")

// publish makes the stage's rows visible in the target and counts them there. It may find them there already, in part or as a
// whole: every path begins with the count, so it can be repeated after any wreck.
func (im *Importer) publish(ctx context.Context, b *batch) error {
	items := b.publishing()
	if len(items) == 0 {
		return nil
	}
	if rowsWanted(items) > 0 { // else they have neither stage nor table
		if err := im.publishRows(ctx, b, items); err != nil {
			return err
		}
	}
	return im.effect("published", func() error {
		for _, it := range items {
			it.run.State = ledger.Published
		}
		return im.advance(ctx, items)
	})
}

// publishRows does what publish says to the database.
func (im *Importer) publishRows(ctx context.Context, b *batch, items []*item) error {
	if err := im.reconnect(ctx, b, items[0]); err != nil {
		return err
	}
	if err := im.freshStage(ctx, b, items); err != nil {
		return err
	}
	if err := b.session.Kill(ctx, im.statementPrefix(items[0])); err != nil {
		return fmt.Errorf("end earlier statements of the run: %w", err)
	}
	if err := im.bringIn(ctx, b, items); err != nil {
		return err
	}
	if err := im.effect("sync target", func() error { return b.session.Sync(ctx) }); err != nil {
		return fmt.Errorf("sync the database: %w", err)
	}
	return nil
}

// bringIn takes step 8 of the protocol: look, attach what is missing, look again.
func (im *Importer) bringIn(ctx context.Context, b *batch, items []*item) error {
	there, err := im.present(ctx, b, items, false)
	if err != nil || there == whole {
		return err
	}
	if err := im.unchangedTarget(ctx, b, items, there); err != nil {
		return err
	}
	if err := im.wholeStage(ctx, b, items, there); err != nil {
		return err
	}
	if there == some && !b.target.Continues(b.session.Server().Abilities) {
		if err := im.takeOut(ctx, b, items); err != nil {
			return err
		}
	}
	if err := im.attach(ctx, b, items); err != nil {
		return err
	}
	if !b.target.CountsRun() {
		return nil // the statement's success is all there is to know
	}
	if there, err = im.present(ctx, b, items, true); err == nil && there != whole {
		err = fmt.Errorf("after publishing, %s doesn't hold the records it was given", b.target.Table())
	}
	return err
}

// presence is how much of a run is in the target.
type presence int

const (
	none presence = iota
	some
	whole
)

// present asks the target. Where it can't tell, a first try is taken for none, and every later one is left to a person.
func (im *Importer) present(ctx context.Context, b *batch, items []*item, published bool) (presence, error) {
	if !b.target.CountsRun() {
		if items[0].run.Status == ledger.Interrupted {
			return none, errUndecided
		}
		return none, nil
	}
	counts, err := reconcile.Count(ctx, b.session, b.target.Table(), b.target.Lineage, im.statementID(items[0], "count"), im.lineage(items))
	if err != nil {
		return none, err
	}
	found, missing := false, false
	for _, it := range items {
		n := counts[im.Ledger.Lineage(it.run.ID)]
		found = found || n > 0
		missing = missing || !b.target.Whole(n, it.run.Accepted, published)
	}
	switch {
	case !missing:
		return whole, nil
	case found:
		return some, nil
	}
	return none, nil
}

// attach sends the statements that make the stage visible.
func (im *Importer) attach(ctx context.Context, b *batch, items []*item) error {
	stage, err := tableName(items[0].run.Stage)
	if err != nil {
		return err
	}
	statements, err := reconcile.Attach(ctx, b.session, b.target, stage, im.lineage(items), im.statementID(items[0], "publish"))
	if err != nil {
		return err
	}
	if err := im.tryOnce(ctx, b, items); err != nil {
		return err
	}
	for i, st := range statements {
		if err := im.effect("attach", func() error { return b.session.Exec(ctx, st) }); err != nil {
			return im.attachFailed(ctx, b, items, i, err)
		}
	}
	return nil
}

// tryOnce writes down, for a target that can't tell afterwards, that publishing is about to be tried: found like that later, the
// run is interrupted.
func (im *Importer) tryOnce(ctx context.Context, b *batch, items []*item) error {
	if b.target.CountsRun() {
		return nil
	}
	was := items[0].run.Status
	for _, it := range items {
		it.run.Status = ledger.Interrupted
	}
	err := im.effect("trying", func() error { return im.record(ctx, items) })
	for _, it := range items {
		if err != nil {
			it.run.Status = was // nothing was sent
		}
	}
	return err
}

// attachFailed withdraws the runs when the target was altered at the last moment. done statements had gone well before.
func (im *Importer) attachFailed(ctx context.Context, b *batch, items []*item, done int, err error) error {
	var answer *connectors.DatabaseError
	if errors.As(err, &answer) && reconcile.Altered(answer) && (done == 0 || b.target.CountsRun()) {
		there := none
		if done > 0 {
			there = some
		}
		return im.withdrawRows(ctx, b, items, there, fmt.Errorf("%w: %w", errAltered, err))
	}
	return fmt.Errorf("publish into %s: %w", b.target.Table(), err)
}

// reconnect goes back to the server that has the stage and looks at the target again: the ones written down, whatever the job says by now.
func (im *Importer) reconnect(ctx context.Context, b *batch, it *item) error {
	var err error
	if b.session, err = im.session(ctx, it.run.Server); err != nil {
		return err
	}
	table, err := tableName(it.run.Target)
	if err != nil {
		return err
	}
	lineage, err := lineageIn(it.run)
	if err != nil {
		return err
	}
	b.target, err = reconcile.Describe(ctx, b.session, table, lineage)
	return err
}

// tableName reads a quoted name back from the ledger.
func tableName(quoted string) (t config.TableName, err error) {
	if err := t.UnmarshalText([]byte(quoted)); err != nil {
		return t, fmt.Errorf("table %s in the ledger: %w", quoted, err)
	}
	return t, nil
}

func rowsWanted(items []*item) (n uint64) {
	for _, it := range items {
		n += it.run.Accepted
	}
	return n
}

// publishing are the files whose records are to become visible.
func (b *batch) publishing() []*item {
	return b.those(func(it *item) bool { return it.err == nil && it.run.State == ledger.Publishing })
}

// statementID names a statement after the run that leads, so that a later try finds and ends it on the server.
func (im *Importer) statementID(it *item, what string) string {
	return im.statementPrefix(it) + what
}

func (im *Importer) statementPrefix(it *item) string {
	return fmt.Sprintf("chute/%s/%d/", im.Ledger.ID(), it.run.Batch)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
