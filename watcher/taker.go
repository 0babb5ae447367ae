package watcher

import (
	"cmp"
	"context"
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
	store *slots // for calls that are apart
	gate  *gate  // the Watcher's
	own   *gate  // the job's
	log   zerolog.Logger

	ready chan struct{} // raised: the queue isn't empty, a pause is over, runs came or may be resumed
	left  chan struct{} // closed when the taker is dismissed
	ended chan struct{} // closed when it has nothing under way any more
	over  func()        // called when a call has come to its end
	late  bool          // it came while others were at work: what runs its job has is to be asked

	// Guarded by inbox.mu.
	queue    queue    // refilled by every look
	runs     []uint64 // to be resumed
	resuming int      // runs in Resume
	resting  map[uint64]resting
	attempts int    // rounds in a row with a Later, that finished nothing
	until    moment // end of the pause
	problem  error  // the last Later's, nil after a round without
	before   *taker // had the job and is ending
}

func newTaker(job Job, in *inbox, slots, store *slots, gate *gate, log zerolog.Logger) *taker {
	log = log.With().Str("job", job.Config.Name).Logger()
	return &taker{
		job: job, name: job.Config.Name, inbox: in, slots: slots, store: store, gate: gate, log: log,
		own:   newGate(job.Ready, in.rescan, in.clock, log),
		ready: make(chan struct{}, 1),
		left:  make(chan struct{}),
		ended: make(chan struct{}),
		runs:  append([]uint64(nil), job.Begun...), resting: map[uint64]resting{},
	}
}

// run goes round until own ends, which is when ctx does or the taker is dismissed. What is under way then has ctx.
func (t *taker) run(ctx, own context.Context) {
	t.succeed(own)
	for own.Err() == nil {
		pause, runs, files, rest := t.next()
		switch {
		case pause > 0:
			wait(own, pause, t.ready)
		case len(runs) > 0:
			t.resume(ctx, own, runs)
		case !files:
			wait(own, rest, t.ready)
		default:
			if closed := t.closed(own); closed > 0 {
				wait(own, closed, t.ready)
			} else {
				t.take(ctx, own)
			}
		}
	}
}

// next tells what is to be done now: wait for a pause to end, go on with runs, or take files; and how long runs rest still. Runs wait until the inbox can be looked at: in a
// store that isn't mounted their files seem lost.
func (t *taker) next() (pause time.Duration, runs []uint64, files bool, rest time.Duration) {
	t.inbox.mu.Lock()
	defer t.inbox.mu.Unlock()
	now := t.inbox.clock.now()
	rest = t.wakeRested(now)
	if t.inbox.count > 0 && t.inbox.failures == 0 {
		runs = append(runs, t.runs...)
	}
	return t.until - now, runs, len(t.queue.waiting()) > 0, rest
}

// closed returns 0 when files of the job may be claimed, else how long to wait before asking again.
func (t *taker) closed(ctx context.Context) time.Duration {
	if wait := t.gate.closed(ctx); wait > 0 {
		return wait
	}
	return t.own.closed(ctx)
}

// notReady is the reason why files of the job aren't claimed, or "".
func (t *taker) notReady() string { return cmp.Or(t.gate.problem(), t.own.problem()) }

// resume goes on with runs begun earlier.
func (t *taker) resume(ctx, own context.Context, runs []uint64) {
	p := &place{taker: t}
	if p.enter(own) != nil {
		return
	}
	defer p.leave()
	t.inbox.mu.Lock()
	t.runs, t.resuming = t.runs[len(runs):], len(runs)
	t.inbox.mu.Unlock()

	verdicts, err := t.call(ctx, func() []connectors.Verdict { return t.job.Resume(p.in(ctx), runs) })
	t.settle(ctx, nil, judgeRuns(runs, verdicts, err))
	t.own.doubt()
}

// take hands over the next batch of files.
func (t *taker) take(ctx, own context.Context) {
	batch := t.choose(own)
	p := &place{taker: t}
	if len(batch) == 0 || p.enter(own) != nil {
		return
	}
	defer p.leave()
	// Waiting for the slot may have taken long: is it still so?
	if t.closed(own) > 0 || own.Err() != nil || ctx.Err() != nil { // a stop is seen in ctx first
		t.putBack()
		return
	}
	files, handed := t.handOver(batch)
	if len(files) == 0 {
		return
	}
	verdicts, err := t.call(ctx, func() []connectors.Verdict { return t.job.Handle(p.in(ctx), files) })
	r := judgeFiles(files, verdicts, err)
	if verdicts == nil && t.job.Unsettled != nil {
		t.findUnsettled(ctx, &r)
	}
	t.settle(ctx, handed, r)
	t.own.doubt() // what became of these files may be a reason to take no more
}

// unpause ends the pause of the job, and what its Ready said doesn't hold any more.
func (t *taker) unpause() {
	t.own.askAgain()
	t.inbox.mu.Lock()
	defer t.inbox.mu.Unlock()
	t.until = 0
	for run := range t.resting {
		t.begin(run)
	}
	raise(t.ready)
}

// retry adds runs to be resumed, and ends the pause.
func (t *taker) retry(runs []uint64) {
	t.inbox.mu.Lock()
	for _, run := range runs {
		t.begin(run)
	}
	t.inbox.mu.Unlock()
	t.unpause()
}
