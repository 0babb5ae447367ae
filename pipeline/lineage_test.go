package pipeline

import (
	"os"
	"path/filepath"
	"testing"

	"chute/connectors"
	"chute/pipeline/ledger"
)

// TestRunsOfAnotherLedger: a state that was lost begins to count its runs anew, and so does a second daemon. Neither takes rows of the
// other's run of the same number for its own, nor deletes them: the first load would be doubled or the second one lost.
func TestRunsOfAnotherLedger(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job(orders)
		w.open()
		w.drop("a.csv", lines(3))
		wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
		first := w.im.Ledger.Lineage(1)
		w.close()
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if err := os.Remove(filepath.Join(w.Dir, "state/ledger.db"+suffix)); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
		}
		w.open()
		for name, n := range map[string]int{"b.csv": 3, "c.csv": 5} { // as many as run 1 had, and another number
			w.drop(name, lines(n))
			wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{name: connectors.Done})
		}
		w.wantRows("SELECT count(), uniqExact(_chute_run) FROM %t", "11 3")
		if again := w.im.Ledger.Lineage(1); again == first || ledger.RunOf(again) != 1 {
			t.Errorf("run 1 has the number %d in the table, in another ledger %d", again, first)
		}
		w.wantSettled()
	})
}
