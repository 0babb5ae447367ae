package watcher

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"chute/config"
	"chute/connectors"
	"chute/connectors/connectortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a watcher on a store in memory, in simulated time. Unless told otherwise every file handed over is claimed by a
// rename, as the pipeline does, and done.
type world struct {
	t     *testing.T
	store *connectortest.Memory
	w     *Watcher
	log   *logText
	start time.Time

	mu     sync.Mutex
	calls  []call
	claims int
	stop   func()
}

// call is one call of Handle or Resume.
type call struct {
	at    time.Duration
	job   string
	names []string
	runs  []uint64
}

func (c call) String() string {
	if c.runs != nil {
		return fmt.Sprintf("%v %s runs %v", c.at, c.job, c.runs)
	}
	return fmt.Sprintf("%v %s %s", c.at, c.job, strings.Join(c.names, " "))
}

// simulate runs test in a bubble of simulated time, with an empty inbox "in".
func simulate(t *testing.T, test func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		x := &world{t: t, store: connectortest.NewMemory(".chute"), log: new(logText), start: time.Now()}
		x.store.Special("in", fs.ModeDir)
		x.w = &Watcher{Log: zerolog.New(x.log).Level(zerolog.InfoLevel)}
		x.stop = func() {}
		defer func() { x.stop() }()
		test(x)
	})
}

// logText is a log that may be read while it is written.
type logText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// job adds a job for the names that match, with settle 5s; change may alter it.
func (x *world) job(name, match string, change func(*Job)) {
	x.t.Helper()
	job := Job{Config: jobConfig(x.t, name, match), Folder: x.store}
	job.Handle = func(ctx context.Context, files []connectors.File) []connectors.Verdict {
		x.note(call{job: name, names: namesOf(files)})
		return x.done(ctx, files)
	}
	job.Resume = func(_ context.Context, runs []uint64) []connectors.Verdict {
		x.note(call{job: name, runs: runs})
		verdicts := make([]connectors.Verdict, len(runs))
		for i, run := range runs {
			verdicts[i] = connectors.Verdict{Run: run, Outcome: connectors.Done}
		}
		return verdicts
	}
	if change != nil {
		change(&job)
	}
	x.w.Jobs = append(x.w.Jobs, job)
}

func jobConfig(t testing.TB, name, match string) *config.Job {
	t.Helper()
	c := &config.Job{
		Name: name, Store: "acme", Inbox: "in", Enabled: true, Empty: "reject", Order: "name",
		Settle: config.Duration(5 * time.Second),
		Batch:  config.Batch{Files: 500, Bytes: 8 << 20},
		Retry:  config.Retry{First: config.Duration(time.Second), Longest: config.Duration(time.Minute)},
		Format: config.Format{LastLine: "complete"},
	}
	if err := c.Match.UnmarshalText([]byte(match)); err != nil {
		t.Fatal(err)
	}
	return c
}

func namesOf(files []connectors.File) []string {
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
	}
	return names
}

// note records a call, with its time.
func (x *world) note(c call) {
	x.mu.Lock()
	defer x.mu.Unlock()
	c.at = time.Since(x.start)
	x.calls = append(x.calls, c)
}

// claim takes a file out of the inbox, as a run does.
func (x *world) claim(ctx context.Context, name string) error {
	x.mu.Lock()
	x.claims++
	to := fmt.Sprintf(".chute/%d/%s", x.claims, name)
	x.mu.Unlock()
	return x.store.Rename(ctx, "in/"+name, to)
}

// done claims the files and is done with them; what can't be claimed is left.
func (x *world) done(ctx context.Context, files []connectors.File) []connectors.Verdict {
	var verdicts []connectors.Verdict
	for _, f := range files {
		v := connectors.Verdict{File: f, Outcome: connectors.Done}
		if err := x.claim(ctx, f.Name); err != nil {
			v.Outcome, v.Err = connectors.Later, err
		}
		verdicts = append(verdicts, v)
	}
	return verdicts
}

// run starts the watcher; it ends with the test, or by x.stop.
func (x *world) run() {
	ctx, cancel := context.WithCancel(x.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- x.w.Run(ctx) }()
	x.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			x.t.Errorf("run: %v", err)
		}
	})
	synctest.Wait()
}

// pass lets simulated time pass, and then everything that is due happen.
func (x *world) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// until lets time pass up to the moment d after the beginning.
func (x *world) until(d time.Duration) { x.pass(d - time.Since(x.start)) }

// handed returns the calls so far and forgets them.
func (x *world) handed() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	var calls []string
	for _, c := range x.calls {
		calls = append(calls, c.String())
	}
	x.calls = nil
	return calls
}

// handedNames is handed without the times.
func (x *world) handedNames() []string {
	var calls []string
	for _, c := range x.handed() {
		_, rest, _ := strings.Cut(c, " ")
		calls = append(calls, rest)
	}
	return calls
}

func (x *world) expectHanded(want ...string) {
	x.t.Helper()
	if got := x.handedNames(); !slices.Equal(got, want) {
		x.t.Errorf("handed over %q, want %q (at %v)", got, want, time.Since(x.start))
	}
}

// expectHandedSorted is for calls of several jobs, which come in no order.
func (x *world) expectHandedSorted(want ...string) {
	x.t.Helper()
	got := x.handedNames()
	slices.Sort(got)
	if !slices.Equal(got, want) {
		x.t.Errorf("handed over %q, want %q (at %v)", got, want, time.Since(x.start))
	}
}

// states returns the state of each entry by name.
func (x *world) states() map[string]string {
	states := make(map[string]string)
	for _, e := range x.w.Snapshot().Waiting {
		states[e.Name] = e.State.String()
	}
	return states
}

func (x *world) expectStates(want map[string]string) {
	x.t.Helper()
	if got := x.states(); !maps.Equal(got, want) {
		x.t.Errorf("states %v, want %v", got, want)
	}
}

// waiting returns the entry of that name.
func (x *world) waiting(name string) Waiting {
	x.t.Helper()
	for _, e := range x.w.Snapshot().Waiting {
		if e.Name == name {
			return e
		}
	}
	x.t.Fatalf("nothing waits under the name %q", name)
	return Waiting{}
}

// logged tells how many lines of the log hold the text.
func (x *world) logged(text string) int { return strings.Count(x.log.String(), text) }

// text is a complete text of that many bytes.
func text(size int) []byte { return []byte(strings.Repeat("x", size-1) + "\n") }
