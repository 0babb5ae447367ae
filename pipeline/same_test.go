package pipeline

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/pipeline/report"
)

// TestFiftyTheSame drops fifty files of the same bytes at once, in one batch and in several: one is loaded, and beside each of the others lies which run it was.
func TestFiftyTheSame(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job(orders)
		w.open()
		const files = 50
		for i := range files {
			w.drop(fmt.Sprintf("f%02d.csv", i), lines(3))
		}
		waiting, err := w.waiting(w.ctx, w.im)
		if err != nil {
			t.Fatal(err)
		}
		for len(waiting) > 0 {
			n := min(len(waiting), 20)
			for _, v := range w.im.Import(w.ctx, waiting[:n]) {
				if v.Outcome != connectors.Done {
					t.Errorf("%q: %v: %v", v.File.Name, v.Outcome, v.Err)
				}
			}
			waiting = waiting[n:]
		}
		w.wantSettled()
		w.wantRows("SELECT count(), uniqExact(id), uniqExact(_chute_run) FROM %t", "3 3 1")
		runs, err := w.im.Ledger.Runs(w.ctx, ledger.Filter{})
		if err != nil || len(runs) != files {
			t.Fatalf("%d runs, %v", len(runs), err)
		}
		var want []string
		for _, r := range runs {
			name := "done/" + r.File.Name
			want = append(want, name, name+".log", name+".report.json")
			told := w.readReport(name)
			loaded := r.ID == 1 && r.Status == ledger.Finished && told.SameAs == nil
			skipped := r.ID != 1 && r.Status == ledger.Skipped && told.SameAs != nil && told.SameAs.Run == 1 && told.SameAs.Name == "f00.csv"
			if told.Run != r.ID || !loaded && !skipped {
				t.Errorf("run %d of %s is %s, its report says %+v", r.ID, r.File.Name, r.Status, told)
			}
		}
		w.wantFiles(want...)
	})
}

// readReport reads what lies beside a file.
func (w *world) readReport(file string) (told report.Partner) {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.Dir, "store", file+".report.json"))
	if err == nil {
		err = json.Unmarshal(text, &told)
	}
	if err != nil {
		w.t.Errorf("report of %s: %v", file, err)
	}
	return told
}
