package watcher

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"chute/connectors"
	"chute/connectors/connectortest"
)

// leave is a Handle that leaves every file in the inbox while failing gives an error, and is done with it otherwise.
func (x *world) leave(job *Job, failing func(name string) error) {
	name := job.Config.Name
	job.Handle = func(ctx context.Context, files []connectors.File) []connectors.Verdict {
		x.note(call{job: name, names: namesOf(files)})
		verdicts := x.done(ctx, nil)
		for _, f := range files {
			if err := failing(f.Name); err != nil {
				verdicts = append(verdicts, connectors.Verdict{File: f, Err: err})
			} else {
				verdicts = append(verdicts, x.done(ctx, []connectors.File{f})...)
			}
		}
		return verdicts
	}
}

func TestFileLeftInTheInboxIsTriedAgain(t *testing.T) {
	simulate(t, func(x *world) {
		var healed atomic.Bool
		x.job("orders", "*.csv", func(j *Job) {
			x.leave(j, func(string) error {
				if healed.Load() {
					return nil
				}
				return errors.New("the work folder is on another file system")
			})
		})
		x.store.Put("in/a.csv", text(5))
		x.run()
		x.pass(5500 * time.Millisecond)
		if e := x.waiting("a.csv"); e.State != Retrying || !strings.Contains(e.Reason, "another file system; next try at 2000-01-01T00:00:0") {
			t.Errorf("waiting is %+v", e)
		}
		a := x.w.Snapshot().Jobs[0]
		if a.Problem != "the work folder is on another file system" || !a.Until.After(time.Now()) {
			t.Errorf("activity is %+v", a)
		}
		x.pass(5 * time.Minute)
		tries := x.calls
		x.handed()
		// 5s, then after 1, 2, 4 … 32, 60, 60, 60 seconds, each ten percent more or less, and one gap between looks.
		for i := 1; i < len(tries); i++ {
			pause, ideal := tries[i].at-tries[i-1].at, min(time.Second<<(i-1), time.Minute)
			if pause < ideal*9/10 || pause > ideal*11/10+60*time.Millisecond {
				t.Errorf("pause %d was %v, want about %v", i, pause, ideal)
			}
		}
		if len(tries) < 9 || len(tries) > 11 {
			t.Errorf("%d tries in five minutes", len(tries))
		}
		if n := x.logged("another file system"); n != 2 { // the file's and the job's
			t.Errorf("logged %d times:\n%s", n, x.log)
		}
		healed.Store(true)
		x.w.Look()
		x.pass(100 * time.Millisecond)
		x.expectHanded("orders a.csv")
		x.expectStates(map[string]string{})
		if a := x.w.Snapshot().Jobs[0]; a.Problem != "" {
			t.Errorf("activity is %+v", a)
		}
	})
}

func TestOneBadFileDoesntStarveTheOthers(t *testing.T) {
	simulate(t, func(x *world) {
		x.job("orders", "*.csv", func(j *Job) {
			j.Config.Batch.Files = 1
			x.leave(j, func(name string) error {
				if name == "a.csv" {
					return errors.New("bad")
				}
				return nil
			})
		})
		for _, name := range []string{"a", "b", "c", "d"} {
			x.store.Put("in/"+name+".csv", text(5))
		}
		x.run()
		x.pass(10 * time.Second)
		names := x.handedNames()
		for _, want := range []string{"orders b.csv", "orders c.csv", "orders d.csv"} {
			if !slices.Contains(names, want) {
				t.Errorf("%s isn't among %q", want, names)
			}
		}
		x.expectStates(map[string]string{"a.csv": "retrying"})
	})
}

func TestOneBadFileAmongManyGoodOnes(t *testing.T) {
	simulate(t, func(x *world) {
		x.job("orders", "*.csv", func(j *Job) {
			j.Config.Settle = 0
			x.leave(j, func(name string) error {
				if name == "bad.csv" {
					return errors.New("bad")
				}
				return nil
			})
		})
		x.store.Put("in/bad.csv", text(5))
		x.run()
		for i := range 120 {
			x.store.Put(fmt.Sprintf("in/%03d.csv", i), text(5))
			x.pass(500 * time.Millisecond)
		}
		tries, last := 0, time.Duration(0)
		for _, c := range x.calls {
			if slices.Contains(c.names, "bad.csv") {
				tries++
			}
			if c.at-last > 2*time.Second {
				t.Errorf("nothing was taken from %v to %v", last, c.at)
			}
			last = c.at
		}
		if tries < 6 || tries > 8 {
			t.Errorf("%d tries in a minute", tries)
		}
	})
}

