package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"chute/pipeline/ledger"
	"chute/pipeline/report"
	"chute/watcher"
)

// underWay are the statuses of runs that have a file now.
var underWay = []ledger.Status{ledger.Running, ledger.Retrying, ledger.Stuck, ledger.Interrupted, ledger.Pausing, ledger.Paused, ledger.Cancelling}

// addLedger adds what the watcher doesn't know: whether the job is held, and the run that has the file.
func (q *question) addLedger(c *cobra.Command, d *daemon, e watcher.Waiting, a *whyJSON) error {
	taken, err := q.takenThere(c.Context(), d, e)
	if err != nil {
		return err
	}
	switch {
	case taken.ID == 0:
	case taken.Finished.IsZero():
		q.tellRun(a, taken)
		return nil
	case e.State == watcher.Remembered:
		a.Run = taken.ID
	}
	switch e.State {
	case watcher.Queued:
		hold, err := d.ledger.HoldOf(c.Context(), e.Job)
		if err != nil {
			return err
		}
		if !hold.Held() {
			return addHolders(c, d, e, a)
		}
		a.State, a.Reason, a.Next, a.At = "held", report.Text(heldReason(hold)), heldNext(hold), utcOf(e.At)
	case watcher.Running:
		runs, err := d.ledger.Runs(c.Context(), ledger.Filter{Jobs: []string{e.Job}, Statuses: underWay, File: literally(e.Name)})
		if err != nil {
			return err
		}
		if len(runs) > 0 {
			a.Run = runs[0].ID
		}
	}
	return nil
}

// mostHolders is how many runs are named.
const mostHolders = 5

// addHolders adds the runs for whose slots the file waits.
func addHolders(c *cobra.Command, d *daemon, e watcher.Waiting, a *whyJSON) error {
	holders := d.watcher.Load().Holders(e.Job)
	if len(holders) == 0 {
		return nil
	}
	runs, err := d.ledger.Runs(c.Context(), ledger.Filter{Jobs: holders, Statuses: []ledger.Status{ledger.Running}})
	if err != nil || len(runs) == 0 {
		return err
	}
	var ids []string
	for _, run := range runs[:min(len(runs), mostHolders)] {
		ids = append(ids, strconv.FormatUint(run.ID, 10))
	}
	if more := len(runs) - len(ids); more > 0 {
		ids = append(ids, fmt.Sprintf("and %d more", more))
	}
	a.Reason += report.Text(" (runs " + strings.Join(ids, ", ") + ")")
	return nil
}

// takenThere is the last run of a file that stays in its inbox, as it is now, while it is taken; the zero Run where there is none.
func (q *question) takenThere(ctx context.Context, d *daemon, e watcher.Waiting) (ledger.Run, error) {
	job := jobNamed(d.jobs, e.Job)
	if job == nil || job.Claim != "remember" || e.State != watcher.Queued && e.State != watcher.Remembered && e.State != watcher.Retrying {
		return ledger.Run{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	f, err := d.stores[job.Store].Open(ctx, q.path())
	if err != nil {
		return ledger.Run{}, nil // it may just have gone, or its server is down: what the last look showed is told all the same
	}
	file, err := f.Stat()
	if err = errors.Join(err, f.Close()); err != nil {
		return ledger.Run{}, nil
	}
	for run, err := range d.ledger.Each(ctx, ledger.Filter{Jobs: []string{e.Job}, Stores: []string{job.Store}, File: literally(e.Name)}) {
		if err != nil {
			return ledger.Run{}, err
		}
		if run.Inbox == q.dir && run.State != ledger.Withdrawn && run.File.Same(file) {
			return run, nil
		}
	}
	return ledger.Run{}, nil
}

// inboxProblem is why the last look at an inbox failed, or "". Where it isn't there, that says more than that a file in it isn't.
func (d *daemon) inboxProblem(store, dir string) string {
	w := d.watcher.Load()
	if w == nil {
		return ""
	}
	places := w.Places()
	i := slices.IndexFunc(places, func(p watcher.Place) bool { return p.Store == store && p.Inbox == dir })
	if i < 0 {
		return ""
	}
	return places[i].Problem
}
