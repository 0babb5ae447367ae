package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/pipeline/reconcile"
)

// resumable reads the runs from the ledger and groups them into batches of one folder and one state. Runs that failed more than once go
// alone, so that one file's trouble doesn't keep the others. What needs nothing more goes into of.
func (im *Importer) resumable(ctx context.Context, ids []uint64, of map[uint64]connectors.Verdict) (batches []*batch) {
	seen := map[uint64]bool{}
	for len(ids) > 0 {
		id := ids[0]
		ids = ids[1:]
		if seen[id] {
			continue
		}
		seen[id] = true
		run, err := im.Ledger.Run(ctx, id)
		var others []uint64
		if err == nil && run.State == ledger.Publishing && run.Stage != "" {
			others, err = im.Ledger.PublishingFrom(ctx, run.Stage)
		}
		if err != nil {
			of[id] = connectors.Verdict{Run: id, Outcome: connectors.Later, Err: err}
			continue
		}
		if run.State == ledger.Settled || run.State == ledger.Withdrawn {
			of[id] = connectors.Verdict{Run: id, File: run.File, Outcome: outcome(run)}
			continue
		}
		ids = append(others, ids...) // whoever asked for them: rows of a shared stage become visible together
		it := &item{run: run, vars: im.Job.Variables(run.File.Name)}
		if i := slices.IndexFunc(batches, func(b *batch) bool { return together(b, run) }); i >= 0 {
			batches[i].items = append(batches[i].items, it)
			continue
		}
		whose := im
		if Remembered(run) && !im.InPlace {
			whose = im.remembering()
		}
		batches = append(batches, &batch{im: whose, folder: whose.folder(run.Batch), items: []*item{it}, began: now(), tried: true, resumed: true})
	}
	return batches
}

func together(b *batch, run ledger.Run) bool {
	first := b.items[0].run
	if first.Batch != run.Batch || first.State != run.State || first.Stage != run.Stage {
		return false
	}
	return run.State == ledger.Publishing || run.Attempts < 2 && first.Attempts < 2
}

// cleanStage removes what an earlier try left on the server: statements first, they might still write, then the stage. If that server is away and another
// one answers, the file needn't wait for it: nothing was published, and what lies there is swept up when it is back. The ledger isn't told: found
// like that at a start, it is done again.
func (im *Importer) cleanStage(ctx context.Context, b *batch) error {
	for _, it := range b.active() {
		if it.run.State != ledger.Staging {
			continue
		}
		session, err := im.session(ctx, it.run.Server)
		if err != nil && im.another(ctx, it.run.Server, err) {
			delete(im.swept, it.run.Server)
			it.run.State, it.run.Stage = ledger.Claimed, ""
			continue
		}
		if err != nil {
			return err
		}
		if err := session.Kill(ctx, im.statementPrefix(it)); err != nil {
			return fmt.Errorf("end earlier statements of the run: %w", err)
		}
		if it.run.Stage != "" {
			if err := im.drop(ctx, session, it.run.Stage); err != nil {
				return err
			}
		}
		it.run.State, it.run.Stage = ledger.Claimed, ""
	}
	return nil
}

// another tells whether a server is away while another one answers.
func (im *Importer) another(ctx context.Context, address string, err error) bool {
	if !errors.Is(err, connectors.ErrUnavailable) {
		return false
	}
	other, err := im.session(ctx, "")
	return err == nil && other.Server().Address != address
}

// drop drops a stage, unless a run is publishing from it: files of a batch share one, and may go on apart from each other.
func (im *Importer) drop(ctx context.Context, s connectors.Session, stage string) error {
	users, err := im.Ledger.PublishingFrom(ctx, stage)
	if err != nil || len(users) > 0 {
		return err
	}
	if err := s.Exec(ctx, reconcile.Drop(stage)); err != nil {
		return fmt.Errorf("drop stage %s: %w", stage, err)
	}
	return nil
}
