package ledger

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// TestWishes: what is wanted of a run keeps it from publishing and shows in its status; once it is publishing it is too late to want anything.
func TestWishes(t *testing.T) {
	l := fresh(t)
	runs := begin(t, l, 3)
	advance(t, l, runs, Claimed, Staging)
	status := func(r Run, want Status) {
		t.Helper()
		if got, err := l.Run(limit(t), r.ID); err != nil || got.Status != want {
			t.Errorf("run %d is %s (%v), wanted %s", r.ID, got.Status, err, want)
		}
	}
	wish := func(r Run, want Want) error {
		return l.Wish(limit(t), Wish{Run: r.ID, Want: want, Reason: "because", UID: 1000, At: time.Unix(1700000000, 0)})
	}
	for _, step := range []struct {
		want Want
		ok   bool
		then Status
	}{{Pause, true, Pausing}, {Cancel, true, Cancelling}, {Pause, false, Cancelling}} {
		if err := wish(runs[0], step.want); (err == nil) != step.ok || err != nil && !errors.Is(err, ErrTooLate) {
			t.Errorf("%s: %v", step.want, err)
		}
		status(runs[0], step.then)
	}
	runs[0].Status, runs[0].Records = Running, 5 // the run's own process writes what it knows
	if err := l.Update(limit(t), runs[:1]); err != nil {
		t.Fatal(err)
	}
	status(runs[0], Cancelling)
	for i := range runs {
		runs[i].State = Publishing
	}
	if _, err := l.Publish(limit(t), runs, []Identity{identity(runs[0]), identity(runs[1]), identity(runs[2])}); !errors.Is(err, ErrWished) {
		t.Errorf("published what is to be cancelled: %v", err)
	}
	if _, err := l.Publish(limit(t), runs[1:], []Identity{identity(runs[1]), identity(runs[2])}); err != nil {
		t.Fatal(err)
	}
	if err := wish(runs[1], Cancel); !errors.Is(err, ErrTooLate) || err.Error() != "too late: its rows are being published" {
		t.Errorf("wanted of a run that is publishing: %v", err)
	}
	if err := wish(Run{ID: 99}, Cancel); !errors.Is(err, ErrNoRun) {
		t.Errorf("wanted of no run: %v", err)
	}
	wishes, err := l.Wishes(limit(t), runs[0].ID, runs[1].ID)
	if w := wishes[runs[0].ID]; err != nil || len(wishes) != 1 || w.Want != Cancel || w.Reason != "because" || w.UID != 1000 || w.At.Unix() != 1700000000 {
		t.Errorf("wanted are %+v, %v", wishes, err)
	}
}

// TestContinue: a run that waits for a person goes on when one says so, and no other does.
func TestContinue(t *testing.T) {
	l := fresh(t)
	runs := begin(t, l, 4)
	advance(t, l, runs, Claimed)
	runs[0].Status, runs[1].Status, runs[2].Status = Interrupted, Stuck, Paused
	if err := l.Update(limit(t), runs); err != nil {
		t.Fatal(err)
	}
	if err := l.Wish(limit(t), Wish{Run: runs[2].ID, Want: Pause, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	for i, r := range runs {
		err := l.Continue(limit(t), r.ID)
		got, err2 := l.Run(limit(t), r.ID)
		waits := i == 1 || i == 2
		if !waits && !errors.Is(err, ErrNotWaiting) || waits && (err != nil || got.Status != Retrying) || err2 != nil {
			t.Errorf("run %d is %s, %v %v", i, got.Status, err, err2)
		}
	}
	if wishes, err := l.Wishes(limit(t), runs[2].ID); err != nil || len(wishes) > 0 {
		t.Errorf("wanted are %+v, %v", wishes, err)
	}
}

// TestDecide: what a person says of an interrupted run goes for those of the same stage, and for no others.
func TestDecide(t *testing.T) {
	l := fresh(t)
	runs := begin(t, l, 4)
	advance(t, l, runs, Claimed, Staging)
	for i := range runs {
		runs[i].State, runs[i].Stage = Publishing, []string{"s", "s", "other", "s"}[i]
	}
	if _, err := l.Publish(limit(t), runs, []Identity{identity(runs[0]), identity(runs[1]), identity(runs[2]), identity(runs[3])}); err != nil {
		t.Fatal(err)
	}
	for i := range runs[:3] {
		runs[i].Status = Interrupted
	}
	if err := l.Update(limit(t), runs); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Decide(limit(t), runs[3].ID, true); !errors.Is(err, ErrNotWaiting) {
		t.Errorf("decided about a run that isn't interrupted: %v", err)
	}
	if ids, err := l.Decide(limit(t), runs[1].ID, true); err != nil || !slices.Equal(ids, []uint64{runs[0].ID, runs[1].ID}) {
		t.Errorf("decided about %v (%v)", ids, err)
	}
	if ids, err := l.Decide(limit(t), runs[2].ID, false); err != nil || !slices.Equal(ids, []uint64{runs[2].ID}) {
		t.Errorf("decided about %v (%v)", ids, err)
	}
	for i, want := range []State{Published, Published, Publishing, Publishing} {
		if got, err := l.Run(limit(t), runs[i].ID); err != nil || got.State != want || got.Status == Interrupted {
			t.Errorf("run %d is %s, %s (%v), wanted %s", got.ID, got.State, got.Status, err, want)
		}
	}
}