func TestLeftFileWhoseNameMeansAnother(t *testing.T) {
	simulate(t, func(x *world) {
		release := make(chan struct{})
		x.job("orders", "*.csv", func(j *Job) {
			j.Handle = func(ctx context.Context, files []connectors.File) []connectors.Verdict {
				x.note(call{job: "orders", names: namesOf(files)})
				<-release
				if files[0].Size == 10 {
					return nil // the claim was lost to a new delivery
				}
				return x.done(ctx, files)
			}
		})
		x.store.Put("in/a.csv", text(10))
		x.run()
		x.pass(6 * time.Second)
		x.store.Put("in/a.csv", text(20))
		x.pass(time.Minute)
		x.expectHanded("orders a.csv")
		close(release)
		x.pass(1200 * time.Millisecond) // the pause of the job; the file has rested
		x.expectHanded("orders a.csv")
		x.expectStates(map[string]string{})
	})
}

func TestLeftFileThatChangesRestsAnew(t *testing.T) {
	simulate(t, func(x *world) {
		x.job("orders", "*.csv", func(j *Job) {
			x.leave(j, func(string) error { return errors.New("changed since the claim") })
		})
		x.store.Put("in/a.csv", text(5))
		x.run()
		x.pass(5500 * time.Millisecond)
		x.expectHanded("orders a.csv")
		x.store.Put("in/a.csv", text(6))
		x.pass(4900 * time.Millisecond)
		x.expectHanded()
		x.expectStates(map[string]string{"a.csv": "settling"})
		x.pass(200 * time.Millisecond)
		x.expectHanded("orders a.csv")
	})
}

// begin is a Handle that claims the files and puts their runs off, numbered from 1.
func (x *world) begin(job *Job, err error) {
	name := job.Config.Name
	job.Handle = func(ctx context.Context, files []connectors.File) []connectors.Verdict {
		x.note(call{job: name, names: namesOf(files)})
		verdicts := x.done(ctx, files)
		for i := range verdicts {
			verdicts[i].Outcome, verdicts[i].Run, verdicts[i].Err = connectors.Later, uint64(i+1), err
		}
		return verdicts
	}
}

func TestRunsAreResumedBeforeNewFiles(t *testing.T) {
	simulate(t, func(x *world) {
		var stuck atomic.Bool
		x.job("orders", "*.csv", func(j *Job) {
			x.begin(j, errors.New("table is missing"))
			j.Resume = func(_ context.Context, runs []uint64) []connectors.Verdict {
				x.note(call{job: "orders", runs: runs})
				var verdicts []connectors.Verdict
				for _, run := range runs {
					verdicts = append(verdicts, connectors.Verdict{Run: run, Err: errors.New("table is missing"), Stuck: stuck.Load()})
				}
				return verdicts
			}
		})
		x.store.Put("in/a.csv", text(5))
		x.store.Put("in/b.csv", text(5))
		x.run()
		x.pass(5500 * time.Millisecond)
		x.store.Put("in/c.csv", text(5))
		x.pass(20 * time.Second)
		x.expectHanded("orders a.csv b.csv", "orders runs [1 2]", "orders runs [1 2]", "orders runs [1 2]", "orders runs [1 2]")
		if a := x.w.Snapshot().Jobs[0]; !slices.Equal(a.Begun, []uint64{1, 2}) {
			t.Errorf("activity is %+v", a)
		}
		if e := x.waiting("c.csv"); e.State != Queued || !strings.Contains(e.Reason, "table is missing") {
			t.Errorf("waiting is %+v", e)
		}
		stuck.Store(true)
		x.pass(time.Minute)
		got := x.handedNames() // c.csv passes; its run is number 1 again in this test, and gets stuck too
		if !slices.Equal(got[:2], []string{"orders runs [1 2]", "orders c.csv"}) {
			t.Errorf("handed over %q", got)
		}
		if n := x.logged("the run is stuck"); n != 3 {
			t.Errorf("logged %d times that a run is stuck:\n%s", n, x.log)
		}
		x.pass(time.Hour)
		x.expectHanded()
		if !x.w.Retry("orders", 7) || x.w.Retry("nobody", 7) {
			t.Error("Retry knows the wrong jobs")
		}
		synctest.Wait()
		x.expectHanded("orders runs [7]")
	})
}

func TestBegunRunsComeFirst(t *testing.T) {
	simulate(t, func(x *world) {
		x.job("orders", "*.csv", func(j *Job) { j.Begun = []uint64{4, 5}; j.Config.Settle = 0 })
		x.job("draft", "*.txt", func(j *Job) { j.Begun = []uint64{6}; j.Config.Enabled = false })
		x.store.Put("in/a.csv", text(5))
		x.run()
		x.pass(time.Second)
		x.expectHandedSorted("draft runs [6]", "orders a.csv", "orders runs [4 5]")
	})
}

