package pipeline

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"chute/connectors"
	"chute/pipeline/ledger"
)

// onlyCSV has the job match nothing but *.csv.
func onlyCSV(w *world) {
	text, err := os.ReadFile(filepath.Join(w.Dir, "jobs.d/orders.toml"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.write("jobs.d/orders.toml", strings.Replace(string(text), `match = "*"`, `match = "*.csv"`, 1))
}

var turnedAway = []string{"rejected/a.txt", "rejected/a.txt.log", "rejected/a.txt.report.json", "rejected/orders", "rejected/orders.log", "rejected/orders.report.json"}

func (w *world) wantTurnedAway() {
	w.t.Helper()
	w.wantSettled()
	report, err := os.ReadFile(filepath.Join(w.Dir, "store/rejected/a.txt.report.json"))
	if err != nil || !strings.Contains(string(report), `"code": "unmatched"`) {
		w.t.Errorf("the partner is told: %s, %v", report, err)
	}
}

// TestUnmatched: files that no job matches are rejected without a look into them, with their sidecars; those that were handed over with them are loaded. It says
// nothing about the job: it isn't held for them.
func TestUnmatched(t *testing.T) {
	for _, far := range []bool{false, true} {
		w := newWorld(t, "clickhouse")
		w.Far = far
		w.job("strict = true\nhold_after = 1\n" + orders)
		onlyCSV(w)
		w.drop("a.txt", lines(3))
		w.drop("b.csv", lines(3))
		w.drop("orders", "")
		w.open()
		wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"b.csv": connectors.Done, "a.txt": connectors.Rejected, "orders": connectors.Rejected})
		w.wantFiles(append([]string{"done/b.csv", "done/b.csv.log", "done/b.csv.report.json"}, turnedAway...)...)
		w.wantRows("SELECT count() FROM %t", "3")
		w.wantTurnedAway()
		w.wantSpoolEmpty()
		if err := (&Breaker{Job: w.im.Job, Ledger: w.im.Ledger, Log: w.im.Log}).Held(w.ctx); err != nil {
			t.Errorf("the job: %v", err)
		}
		w.close()
	}
}

// TestUnmatchedRestart: killed behind any effect, each such file ends in rejected, even if a job matches its name by then; or it is still in the inbox.
func TestUnmatchedRestart(t *testing.T) {
	effects := []string{"claiming", "rename", "claim.json", "claimed", "sidecars", "publishing", "move", "move file", "settled"}
	if testing.Short() {
		effects = effects[1:2]
	}
	for turn, effect := range effects {
		t.Run(strings.ReplaceAll(effect, " ", "_"), func(t *testing.T) {
			w := newWorld(t, "clickhouse")
			w.Far = turn%2 == 1
			w.job(orders)
			onlyCSV(w)
			w.drop("a.txt", lines(3))
			w.drop("orders", "")
			w.killedChild(effect, false)
			w.job(orders) // which matches everything
			w.open()
			for _, v := range w.resumeAll() {
				if v.Outcome == connectors.Later && v.Run != 0 {
					t.Errorf("%q waits: %v", v.File.Name, v.Err)
				}
			}
			onlyCSV(w)
			w.close()
			w.open()
			w.importAll() // what hadn't left the inbox
			w.wantFiles(turnedAway...)
			w.wantTurnedAway()
		})
	}
}

// TestUnmatchedRemembered: where chute may not rename first, they are moved all the same.
func TestUnmatchedRemembered(t *testing.T) {
	w := rememberingWorld(t, true, "move")
	onlyCSV(w)
	w.drop("a.txt", lines(3))
	w.drop("b.csv", lines(3))
	w.open()
	wantOutcomes(t, w.importNew(), map[string]connectors.Outcome{"b.csv": connectors.Done, "a.txt": connectors.Rejected})
	w.wantFiles("rejected/a.txt", "done/b.csv")
	w.wantSettled()
	w.wantSpoolEmpty()
	runs, err := w.im.Ledger.Runs(w.ctx, ledger.Filter{})
	if err != nil || !slices.ContainsFunc(runs, func(r ledger.Run) bool {
		return r.File.Name == "a.txt" && r.Status == ledger.Rejected && r.SHA256 == ""
	}) {
		t.Errorf("runs: %+v, %v", runs, err)
	}
}
