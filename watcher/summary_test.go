package watcher

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"testing"
	"time"

	"chute/connectors"
)

// TestSummary: all entries are counted, those that have been there longest are named, and it is the same ones each time. Explain tells the same of each.
func TestSummary(t *testing.T) {
	simulate(t, func(x *world) {
		const n = 1000
		x.job("orders", "*.csv", nil)
		for i := range n {
			x.store.Put(fmt.Sprintf("in/%03d.csv", i), text(2))
			x.store.Put(fmt.Sprintf("in/%03d.txt", i), text(2))
		}
		x.run()
		x.until(2 * time.Second)
		s := x.w.Summary(10)
		want := []Tally{{Store: "acme", Inbox: "in", Job: "orders"}, {Store: "acme", Inbox: "in"}}
		want[0].Counts[Settling], want[1].Counts[Unmatched] = n, n
		for i, tally := range s.Tallies {
			if tally.Oldest.IsZero() != (tally.Job == "") {
				t.Errorf("%+v: since when one waits is told of a job's files, and of no others", tally)
			}
			tally.Oldest = time.Time{}
			if tally != want[i] {
				t.Errorf("counted %+v, wanted %+v", tally, want[i])
			}
		}
		if again := x.w.Summary(10); len(s.Waiting) != 20 || !slices.Equal(s.Waiting, again.Waiting) {
			t.Errorf("%d are named, then %v", len(s.Waiting), again.Waiting)
		}
		for i, e := range s.Waiting[:10] {
			if e.Name != fmt.Sprintf("%03d.csv", i) || e.Reason == "" || e.Next == "" || e.At.IsZero() {
				t.Errorf("%+v", e)
			}
		}
		for _, e := range s.Waiting {
			if told, found := x.w.Explain("acme", "in", e.Name); !found || told != e {
				t.Errorf("%v: %+v, in the summary %+v", found, told, e)
			}
		}
		if _, found := x.w.Explain("acme", "in", "nobody.csv"); found {
			t.Error("a file that isn't there is explained")
		}
		if _, found := x.w.Explain("acme", "out", "000.csv"); found {
			t.Error("a folder that isn't an inbox is explained")
		}
	})
}

// TestNeverLate: what stays where it is is counted, and isn't what has waited longest.
func TestNeverLate(t *testing.T) {
	simulate(t, func(x *world) {
		x.job("orders", "*.csv", func(j *Job) {
			j.Config.Empty = "ignore"
			j.Seen = func(_ context.Context, files []connectors.File) ([]bool, error) {
				return slices.Repeat([]bool{true}, len(files)), nil
			}
		})
		x.store.Special("in/folder.csv", fs.ModeDir)
		x.store.Special("in/link.csv", fs.ModeSymlink)
		x.store.Special("in/pipe.csv", fs.ModeNamedPipe)
		x.store.Put("in/empty.csv", nil)
		x.store.Put("in/before.csv", text(2))
		x.run()
		x.until(10 * time.Minute)
		want := Tally{Store: "acme", Inbox: "in", Job: "orders"}
		want.Counts[Irregular], want.Counts[Ignored], want.Counts[Remembered] = 3, 1, 1
		if got := x.w.Summary(10).Tallies[0]; got != want {
			t.Errorf("counted %+v, wanted %+v", got, want)
		}
		x.store.Put("in/late.csv", text(2))
		x.until(10*time.Minute + 2*time.Second)
		if got := x.w.Summary(10).Tallies[0]; got.Counts[Settling] != 1 || got.Oldest.IsZero() {
			t.Errorf("counted %+v, wanted one that waits", got)
		}
	})
}

// TestKeptFileIsSeenAgain: a file that its job leaves in the inbox is told about again as soon as its call is over, however long ago its last event was.
func TestKeptFileIsSeenAgain(t *testing.T) {
	for name, verdict := range map[string]connectors.Verdict{"done": {Run: 1, Outcome: connectors.Done}, "parked": {Run: 1, Stuck: true}} {
		t.Run(name, func(t *testing.T) {
			simulate(t, func(x *world) {
				x.w.Rescan = time.Hour
				x.job("orders", "*.csv", func(j *Job) {
					j.Config.Claim = "remember"
					taken := make(chan bool, 1)
					j.Seen = func(context.Context, []connectors.File) ([]bool, error) { return []bool{len(taken) > 0}, nil }
					j.Handle = func(_ context.Context, files []connectors.File) []connectors.Verdict {
						x.note(call{job: "orders", names: namesOf(files)})
						taken <- true
						<-time.After(time.Minute)
						v := verdict
						v.File = files[0]
						return []connectors.Verdict{v}
					}
				})
				x.store.Put("in/kept.csv", text(2))
				x.run()
				x.until(time.Minute)
				x.expectStates(map[string]string{"kept.csv": "running"})
				x.until(2 * time.Minute)
				x.expectStates(map[string]string{"kept.csv": "taken before"})
				x.expectHanded("orders kept.csv")
			})
		})
	}
}
