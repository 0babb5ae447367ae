package watcher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"chute/config"
	"chute/connectors"
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
				return fmt.Errorf("%w: permission denied", connectors.ErrUnclaimable)
			})
		})
		x.store.Put("in/a.csv", text(5))
		x.run()
		x.pass(5500 * time.Millisecond)
		if e := x.waiting("a.csv"); e.State != Retrying || !strings.Contains(e.Reason, "permission denied; next try at 2000-01-01T00:00:0") {
			t.Errorf("waiting is %+v", e)
		}
		a := x.w.Snapshot().Jobs[0]
		if a.Problem != "the file can't be taken out of its inbox: permission denied" || !a.Kept || !a.Until.After(time.Now()) {
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
		if n := x.logged("permission denied"); n != 2 { // the file's and the job's
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

// TestRunWhoseFileIsClosed: a run whose own file can't be read is tried again with a back-off of its own, while its job takes others; a strict job takes none.
func TestRunWhoseFileIsClosed(t *testing.T) {
	for _, strict := range []bool{false, true} {
		t.Run(fmt.Sprintf("strict %v", strict), func(t *testing.T) {
			simulate(t, func(x *world) {
				var healed atomic.Bool
				closed := fmt.Errorf("%w: permission denied", connectors.ErrUnreadable)
				x.job("orders", "*.csv", func(j *Job) {
					j.Config.Settle, j.Config.Strict = 0, strict
					x.begin(j, closed)
					first := j.Handle
					j.Handle = func(ctx context.Context, files []connectors.File) []connectors.Verdict {
						if files[0].Name == "a.csv" {
							return first(ctx, files)
						}
						x.note(call{job: "orders", names: namesOf(files)})
						return x.done(ctx, files)
					}
					resume := j.Resume
					j.Resume = func(ctx context.Context, runs []uint64) []connectors.Verdict {
						verdicts := resume(ctx, runs)
						if !healed.Load() {
							verdicts[0] = connectors.Verdict{Run: runs[0], Err: closed}
						}
						return verdicts
					}
				})
				x.store.Put("in/a.csv", text(5))
				x.run()
				x.pass(100 * time.Millisecond)
				x.store.Put("in/b.csv", text(5))
				x.pass(500 * time.Millisecond)
				if strict {
					x.expectHanded("orders a.csv")
				} else {
					x.expectHanded("orders a.csv", "orders b.csv")
				}
				if a := x.w.Snapshot().Jobs[0]; !slices.Equal(a.Begun, []uint64{1}) || (a.Problem != "") != strict {
					t.Errorf("activity is %+v", a)
				}
				if files, _, _ := x.w.Pending("orders"); files != map[bool]int{false: 1, true: 2}[strict] {
					t.Errorf("%d files are pending", files)
				}
				x.until(32 * time.Second) // after 1, 2, 4, 8 and 16 seconds, each ten percent more or less
				if tries := len(x.calls); tries < 4 || tries > 6 {
					t.Errorf("%d tries in 32 seconds", tries)
				}
				x.expectHanded(slices.Repeat([]string{"orders runs [1]"}, len(x.calls))...)
				healed.Store(true)
				x.until(2 * time.Minute)
				got := x.handedNames()
				if want := map[bool][]string{false: {"orders runs [1]"}, true: {"orders runs [1]", "orders b.csv"}}[strict]; !slices.Equal(got, want) {
					t.Errorf("handed over %q, want %q", got, want)
				}
				if a := x.w.Snapshot().Jobs[0]; len(a.Begun) != 0 || a.Problem != "" {
					t.Errorf("activity is %+v", a)
				}
			})
		})
	}
}

// TestClosedRunAtOnce: who says that things have changed isn't kept waiting by a run's back-off, and a run isn't gone on with twice at a time.
func TestClosedRunAtOnce(t *testing.T) {
	simulate(t, func(x *world) {
		x.job("orders", "*.csv", func(j *Job) {
			j.Config.Retry.First = config.Duration(time.Hour)
			j.Config.Retry.Longest = config.Duration(time.Hour)
			j.Begun = []uint64{4}
			j.Resume = func(_ context.Context, runs []uint64) []connectors.Verdict {
				x.note(call{job: "orders", runs: runs})
				return []connectors.Verdict{{Run: runs[0], Err: connectors.ErrUnreadable}}
			}
		})
		x.run()
		x.pass(time.Minute)
		x.expectHanded("orders runs [4]")
		x.w.Look()
		x.pass(time.Second)
		x.expectHanded("orders runs [4]")
		x.w.Retry("orders", 4)
		x.w.Retry("orders", 4)
		x.pass(time.Second)
		x.expectHanded("orders runs [4]")
		x.pass(90 * time.Minute) // ten percent more or less, so less than two
		x.expectHanded("orders runs [4]")
	})
}
