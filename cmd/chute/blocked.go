package main

import (
	"context"
	"sync"
	"time"

	"chute/config"
	"chute/connectors"
	"chute/watcher/status"
)

// blocked is what keeps every file of every job from being claimed and is chute's own matter: its ledger or its state. The zero value is nothing.
type blocked struct {
	mu    sync.Mutex
	since time.Time
	why   string // for operators; "": nothing
}

func (b *blocked) note(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err == nil:
		b.why, b.since = "", time.Time{}
		return
	case b.why == "":
		b.since = time.Now()
	}
	b.why = connectors.Told(err)
}

func (b *blocked) status() status.Blocked {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.why == "" {
		return status.Blocked{}
	}
	return status.Blocked{Since: b.since.UTC(), Reason: b.why}
}

// ready tells why no new file of any job may be claimed. A job asks for the room in its store besides.
func (d *daemon) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, askTime, errNoAnswer)
	defer cancel()
	if err := d.answers(ctx); err != nil {
		return err
	}
	err := d.stateReady(ctx)
	if ctx.Err() == nil { // what was broken off says nothing
		d.blocked.note(err)
	}
	return err
}

// stateReady is the part of ready that is about the ledger and the state.
func (d *daemon) stateReady(ctx context.Context) error {
	if err := d.assure(ctx); err != nil {
		return err
	}
	state, err := openState(d.config.State.Dir)
	if err != nil {
		return err
	}
	return d.enoughRoom(ctx, state.Root, state)
}

// askReady asks again while nothing may be claimed, until ctx ends: where no file waits nobody else does, and the status would never say that it is over.
func (d *daemon) askReady(ctx context.Context) {
	for tries := 1; ctx.Err() == nil; tries++ {
		if d.blocked.status().Reason == "" {
			tries = 1
		} else if d.ready(ctx) == nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(config.Backoff(time.Second, 30*time.Second, tries, 0.5)):
		}
	}
}
