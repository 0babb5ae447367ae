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
	doubts   int    // how often it was said that an answer doesn't hold any more
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
	left, err, doubts := g.next-g.clock.now(), g.err, g.doubts
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
	return g.answer(err, doubts)
}

// answer takes down what Ready said, which was asked when there had been so many doubts. If there were more meanwhile, it may not know what they are
// about, and doesn't hold.
func (g *gate) answer(err error, doubts int) (pause time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tell(g.err, err)
	g.err = err
	holds := gateFirst
	if err == nil {
		g.failures = 0
	} else {
		g.failures++
		pause = config.Backoff(gateFirst, g.longest, g.failures, 0.5)
		holds = pause
	}
	g.next = 0
	if g.doubts == doubts {
		g.next = g.clock.now() + holds
	}
	return pause
}

// tell logs what is new. A turn is no trouble.
func (g *gate) tell(before, now error) {
	var turn Turn
	switch {
	case now == nil && before != nil && !errors.As(before, &turn):
		g.log.Info().Msg("new files are claimed again")
	case errors.As(now, &turn):
		g.log.Debug().Err(now).Msg("no new files are claimed yet")
	case now != nil && before == nil:
		g.log.Warn().Err(now).Msg("no new files are claimed: they wait in their inboxes")
	}
}

// doubt makes the next one who wants to claim ask again: somebody met an error that Ready knows more about.
func (g *gate) doubt() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err == nil {
		g.doubts++
		g.next = 0
	}
}

// askAgain makes the next one who wants to claim ask, whatever the answer was.
func (g *gate) askAgain() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.doubts++
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
