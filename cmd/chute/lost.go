package main

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"chute/config"
	"chute/connectors"
	"chute/pipeline"
	"chute/watcher/status"
)

// askFarEvery is how often a store on a server is asked whether it is what it was, while no job finds out.
const askFarEvery = 30 * time.Second

// lostStores are the stores that aren't what they were when this ledger worked in them last, by their names, with what is the matter. The zero value has none.
type lostStores struct {
	mu  sync.Mutex
	why map[string]string
}

// note takes down what was found out about a store. An error of another kind says nothing about it.
func (l *lostStores) note(store string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		delete(l.why, store)
	case errors.Is(err, pipeline.ErrLost):
		if l.why == nil {
			l.why = map[string]string{}
		}
		l.why[store] = err.Error()
	}
}

func (l *lostStores) all() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.why)
}

// present asks whether a store is what it was.
func (d *daemon) present(ctx context.Context, s *config.Store) error {
	err := pipeline.Present(ctx, d.stores[s.Name], d.ledger, place(s), s.Work)
	d.lost.note(s.Name, err)
	return err
}

// stillLost keeps new files from being claimed in a store that was found lost, until it is found again: each would meet the same error, and say so.
func (d *daemon) stillLost(ctx context.Context, store string) error {
	if d.lost.all()[store] == "" {
		return nil
	}
	return d.present(ctx, d.config.Store(store))
}

// noticed takes down that a job has met a lost store.
func noticed[T any](d *daemon, job *config.Job, do func(context.Context, []T) []connectors.Verdict) func(context.Context, []T) []connectors.Verdict {
	return func(ctx context.Context, what []T) []connectors.Verdict {
		verdicts := do(ctx, what)
		for _, v := range verdicts {
			if errors.Is(v.Err, pipeline.ErrLost) {
				d.lost.note(job.Store, v.Err)
			}
		}
		return verdicts
	}
}

// watchFar asks a store on a server again and again until ctx ends: where no file comes, no job finds out that it is lost.
func (d *daemon) watchFar(ctx context.Context, s *config.Store) {
	for ctx.Err() == nil {
		_ = d.present(ctx, s) // it is taken down; a server that doesn't answer shows where its inboxes are looked at
		select {
		case <-ctx.Done():
		case <-time.After(config.Backoff(askFarEvery, askFarEvery, 1, rand.Float64())):
		}
	}
}

// lostFar are the stores on servers that are lost, for the status. Those on this machine are asked at each beat.
func (d *daemon) lostFar() (disks []status.Disk) {
	lost := d.lost.all()
	for _, name := range slices.Sorted(maps.Keys(lost)) {
		if s := d.config.Store(name); s != nil && s.Remote() {
			disks = append(disks, status.Disk{Place: name, Path: place(s), MinFree: int64(d.config.Limits.MinFree), Lost: lost[name]})
		}
	}
	return disks
}
