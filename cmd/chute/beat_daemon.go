package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"chute/pipeline/ledger"
	"chute/watcher"
	"chute/watcher/status"
)

// look puts together what is known at this moment.
func (h *heart) look(ctx context.Context, stopped time.Time) (status.Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	held, err := h.ledger.Held(ctx)
	unwell := map[string][]ledger.Run{}
	counts := map[ledger.Status]int{}
	for _, one := range []ledger.Status{ledger.Retrying, ledger.Cancelling, ledger.Stuck, ledger.Interrupted, ledger.Paused} {
		runs, err2 := h.ledger.Runs(ctx, ledger.Filter{Statuses: []ledger.Status{one}, Limit: 1000})
		err = errors.Join(err, err2)
		if one == ledger.Cancelling {
			runs = slices.DeleteFunc(runs, func(run ledger.Run) bool { return run.Error == "" }) // it is being done
		}
		counts[one] = len(runs)
		for _, run := range runs {
			unwell[run.Job] = append(unwell[run.Job], run)
		}
	}
	if err != nil {
		return status.Snapshot{}, err
	}
	var seen watcher.Snapshot
	if w := h.watcher.Load(); w != nil {
		seen = w.Summary(waitingNamed)
	}
	d := h.now()
	s := status.Snapshot{Daemon: h.daemonStatus(d, seen, stopped), Progress: d.progresses()}
	for _, job := range d.jobs {
		s.Jobs = append(s.Jobs, jobStatus(job, seen, held[job.Name], unwell[job.Name]))
	}
	exports, err := d.exportStatuses(ctx, held, unwell)
	if err != nil {
		return status.Snapshot{}, err
	}
	s.Jobs = append(s.Jobs, exports...)
	s.Jobs = append(s.Jobs, d.goneStatuses(s.Jobs, unwell)...)
	s.Jobs = append(s.Jobs, d.holdStatuses(s.Jobs, held)...)
	q := &s.Daemon.Queue
	q.Retrying, q.Stuck, q.Interrupted = counts[ledger.Retrying]+counts[ledger.Cancelling], counts[ledger.Stuck], counts[ledger.Interrupted]
	for _, job := range s.Jobs {
		if job.State == status.Held {
			q.Held++
		}
	}
	return s, nil
}

func (h *heart) daemonStatus(of *daemon, seen watcher.Snapshot, stopped time.Time) status.Daemon {
	now := time.Now().UTC()
	h.mu.Lock()
	database, disks := h.database, []status.Disk(nil)
	for _, disk := range h.disks {
		disks = append(disks, *disk)
	}
	h.mu.Unlock()
	disks = append(disks, of.lostFar()...)
	d := status.Daemon{
		Schema: status.Schema, Heartbeat: now, StaleAfter: int64(staleAfter.Seconds()), Version: version(), Process: os.Getpid(),
		Started: h.started.UTC(), Uptime: int64(now.Sub(h.started).Seconds()), Database: database, Disks: disks, Blocked: h.blocked.status(),
		Configuration: h.readings.status(len(of.jobs) + len(of.config.Exports)), Stores: []status.Store{}, Unwanted: []status.Inbox{},
	}
	if !stopped.IsZero() {
		d.Stopped = stopped.UTC()
	}
	for _, p := range seen.Inboxes {
		d.Stores = append(d.Stores, storeStatus(p, now))
	}
	for _, t := range seen.Tallies {
		total := 0
		for _, n := range t.Counts {
			total += n
		}
		if t.Job != "" {
			d.Queue.Running += t.Counts[watcher.Running]
			d.Queue.Queued += t.Counts[watcher.Queued]
			d.Queue.Waiting += total - t.Counts[watcher.Running]
			continue
		}
		d.Queue.Unwanted += total
		files, out := named(seen.Waiting, func(w watcher.Waiting) bool { return w.Job == "" && w.Store == t.Store && w.Inbox == t.Inbox }, total, unwantedNamed)
		d.Unwanted = append(d.Unwanted, status.Inbox{Store: t.Store, Inbox: t.Inbox, Files: countStates(t.Counts), Entries: files, LeftOut: out})
	}
	return d
}

// hangsAfter is how long no look may have succeeded, besides what slow ones take: then the store doesn't answer, not even with an error.
const hangsAfter = 5 * time.Minute

func storeStatus(p watcher.Place, now time.Time) status.Store {
	s := status.Store{Store: p.Store, Inbox: p.Inbox, Entries: p.Entries, Failing: p.Problem != "", Reason: p.Problem}
	if s.Failing {
		s.Since = p.Since.UTC()
	}
	if !p.Looked.IsZero() {
		s.Looked = p.Looked.UTC()
		if !s.Failing && now.Sub(p.Looked) > hangsAfter+20*p.Took {
			s.Failing, s.Since, s.Reason = true, s.Looked, "no look has come to an end since then"
		}
	}
	return s
}
