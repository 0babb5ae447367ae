package main

import (
	"context"
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
			jobs = append(jobs, agenda.Job{
				Config: job, Far: d.config.Store(job.Store).Remote(),
				Deliver: func(ctx context.Context, due time.Time) error { return d.deliver(ctx, job, due) },
			})
		}
	}
	return jobs
}

// deliver makes the delivery of a moment. One that has failed for good is dealt with: its run says so.
func (d *daemon) deliver(ctx context.Context, job *config.Export, due time.Time) error {
	if err := d.mayBegin(ctx, job, due); err != nil {
		return err
	}
	ex, err := d.exporterTo(job, "")
	if err == nil {
		err = d.enoughRoom(ctx, place(d.config.Store(job.Store)), ex.Store)
	}
	if err == nil {
		err = d.assure(ctx)
	}
	if err != nil {
		d.sayUndelivered(job, err)
		return err
	}
	defer d.exportAlone(job.Name)()
	run, err := ex.Export(ctx, pipeline.Occasion{Due: due})
	d.judgeLedger(err)
	if err != nil && run.ID == 0 {
		d.sayUndelivered(job, err)
	}
	if run.State == ledger.Settled {
		return nil
	}
	return err
}

// mayBegin tells whether a delivery is kept from beginning, because the job is held. What was begun goes on.
func (d *daemon) mayBegin(ctx context.Context, job *config.Export, due time.Time) error {
	hold, err := d.ledger.HoldOf(ctx, job.Name)
	if err != nil || !hold.Held() {
		return err
	}
	if begun, err := d.ledger.BegunExport(ctx, job.Name, job.Store); err != nil || begun.Equal(due) {
		return err
	}
	return agenda.ErrHeld
}

// sayUndelivered is for what keeps a delivery from beginning: of one that has begun the exporter tells.
func (d *daemon) sayUndelivered(job *config.Export, err error) {
	d.log.Warn().Err(err).Str("job", job.Name).Msg("nothing can be delivered now")
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

// keepExports brings to their end the deliveries that an earlier process had begun, after each reload those that nobody goes on with any more, and now and then
// those that met an error.
func (h *holdings) keepExports(ctx context.Context) {
	d := h.now()
	d.finishExports(ctx)
	d.sweepExports(ctx)
	look := time.NewTicker(lookForHalf)
	defer look.Stop()
	tried := map[uint64]*tries{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			h.now().repeatExports(ctx, time.Now(), tried)
		case <-h.readings.changed:
			h.now().finishExports(ctx)
		}
	}
}

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
}

func (d *daemon) sweepExports(ctx context.Context) {
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

// finishExport goes on with what was begun, unless the agenda does.
func (d *daemon) finishExport(ctx context.Context, run ledger.Run) error {
	job := d.exportOf(run)
	if job == nil {
		return d.strand(ctx, run)
	}
	ex, err := d.exporterFor(run, job)
	if err != nil {
		return err
	}
	defer d.exportAlone(run.Job)()
	return ex.Resume(ctx)
}

// exportOf is the job that can go on with a run, or nil.
func (d *daemon) exportOf(run ledger.Run) *config.Export {
	i := slices.IndexFunc(d.config.Exports, func(e *config.Export) bool { return e.Name == run.Job && (e.Store == run.Store || byHand(run)) })
	if i < 0 {
		return nil
	}
	return d.config.Exports[i]
}

// exporterFor makes the exporter that wrote a run's file, or is to finish it.
func (d *daemon) exporterFor(run ledger.Run, job *config.Export) (*pipeline.Exporter, error) {
	if byHand(run) {
		return d.exporterTo(job, run.Store)
	}
	return d.exporterTo(job, "")
}
