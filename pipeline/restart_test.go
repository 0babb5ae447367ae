package pipeline

import (
	"strings"
	"testing"

	"chute/connectors"
)

// dropFour drops a file that is rejected whole, a good one, one that is the good one again, and one with rejects. So who publishes from the stage
// they share is neither first nor side by side.
func dropFour(w *world) {
	w.drop("a.csv", "nothing,of,this\n1,2,3\n")
	w.drop("b.csv", "id,amount,note\n1,1.10,x\n2,2.20,y\n3,3.30,x\n")
	w.drop("c.csv", "id,amount,note\n1,1.10,x\n2,2.20,y\n3,3.30,x\n")
	w.drop("d.csv", "id,amount,note\n4,4.40,x\n5,bad,y\n6,6.60,\"z\nz\"\n")
}

func wantFour(w *world) {
	w.t.Helper()
	w.wantSettled()
	w.wantRows("SELECT count(), sum(id), toInt64(sum(amount) * 100), uniqExact(note) FROM %t", "5 16 1760 3")
	w.wantFiles(fourFiles()...)
}

func fourFiles() []string {
	return []string{
		"done/b.csv", "done/b.csv.log", "done/b.csv.report.json",
		"done/c.csv", "done/c.csv.log", "done/c.csv.report.json",
		"done/d.csv", "done/d.csv.log", "done/d.csv.report.json", "done/d.rejects.csv", "done/d.rejects.jsonl",
		"rejected/a.csv", "rejected/a.csv.log", "rejected/a.csv.report.json",
	}
}

// restartAfter kills the process behind an effect of a batch and goes on in a new process.
func restartAfter(w *world, effect string) {
	w.job(orders)
	dropFour(w)
	w.killedChild(effect, false)
	w.open()
	for _, v := range w.resumeAll() {
		if v.Outcome == connectors.Later && v.Run != 0 {
			w.t.Errorf("%s: %q waits: %v", effect, v.File.Name, v.Err)
		}
	}
	w.importAll() // what hadn't left the inbox
	wantFour(w)
}

// TestRestartRejecting kills the process behind the effects of a file that comes alone, goes straight into its stage, and turns out at its end to be nothing that is to be
// loaded: it has too many rejects, or was loaded before.
func TestRestartRejecting(t *testing.T) {
	for turn, effect := range []string{"staging", "stage", "sidecars", "publishing", "drop", "move", "sync folders", "settled"} {
		t.Run(strings.ReplaceAll(effect, " ", "_"), func(t *testing.T) {
			eitherEngine(t, turn, func(t *testing.T, w *world) {
				w.job(orders)
				w.drop("b.csv", lines(3, 2, 3))
				w.restartWith("b.csv", effect, connectors.Rejected)
				w.wantFiles("rejected/b.csv", "rejected/b.csv.log", "rejected/b.csv.report.json", "rejected/b.rejects.jsonl")
				w.wantRows("SELECT count() FROM %t", "0")
			})
		})
	}
	for turn, effect := range []string{"stage", "publishing", "drop"} {
		t.Run("again/"+effect, func(t *testing.T) {
			eitherEngine(t, turn, func(t *testing.T, w *world) {
				w.job(orders)
				w.open()
				w.drop("a.csv", lines(50))
				wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
				w.close()
				w.drop("c.csv", lines(50))
				w.restartWith("c.csv", effect, connectors.Done)
				w.wantRows("SELECT count(), uniqExact(_chute_run) FROM %t", "50 1")
			})
		})
	}
}

// restartWith has a child killed at an effect, and goes on with what it left.
func (w *world) restartWith(name, effect string, want connectors.Outcome) {
	w.t.Helper()
	w.killedChild(effect, false)
	w.open()
	wanted := map[string]connectors.Outcome{name: want}
	if effect == "settled" {
		wanted = map[string]connectors.Outcome{} // nothing is left to be done
	}
	wantOutcomes(w.t, w.resumeAll(), wanted)
	w.wantSettled()
}
