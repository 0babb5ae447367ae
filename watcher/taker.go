package watcher

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/rs/zerolog"

	"chute/connectors"
)

// taker takes the files of one job from its inbox and hands them over, and goes on with the job's runs.
type taker struct {
	job   Job
	name  string
	inbox *inbox
	slots *slots
	gate  *gate
	log   zerolog.Logger

	ready chan struct{} // raised: the queue isn't empty, a pause is over, runs came

	// Guarded by inbox.mu.
	queue    queue // refilled by every look
	runs     []uint64
	resuming int    // runs in Resume
	attempts int    // rounds in a row with a Later, that finished nothing
	until    moment // end of the pause
	problem  error  // the last Later's, nil after a round without
}

func newTaker(job Job, in *inbox, slots *slots, gate *gate, log zerolog.Logger) *taker {
	return &taker{
		job: job, name: job.Config.Name, inbox: in, slots: slots, gate: gate,
		log:   log.With().Str("job", job.Config.Name).Logger(),
		ready: make(chan struct{}, 1),
		runs:  append([]uint64(nil), job.Begun...),
	}
}

// run goes round until ctx ends.
func (t *taker) run(ctx context.Context) {
	for ctx.Err() == nil {
		pause, runs, files := t.next()
		switch {
		case pause > 0:
			wait(ctx, pause, t.ready)
		case len(runs) > 0:
			t.resume(ctx, runs)
		case !files:
			wait(ctx, never, t.ready)
		default:
			if closed := t.gate.closed(ctx); closed > 0 {
				wait(ctx, closed, t.ready)
			} else {
				t.take(ctx)
			}
		}
	}
}

// next tells what is to be done now: wait for a pause to end, go on with runs, or take files.
func (t *taker) next() (pause time.Duration, runs []uint64, files bool) {
	t.inbox.mu.Lock()
	defer t.inbox.mu.Unlock()
	return t.until - t.inbox.clock.now(), append([]uint64(nil), t.runs...), len(t.queue.waiting()) > 0
}

// resume goes on with runs begun earlier.
func (t *taker) resume(ctx context.Context, runs []uint64) {
	if t.slots.acquire(ctx, t.job.Config.Priority) != nil {
		return
	}
	defer t.slots.release()
	t.inbox.mu.Lock()
	t.runs, t.resuming = t.runs[len(runs):], len(runs)
	t.inbox.mu.Unlock()

	verdicts, err := t.call(ctx, func() []connectors.Verdict { return t.job.Resume(ctx, runs) })
	t.settle(ctx, nil, judgeRuns(runs, verdicts, err))
}

// take hands over the next batch of files.
func (t *taker) take(ctx context.Context) {
	batch := t.choose(ctx)
	if len(batch) == 0 || t.slots.acquire(ctx, t.job.Config.Priority) != nil {
		return
	}
	defer t.slots.release()
	// Waiting for the slot may have taken long: is it still so?
	if t.gate.closed(ctx) > 0 || ctx.Err() != nil {
		t.putBack()
		return
	}
	files, handed := t.handOver(batch)
	if len(files) == 0 {
		return
	}
	verdicts, err := t.call(ctx, func() []connectors.Verdict { return t.job.Handle(ctx, files) })
	r := judgeFiles(files, verdicts, err)
	if verdicts == nil && t.job.Unsettled != nil {
		t.findUnsettled(ctx, &r)
	}
	t.settle(ctx, handed, r)
}

// picked is a file chosen from the queue, as it was when it was chosen.
type picked struct {
	*entry
	file       connectors.File
	unfinished bool
}

// choose takes the next batch out of the queue and tries each file; those that can't be taken stay, with a reason.
func (t *taker) choose(ctx context.Context) []picked {
	in := t.inbox
	in.mu.Lock()
	var batch []picked
	for _, e := range t.queue.batch(t.job.Config.Batch) {
		batch = append(batch, picked{e, e.file, e.unfinished})
	}
	in.mu.Unlock()

	kept := batch[:0]
	for _, p := range batch {
		if ctx.Err() != nil {
			return nil
		}
		wantEnd := !p.unfinished && wantsLineEnd(t.job.Config.Format)
		found := probe(ctx, in.folder, in.path(p.file.Name), p.file, wantEnd)
		if found == (finding{}) {
			kept = append(kept, p)
		} else if ctx.Err() == nil {
			in.refuse(p, found)
		}
	}
	return kept
}

// knows tells whether the entry is still the one of its name. in.mu is held.
func (in *inbox) knows(e *entry) bool { return in.entries[e.file.Name] == e }

