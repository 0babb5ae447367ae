package watcher

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"chute/connectors"
)

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

// TestStoppedWhileAsking: a question that a stop breaks off isn't told as a fault of the database.
func TestStoppedWhileAsking(t *testing.T) {
	simulate(t, func(x *world) {
		var asked atomic.Bool
		x.w.Ready = func(ctx context.Context) error {
			asked.Store(true)
			<-ctx.Done()
			return fmt.Errorf("the statement was ended: %w", context.Cause(ctx))
		}
		x.job("orders", "*.csv", nil)
		x.run()
		x.store.Put("in/a.csv", text(5))
		x.pass(time.Minute)
		x.stop()
		if !asked.Load() || x.logged("no new files are claimed") != 0 {
			t.Errorf("asked: %t; logged\n%s", asked.Load(), x.log)
		}
		x.expectHanded()
	})
}

// TestJobNotReady: a job whose store is full waits by itself, is asked with a back-off and logged once; others aren't held up.
func TestJobNotReady(t *testing.T) {
	simulate(t, func(x *world) {
		var full, askedBoth atomic.Bool
		var asked atomic.Int64
		full.Store(true)
		x.w.Ready = func(context.Context) error { askedBoth.Store(true); return nil }
		x.job("orders", "*.csv", func(j *Job) {
			j.Begun = []uint64{4}
			j.Ready = func(context.Context) error {
				asked.Add(1)
				if !askedBoth.Load() {
					t.Error("the job is asked before the watcher")
				}
				if full.Load() {
					return errors.New("too little room")
				}
				return nil
			}
		})
		x.job("stock", "*.txt", nil)
		x.run()
		x.pass(time.Minute)
		x.expectHanded("orders runs [4]") // what was begun is finished all the same
		if asked.Load() != 0 {
			t.Errorf("asked %d times though nothing waits", asked.Load())
		}
		for i := range 10 {
			x.store.Put("in/a.csv", text(5))
			x.store.Put(fmt.Sprintf("in/%d.txt", i), text(5))
			x.pass(time.Minute)
			x.expectHanded(fmt.Sprintf("stock %d.txt", i))
		}
		s := x.w.Snapshot()
		if e := x.waiting("a.csv"); e.State != Queued || e.Reason != "no new files are claimed: too little room" || s.NotReady != "" {
			t.Errorf("waiting is %+v, of %+v", e, s)
		}
		if s.Jobs[0].NotReady != "too little room" || s.Jobs[1].NotReady != "" {
			t.Errorf("jobs are %+v", s.Jobs)
		}
		if n := asked.Load(); n < 20 || n > 30 {
			t.Errorf("asked %d times in ten minutes", n)
		}
		if n := x.logged(`"job":"orders","error":"too little room"`); n != 1 {
			t.Errorf("logged %d times:\n%s", n, x.log)
		}
		full.Store(false)
		x.w.Look()
		x.pass(100 * time.Millisecond)
		x.expectHanded("orders a.csv")
		if s := x.w.Snapshot(); s.Jobs[0].NotReady != "" || x.logged("claimed again") != 1 {
			t.Errorf("jobs are %+v, log:\n%s", s.Jobs, x.log)
		}
	})
}

// TestJobNotReadyAnyMoreWhileWaitingForASlot: the job's Ready is asked again just before the claim.
func TestJobNotReadyAnyMoreWhileWaitingForASlot(t *testing.T) {
	simulate(t, func(x *world) {
		var full atomic.Bool
		x.w.Parallel = 1
		release := make(chan struct{})
		x.job("slow", "*.txt", func(j *Job) { x.hang(j, release) })
		x.job("orders", "*.csv", func(j *Job) {
			j.Ready = func(context.Context) error {
				if full.Load() {
					return errors.New("too little room")
				}
				return nil
			}
		})
		x.run()
		x.store.Put("in/a.txt", text(2))
		x.pass(6 * time.Second)
		x.store.Put("in/a.csv", text(2))
		x.pass(6 * time.Second)
		full.Store(true)
		close(release)
		x.pass(time.Minute)
		x.expectHanded("slow a.txt")
		full.Store(false)
		x.pass(31 * time.Second) // the longest back-off, without a Look
		x.expectHanded("orders a.csv")
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
