package watcher

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"chute/connectors"
)

// TestApart: what is slow in its store keeps no slot from the jobs of others, however many of it there are; each store has as many places for it as there are slots.
func TestApart(t *testing.T) {
	simulate(t, func(x *world) {
		x.w.Parallel = 1
		slow := make(chan struct{})
		at := map[string]int{}
		for _, name := range []string{"a", "b", "c"} {
			x.job(name, name+"*.csv", func(j *Job) {
				j.Config.Store = map[string]string{"a": "globex", "b": "globex", "c": "initech"}[name]
				j.Config.Inbox = "in" + name
				done := j.Handle
				j.Handle = func(ctx context.Context, files []connectors.File) []connectors.Verdict {
					if err := Apart(ctx, func() error {
						x.mu.Lock()
						at[j.Config.Store]++
						x.mu.Unlock()
						<-slow
						return nil
					}); err != nil {
						t.Error(err)
					}
					return done(ctx, nil)
				}
			})
			x.store.Put("in"+name+"/"+name+"1.csv", text(9))
		}
		x.job("orders", "o*.csv", nil)
		for _, name := range []string{"o1.csv", "o2.csv"} {
			x.store.Put("in/"+name, text(9))
		}
		x.run()
		x.pass(10 * time.Second)
		x.expectHanded("orders o1.csv o2.csv")
		x.mu.Lock()
		if at["globex"] != 1 || at["initech"] != 1 {
			t.Errorf("calls that are apart by store: %v", at)
		}
		x.mu.Unlock()
		close(slow)
		x.pass(time.Second)
		x.stop()
		if got := x.w.slots; got.free != 1 || len(got.holders) != 0 {
			t.Errorf("%d free slots, %q hold some", got.free, got.holders)
		}
	})
}

// TestApartEnds: a stop ends the waiting for a slot, and a panic gives back what it had.
func TestApartEnds(t *testing.T) {
	simulate(t, func(x *world) {
		x.w.Parallel = 1
		hold := make(chan struct{})
		var back error
		x.job("a", "a*.csv", func(j *Job) {
			j.Handle = func(ctx context.Context, files []connectors.File) []connectors.Verdict {
				back = Apart(ctx, func() error { <-hold; return nil })
				return nil
			}
		})
		x.job("b", "b*.csv", func(j *Job) {
			j.Handle = func(ctx context.Context, files []connectors.File) []connectors.Verdict {
				<-ctx.Done()
				return nil
			}
		})
		x.job("p", "p*.csv", func(j *Job) {
			j.Handle = func(ctx context.Context, files []connectors.File) []connectors.Verdict {
				_ = Apart(ctx, func() error { panic("in a test") })
				return nil
			}
		})
		x.store.Put("in/p.csv", text(9))
		x.store.Put("in/a.csv", text(9))
		x.run()
		x.pass(10 * time.Second)
		x.store.Put("in/b.csv", text(9))
		x.pass(time.Minute)
		close(hold)
		x.pass(time.Second)
		x.stop()
		if !errors.Is(back, context.Canceled) {
			t.Errorf("it came back with %v", back)
		}
		if got := x.w.slots; got.free != 1 || len(got.holders) != 0 {
			t.Errorf("%d free slots, %q hold some", got.free, got.holders)
		}
	})
}

// TestWhoHasTheSlots: a file that waits for a slot says whose they are.
func TestWhoHasTheSlots(t *testing.T) {
	simulate(t, func(x *world) {
		x.w.Parallel = 1
		hold := make(chan struct{})
		x.job("a", "a*.csv", func(j *Job) {
			done := j.Handle
			j.Handle = func(ctx context.Context, files []connectors.File) []connectors.Verdict {
				<-hold
				return done(ctx, files)
			}
		})
		x.job("b", "b*.csv", nil)
		x.store.Put("in/a.csv", text(9))
		x.run()
		x.pass(10 * time.Second)
		x.store.Put("in/b.csv", text(9))
		x.pass(10 * time.Second)
		e := x.waiting("b.csv")
		if e.Reason != "no slot of limits.parallel is free: runs of the job a have it" || !slices.Equal(x.w.Holders("b"), []string{"a"}) || x.w.Holders("a") != nil {
			t.Errorf("%+v, %q", e, x.w.Holders("b"))
		}
		close(hold)
		x.pass(10 * time.Second)
		x.expectHanded("a a.csv", "b b.csv")
	})
}
