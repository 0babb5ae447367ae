package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chute/config"
	"chute/connectors"
	"chute/pipeline/ledger"
)

// wishPoint is a moment in a run: right behind an effect, or before it.
type wishPoint struct {
	effect string
	before bool
	late   bool // what becomes of the file is announced
}

var wishPoints = []wishPoint{
	{"claiming", false, false}, {"claimed", false, false}, {"staging", false, false}, {"insert", true, false}, {"commit", false, false}, {"sidecars", false, false},
	{"publishing", true, false}, {"publishing", false, true}, {"published", false, true},
}

// wishAt has something wanted of the run of a file at an effect of its import, once, and tells what came of that.
func (w *world) wishAt(want ledger.Want, file string, point wishPoint) (too error) {
	w.t.Helper()
	asked := false
	w.im.Interrupts = &Interrupts{}
	w.im.Fault = func(effect string, early bool) error {
		if effect != point.effect || early != point.before || asked {
			return nil
		}
		runs, err := w.im.Ledger.Runs(w.ctx, ledger.Filter{File: exactly(w.t, file)})
		if err != nil || len(runs) == 0 {
			return err // it isn't begun yet
		}
		asked = true
		too = w.im.Ledger.Wish(w.ctx, ledger.Wish{Run: runs[0].ID, Want: want, Reason: "the test wants it", UID: 7, At: time.Now()})
		if too == nil {
			w.im.Interrupts.Interrupt(runs[0].ID)
		} else if runs[0].State != ledger.Settled && runs[0].Status != ledger.Running {
			w.t.Errorf("at %s, before it is through, it is %s", runs[0].State, runs[0].Status)
		}
		return nil
	}
	defer func() { w.im.Fault = nil }()
	w.importAll()
	if !asked {
		w.t.Fatalf("there was no effect %q", point.effect)
	}
	return too
}

// exactly is a pattern for one name.
func exactly(t testing.TB, name string) (g config.Glob) {
	t.Helper()
	if err := g.UnmarshalText([]byte(name)); err != nil {
		t.Fatal(err)
	}
	return g
}

