package watcher

import (
	"fmt"
	"slices"
	"testing"
	"time"
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
			if tally.Oldest.IsZero() {
				t.Errorf("%+v waits since ever", tally)
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
