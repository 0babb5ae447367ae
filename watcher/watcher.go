// Package watcher decides when: which files of an inbox are at rest, in which order and how many at a time they are
// handed over, and how long to wait after an error. What becomes of a file is decided by who is called.
//
// The inbox is the queue. A look lists the folder, and what the watcher remembers between two looks is only how each
// entry was and since when it has been so; it may forget all of it at any moment and the next looks find it out again.
// Nothing tells that a file is complete, so completeness is judged by rest: the same size, modification time and inode in
// two looks at least `settle` apart, on our own monotonic clock. Modification times are compared, never believed. Events
// from the store only say "look now"; a full look every Rescan finds what they missed.
//
// One goroutine per inbox looks (inbox); one per job takes files from it (taker), so that a job that hangs holds up nobody
// else. A taker goes round: wait while its job pauses, go on with runs begun earlier, then take what is at rest: a batch in
// order, each file opened once to see whether it can be, a slot of the Parallel ones, Handle.
//
// After a Later the whole job pauses, because the next file would most likely meet the same error; the pause doubles with
// every further round that has one and finishes nothing. After the pause the runs begun are resumed, then new files are taken. A file that
// was left in its inbox waits for a back-off of its own as well and then queues behind the files that haven't failed, so that
// one bad file doesn't starve the others; a stuck run isn't waited for at all, nor, unless the job is strict, one whose own file can't be read: it has a back-off
// of its own.
package watcher

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"chute/config"
	"chute/connectors"
)

// Job is what the watcher must know to watch for one job.
type Job struct {
	Config *config.Job
	Folder connectors.Folder // a pointer: jobs with the same Folder and inbox share one look

	// Handle takes files that are at rest, in order, and says for each what became of it; verdicts are found by the file's
	// name. A job's Handle and Resume are never called twice at a time. When ctx ends it withdraws, or goes on to the next
	// point where it can be left, and returns: Run waits for it. A panic, or a missing verdict, means Later without a run.
	Handle func(ctx context.Context, files []connectors.File) []connectors.Verdict
	// Resume goes on with runs begun earlier: after a crash, or after a Later with a run. It gives one verdict for each run, in
	// their order; a Later without a run says that the file is back in its inbox.
	Resume func(ctx context.Context, runs []uint64) []connectors.Verdict
	// Begun are the runs found unsettled at start-up. They are resumed before anything new of this job is taken, once the inbox can be looked at:
	// where the store isn't there yet their files would seem to be lost.
	Begun []uint64
	// Ready, where it is given, tells why no new file of this job may be claimed now: its store is full, say. It is asked like the
	// Watcher's, after that one, and holds up no other job.
	Ready func(ctx context.Context) error
	// Seen, where it is given, tells which files at rest the job has taken before although they are still there, for a job whose files stay in
	// their inbox. They aren't handed over. An error means that it can't be told now.
	Seen func(ctx context.Context, files []connectors.File) ([]bool, error)
	// Unsettled, where it is given, is asked after a panic in Handle, and of a job that came by Change, for the job's runs that are neither settled nor
	// stuck: they are resumed like Begun. Without it they wait for the next start.
	Unsettled func(ctx context.Context) ([]uint64, error)
}

// Watcher watches the inboxes of all jobs. Its fields aren't changed once Run was called.
type Watcher struct {
	Jobs     []Job
	Parallel int           // calls of Handle and Resume at a time, over all jobs, without those that are Apart; default 2
	Rescan   time.Duration // longest time between two looks at an inbox, where the configuration of its jobs has none; default 30s
	// Ready tells why no new file of any job may be claimed now: the database doesn't answer, too little room is left. Files then wait in
	// their inboxes. It is asked at most once a second and returns within bounded time. nil = always ready.
	Ready func(ctx context.Context) error
	Log   zerolog.Logger

	mu      sync.Mutex // guards the following, which Run sets
	inboxes []*inbox
	takers  []*taker
	last    map[string]*taker // who had a job last, by its name, until that one has ended
	gate    *gate
	slots   *slots
	apart   map[string]*slots // for calls that are apart, by their stores
	clock   clock
	spawn   func(func(context.Context)) // has something done that Run waits for; nil while Run isn't running
}

// Run watches until ctx ends, then waits for the calls of Handle and Resume that still run. It may be called once.
func (w *Watcher) Run(ctx context.Context) error {
	wait, err := w.Start(ctx)
	if err == nil {
		wait()
	}
	return err
}

