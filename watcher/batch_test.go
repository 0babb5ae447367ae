package watcher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"chute/config"
	"chute/connectors"
	"chute/connectors/connectortest"
)

func TestSharedInbox(t *testing.T) {
	simulate(t, func(x *world) {
		var lists atomic.Int64
		store := &connectortest.FaultyFolder{Folder: x.store, Before: func(c connectortest.Call) error {
			if c.Op == "list" {
				lists.Add(1)
			}
			return nil
		}}
		for _, j := range []struct {
			name, match string
			priority    int
		}{{"zz", "*_eu.csv", 5}, {"all", "*.csv", 0}, {"also", "*.csv", 0}, {"off", "off*", 9}} {
			x.job(j.name, j.match, func(job *Job) {
				job.Config.Priority, job.Folder = j.priority, store
				job.Config.Enabled = j.name != "off"
				job.Config.Inbox = "./in/"
			})
		}
		x.store.Put("in/a_eu.csv", text(5))
		x.store.Put("in/b.csv", text(5))
		x.store.Put("in/off_c.csv", text(5))
		x.run()
		x.pass(5100 * time.Millisecond)
		x.expectHandedSorted("all b.csv off_c.csv", "zz a_eu.csv")
		x.until(29 * time.Second)
		if lists := lists.Load(); lists > 6 {
			t.Errorf("%d looks at one inbox of four jobs within a rescan", lists)
		}
	})
}

func TestBatches(t *testing.T) {
	simulate(t, func(x *world) {
		x.job("orders", "*.csv", func(j *Job) { j.Config.Batch.Files, j.Config.Batch.Bytes = 3, 100 })
		x.job("alone", "*.txt", func(j *Job) { j.Config.Batch.Files, j.Config.Batch.Bytes = 1, 100 })
		sizes := map[string]int{
			"a": 1, "b": 1, "c": 1, "d": 1, // three at most
			"e": 26,                   // over a quarter of 100: alone, and d doesn't wait for those behind it
			"f": 25, "g": 25, "h": 25, // 100 bytes at most, three files at most
			"i": 25, "j": 25,
		}
		for name, size := range sizes {
			x.store.Put("in/"+name+".csv", text(size))
		}
		x.run()
		x.pass(6 * time.Second)
		x.expectHanded("orders a.csv b.csv c.csv", "orders d.csv", "orders e.csv", "orders f.csv g.csv h.csv", "orders i.csv j.csv")
		x.store.Put("in/a.txt", text(1))
		x.store.Put("in/b.txt", text(1))
		x.pass(6 * time.Second)
		x.expectHanded("alone a.txt", "alone b.txt")
	})
}

func TestBatchBytes(t *testing.T) {
	simulate(t, func(x *world) {
		x.job("orders", "*.csv", func(j *Job) { j.Config.Batch.Files, j.Config.Batch.Bytes = 100, 100 })
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			x.store.Put("in/"+name+".csv", text(24))
		}
		x.run()
		x.pass(6 * time.Second)
		x.expectHanded("orders a.csv b.csv c.csv d.csv", "orders e.csv")
	})
}

func TestOrder(t *testing.T) {
	for order, want := range map[string]string{"name": "orders a b c d", "seen": "orders d b a c", "mtime": "orders b a c d"} {
		t.Run(order, func(t *testing.T) {
			simulate(t, func(x *world) {
				var open atomic.Bool
				x.w.Ready = func(context.Context) error {
					if !open.Load() {
						return errors.New("closed")
					}
					return nil
				}
				x.job("orders", "?", func(j *Job) { j.Config.Order = order })
				x.run()
				for _, name := range []string{"d", "b", "a", "c"} {
					x.store.Put("in/"+name, text(2))
					x.pass(time.Second)
				}
				x.store.Put("in/d", text(3)) // seen is seen, even when it changes
				x.pass(time.Minute)
				x.expectHanded()
				open.Store(true)
				x.pass(time.Minute)
				x.expectHanded(want)
			})
		})
	}
}

// TestOrderTies: files of one time are ordered by name, and of those that a number orders one that is missing isn't waited for.
func TestOrderTies(t *testing.T) {
	for order, want := range map[string]string{
		"mtime":    "orders a10 a2 b007 b7 c18446744073709551616 x z1",
		"sequence": "orders z1 a2 b007 b7 a10 c18446744073709551616 x",
	} {
		simulate(t, func(x *world) {
			x.job("orders", "?", func(j *Job) {
				j.Config.Order, j.Config.Match = order, config.Glob{}
				must(t, j.Config.MatchRegexp.UnmarshalText([]byte(`^[a-z](?P<sequence>\d*)$`)))
			})
			for _, name := range []string{"x", "b7", "a10", "c18446744073709551616", "b007", "a2", "z1"} {
				x.store.Put("in/"+name, text(2))
			}
			x.run()
			x.pass(10 * time.Second)
			x.expectHanded(want)
		})
	}
}

// TestStrict: files of a strict job are taken one at a time, and none is taken before one that has to be tried again.
func TestStrict(t *testing.T) {
	for strict, want := range map[bool][]string{
		true:  {"orders a", "orders b", "orders b", "orders c"},
		false: {"orders a b c", "orders b"},
	} {
		t.Run(fmt.Sprint(strict), func(t *testing.T) {
			simulate(t, func(x *world) {
				x.job("orders", "?", func(j *Job) {
					j.Config.Strict = strict
					j.Config.Retry.First, j.Config.Retry.Longest = config.Duration(time.Minute), config.Duration(time.Hour)
					failed := false
					j.Handle = func(ctx context.Context, files []connectors.File) []connectors.Verdict {
						x.note(call{job: "orders", names: namesOf(files)})
						verdicts := x.done(ctx, slices.DeleteFunc(slices.Clone(files), func(f connectors.File) bool { return f.Name == "b" && !failed }))
						if !failed && slices.ContainsFunc(files, func(f connectors.File) bool { return f.Name == "b" }) {
							failed = true
							verdicts = append(verdicts, connectors.Verdict{File: connectors.File{Name: "b"}, Outcome: connectors.Later, Err: errors.New("not now")})
						}
						return verdicts
					}
				})
				for _, name := range []string{"a", "b", "c"} {
					x.store.Put("in/"+name, text(2))
				}
				x.run()
				x.pass(10 * time.Minute)
				x.expectHanded(want...)
			})
		})
	}
}
