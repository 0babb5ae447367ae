package agenda

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"chute/config"
	"chute/pipeline/ledger"
)

// world is an agenda in simulated time, with a book that outlives it.
type world struct {
	t        *testing.T
	jobs     []Job
	shift    atomic.Int64 // of the clock on the wall
	every    time.Duration
	parallel int // default 8
	running  context.CancelFunc
	ended    chan struct{}
	agenda   *Agenda

	mu       sync.Mutex
	plans    map[string]ledger.Plan
	begun    map[string]time.Time
	behind   map[string]bool
	made     map[string][]time.Time // deliveries by job
	dealt    map[string]bool        // by job and moment
	under    map[string]int         // under way
	failures map[string]int         // still to come
	bookErr  error
	held     bool // all jobs
}

var errBook, errDelivery = errors.New("the disk is full"), errors.New("the partner's server doesn't answer")

// simulate runs test in simulated time, which begins at a moment.
func simulate(t *testing.T, begin time.Time, test func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, plans: map[string]ledger.Plan{}, begun: map[string]time.Time{}, behind: map[string]bool{},
			made: map[string][]time.Time{}, dealt: map[string]bool{}, under: map[string]int{}, failures: map[string]int{}}
		w.set(begin.Sub(time.Now().Round(0)))
		defer w.stop()
		test(w)
	})
}

func (w *world) now() time.Time { return time.Now().Round(0).Add(time.Duration(w.shift.Load())).UTC() }

// job adds a job; its deliveries take some time.
func (w *world) job(name, zone, schedule string, takes time.Duration, change func(*config.Export)) {
	w.t.Helper()
	c := &config.Export{Name: name, Store: "s", Enabled: true, CatchUp: "last", Retry: config.Retry{First: config.Duration(time.Second), Longest: config.Duration(time.Minute)}}
	if err := c.Timezone.UnmarshalText([]byte(zone)); err != nil {
		w.t.Fatal(err)
	}
	if schedule != "" {
		if err := c.Schedule.UnmarshalText([]byte(schedule)); err != nil {
			w.t.Fatal(err)
		}
	}
	if change != nil {
		change(c)
	}
	w.jobs = append(w.jobs, Job{Config: c, Deliver: func(ctx context.Context, due time.Time) error { return w.deliver(ctx, name, due, takes) }})
}

// deliver keeps to what Exporter.Export promises: what was begun and is broken off goes on with its moment.
func (w *world) deliver(ctx context.Context, name string, due time.Time, takes time.Duration) error {
	w.mu.Lock()
	if w.dealt[name+due.UTC().String()] {
		w.mu.Unlock()
		return nil
	}
	if w.held {
		w.mu.Unlock()
		return ErrHeld
	}
	w.begun[name] = due
	w.under[name]++
	if w.under[name] > 1 {
		w.t.Errorf("two deliveries of %s at a time", name)
	}
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		w.under[name]--
		w.mu.Unlock()
	}()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return ctx.Err()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failures[name] > 0 {
		w.failures[name]--
		return errDelivery
	}
	w.made[name] = append(w.made[name], due)
	w.dealt[name+due.UTC().String()] = true
	delete(w.begun, name)
	delete(w.behind, name)
	return nil
}

func (w *world) start() {
	ctx, cancel := context.WithCancel(w.t.Context())
	w.running, w.ended = cancel, make(chan struct{})
	w.agenda = &Agenda{Jobs: w.jobs, Parallel: cmp.Or(w.parallel, 8), Book: w, Every: w.every, Now: w.now, Log: zerolog.Nop()}
	go func() {
		defer close(w.ended)
		w.agenda.Run(ctx)
	}()
}

// stop stops as a crash does: whatever is under way is broken off.
func (w *world) stop() {
	if w.running != nil {
		w.running()
		<-w.ended
		w.running = nil
	}
}

func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// set puts the clock on the wall forward, or back.
func (w *world) set(by time.Duration) { w.shift.Add(int64(by)) }

// alter changes what the agenda looks at.
func (w *world) alter(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// want compares what was delivered for a job since the last time, as times of its zone.
func (w *world) want(name string, want ...string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.IndexFunc(w.jobs, func(j Job) bool { return j.Config.Name == name })
	got := []string{}
	for _, due := range w.made[name] {
		got = append(got, due.In(w.jobs[i].Config.Timezone.Location()).Format("02 15:04"))
	}
	if !slices.Equal(got, append([]string{}, want...)) {
		w.t.Errorf("%s, at %v: delivered %q, want %q", name, w.now(), got, want)
	}
}

// The following make it a Book.

func (w *world) Plan(_ context.Context, job string) (ledger.Plan, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.plans[job], w.bookErr
}

func (w *world) Replan(_ context.Context, job string, p ledger.Plan) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.plans[job] = p
	delete(w.behind, job)
	return w.bookErr
}

func (w *world) Pass(_ context.Context, job string, upTo time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.plans[job]; w.bookErr == nil && upTo.After(p.Last) {
		p.Last = upTo
		w.plans[job] = p
	}
	return w.bookErr
}

func (w *world) BegunExport(_ context.Context, job, _ string) (time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.begun[job], w.bookErr
}

func (w *world) Behind(_ context.Context, job string, _ []string) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.behind[job], w.bookErr
}