func (w *world) runOf(file string) ledger.Run {
	w.t.Helper()
	runs, err := w.im.Ledger.Runs(w.ctx, ledger.Filter{File: exactly(w.t, file)})
	if err != nil || len(runs) == 0 {
		w.t.Fatalf("the run of %s: %d, %v", file, len(runs), err)
	}
	run, err := w.im.Ledger.Run(w.ctx, runs[0].ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return run
}

// TestWishes: whenever somebody wants a run cancelled, rejected or paused, either nothing of it is in the table, or it was too late and all of it is. What was
// claimed together with it is loaded all the same, and a paused run is loaded when it goes on.
func TestWishes(t *testing.T) {
	points := map[ledger.Want][]wishPoint{ledger.Cancel: wishPoints, ledger.Pause: wishPoints[2:8], ledger.Reject: wishPoints[4:5]}
	if testing.Short() {
		points = map[ledger.Want][]wishPoint{ledger.Cancel: wishPoints[4:5], ledger.Pause: wishPoints[4:5]}
	}
	bothEngines(t, func(t *testing.T, w *world) {
		w.job(strings.ReplaceAll(orders, `partition_by = "id % 3"`, ""))
		w.open()
		rows := 0
		for want, some := range points {
			for i, point := range some {
				if (i%2 == 0) != (w.Engine == "chdb") && !testing.Short() {
					continue // the other engine does that one
				}
				name := fmt.Sprintf("%s_%s_%t", want, strings.ReplaceAll(point.effect, " ", "_"), point.before)
				w.drop("a_"+name, "id,amount,note\n1,1.10,"+name+"\n2,2.20,x\n")
				w.drop("b_"+name, "id,amount,note\n3,3.30,"+name+"\n")
				rows += w.wantWish(want, name, point.late, w.wishAt(want, "a_"+name, point))
				w.wantRows("SELECT count() FROM %t", fmt.Sprint(rows))
			}
		}
		w.wantSettled()
	})
}

// wantWish brings everything to its end, checks what became of the two files, and returns how many records of them are to be in the table.
func (w *world) wantWish(want ledger.Want, name string, late bool, too error) (rows int) {
	w.t.Helper()
	if too != nil && !errors.Is(too, ledger.ErrTooLate) || late != (too != nil) {
		w.t.Errorf("%s: wanted, and was told %v", name, too)
	}
	for range 3 {
		w.resumeAll()
	}
	run, other := w.runOf("a_"+name), w.runOf("b_"+name)
	if other.Status != ledger.Finished {
		w.t.Errorf("%s: the other file is %s: %s", name, other.Status, other.Error)
	}
	status := map[ledger.Want]ledger.Status{ledger.Cancel: ledger.Cancelled, ledger.Pause: ledger.Paused, ledger.Reject: ledger.Rejected}[want]
	if late {
		status = ledger.Finished
	}
	if run.Status != status {
		w.t.Errorf("%s: the run is %s (%s), wanted %s", name, run.Status, run.Error, status)
	}
	if late {
		return 3
	}
	if stages := w.stages(); len(stages) > 0 {
		w.t.Errorf("%s: stages are left: %q", name, stages)
	}
	if want == ledger.Pause {
		w.wantRows("SELECT count() FROM %t WHERE note = '"+name+"'", "1")
		if err := w.im.Ledger.Continue(w.ctx, run.ID); err != nil {
			w.t.Fatal(err)
		}
		wantOutcomes(w.t, w.resumeAll(), map[string]connectors.Outcome{"a_" + name: connectors.Done})
		return 3
	}
	files := w.tree()
	for _, file := range []string{"rejected/a_" + name, "rejected/a_" + name + ".log", "done/b_" + name} {
		if !slices.Contains(files, file) {
			w.t.Errorf("%s: there is no %s", name, file)
		}
	}
	return 1
}

// TestWishOfGone: a run whose file was taken out of the work folder, as by a chute that has adopted it, ends when somebody gives it up.
func TestWishOfGone(t *testing.T) {
	for want, status := range map[ledger.Want]ledger.Status{ledger.Cancel: ledger.Cancelled, ledger.Reject: ledger.Rejected} {
		t.Run(string(want), func(t *testing.T) {
			w := newWorld(t, "clickhouse")
			w.job(orders)
			w.drop("a.csv", "id,amount,note\n1,1.10,x\n")
			w.open()
			w.im.Fault = func(effect string, before bool) error {
				if effect == "staging" && before {
					return errFault
				}
				return nil
			}
			w.importAll()
			w.im.Fault = nil
			run := w.runOf("a.csv")
			must(t, os.Remove(filepath.Join(w.Dir, "store", Claimed(".chute", w.im.Ledger.ID(), run))))
			must(t, w.im.Ledger.Wish(w.ctx, ledger.Wish{Run: run.ID, Want: want, At: time.Now()}))
			w.im.Resume(w.ctx, []uint64{run.ID})
			if run = w.runOf("a.csv"); run.State != ledger.Withdrawn || run.Status != status || run.Error != errGone.Error() || run.Finished.IsZero() {
				t.Errorf("%s, %s: %q", run.State, run.Status, run.Error)
			}
		})
	}
}

// TestWishNotThrough: a run that is cancelled is cancelling until its file lies where rejected ones go, also when chute is stopped before that, or something fails.
func TestWishNotThrough(t *testing.T) {
	eitherEngine(t, 0, func(t *testing.T, w *world) {
		w.job(orders)
		w.drop("a.csv", "id,amount,note\n1,1.10,x\n")
		w.open()
		failing := func(where string, err error) {
			w.im.Fault = func(effect string, before bool) error {
				if effect == where && before {
					return err
				}
				return nil
			}
		}
		failing("staging", errFault)
		w.importAll()
		id := w.runOf("a.csv").ID
		must(t, w.im.Ledger.Wish(w.ctx, ledger.Wish{Run: id, Want: ledger.Cancel, At: time.Now()}))
		for _, c := range []struct {
			effect string
			err    error
		}{{"publishing", context.Canceled}, {"move", context.Canceled}, {"move", errFault}} {
			failing(c.effect, c.err)
			w.im.Resume(w.ctx, []uint64{id})
			if run := w.runOf("a.csv"); run.Status != ledger.Cancelling || run.Error == "" || !run.Finished.IsZero() {
				t.Errorf("after %v at %q: %s (%q), finished at %v", c.err, c.effect, run.Status, run.Error, run.Finished)
			}
		}
		w.im.Fault = nil
		w.im.Resume(w.ctx, []uint64{id})
		if run := w.runOf("a.csv"); run.Status != ledger.Cancelled || run.Finished.IsZero() {
			t.Errorf("at last it is %s: %s", run.Status, run.Error)
		}
		w.wantFiles("rejected/a.csv", "rejected/a.csv.log", "rejected/a.csv.report.json")
	})
}

// TestWishKilled: killed at each effect of a run that is to be cancelled, or paused, the next start does what was wanted.
func TestWishKilled(t *testing.T) {
	for turn, effect := range []string{"publishing", "move", "settled"} {
		if testing.Short() && turn > 0 {
			break
		}
		t.Run(strings.ReplaceAll(effect, " ", "_"), func(t *testing.T) {
			eitherEngine(t, turn+1, func(t *testing.T, w *world) {
				w.job(orders)
				w.drop("a.csv", "id,amount,note\n1,1.10,x\n")
				w.killedChild("commit", false)
				w.open()
				id := w.unsettled()[0]
				for _, want := range []ledger.Want{ledger.Pause, ledger.Cancel} {
					if err := w.im.Ledger.Wish(w.ctx, ledger.Wish{Run: id, Want: want, At: time.Now()}); err != nil {
						t.Fatal(err)
					}
				}
				w.close()
				w.killedChild(effect, true)
				w.open()
				if run := w.runOf("a.csv"); run.State != ledger.Settled && (run.Status != ledger.Cancelling || !run.Finished.IsZero()) {
					t.Errorf("not settled yet, the run is %s, finished at %v", run.Status, run.Finished)
				}
				w.resumeAll()
				if run := w.runOf("a.csv"); run.Status != ledger.Cancelled {
					t.Errorf("the run is %s: %s", run.Status, run.Error)
				}
				w.wantSettled()
				w.wantRows("SELECT count() FROM %t", "0")
				w.wantFiles("rejected/a.csv", "rejected/a.csv.log", "rejected/a.csv.report.json")
			})
		})
	}
}

// TestWishOfHand: a file given by hand is taken back by who gave it, and its run says that it was cancelled.
func TestWishOfHand(t *testing.T) {
	eitherEngine(t, 0, func(t *testing.T, w *world) {
		w.job(orders)
		w.drop("a.csv", "id,amount,note\n1,1.10,x\n")
		im := *w.open()
		im.Store, im.Work = im.State, im.StateWork
		im.InPlace, im.Dir, im.Place, im.Out = true, "in", w.Dir+"/state", func(run uint64) string { return fmt.Sprint("runs/", run) }
		w.im = &im
		if too := w.wishAt(ledger.Cancel, "a.csv", wishPoint{effect: "commit"}); too != nil {
			t.Fatal(too)
		}
		run := w.runOf("a.csv")
		if err := im.GiveUp(context.WithoutCancel(w.ctx), run.ID); err != nil {
			t.Fatal(err)
		}
		if run = w.runOf("a.csv"); run.Status != ledger.Cancelled || run.State != ledger.Withdrawn {
			t.Errorf("the run is %s, %s", run.Status, run.State)
		}
		w.wantRows("SELECT count() FROM %t", "0")
	})
}
