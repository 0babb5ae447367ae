package main

import (
	"context"
	"math/rand/v2"
	"time"

	"chute/config"
	"chute/pipeline/ledger"
)

// lookForHalf is how often it is looked for deliveries that have begun and met an error.
const lookForHalf = 10 * time.Second

// tries is how often a delivery was gone on with without an end, and when that is due again.
type tries struct {
	n    int
	next time.Time
}

// repeatExports goes on with deliveries of which a part may be in the outbox already, and that met an error, with the pauses of their jobs. What a schedule wants
// is left to the agenda; but nobody else comes back to what was asked for by hand.
func (d *daemon) repeatExports(ctx context.Context, now time.Time, tried map[uint64]*tries) {
	half := map[uint64]bool{}
	for _, job := range d.config.Exports {
		runs, err := d.ledger.UnsettledExports(ctx, job.Name)
		if err != nil {
			d.log.Error().Err(err).Str("job", job.Name).Msg("which of its deliveries were begun can't be found out now")
			return
		}
		for _, run := range runs {
			if run.State == ledger.Delivering && run.Status == ledger.Retrying && d.exportOf(run) != nil && !d.onAgenda(ctx, job, run) {
				half[run.ID] = true
				d.repeatExport(ctx, now, job, run, tried)
			}
		}
	}
	for id := range tried {
		if !half[id] {
			delete(tried, id)
		}
	}
}

// onAgenda tells whether the agenda of the job goes on with a run.
func (d *daemon) onAgenda(ctx context.Context, job *config.Export, run ledger.Run) bool {
	is, err := d.ledger.Exporting(ctx, run.ID)
	return err != nil || !is.Due.IsZero() && job.Planned()
}

// repeatExport goes on with one, if it is time.
func (d *daemon) repeatExport(ctx context.Context, now time.Time, job *config.Export, run ledger.Run, tried map[uint64]*tries) {
	t := tried[run.ID]
	if t == nil { // it has just failed
		t = &tries{}
		tried[run.ID] = t
	} else if now.Before(t.next) {
		return
	} else if err := d.finishExport(ctx, run); err != nil {
		d.log.Warn().Err(err).Uint64("run", run.ID).Str("job", run.Job).Str("file", config.Shown(run.File.Name)).
			Msg("a delivery that was begun can't be finished now")
	}
	t.n++
	t.next = now.Add(job.Retry.Pause(t.n, rand.Float64()))
}
