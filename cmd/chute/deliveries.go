package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"chute/config"
	"chute/connectors"
	"chute/pipeline"
	"chute/pipeline/ledger"
	"chute/watcher/agenda"
)

// newAgenda joins the exports that run by themselves, or would if they were enabled.
func (d *daemon) newAgenda() *agenda.Agenda {
	return &agenda.Agenda{Jobs: d.planned(), Parallel: d.config.Limits.Parallel, Book: d.ledger, Log: d.log}
}

func (d *daemon) planned() (jobs []agenda.Job) {
	for _, job := range d.config.Exports {
		if !job.Schedule.IsZero() || len(job.After) > 0 {
			jobs = append(jobs, agenda.Job{Config: job, Deliver: func(ctx context.Context, due time.Time) error { return d.deliver(ctx, job, due) }})
		}
	}
	return jobs
}

// deliver makes the delivery of a moment. One that has failed for good is dealt with: its run says so.
func (d *daemon) deliver(ctx context.Context, job *config.Export, due time.Time) error {
	ex, err := d.exporterTo(job, "")
	if err == nil {
		err = d.enoughRoom(ctx, place(d.config.Store(job.Store)), ex.Store)
	}
	if err != nil {
		d.log.Warn().Err(err).Str("job", job.Name).Msg("nothing can be delivered now")
		return err
	}
	defer d.exportAlone(job.Name)()
	run, err := ex.Export(ctx, pipeline.Occasion{Due: due})
	d.judgeLedger(err)
	if run.State == ledger.Settled {
		return nil
	}
	return err
}

// announced tells the exports that follow a job when it may have loaded something. A benchmark has none.
func announced[A any](d *daemon, job *config.Job, do func(context.Context, []A) []connectors.Verdict) func(context.Context, []A) []connectors.Verdict {
	return func(ctx context.Context, what []A) []connectors.Verdict {
		if a := d.agenda.Load(); a != nil {
			defer a.Imported(job.Name)
		}
		return do(ctx, what)
	}
}

// finishExports brings to their end the deliveries that an earlier process had begun.
func (d *daemon) finishExports(ctx context.Context) {
	unsettled, err := d.ledger.Unsettled(ctx)
	if err != nil {
		d.log.Error().Err(err).Msg("which deliveries were begun can't be found out now")
		return
	}
	for _, run := range unsettled {
		if run.Kind == ledger.Export {
			if err := d.finishExport(ctx, run); err != nil {
				d.log.Warn().Err(err).Uint64("run", run.ID).Str("job", run.Job).Str("file", config.Shown(run.File.Name)).
					Msg("a delivery that was begun can't be finished now")
			}
		}
	}
	for _, job := range d.config.Exports {
		ex, err := d.exporterTo(job, "")
		if err == nil {
			err = ex.Sweep(ctx)
		}
		if err != nil {
			d.log.Warn().Err(err).Str("job", job.Name).Msg("old work folders can't be looked at now")
		}
	}
}

func (d *daemon) finishExport(ctx context.Context, run ledger.Run) error {
	i := slices.IndexFunc(d.config.Exports, func(e *config.Export) bool { return e.Name == run.Job && (e.Store == run.Store || byHand(run)) })
	if i < 0 {
		return errors.New("its job is gone or has another store")
	}
	dir := ""
	if byHand(run) {
		dir = run.Store
	}
	ex, err := d.exporterTo(d.config.Exports[i], dir)
	if err != nil {
		return err
	}
	defer d.exportAlone(run.Job)()
	return ex.Resume(ctx)
}
