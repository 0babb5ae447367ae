package agenda

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"chute/pipeline/ledger"
)

const (
	// late is how long after its moment a delivery that isn't to be caught up is still made: a restart takes some seconds.
	late = time.Minute
	// ahead is how far the clock may be behind the last moment that was dealt with. One that is further back was wrong before, or is wrong now.
	ahead = 24 * time.Hour
)

// keeper keeps the agenda of one job.
type keeper struct {
	job    Job
	rule   rule
	book   Book
	now    func() time.Time
	every  time.Duration
	share  chan struct{} // its store's of the slots; nil: any
	slots  chan struct{}
	signal chan struct{} // raised: look now
	leave  chan struct{} // closed: begin nothing more
	gone   chan struct{} // closed when it has ended
	before chan struct{} // of the same job as it was; nil: none
	log    zerolog.Logger

	// Only touched by run.
	fresh bool // nobody has looked yet
	tries int  // that failed in a row

	mu  sync.Mutex // guards the following
	are Activity
}

// run goes round until ctx ends: it finds out what is due, and delivers it or waits.
func (k *keeper) run(ctx context.Context) {
	for ctx.Err() == nil && !k.leaving() {
		due, next, err := k.look(ctx)
		k.note(func(a *Activity) { a.Due, a.Next = due, next })
		if err != nil && ctx.Err() == nil {
			k.log.Warn().Err(err).Msg("it can't be told whether something is to be delivered")
		}
		if err == nil && !due.IsZero() {
			err = k.deliver(ctx, due)
		}
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, ErrHeld):
			k.fresh = true
			k.wait(ctx, time.Time{})
		case err != nil:
			k.pause(ctx, err)
		case !due.IsZero():
			k.tries = 0
			k.note(func(a *Activity) { a.Due, a.Problem, a.Until = time.Time{}, nil, time.Time{} })
		default:
			k.wait(ctx, next)
		}
	}
}

// look finds out which delivery is to be made now or, when there is none, when the schedule wants the next one.
func (k *keeper) look(ctx context.Context) (due, next time.Time, err error) {
	c, now := k.job.Config, k.now()
	last, err := k.last(ctx, now)
	if err == nil {
		due, err = k.book.BegunExport(ctx, c.Name, c.Store)
	}
	if err != nil || !due.IsZero() {
		return due, k.rule.next(latest(due, last)), err
	}
	if due = k.rule.due(last, now); due.IsZero() && c.Enabled && len(c.After) > 0 && k.rule.holds(now) {
		behind, err := k.book.Behind(ctx, c.Name, c.After)
		if err != nil {
			return due, next, err
		}
		if due = now; !behind {
			due = time.Time{}
		} else if !due.After(last) { // the clock was put back: no moment comes twice
			due = last.Add(time.Nanosecond)
		}
	}
	return due, k.rule.next(latest(due, last)), nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// last is the moment from which the next one is found.
func (k *keeper) last(ctx context.Context, now time.Time) (time.Time, error) {
	name, said := k.job.Config.Name, text(k.job.Config)
	p, err := k.book.Plan(ctx, name)
	if err != nil {
		return p.Last, err
	}
	switch fresh := k.fresh; {
	case p.Rule != said || p.Last.IsZero():
		p = ledger.Plan{Rule: said, Last: now}
		err = k.book.Replan(ctx, name, p)
	case p.Last.Sub(now) > ahead:
		k.log.Warn().Time("was", p.Last).Time("now", now).Msg("the clock is more than a day behind what was delivered last: the schedule begins anew from now")
		p.Last = now
		err = k.book.Replan(ctx, name, p)
	case fresh && k.rule.catchUp == "none" && p.Last.Before(now.Add(-late)):
		p.Last = now.Add(-late)
		err = k.book.Pass(ctx, name, p.Last)
	}
	k.fresh = k.fresh && err != nil
	return p.Last, err
}

// deliver makes a delivery as soon as there is a slot, and writes that its moment was dealt with.
func (k *keeper) deliver(ctx context.Context, due time.Time) error {
	for _, places := range []chan struct{}{k.share, k.slots} { // a slot isn't held while the store's share is waited for
		if places == nil {
			continue
		}
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
		case <-ctx.Done():
			return ctx.Err()
		case <-k.leave:
			return nil
		}
	}
	k.note(func(a *Activity) { a.Running = true })
	defer k.note(func(a *Activity) { a.Running = false })
	if err := k.call(ctx, due); err != nil {
		return err
	}
	return k.book.Pass(ctx, k.job.Config.Name, due)
}

// call is Deliver, of which a panic is an error like others.
func (k *keeper) call(ctx context.Context, due time.Time) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("delivering panicked: %v", r)
			k.log.Error().Str("stack", string(debug.Stack())).Msg(err.Error())
		}
	}()
	return k.job.Deliver(ctx, due)
}

// pause waits after an error, unless somebody says that things have changed.
func (k *keeper) pause(ctx context.Context, err error) {
	k.tries++
	pause := k.job.Config.Retry.Pause(k.tries, rand.Float64())
	k.note(func(a *Activity) { a.Problem, a.Until = err, k.now().Add(pause) })
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		case <-k.leave:
			return
		case <-k.signal:
			if k.activity().Until.IsZero() {
				return
			}
		}
	}
}

// wait waits until the next moment, but not for long: the clock may be put forward.
func (k *keeper) wait(ctx context.Context, next time.Time) {
	pause := k.every
	if !next.IsZero() {
		pause = min(pause, max(next.Sub(k.now()), 0))
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-k.signal:
	case <-k.leave:
	case <-ctx.Done():
	}
}

// leaving tells whether the job goes on as another one, or is gone.
func (k *keeper) leaving() bool {
	select {
	case <-k.leave:
		return true
	default:
		return false
	}
}

func (k *keeper) follows(job string) bool { return slices.Contains(k.job.Config.After, job) }

func (k *keeper) wake() {
	select {
	case k.signal <- struct{}{}:
	default:
	}
}

// unpause ends the pause after an error.
func (k *keeper) unpause() {
	k.note(func(a *Activity) { a.Until = time.Time{} })
	k.wake()
}

func (k *keeper) note(change func(*Activity)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change(&k.are)
}

func (k *keeper) activity() Activity {
	k.mu.Lock()
	defer k.mu.Unlock()
	a := k.are
	a.Job = k.job.Config.Name
	return a
}
