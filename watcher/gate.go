package watcher

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"chute/config"
)

// gate keeps new files in their inboxes while Ready says why they can't be claimed. All jobs share the Watcher's, so that a database
// that is down is asked by one of them at a time, with a back-off, and logged once. A job's own is behind it.
type gate struct {
	ready   func(ctx context.Context) error
	longest time.Duration
	clock   clock
	log     zerolog.Logger

	asking chan struct{} // holds one token: who has it may call ready

	mu       sync.Mutex // guards the following
	err      error
	failures int
	next     moment // the answer holds until then
}

// gateFirst is how long an answer holds: a good one always, a bad one at first.
const gateFirst = time.Second

func newGate(ready func(context.Context) error, longest time.Duration, clock clock, log zerolog.Logger) *gate {
	return &gate{ready: ready, longest: longest, clock: clock, log: log, asking: make(chan struct{}, 1)}
}

// closed returns 0 when files may be claimed, else how long to wait before asking again.
func (g *gate) closed(ctx context.Context) time.Duration {
	if g.ready == nil {
		return 0
	}
	select {
	case g.asking <- struct{}{}:
		defer func() { <-g.asking }()
	case <-ctx.Done():
		return gateFirst
	}
	g.mu.Lock()
	left, err := g.next-g.clock.now(), g.err
	g.mu.Unlock()
	if left > 0 {
		if err != nil {
			return left
		}
		return 0
	}
	err = g.ready(ctx)
	if err != nil && ctx.Err() != nil {
		return gateFirst // it was broken off: nothing is known, and nobody claims any more
	}
	return g.answer(err)
}

// answer takes down what Ready said.
func (g *gate) answer(err error) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := g.err
	g.err = err
	if err == nil {
		var turn Turn
		if before != nil && !errors.As(before, &turn) {
			g.log.Info().Msg("new files are claimed again")
		}
		g.failures = 0
		g.next = g.clock.now() + gateFirst
		return 0
	}
	var turn Turn
	if errors.As(err, &turn) {
		g.log.Debug().Err(err).Msg("no new files are claimed yet")
	} else if before == nil {
		g.log.Warn().Err(err).Msg("no new files are claimed: they wait in their inboxes")
	}
	g.failures++
	pause := config.Backoff(gateFirst, g.longest, g.failures, 0.5)
	g.next = g.clock.now() + pause
	return pause
}

// doubt makes the next one who wants to claim ask again: somebody met an error that Ready knows more about.
func (g *gate) doubt() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err == nil {
		g.next = 0
	}
}

// askAgain makes the next one who wants to claim ask, whatever the answer was.
func (g *gate) askAgain() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.next = 0
}

// problem is the reason why files aren't claimed, or "".
func (g *gate) problem() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err == nil {
		return ""
	}
	return g.err.Error()
}
