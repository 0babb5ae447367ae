package watcher

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"chute/config"
	"chute/connectors"
)

// made makes a job as x.job does, for Change.
func (x *world) made(name, match string, change func(*Job)) Job {
	x.t.Helper()
	before := len(x.w.Jobs)
	x.job(name, match, change)
	job := x.w.Jobs[before]
	x.w.Jobs = x.w.Jobs[:before]
	return job
}

func (x *world) change(remove []string, add ...Job) (left <-chan struct{}) {
	x.t.Helper()
	left, err := x.w.Change(remove, add)
	if err != nil {
		x.t.Fatal(err)
	}
	synctest.Wait()
	return left
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// hanging has a job take a.csv and be at it until the channel is closed.
func (x *world) hanging() (release chan struct{}) {
	x.t.Helper()
	release = make(chan struct{})
	x.job("orders", "*.csv", func(j *Job) { x.hang(j, release) })
	x.run()
	x.store.Put("in/a.csv", text(5))
	x.pass(6 * time.Second)
	x.expectHanded("orders a.csv")
	return release
}

func TestChangeAddsAJob(t *testing.T) {
	simulate(t, func(x *world) {
		x.run() // with no job at all
		x.change(nil, x.made("orders", "*.csv", nil))
		x.store.Put("in/a.csv", text(5))
		x.store.Put("in/b.txt", text(5))
		x.pass(6 * time.Second)
		x.expectHanded("orders a.csv")
		x.expectStates(map[string]string{"b.txt": "no job matches"})
		x.change(nil, x.made("stock", "*.txt", nil))
		x.pass(7 * time.Second)
		x.expectHanded("stock b.txt")
	})
}

func TestChangeLetsACallEnd(t *testing.T) {
	simulate(t, func(x *world) {
		release := x.hanging()
		x.store.Put("in/b.csv", text(5))
		x.pass(10 * time.Second)
		x.expectHanded()
		left := x.change([]string{"orders"})
		x.pass(time.Hour)
		if s := x.w.Snapshot(); closed(left) || len(s.Jobs) != 1 || s.Jobs[0].Running != 1 || len(s.Inboxes) != 0 {
			t.Errorf("while the last call goes on: left %v, %+v", closed(left), s)
		}
		close(release)
		synctest.Wait()
		if s := x.w.Snapshot(); !closed(left) || len(s.Jobs)+len(s.Waiting)+len(s.Inboxes) != 0 {
			t.Errorf("after the last call: left %v, %+v", closed(left), s)
		}
		x.expectHanded()
		x.change(nil, x.made("orders", "*.csv", nil))
		x.pass(7 * time.Second)
		x.expectHanded("orders b.csv")
	})
}

func TestChangeReplacesAJob(t *testing.T) {
	simulate(t, func(x *world) {
		release := x.hanging()
		x.store.Put("in/b.csv", text(5))
		x.pass(3 * time.Second) // b has rested for so long
		asked := 0
		left := x.change([]string{"orders"}, x.made("orders", "*.csv", func(j *Job) {
			j.Handle = func(ctx context.Context, files []connectors.File) []connectors.Verdict {
				x.note(call{job: "the new one", names: namesOf(files)})
				return x.done(ctx, files)
			}
			j.Unsettled = func(context.Context) ([]uint64, error) {
				if asked++; asked < 3 {
					return nil, errors.New("the ledger is busy")
				}
				return []uint64{7}, nil
			}
		}))
		x.pass(3 * time.Second)
		x.expectHanded() // never two calls of a job at a time
		if got := x.waiting("b.csv"); got.State != Queued || got.Reason != "queued behind what the job has under way with its earlier configuration" {
			t.Errorf("b.csv: %+v", got)
		}
		if s := x.w.Snapshot(); len(s.Jobs) != 1 || s.Jobs[0].Running != 1 || len(s.Tallies) != 2 {
			t.Errorf("%+v", s)
		}
		close(release)
		x.pass(2 * time.Second)
		x.expectHanded("orders runs [7]", "the new one b.csv") // at once: it had rested
		if !closed(left) || asked != 3 {
			t.Errorf("left %v, asked %d times", closed(left), asked)
		}
	})
}

func TestChangeAgainAndAgain(t *testing.T) {
	simulate(t, func(x *world) {
		release := x.hanging()
		x.store.Put("in/b.csv", text(5))
		x.change([]string{"orders"}, x.made("orders", "*.csv", nil))
		x.change([]string{"orders"})
		x.change(nil, x.made("orders", "*.csv", nil))
		x.pass(time.Minute)
		x.expectHanded()
		close(release)
		x.pass(7 * time.Second)
		x.expectHanded("orders b.csv")
		if s := x.w.Snapshot(); len(s.Jobs) != 1 || len(s.Inboxes) != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestChangeGivesALeftFileToTheNewJob(t *testing.T) {
	simulate(t, func(x *world) {
		release := make(chan struct{})
		x.job("orders", "*.csv", func(j *Job) {
			j.Handle = func(_ context.Context, files []connectors.File) []connectors.Verdict {
				<-release
				return []connectors.Verdict{{File: files[0], Outcome: connectors.Later, Err: errors.New("no table")}}
			}
		})
		x.run()
		x.store.Put("in/a.csv", text(5))
		x.pass(6 * time.Second)
		for range 2 { // the second time nobody has it in between
			x.change([]string{"orders"}, x.made("orders", "*.csv", nil))
		}
		close(release)
		x.pass(10 * time.Second)
		x.expectHanded("orders a.csv")
	})
}

func TestChangeOfAnotherInboxAndPoll(t *testing.T) {
	simulate(t, func(x *world) {
		x.store.Special("elsewhere", fs.ModeDir)
		x.job("orders", "*.csv", nil)
		x.job("stock", "*.txt", nil)
		x.run()
		x.store.Put("in/a.txt", text(5))
		x.pass(3 * time.Second)
		x.change([]string{"orders"}, x.made("orders", "*.csv", func(j *Job) { j.Config.Inbox = "elsewhere"; j.Config.Poll = config.Duration(time.Second) }))
		x.store.Put("in/a.csv", text(5))
		x.store.Put("elsewhere/b.csv", text(5))
		x.pass(3 * time.Second)
		x.expectHanded("stock a.txt") // its rest went on
		x.pass(4 * time.Second)
		x.expectHanded("orders b.csv")
		if state := x.states()["a.csv"]; state != "no job matches" {
			t.Errorf("a.csv is %q", state)
		}
	})
}

func TestChangeRefuses(t *testing.T) {
	simulate(t, func(x *world) {
		job := x.made("orders", "*.csv", nil)
		if _, err := x.w.Change(nil, []Job{job}); err == nil {
			t.Error("before Run")
		}
		x.run()
		x.change(nil, job)
		if _, err := x.w.Change(nil, []Job{job}); err == nil {
			t.Error("two of a name")
		}
		x.store.Put("in/a.csv", text(5))
		x.pass(6 * time.Second)
		x.expectHanded("orders a.csv")
		x.stop()
		if _, err := x.w.Change([]string{"orders"}, nil); err == nil {
			t.Error("after the stop")
		}
	})
}

// TestChangeAtAnyTime changes jobs at any moment while files come: each file is handed over exactly once, and no job has two calls at a time.
func TestChangeAtAnyTime(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) [3]int {
			return [3]int{rapid.IntRange(0, 3).Draw(rt, "step"), rapid.IntRange(0, 1).Draw(rt, "job"), rapid.IntRange(0, 8000).Draw(rt, "pause")}
		}), 1, 30).Draw(rt, "steps")
		simulate(t, func(x *world) { changeAtAnyTime(rt, x, steps) })
	})
}

