package watcher

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"chute/config"
	"chute/connectors"
)

// inbox is one folder being looked at. One goroutine, run, looks; the takers of its jobs take what is at rest.
type inbox struct {
	folder connectors.Folder
	store  string
	dir    string
	clock  clock
	log    zerolog.Logger

	look   chan struct{} // raised: something may have changed
	replan chan struct{} // raised: due came nearer
	left   chan struct{} // closed when no job has the inbox any more
	ended  chan struct{} // closed when nobody looks any more

	watched, abandoned bool // guarded by the Watcher's mu: somebody looks, left is closed

	mu      sync.Mutex // guards the following and the entries
	takers  []*taker   // in the order in which they choose: by priority, then by name
	leaving []*taker   // dismissed, with a call under way, and no other has their job here
	rescan  time.Duration
	entries map[string]*entry   // of the last listing, without those that are running and the others
	others  map[string]*other   // of the last listing: nobody takes them
	running map[string]*handing // handed over and without a verdict
	listing uint32              // number of the last one, also when it failed
	count   uint32              // of looks
	looked  moment              // end of the last look that succeeded; 0 before the first
	again   moment              // when to look again though nothing wakes us
	took    time.Duration       // by the last look
	due     moment              // when a look could show something new by itself: a rest or a back-off ends
	changes changes             // of state, to be logged when mu is free

	problem      error // why the last look failed
	problemSince moment
	failures     int // looks that failed in a row
}

// handing is a file that was handed over.
type handing struct {
	*entry
	since moment
}

func newInbox(folder connectors.Folder, store, dir string, rescan time.Duration, clock clock, log zerolog.Logger) *inbox {
	return &inbox{
		folder: folder, store: store, dir: dir, rescan: rescan, clock: clock,
		log:     log.With().Str("store", store).Str("inbox", dir).Logger(),
		look:    make(chan struct{}, 1),
		replan:  make(chan struct{}, 1),
		left:    make(chan struct{}),
		ended:   make(chan struct{}),
		entries: make(map[string]*entry),
		others:  make(map[string]*other),
		running: make(map[string]*handing),
	}
}

// Look asks for a look as soon as one may be. It doesn't block.
func (in *inbox) Look() { raise(in.look) }

// path is an entry's name in the store.
func (in *inbox) path(name string) string {
	if in.dir == "." {
		return name
	}
	return in.dir + "/" + name
}

// unpause ends the waits of all files that couldn't be taken.
func (in *inbox) unpause() {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, e := range in.entries {
		e.notBefore = 0
	}
}

// run looks until ctx ends.
func (in *inbox) run(ctx context.Context) {
	notice := &notice{inbox: in}
	for ctx.Err() == nil {
		// The listing comes after the refresh: what arrives between them wakes us.
		notice.refresh(ctx)
		in.lookOnce(ctx)
		in.rest(ctx)
	}
}

// rest waits for the next look.
func (in *inbox) rest(ctx context.Context) {
	for {
		left := in.next() - in.clock.now()
		if left <= 0 {
			return
		}
		timer := time.NewTimer(left)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-in.look:
			timer.Stop()
			return
		case <-in.replan:
			timer.Stop()
		case <-timer.C:
			return
		}
	}
}

// next is when to look again if nothing wakes us.
func (in *inbox) next() moment {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.failures > 0 {
		return in.due
	}
	return min(in.due, in.again)
}

// every is the longest time between two looks.
func (in *inbox) every() time.Duration {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.rescan
}

// untilAgain is how long to keep still when nothing wakes us. Where nothing ever does it varies by a tenth, so that looks at several stores don't fall together.
func (in *inbox) untilAgain() time.Duration {
	if _, wakes := in.folder.(connectors.Waker); wakes {
		return in.rescan
	}
	return config.Backoff(in.rescan, in.rescan, 1, rand.Float64())
}

