package ledger

import (
	"slices"
	"testing"
	"time"
)

// TestHistory: each run that has ended is in the sums of its hour, once, whenever it ended, and old ones aren't.
func TestHistory(t *testing.T) {
	l := fresh(t)
	start := fill(t, l, 2*atATime+100) // one a minute, each taking a millisecond; run i has loaded i records
	since := start.Add(100 * time.Minute)
	var h History
	follow := func(rounds int) {
		t.Helper()
		for i := range rounds {
			more, err := h.Follow(limit(t), &l.Reader, since)
			if err != nil || more != (i < rounds-1) {
				t.Fatalf("round %d: more %t, %v", i, more, err)
			}
		}
	}
	follow(3)
	wanted := map[time.Time]Hour{}
	exported := func(i int) uint64 { // run i is an export of i rows
		if i%500 == 3 {
			return uint64(i)
		}
		return 0
	}
	add := func(ended time.Time, loaded, exported uint64, took time.Duration) {
		key := ended.UTC().Truncate(time.Hour)
		w := wanted[key]
		wanted[key] = Hour{key, w.Runs + 1, w.Loaded + loaded, w.Rejects, w.Exported + exported, w.Took + took, max(w.Longest, took)}
	}
	for i := 100; i <= 2*atATime+100; i++ {
		add(start.Add(time.Duration(i)*time.Minute+time.Millisecond), uint64(i), exported(i), time.Millisecond)
	}
	check := func() {
		t.Helper()
		hours := h.Hours()
		if len(hours) != len(wanted) || !slices.IsSortedFunc(hours, func(a, b Hour) int { return a.Start.Compare(b.Start) }) {
			t.Errorf("%d hours, wanted %d", len(hours), len(wanted))
		}
		for _, got := range hours {
			if got != wanted[got.Start] {
				t.Errorf("got %+v\nwanted %+v", got, wanted[got.Start])
			}
		}
	}
	check()

	runs := begin(t, l, 3)
	follow(1)
	check() // none of them has ended
	if open := len(h.open); open != 3 {
		t.Errorf("%d runs are looked at again, wanted 3", open)
	}
	runs[0].State, runs[0].Finished = Withdrawn, runs[0].Started
	advance(t, l, runs[1:2], Claimed, Staging)
	runs[1].Accepted = 7
	advance(t, l, runs[1:2], Publishing, Published)
	runs[1].Status, runs[1].Finished = Finished, runs[1].Started.Add(time.Minute)
	advance(t, l, runs[1:2], Settled)
	advance(t, l, runs[:1], Withdrawn)
	follow(1)
	follow(1)
	add(runs[1].Finished, 7, 0, time.Minute)
	check()
	if open := len(h.open); open != 1 {
		t.Errorf("%d runs are looked at again, wanted 1", open)
	}

	since = since.Add(time.Hour)
	follow(1)
	delete(wanted, since.Add(-time.Hour).Truncate(time.Hour))
	check()
}

// BenchmarkHistory catches up with a million runs, as after a start, and then sees that nothing is new, as at each beat.
func BenchmarkHistory(b *testing.B) {
	l, err := Open(b.Context(), b.TempDir()+"/ledger.db")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	since := fill(b, l, 1_000_000)
	var h History
	follow := func(b *testing.B) bool {
		more, err := h.Follow(b.Context(), &l.Reader, since)
		if err != nil {
			b.Fatal(err)
		}
		return more
	}
	b.Run("start", func(b *testing.B) {
		for b.Loop() {
			for h = (History{}); follow(b); {
			}
		}
	})
	b.Run("beat", func(b *testing.B) {
		for b.Loop() {
			follow(b)
		}
	})
}
