package watcher

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"time"

	"chute/config"
	"chute/connectors"
)

// call calls into the job. A panic is an error, so that it ends one call and not the daemon.
func (t *taker) call(ctx context.Context, f func() []connectors.Verdict) (verdicts []connectors.Verdict, err error) {
	defer func() {
		if p := recover(); p != nil {
			verdicts, err = nil, fmt.Errorf("panic: %v", p)
			t.log.Error().Err(err).Str("stack", string(debug.Stack())).Msg("a fault in chute: the files are tried again")
		}
	}()
	return f(), errNoVerdict
}

// findUnsettled asks for the runs that a panic left behind; their files aren't in the inbox any more.
func (t *taker) findUnsettled(ctx context.Context, r *round) {
	runs, err := t.job.Unsettled(ctx)
	if err != nil {
		t.log.Error().Err(err).Msg("the runs that were left behind can't be found; they are resumed after a restart")
	}
	r.resume = append(r.resume, runs...)
}

// settle does with files and runs what the round says, and sets the pause.
func (t *taker) settle(ctx context.Context, handed []*entry, r round) {
	in := t.inbox
	retry := t.job.Config.Retry
	first := cmp.Or(time.Duration(retry.First), time.Second)
	longest := cmp.Or(time.Duration(retry.Longest), time.Minute)

	if t.job.Config.Strict { // no file may pass another
		r.together()
	}
	in.mu.Lock()
	now := in.clock.now()
	for _, e := range handed {
		delete(in.running, e.file.Name)
		if err, left := r.left[e.file.Name]; left {
			e.tries = min(e.tries, 1<<15) + 1
			e.notBefore = now + config.Backoff(first, longest, int(e.tries), rand.Float64())
			in.giveBack(e, err, now)
		} else if t.job.Config.Claim == "remember" {
			in.wantLook(now) // it stays where it is, and nothing that happened there wakes anybody
		}
	}
	t.runs = append(t.runs, r.resume...)
	t.restApart(r, now, first, longest)
	t.resuming = 0
	before := t.problem
	t.problem = r.cause
	if r.cause == nil || r.finished > 0 {
		t.attempts = 0
	}
	if r.cause != nil {
		t.attempts++
		t.until = now + config.Backoff(first, longest, t.attempts, rand.Float64())
	}
	until := t.until
	changes := in.changes.take()
	in.mu.Unlock()

	if ctx.Err() != nil { // what was put off because of the stop is no error
		return
	}
	changes.log(in.log)
	t.over()
	if errors.Is(r.cause, connectors.ErrUnavailable) {
		t.gate.doubt()
		t.own.doubt()
	}
	t.logRound(r, before, until)
}

// giveBack puts a file that was left in the inbox among the entries again. in.mu is held.
func (in *inbox) giveBack(e *entry, err error, now moment) {
	if in.entries[e.file.Name] != nil { // the name has come to mean another file meanwhile
		return
	}
	if !slices.Contains(in.takers, e.taker) { // the next look finds out whose it is now
		in.wantLook(now)
		return
	}
	back := *e // a queue may still hold e, which isn't to be taken before the next look
	back.hold, back.detail = Retrying, connectors.Told(err)
	back.state, back.stateSince = Retrying, now
	in.entries[back.file.Name] = &back
	in.wantLook(back.takeableAt())
	if e.tries == 1 || e.detail != back.detail {
		in.changes.add(Retrying, back.file.Name, back.taker, back.reason())
	}
}

// logRound says what a person should know of a round; the same error again isn't news.
func (t *taker) logRound(r round, before error, until moment) {
	for _, v := range r.stuck {
		if errors.Is(v.Err, connectors.ErrParked) {
			t.log.Info().Uint64("run", v.Run).Str("file", config.Shown(v.File.Name)).Msg("the run waits until somebody lets it go on; others go on")
			continue
		}
		t.log.Error().Err(v.Err).Uint64("run", v.Run).Str("file", config.Shown(v.File.Name)).Msg("the run is stuck: it waits for a person, others go on")
	}
	if r.cause != nil && (before == nil || before.Error() != r.cause.Error()) {
		t.log.Warn().Err(r.cause).Time("until", t.inbox.clock.wall(until)).Msg("the job pauses and tries again")
	}
}
