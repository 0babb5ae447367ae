package main

import (
	"context"
	"time"

	"chute/config"
	"chute/pipeline/ledger"
	"chute/watcher/status"
)

const (
	// pageBeats is how many beats lie between two pages.
	pageBeats = 5
	// lastRuns are how many runs the page lists.
	lastRuns = 30
	// breath is between two portions of runs that are summed up: a start with many runs behind it has other things to do as well.
	breath = 50 * time.Millisecond
)

// writePage writes the status page for people, at every few beats and once more at the end. What it costs depends on the jobs there are, and not on what
// lies behind them.
func (h *heart) writePage(ctx context.Context, s status.Snapshot, last bool) error {
	h.beaten++
	if h.beaten%pageBeats != 1 && !last {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	p := status.Page{Snapshot: s, Every: pageBeats * beatEvery, LastOf: map[string]status.Past{}}
	var err error
	if p.Last, err = h.pastRuns(ctx, ledger.Filter{Limit: lastRuns}); err != nil {
		return err
	}
	for _, job := range s.Jobs {
		runs, err := h.pastRuns(ctx, ledger.Filter{Jobs: []string{job.Job}, Limit: 1})
		if err != nil {
			return err
		}
		if len(runs) > 0 {
			p.LastOf[job.Job] = runs[0]
		}
	}
	h.mu.Lock()
	p.Hours = h.hours
	h.mu.Unlock()
	return h.writer.WritePage(p)
}

func (h *heart) pastRuns(ctx context.Context, f ledger.Filter) ([]status.Past, error) {
	runs, err := h.ledger.Runs(ctx, f)
	var all []status.Past
	for _, r := range runs {
		all = append(all, status.Past{
			Run: r.ID, Kind: r.Kind, Job: r.Job, File: config.Shown(r.File.Name), Status: string(r.Status),
			Records: r.Records, Loaded: r.Accepted, Rejects: r.Rejects, Started: r.Started, Finished: r.Finished,
		})
	}
	return all, err
}

// sumUp keeps the sums of the page's charts up to date. It has a line of its own: after a start there may be a million runs to read.
func (h *heart) sumUp(ctx context.Context) {
	for more := true; more && ctx.Err() == nil; {
		var err error
		if more, err = h.history.Follow(ctx, &h.ledger.Reader, time.Now().AddDate(0, 0, -status.HistoryDays)); err != nil {
			return // the beat reads the same ledger and says what is wrong with it
		}
		hours := h.history.Hours()
		h.mu.Lock()
		h.hours = hours
		h.mu.Unlock()
		if more {
			select {
			case <-ctx.Done():
			case <-time.After(breath):
			}
		}
	}
}

// sumUpLast takes what has ended since into the last page. A history that is far behind isn't waited for.
func (h *heart) sumUpLast(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	h.sumUp(ctx)
}
