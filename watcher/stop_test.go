package watcher

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chute/connectors"
)

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
