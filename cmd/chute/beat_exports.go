package main

import (
	"context"
	"errors"
	"time"

	"chute/config"
	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/watcher/agenda"
	"chute/watcher/status"
)

// exportStatus tells about one export. unwell are its runs that wait.
func exportStatus(job *config.Export, seen agenda.Activity, hold ledger.Hold, unwell []ledger.Run) status.Job {
	s := status.Job{
		Schema: status.Schema, Job: job.Name, Label: job.Label, Kind: job.Kind, Store: job.Store, Outbox: job.Outbox.String(), State: "idle",
		Files: map[string]int{}, Waiting: []status.File{}, Runs: []status.Run{}, StuckAfter: wholeSeconds(job.StuckAfter), Due: seen.Due.UTC(), NextDue: seen.Next.UTC(),
	}
	addRuns(&s, unwell)
	s.Oldest = time.Time{} // a delivery that is late isn't a file that waits
	switch {
	case !job.Enabled:
		s.State = "disabled"
	case hold.Held():
		s.State, s.Reason, s.Since = status.Held, hold.Reason, hold.Since.UTC()
	case seen.Running:
		s.State = "running"
	case seen.Problem != nil:
		s.State, s.Reason, s.Until = "paused", connectors.Told(seen.Problem), seen.Until.UTC()
	}
	return s
}

// wholeSeconds is a duration in seconds, no less.
func wholeSeconds(d config.Duration) int64 {
	return int64((time.Duration(d) + time.Second - 1) / time.Second)
}

// exportStatuses tells about all exports. unwell has the runs that wait, by job.
func (d *daemon) exportStatuses(ctx context.Context, held map[string]ledger.Hold, unwell map[string][]ledger.Run) (all []status.Job, err error) {
	seen := map[string]agenda.Activity{}
	if a := d.agenda.Load(); a != nil {
		for _, one := range a.Activities() {
			seen[one.Job] = one
		}
	}
	for _, job := range d.config.Exports {
		failed, failedErr := d.lastFailed(ctx, job)
		made, madeErr := d.ledger.Deliveries(ctx, job.Name)
		err = errors.Join(err, failedErr, madeErr)
		s := exportStatus(job, seen[job.Name], held[job.Name], append(failed, unwell[job.Name]...))
		s.Delivered, s.Rows, s.Bytes, s.Latest = made.Files, made.Rows, made.Bytes, utcOf(made.Latest)
		all = append(all, s)
	}
	return all, err
}

// lastFailed is the job's last delivery if it has failed and nobody waits for it any more: whoever asked for one by hand knows.
func (d *daemon) lastFailed(ctx context.Context, job *config.Export) ([]ledger.Run, error) {
	if !job.Enabled {
		return nil, nil
	}
	last, err := d.ledger.Runs(ctx, ledger.Filter{
		Jobs: []string{job.Name}, Kinds: []string{ledger.Export}, Stores: []string{job.Store},
		Statuses: []ledger.Status{ledger.Finished, ledger.Skipped, ledger.Failed}, Limit: 1,
	})
	if err != nil || len(last) == 0 || last[0].State != ledger.Settled || last[0].Status != ledger.Failed {
		return nil, err
	}
	is, err := d.ledger.Exporting(ctx, last[0].ID)
	if err != nil || is.Due.IsZero() {
		return nil, err
	}
	return last, nil
}
