package pipeline

import (
	"context"
	"fmt"

	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/pipeline/reconcile"
)

// resumable reads the runs from the ledger and groups them into batches of one folder and one state. Runs that failed more than once go
// alone, so that one file's trouble doesn't keep the others.
func (im *Importer) resumable(ctx context.Context, ids []uint64) ([]*batch, []connectors.Verdict) {
	var batches []*batch
	var verdicts []connectors.Verdict
	for _, id := range ids {
		run, err := im.Ledger.Run(ctx, id)
		if err != nil {
			verdicts = append(verdicts, connectors.Verdict{Run: id, Outcome: connectors.Later, Err: err})
			continue
		}
		if run.State == ledger.Settled || run.State == ledger.Withdrawn {
			verdicts = append(verdicts, connectors.Verdict{Run: id, File: run.File, Outcome: outcome(run)})
			continue
		}
		it := &item{run: run, vars: im.Job.Variables(run.File.Name)}
		if last := len(batches) - 1; last >= 0 && together(batches[last], run) {
			batches[last].items = append(batches[last].items, it)
			continue
		}
		batches = append(batches, &batch{im: im, folder: im.folder(run.Batch), items: []*item{it}, began: now(), tried: true})
	}
	return batches, verdicts
}

func together(b *batch, run ledger.Run) bool {
	first := b.items[0].run
	if first.Batch != run.Batch || first.State != run.State || first.Stage != run.Stage {
		return false
	}
	// Rows of a shared stage become visible together, so from Publishing on nobody goes alone.
	return run.State == ledger.Publishing || run.Attempts < 2 && first.Attempts < 2
}

// cleanStage removes what an earlier try left on the server: statements first, they might still write, then the stage.
func (im *Importer) cleanStage(ctx context.Context, b *batch) error {
	for _, it := range b.active() {
		if it.run.State != ledger.Staging {
			continue
		}
		session, err := im.Database.Session(ctx, it.run.Server)
		if err != nil {
			return err
		}
		if err := session.Kill(ctx, im.statementPrefix(it)); err != nil {
			return fmt.Errorf("end earlier statements of the run: %w", err)
		}
		if it.run.Stage != "" {
			if err := session.Exec(ctx, reconcile.Drop(it.run.Stage)); err != nil {
				return fmt.Errorf("drop stage %s: %w", it.run.Stage, err)
			}
		}
		it.run.State, it.run.Stage = ledger.Claimed, ""
	}
	return im.record(ctx, b.active())
}
