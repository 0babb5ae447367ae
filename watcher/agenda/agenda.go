// Package agenda decides when exports run: when their schedule says so, and after imports.
//
// What is due is never kept in memory. The book, which is the ledger, has for each job the last moment that was dealt with; the next one is found from
// there, never from what the clock says now. So a process that was killed goes on where the last one was, and a clock that is put back makes nothing due
// a second time. A timer only says when to look again, and at least every minute somebody looks, for timers don't notice when a clock is put forward.
//
// One goroutine for each job looks and delivers, so that deliveries of one job never overlap. What became due meanwhile is dealt with as catch_up says.
package agenda

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"chute/config"
	"chute/pipeline/ledger"
)

// ErrHeld: the job is held, so its delivery isn't begun. When it is released somebody calls Look, and what became due meanwhile is dealt with as what passes
// while chute doesn't run.
var ErrHeld = errors.New("the job is held")

// Job is an export that has a schedule, or follows imports. Of one that isn't enabled it is only remembered that it wasn't.
type Job struct {
	Config *config.Export
	// Deliver makes the delivery of a moment. With nil the moment is dealt with, whether something was delivered or not; an error means that it is to be
	// tried again. A moment that was dealt with before costs nothing. When ctx ends it goes on to the next point where it can be left.
	Deliver func(ctx context.Context, due time.Time) error
	// Far: its store is on a server, which may be slow. Deliveries to one such store leave a slot to those that go elsewhere, if there are such jobs.
	Far bool
}

// Book is where it is written how far each job has come. What it has returned from is durable. *ledger.Ledger is one.
type Book interface {
	// Plan returns what was written last, the zero Plan of a job that isn't known.
	Plan(ctx context.Context, job string) (ledger.Plan, error)
	// Replan writes a Plan: the job counts anew from its Last on, and has followed all imports so far.
	Replan(ctx context.Context, job string, p ledger.Plan) error
	// Pass writes that everything up to a moment was dealt with.
	Pass(ctx context.Context, job string, upTo time.Time) error
	// BegunExport returns the moment of a delivery that was begun and hasn't ended, or the zero time.
	BegunExport(ctx context.Context, job, store string) (due time.Time, err error)
	// Behind tells whether one of the imports has loaded a file since a delivery began that was due at some moment.
	Behind(ctx context.Context, job string, imports []string) (bool, error)
}

// Agenda runs the exports of one state. Its fields aren't changed once a method was called.
type Agenda struct {
	Jobs     []Job // at first
	Parallel int   // deliveries at a time, from 1
	Book     Book
	Every    time.Duration    // longest time between two looks at the clock; default a minute
	Now      func() time.Time // the clock on the wall; default time.Now
	Log      zerolog.Logger

	once    sync.Once
	slots   chan struct{}
	running sync.WaitGroup // keepers

	mu      sync.Mutex // guards the following
	keepers []*keeper
	shares  map[string]chan struct{} // of the slots, by store; of others there is none
	ctx     context.Context          // of Run; nil before
	ended   bool                     // nothing begins any more
}

// Run delivers until ctx ends, then waits for the deliveries that are under way. It may be called once.
func (a *Agenda) Run(ctx context.Context) {
	a.prepare()
	a.mu.Lock()
	a.ctx = ctx
	for _, k := range a.keepers {
		a.start(k)
	}
	a.mu.Unlock()
	<-ctx.Done()
	a.mu.Lock()
	a.ended = true
	a.mu.Unlock()
	a.running.Wait()
}

// Change goes on with other jobs. What is under way goes on as the job was that it began with, and the job as it is now waits for it. left is closed when
// nothing goes on as it was.
func (a *Agenda) Change(jobs []Job) (left <-chan struct{}) {
	a.prepare()
	a.mu.Lock()
	defer a.mu.Unlock()
	old := a.keepers
	a.keepers = nil
	a.share(jobs)
	for _, job := range jobs {
		k := a.keeper(job)
		if i := slices.IndexFunc(old, func(o *keeper) bool { return o.job.Config.Name == job.Config.Name }); i >= 0 {
			k.before, k.fresh = old[i].gone, false
		}
		a.keepers = append(a.keepers, k)
	}
	for _, k := range old {
		close(k.leave)
	}
	gone := make(chan struct{})
	if a.ctx == nil || a.ended {
		for _, k := range a.keepers {
			k.before = nil // it never began
		}
		close(gone)
		return gone
	}
	for _, k := range a.keepers {
		a.start(k)
	}
	a.running.Go(func() {
		defer close(gone)
		for _, k := range old {
			<-k.gone
		}
	})
	return gone
}

// start has a keeper run. a.mu is held.
func (a *Agenda) start(k *keeper) {
	a.running.Go(func() {
		defer close(k.gone)
		if k.before != nil {
			<-k.before
		}
		k.run(a.ctx)
	})
}

func (a *Agenda) prepare() {
	a.once.Do(func() {
		if a.Now == nil {
			a.Now = time.Now
		}
		a.slots = make(chan struct{}, max(a.Parallel, 1))
		a.share(a.Jobs)
		for _, job := range a.Jobs {
			a.keepers = append(a.keepers, a.keeper(job))
		}
	})
}

// share says how many of the slots the deliveries to each store that is far may have. Those that stay as they were keep who is in them.
func (a *Agenda) share(jobs []Job) {
	before := a.shares
	a.shares = map[string]chan struct{}{}
	for _, job := range jobs {
		store := job.Config.Store
		if !job.Far || !slices.ContainsFunc(jobs, func(other Job) bool { return other.Config.Store != store }) {
			continue
		}
		if a.shares[store] = before[store]; a.shares[store] == nil {
			a.shares[store] = make(chan struct{}, max(a.Parallel-1, 1))
		}
	}
}

func (a *Agenda) keeper(job Job) *keeper {
	return &keeper{
		share: a.shares[job.Config.Store],
		job:   job, rule: ruleOf(job.Config), book: a.Book, now: func() time.Time { return a.Now().Round(0) }, every: cmp.Or(a.Every, time.Minute), slots: a.slots,
		signal: make(chan struct{}, 1), leave: make(chan struct{}), gone: make(chan struct{}), fresh: true, log: a.Log.With().Str("job", job.Config.Name).Logger(),
	}
}

// all are the keepers of this moment.
func (a *Agenda) all() []*keeper {
	a.prepare()
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.keepers)
}

// Imported says that an import may have loaded a file: those who follow it look.
func (a *Agenda) Imported(name string) {
	for _, k := range a.all() {
		if k.follows(name) {
			k.wake()
		}
	}
}

// Look makes everybody look, and ends their pauses: an operator says that things have changed.
func (a *Agenda) Look() {
	for _, k := range a.all() {
		k.unpause()
	}
}

// Retry ends the pause of one job, and tells whether there is such a job.
func (a *Agenda) Retry(name string) bool {
	for _, k := range a.all() {
		if k.job.Config.Name == name {
			k.unpause()
			return true
		}
	}
	return false
}

// Activity is how one job is doing.
type Activity struct {
	Job     string
	Running bool
	Due     time.Time // of the delivery that is under way, or is to be tried again
	Next    time.Time // when its schedule wants the next one; zero: it doesn't
	Problem error     // why the last try failed; nil when it didn't
	Until   time.Time // end of the pause, when there is a Problem
}

// Activities tells about all jobs. It may be called at any time.
func (a *Agenda) Activities() (all []Activity) {
	for _, k := range a.all() {
		all = append(all, k.activity())
	}
	return all
}