func changeAtAnyTime(rt *rapid.T, x *world, steps [][3]int) {
	names, there := [2]string{"a", "b"}, [2]bool{}
	var busy [2]atomic.Int32
	job := func(i int) Job {
		return x.made(names[i], names[i]+"*", func(j *Job) {
			done := j.Handle
			j.Handle = func(ctx context.Context, files []connectors.File) []connectors.Verdict {
				if busy[i].Add(1) > 1 {
					rt.Errorf("two calls of job %s at a time", names[i])
				}
				defer busy[i].Add(-1)
				verdicts := done(ctx, files)
				<-time.After(3 * time.Second)
				return verdicts
			}
		})
	}
	x.run()
	files := 0
	for _, s := range steps {
		switch i := s[1]; {
		case s[0] == 0 && there[i]:
			x.change([]string{names[i]})
			there[i] = false
		case s[0] == 1:
			var remove []string
			if there[i] {
				remove = []string{names[i]}
			}
			x.change(remove, job(i))
			there[i] = true
		default:
			files++
			x.store.Put(fmt.Sprintf("in/%s%d", names[i], files), text(5))
		}
		x.pass(time.Duration(s[2]) * time.Millisecond)
	}
	for i := range there {
		if !there[i] {
			x.change(nil, job(i))
		}
	}
	x.pass(time.Hour)
	handed := map[string]int{}
	for _, c := range x.calls {
		for _, name := range c.names {
			handed[name]++
		}
	}
	for name, n := range handed {
		if n != 1 {
			rt.Errorf("%s was handed over %d times", name, n)
		}
	}
	if len(handed) != files {
		rt.Errorf("%d of %d files were handed over", len(handed), files)
	}
}