// lookOnce lists the folder and takes down what it shows, then keeps still for the time that a look has to pay for.
func (in *inbox) lookOnce(ctx context.Context) {
	began := in.clock.now()
	files, err := in.list(ctx)
	look := span{began, in.clock.now()}
	if ctx.Err() != nil {
		return
	}
	in.mu.Lock()
	if err != nil {
		in.fail(err, look.ended)
	} else {
		in.update(files, look)
	}
	in.took = in.clock.now() - began
	changes := in.changes.take()
	in.mu.Unlock()
	changes.log(in.log)
	wait(ctx, gap(in.clock.now()-began), nil)
}

// update takes down what a listing has for the takers. in.mu is held.
func (in *inbox) update(files []connectors.File, look span) {
	in.recover()
	in.count++
	in.looked, in.again = look.ended, look.ended+in.untilAgain()
	in.due = never
	for _, t := range in.takers {
		t.queue.reset()
	}
	for _, f := range files {
		if r := in.running[f.Name]; r != nil && r.file.Same(f) {
			continue
		}
		e := in.entries[f.Name]
		if e == nil {
			if e = in.firstSight(f, look); e == nil {
				continue
			}
			in.entries[f.Name] = e
		}
		e.see(f, look)
		e.count = in.count
		in.place(e, look)
	}
	for name, e := range in.entries {
		if e.count != in.count {
			delete(in.entries, name)
		}
	}
	in.forget()
	for _, t := range in.takers {
		if t.queue.sort(t.job.Config.Order, t.job.Config.Strict) || len(t.runs) > 0 {
			raise(t.ready)
		}
	}
}

// place queues an entry that can be taken, or sees to a look when that may be so. in.mu is held.
func (in *inbox) place(e *entry, look span) {
	in.enter(e, e.judge(look), look.ended)
	switch at := e.takeableAt(); {
	case at == never:
	case e.rested(look, e.restNeeded()) && look.began >= e.notBefore:
		e.taker.queue.add(e)
	default:
		e.taker.queue.failed = e.taker.queue.failed || e.tries > 0 && !e.unmatched
		in.due = min(in.due, at)
	}
}

// enter notes the state of an entry, for the log when it is another one than before. in.mu is held.
func (in *inbox) enter(e *entry, state State, at moment) {
	if e.state == state {
		return
	}
	e.state, e.stateSince = state, at
	in.changes.add(state, e.file.Name, e.owner(), e.reason())
}

// wantLook sees to a look at the moment, or earlier. in.mu is held.
func (in *inbox) wantLook(at moment) {
	if at < in.due {
		in.due = at
		raise(in.replan)
	}
}

// fail takes down that the folder couldn't be listed: nothing is taken from it until it can. in.mu is held.
func (in *inbox) fail(err error, now moment) {
	if in.failures == 0 {
		in.problemSince = now
	}
	if in.failures == 0 || !sameTrouble(in.problem, err) {
		in.log.Warn().Err(err).Msg("the inbox can't be looked at; it is tried again")
	}
	in.failures++
	in.problem = err
	in.due = now + config.Backoff(time.Second, in.rescan, in.failures, rand.Float64())
	for _, t := range in.takers {
		t.queue.reset()
	}
	if errors.Is(err, fs.ErrNotExist) { // what was in it is gone, and whatever comes is new
		clear(in.entries)
		clear(in.others)
	}
}

// recover takes down that the folder could be listed. in.mu is held.
func (in *inbox) recover() {
	if in.failures > 0 {
		in.log.Info().Msg("the inbox can be looked at again")
	}
	in.failures, in.problem = 0, nil
}

// sameTrouble tells whether a second error needs no word of its own: that a server isn't reachable has many wordings and is one state.
func sameTrouble(a, b error) bool {
	return errors.Is(a, connectors.ErrUnavailable) && errors.Is(b, connectors.ErrUnavailable) || a.Error() == b.Error()
}