func TestPanicEndsOneCall(t *testing.T) {
	simulate(t, func(x *world) {
		var left []uint64
		x.job("orders", "*.csv", func(j *Job) {
			done := j.Handle
			j.Handle = func(ctx context.Context, files []connectors.File) []connectors.Verdict {
				verdicts := done(ctx, files)
				if files[0].Name == "a.csv" && left == nil {
					left = []uint64{3}
					panic("index out of range")
				}
				return verdicts
			}
			j.Unsettled = func(context.Context) ([]uint64, error) { return left, nil }
		})
		x.store.Put("in/a.csv", text(5))
		x.run()
		x.pass(5500 * time.Millisecond)
		x.expectHanded("orders a.csv")
		x.store.Put("in/b.csv", text(5))
		x.pass(10 * time.Second)
		x.expectHanded("orders runs [3]", "orders b.csv")
		if !strings.Contains(x.log.String(), "index out of range") || !strings.Contains(x.log.String(), "error_test.go") {
			t.Errorf("the log has no stack:\n%s", x.log)
		}
	})
}

func TestNotReady(t *testing.T) {
	simulate(t, func(x *world) {
		var closed atomic.Bool
		var asked atomic.Int64
		closed.Store(true)
		x.w.Ready = func(context.Context) error {
			asked.Add(1)
			if closed.Load() {
				return fmt.Errorf("no database: %w", connectors.ErrUnavailable)
			}
			return nil
		}
		x.job("orders", "*.csv", nil)
		x.job("stock", "*.txt", nil)
		x.run()
		x.pass(time.Hour)
		if asked.Load() != 0 {
			t.Errorf("asked %d times though nothing waits", asked.Load())
		}
		x.store.Put("in/a.csv", text(5))
		x.store.Put("in/b.txt", text(5))
		x.pass(10 * time.Minute)
		x.expectHanded()
		if e := x.waiting("a.csv"); e.State != Queued || e.Reason != "no new files are claimed: no database: not reachable" {
			t.Errorf("waiting is %+v", e)
		}
		if n := asked.Load(); n < 20 || n > 30 {
			t.Errorf("asked %d times in ten minutes", n)
		}
		if n := x.logged("no database"); n != 1 {
			t.Errorf("logged %d times:\n%s", n, x.log)
		}
		closed.Store(false)
		x.pass(31 * time.Second)
		if got := x.handedNames(); len(got) != 2 {
			t.Errorf("handed over %q", got)
		}
		if n := x.logged("claimed again"); n != 1 || x.w.Snapshot().NotReady != "" {
			t.Errorf("logged %d times:\n%s", n, x.log)
		}
	})
}

func TestUnavailableInAVerdictIsAskedFor(t *testing.T) {
	simulate(t, func(x *world) {
		var down atomic.Bool
		x.w.Ready = func(context.Context) error {
			if down.Load() {
				return connectors.ErrUnavailable
			}
			return nil
		}
		x.job("orders", "*.csv", func(j *Job) {
			x.leave(j, func(string) error {
				down.Store(true)
				return fmt.Errorf("connection lost: %w", connectors.ErrUnavailable)
			})
		})
		x.job("stock", "*.txt", nil)
		x.store.Put("in/a.csv", text(5))
		x.run()
		x.until(300 * time.Millisecond) // so that the answer which let a.csv pass would still hold
		x.store.Put("in/b.txt", text(5))
		x.until(time.Minute)
		x.expectHanded("orders a.csv")
	})
}

func TestFolderGoneAndBack(t *testing.T) {
	simulate(t, func(x *world) {
		var failing atomic.Pointer[error]
		store := &connectortest.FaultyFolder{Folder: x.store, Before: func(c connectortest.Call) error {
			if err := failing.Load(); c.Op == "list" && err != nil {
				return *err
			}
			return nil
		}}
		x.job("orders", "*.csv", func(j *Job) { j.Folder = store })
		x.store.Put("in/a.csv", text(5))
		x.run()
		x.pass(4 * time.Second)
		var gone error = fs.ErrNotExist
		failing.Store(&gone)
		x.pass(10 * time.Minute)
		x.expectHanded()
		p := x.w.Snapshot().Inboxes[0]
		if p.Problem == "" || p.Entries != 0 || p.Since.IsZero() || time.Since(p.Looked) < 9*time.Minute {
			t.Errorf("place is %+v", p)
		}
		if n := x.logged("can't be looked at"); n != 1 {
			t.Errorf("logged %d times:\n%s", n, x.log)
		}
		failing.Store(nil)
		for x.w.Snapshot().Inboxes[0].Problem != "" {
			x.pass(100 * time.Millisecond)
		}
		x.pass(4800 * time.Millisecond)
		x.expectHanded() // what is there now has not been seen before
		x.pass(400 * time.Millisecond)
		x.expectHanded("orders a.csv")
		if p := x.w.Snapshot().Inboxes[0]; p.Problem != "" || x.logged("looked at again") != 1 {
			t.Errorf("place is %+v, log:\n%s", p, x.log)
		}
	})
}