// Start is the part of Run that doesn't wait: from now on Change may be called.
func (w *Watcher) Start(ctx context.Context) (wait func(), err error) {
	if err := w.prepare(); err != nil {
		return nil, err
	}
	var running sync.WaitGroup
	w.mu.Lock()
	defer w.mu.Unlock()
	w.spawn = func(f func(context.Context)) { running.Go(func() { f(ctx) }) }
	for _, in := range w.inboxes {
		w.watch(in)
	}
	for _, t := range w.takers {
		w.employ(t)
	}
	return func() {
		<-ctx.Done()
		w.mu.Lock()
		w.spawn = nil
		w.mu.Unlock()
		running.Wait()
	}, nil
}

// watch has an inbox looked at until it is left. w.mu is held.
func (w *Watcher) watch(in *inbox) {
	in.watched = true
	w.spawn(func(ctx context.Context) {
		defer close(in.ended)
		ctx, cancel := until(ctx, in.left)
		defer cancel()
		in.run(ctx)
	})
}

// employ has a taker take files until it is dismissed. w.mu is held.
func (w *Watcher) employ(t *taker) {
	w.spawn(func(ctx context.Context) {
		defer w.forget(t)
		defer close(t.ended)
		own, cancel := until(ctx, t.left)
		defer cancel()
		t.run(ctx, own)
	})
}

// Look makes every inbox look as soon as it may, and ends the pauses of all jobs and files: an operator says that things have
// changed.
func (w *Watcher) Look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gate == nil {
		return
	}
	w.gate.askAgain()
	for _, in := range w.inboxes {
		in.unpause()
	}
	for _, t := range w.takers {
		t.unpause()
	}
	for _, in := range w.inboxes {
		in.Look()
	}
}

// Retry resumes runs of a job that were stuck, as soon as the job is free. It tells whether there is such a job.
func (w *Watcher) Retry(job string, runs ...uint64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range w.takers {
		if t.name == job {
			t.retry(runs)
			return true
		}
	}
	return false
}

// prepare checks the jobs and joins them to inboxes, in the order in which they may choose among files.
func (w *Watcher) prepare() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gate != nil {
		return errors.New("a watcher runs only once")
	}
	if err := sound(w.Jobs); err != nil {
		return err
	}
	w.clock, w.last = clock{start: time.Now()}, map[string]*taker{}
	w.slots, w.apart = &slots{free: w.parallel()}, map[string]*slots{}
	w.gate = newGate(w.Ready, w.rescan(), w.clock, w.Log)
	for _, job := range w.Jobs {
		w.join(job)
	}
	for _, in := range w.inboxes {
		in.arrange(w.rescan())
	}
	return nil
}

func (w *Watcher) parallel() int { return cmp.Or(max(w.Parallel, 0), 2) }

func (w *Watcher) rescan() time.Duration { return cmp.Or(w.Rescan, 30*time.Second) }

// sound tells what is wrong with jobs that are to be watched together.
func sound(jobs []Job) error {
	names := make(map[string]bool)
	for _, job := range jobs {
		if job.Folder == nil || job.Handle == nil || job.Resume == nil || names[job.Config.Name] {
			return fmt.Errorf("job %q can't be watched: it lacks a folder or a function, or there are two of this name", job.Config.Name)
		}
		names[job.Config.Name] = true
	}
	return nil
}

// join makes a job's taker and gives it its inbox, which is made when it is the first one's. w.mu is held.
func (w *Watcher) join(job Job) *taker {
	dir := path.Clean(job.Config.Inbox)
	i := slices.IndexFunc(w.inboxes, func(in *inbox) bool { return in.folder == job.Folder && in.dir == dir && !in.abandoned })
	if i < 0 {
		i = len(w.inboxes)
		w.inboxes = append(w.inboxes, newInbox(job.Folder, job.Config.Store, dir, w.rescan(), w.clock, w.Log))
	}
	in := w.inboxes[i]
	store := w.apart[in.store]
	if store == nil {
		store = &slots{free: w.parallel()}
		w.apart[in.store] = store
	}
	t := newTaker(job, in, w.slots, store, w.gate, w.Log)
	in.mu.Lock()
	in.takers = append(in.takers, t)
	in.mu.Unlock()
	w.takers = append(w.takers, t)
	t.before, w.last[t.name] = w.last[t.name], t
	t.over = func() { w.wakeFollowers(t.name) }
	return t
}
