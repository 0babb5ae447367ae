package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chute/connectors"
	"chute/pipeline/ledger"
)

// TestLeaver has one file leave its batch, because somebody writes to it again, and cuts off the publishing of the others. What is done with the
// leaver afterwards must touch neither the stage that the others need nor what lies ready for them.
func TestLeaver(t *testing.T) {
	for turn, c := range []struct {
		effect string
		killed bool
	}{{"publishing", true}, {"publishing", false}, {"attach", true}, {"attach", false}, {"-published", true}, {"drop", true}} {
		name := strings.Trim(c.effect, "-") + map[bool]string{true: "/killed", false: "/failed"}[c.killed]
		t.Run(name, func(t *testing.T) {
			eitherEngine(t, turn/2+turn, func(t *testing.T, w *world) { leave(w, c.effect, c.killed) })
		})
	}
}

func leave(w *world, effect string, killed bool) {
	w.job(orders)
	w.drop("a.csv", lines(30))
	w.drop("b.csv", lines(20))
	w.drop("c.csv", lines(10))
	writer, err := os.OpenFile(filepath.Join(w.Dir, "store/in/b.csv"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	if killed {
		w.killedChild(effect, false)
		w.open()
	} else {
		w.open()
		point, before := strings.CutPrefix(effect, "-")
		w.failOnce(point, before)
		wantOutcomes(w.t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Later, "b.csv": connectors.Later, "c.csv": connectors.Later})
	}
	writer.Close()
	w.resumeAll()
	w.importAll() // b, if it was put back
	w.wantRows("SELECT count(), uniqExact(_chute_run, _chute_record), uniqExact(_chute_run) FROM %t", "60 60 3")
	w.wantFiles("done/a.csv", "done/a.csv.log", "done/a.csv.report.json", "done/b.csv", "done/b.csv.log", "done/b.csv.report.json",
		"done/c.csv", "done/c.csv.log", "done/c.csv.report.json")
	w.wantSettled()
}

// TestResumedInPart goes on with one file of a batch only: the rows of the others become visible with its own, so they go on as well.
func TestResumedInPart(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job(orders)
		w.drop("a.csv", lines(30))
		w.drop("b.csv", lines(20))
		w.killedChild("attach", false)
		w.open()
		if v := w.im.Resume(w.ctx, []uint64{2}); len(v) != 1 || v[0].Run != 2 || v[0].Outcome != connectors.Done {
			t.Errorf("verdicts %+v", v)
		}
		w.wantRows("SELECT count(), uniqExact(_chute_run, _chute_record), uniqExact(_chute_run) FROM %t", "50 50 2")
		w.wantSettled()
	})
}

// TestStageGone: a stage that is gone, or not whole any more, when its rows are to become visible. The target decides what is missing, and all of it is
// staged again.
func TestStageGone(t *testing.T) {
	for _, c := range []struct{ name, killed, loss string }{
		{"before", "publishing", "DROP TABLE %s"},
		{"some attached", "attach", "DROP TABLE %s"},
		{"all attached", "-published", "DROP TABLE %s"},
		{"not whole", "publishing", "ALTER TABLE %s DROP PARTITION 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bothEngines(t, func(t *testing.T, w *world) {
				w.job(orders)
				w.drop("a.csv", lines(30))
				w.drop("b.csv", lines(20))
				w.killedChild(c.killed, false)
				w.open()
				w.exec(strings.Replace(c.loss, "%s", "%d."+w.stages()[0], 1))
				w.resumeAll() // the first time it may be for finding out
				w.resumeAll()
				w.wantRows("SELECT count(), uniqExact(_chute_run, _chute_record), uniqExact(_chute_run) FROM %t", "50 50 2")
				w.wantSettled()
			})
		})
	}
}

// TestLargeTogether: a file that is small only as delivered isn't kept in memory for the sake of its batch. It goes on by itself.
func TestLargeTogether(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job(orders + "[batch]\nbytes = \"1KiB\"\n")
		w.open()
		w.drop("a.csv", lines(3))
		w.drop("b.csv", lines(5000, 77))
		w.drop("c.csv", lines(4))
		var stages []string
		w.im.Fault = func(at string, before bool) error {
			if at == "stage" && !before {
				stages = append(stages, fmt.Sprint(len(w.stages())))
			}
			return nil
		}
		v := w.importAll()
		wantOutcomes(t, v, map[string]connectors.Outcome{"a.csv": connectors.Done, "b.csv": connectors.Done, "c.csv": connectors.Done})
		if got := fmt.Sprint(stages); got != "[1 1]" {
			t.Errorf("stages there when one was made: %s, want one each time, the second after the first was dropped", got)
		}
		w.wantRows("SELECT _chute_run % 1000, count() FROM %t GROUP BY _chute_run ORDER BY _chute_run", "1 3", "2 4999", "3 4")
		if run, err := w.im.Ledger.Run(w.ctx, 2); err != nil || run.Status != ledger.FinishedWithRejects || run.Attempts != 0 {
			t.Errorf("run %+v (%v)", run, err)
		}
		w.wantSettled()
	})
}