func TestUnreadableFile(t *testing.T) {
	simulate(t, func(x *world) {
		var refuse atomic.Bool
		refuse.Store(true)
		store := &connectortest.FaultyFolder{Folder: x.store, Before: func(c connectortest.Call) error {
			if c.Op == "open" && c.Name == "in/a.csv" && refuse.Load() {
				return fs.ErrPermission
			}
			return nil
		}}
		x.job("orders", "*.csv", func(j *Job) { j.Folder = store })
		x.store.Put("in/a.csv", text(5))
		x.store.Put("in/b.csv", text(5))
		x.run()
		x.pass(10 * time.Minute)
		x.expectHanded("orders b.csv")
		x.expectStates(map[string]string{"a.csv": "unreadable"})
		if n := x.logged("unreadable"); n != 1 {
			t.Errorf("logged %d times:\n%s", n, x.log)
		}
		refuse.Store(false)
		x.pass(31 * time.Second)
		x.expectHanded("orders a.csv")
	})
}

// hang is a Handle that waits for ctx or release.
func (x *world) hang(job *Job, release <-chan struct{}) {
	done := job.Handle
	job.Handle = func(ctx context.Context, files []connectors.File) []connectors.Verdict {
		verdicts := done(ctx, files)
		select {
		case <-release:
		case <-ctx.Done():
		}
		return verdicts
	}
}

func TestParallelAndPriority(t *testing.T) {
	simulate(t, func(x *world) {
		x.w.Parallel = 2
		one, two := make(chan struct{}), make(chan struct{})
		for i, name := range []string{"a", "b", "c", "d", "e"} {
			x.job(name, name+"*", func(j *Job) {
				j.Config.Priority = i // e has the highest
				x.hang(j, map[string]chan struct{}{"a": one, "b": two, "c": two, "d": two, "e": two}[name])
			})
		}
		x.run()
		x.store.Put("in/a1", text(2))
		x.store.Put("in/b1", text(2))
		x.pass(6 * time.Second)
		x.store.Put("in/c1", text(2))
		x.store.Put("in/d1", text(2))
		x.store.Put("in/e1", text(2))
		x.pass(time.Minute)
		x.expectHandedSorted("a a1", "b b1")
		close(two) // a hangs on; the others go on one by one
		synctest.Wait()
		x.expectHanded("e e1", "d d1", "c c1")
		x.store.Put("in/a2", text(2))
		x.store.Put("in/b2", text(2))
		x.pass(time.Minute)
		x.expectHanded("b b2")
	})
}

func TestStop(t *testing.T) {
	simulate(t, func(x *world) {
		x.job("orders", "*.csv", func(j *Job) { x.hang(j, nil) })
		x.job("stock", "*.txt", nil)
		x.store.Put("in/a.csv", text(5))
		x.run()
		x.pass(6 * time.Second)
		x.expectHanded("orders a.csv")
		x.store.Put("in/b.txt", text(5))
		x.store.Put("in/c.csv", text(5))
		x.pass(4900 * time.Millisecond)
		x.stop() // returns when Handle has
		x.pass(time.Hour)
		x.expectHanded()
		if _, there := x.store.Tree()["in/b.txt"]; !there {
			t.Error("b.txt was taken after the stop")
		}
	})
}

func TestStoppedWhileWaitingForASlot(t *testing.T) {
	simulate(t, func(x *world) {
		x.w.Parallel = 1
		x.job("orders", "*.csv", func(j *Job) { x.hang(j, nil) })
		x.job("stock", "*.txt", nil)
		x.store.Put("in/a.csv", text(5))
		x.run()
		x.pass(6 * time.Second)
		x.store.Put("in/b.txt", text(5))
		x.pass(6 * time.Second)
		x.stop()
		x.expectHanded("orders a.csv")
	})
}

func TestBadJobs(t *testing.T) {
	simulate(t, func(x *world) {
		x.job("orders", "*.csv", nil)
		x.job("orders", "*.txt", nil)
		if err := x.w.Run(t.Context()); err == nil || !strings.Contains(err.Error(), `"orders"`) {
			t.Errorf("two jobs of one name: %v", err)
		}
		if s := (&Watcher{}).Snapshot(); s.Waiting != nil {
			t.Errorf("snapshot before the run: %+v", s)
		}
	})
}