// refuse takes down why a file that is at rest can't be taken now.
func (in *inbox) refuse(p picked, found finding) {
	in.mu.Lock()
	now := in.clock.now()
	e := p.entry
	if in.knows(e) && e.file.Same(p.file) {
		e.hold, e.detail = found.hold, found.detail
		state := found.hold
		switch {
		case found.changed: // rest begins anew; the next look sees what it is now
			state = Settling
			fallthrough
		case found.hold == BeingWritten: // rest begins when nobody has it open, so not before now
			e.since, e.notBefore = now, now+time.Second
		case found.hold == Unfinished:
			e.unfinished = true
		case found.hold == Unreadable:
			e.notBefore = now + in.rescan
		}
		in.enter(e, state, now)
		in.wantLook(max(e.takeableAt(), now))
		if found.changed {
			in.wantLook(now)
		}
	}
	changes := in.changes.take()
	in.mu.Unlock()
	changes.log(in.log)
}

// putBack has a look refill the queue with what was chosen and not handed over.
func (t *taker) putBack() {
	t.inbox.mu.Lock()
	defer t.inbox.mu.Unlock()
	t.inbox.wantLook(t.inbox.clock.now())
}

// handOver marks those files as running that are still what they were when they were chosen.
func (t *taker) handOver(batch []picked) (files []connectors.File, handed []*entry) {
	in := t.inbox
	in.mu.Lock()
	now := in.clock.now()
	for _, p := range batch {
		// Of what is different now, the look that saw it has taken care.
		if !in.knows(p.entry) || !p.entry.file.Same(p.file) || p.entry.file.Links > 1 {
			continue
		}
		p.entry.hold = 0
		in.enter(p.entry, Running, now)
		delete(in.entries, p.file.Name)
		in.running[p.file.Name] = &handing{p.entry, now}
		files = append(files, p.file)
		handed = append(handed, p.entry)
	}
	changes := in.changes.take()
	in.mu.Unlock()
	changes.log(in.log)
	return files, handed
}

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

	in.mu.Lock()
	now := in.clock.now()
	for _, e := range handed {
		delete(in.running, e.file.Name)
		if err, left := r.left[e.file.Name]; left {
			e.tries = min(e.tries, 1<<15) + 1
			e.notBefore = now + backoff(first, longest, int(e.tries), rand.Float64())
			in.giveBack(e, err, now)
		}
	}
	t.runs = append(t.runs, r.resume...)
	t.resuming = 0
	before := t.problem
	t.problem = r.cause
	if r.cause == nil || r.finished > 0 {
		t.attempts = 0
	}
	if r.cause != nil {
		t.attempts++
		t.until = now + backoff(first, longest, t.attempts, rand.Float64())
	}
	until := t.until
	changes := in.changes.take()
	in.mu.Unlock()

	if ctx.Err() != nil { // what was put off because of the stop is no error
		return
	}
	changes.log(in.log)
	if errors.Is(r.cause, connectors.ErrUnavailable) {
		t.gate.doubt()
	}
	t.logRound(r, before, until)
}

// giveBack puts a file that was left in the inbox among the entries again. in.mu is held.
func (in *inbox) giveBack(e *entry, err error, now moment) {
	if in.entries[e.file.Name] != nil { // the name has come to mean another file meanwhile
		return
	}
	back := *e // a queue may still hold e, which isn't to be taken before the next look
	back.hold, back.detail = Retrying, err.Error()
	back.state, back.stateSince = Retrying, now
	in.entries[back.file.Name] = &back
	in.wantLook(back.takeableAt())
	if e.tries == 1 || e.detail != back.detail {
		in.changes.add(&back)
	}
}

// logRound says what a person should know of a round; the same error again isn't news.
func (t *taker) logRound(r round, before error, until moment) {
	for _, v := range r.stuck {
		t.log.Error().Err(v.Err).Uint64("run", v.Run).Str("file", v.File.Name).Msg("the run is stuck: it waits for a person, others go on")
	}
	if r.cause != nil && (before == nil || before.Error() != r.cause.Error()) {
		t.log.Warn().Err(r.cause).Time("until", t.inbox.clock.wall(until)).Msg("the job pauses and tries again")
	}
}

// unpause ends the pause of the job.
func (t *taker) unpause() {
	t.inbox.mu.Lock()
	defer t.inbox.mu.Unlock()
	t.until = 0
	raise(t.ready)
}

// retry adds runs to be resumed, and ends the pause.
func (t *taker) retry(runs []uint64) {
	t.inbox.mu.Lock()
	t.runs = append(t.runs, runs...)
	t.inbox.mu.Unlock()
	t.unpause()
}
