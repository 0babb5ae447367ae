package ledger

import (
	"slices"
	"testing"
	"time"
)

// replacing is the identity of a run whose rows are to replace those of earlier files of its name.
func replacing(r Run) Identity {
	want := identity(r)
	want.MayChanged, want.Replace = true, true
	return want
}

func ids(runs []Run) (all []uint64) {
	for _, r := range runs {
		all = append(all, r.ID)
	}
	return all
}

func TestReplace(t *testing.T) {
	l := fresh(t)
	first := staged(t, l, "a.csv", "A", "b.csv", "X")
	advance(t, l, first, Publishing, Published, Settled)
	next := staged(t, l, "a.csv", "B")[0]
	if earlier, err := l.Earlier(limit(t), replacing(next)); err != nil || !slices.Equal(ids(earlier), []uint64{first[0].ID}) {
		t.Fatalf("earlier: %v (%v)", ids(earlier), err)
	}
	if c, by := publish(t, l, next, replacing(next)); c != "" {
		t.Fatalf("%s by %d", c, by)
	}
	left, err := l.Replacing(limit(t), next.ID)
	if err != nil || !slices.Equal(ids(left), []uint64{first[0].ID}) {
		t.Fatalf("to leave: %v (%v)", ids(left), err)
	}
	// The next version waits until this one is through, with what it replaces.
	third := staged(t, l, "a.csv", "C")[0]
	if c, by := publish(t, l, third, replacing(third)); c != Changed || by != next.ID {
		t.Errorf("the next version: %q by %d", c, by)
	}
	for range 2 { // an acknowledgement may get lost
		if err := l.Replaced(limit(t), next.ID, time.Unix(7, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := l.Replacing(limit(t), next.ID); err != nil || len(left) > 0 {
		t.Errorf("still to leave: %v (%v)", ids(left), err)
	}
	all, err := l.Replacements(limit(t), first[0].ID)
	if want := []Replacement{{next.ID, first[0].ID, time.Unix(7, 0).UTC()}}; err != nil || !slices.Equal(all, want) {
		t.Errorf("%+v (%v), want %+v", all, err, want)
	}
	// The first version counts as loaded no more; of the other name nothing has changed.
	again := staged(t, l, "c.csv", "A", "c.csv", "X")
	if c, by := publish(t, l, again[0], identity(again[0])); c != "" {
		t.Errorf("what was replaced: %s by %d", c, by)
	}
	if c, by := publish(t, l, again[1], identity(again[1])); c != Renamed || by != first[1].ID {
		t.Errorf("another file: %q by %d", c, by)
	}
}

// What a run meant to replace is forgotten in the transaction that takes the run back, and what it has replaced isn't.
func TestReplaceTakenBack(t *testing.T) {
	for _, back := range []State{Claimed, Withdrawn} {
		l := fresh(t)
		first := staged(t, l, "a.csv", "A")
		advance(t, l, first, Publishing, Published, Settled)
		next := staged(t, l, "a.csv", "B")
		if c, by := publish(t, l, next[0], replacing(next[0])); c != "" {
			t.Fatalf("%s by %d", c, by)
		}
		next[0].State = Publishing
		advance(t, l, next, back)
		if err := l.Replaced(limit(t), next[0].ID, time.Now()); err != nil {
			t.Fatal(err)
		}
		if all, err := l.Replacements(limit(t), next[0].ID); err != nil || len(all) > 0 {
			t.Errorf("%s: %+v (%v)", back, all, err)
		}
		same := staged(t, l, "a.csv", "A")[0]
		if c, by := publish(t, l, same, identity(same)); c != Same || by != first[0].ID {
			t.Errorf("%s: the first file: %q by %d", back, c, by)
		}
	}
}
