package pipeline

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chute/connectors"
	"chute/pipeline/ledger"
)

// TestOddNames: what a file's name says is the file's own fault. It is rejected, whatever the job makes of the name, and holds up nobody.
func TestOddNames(t *testing.T) {
	w := newWorld(t, "chdb")
	w.job(strings.NewReplacer("[target]", "done = \"done/{who}/x\"\nrejected = \"rejected/{who}/x\"\n[target]").Replace(orders) + `
[[column]]
name = "day"
type = "Date"
constant = "{day}"
`)
	job := filepath.Join(w.Dir, "jobs.d/orders.toml")
	text, err := os.ReadFile(job)
	if err != nil {
		t.Fatal(err)
	}
	w.write("jobs.d/orders.toml", strings.Replace(string(text), `match = "*"`, `match_regexp = '^(?P<who>[a-z]*)_(?P<day>.*)\.csv$'`, 1))
	w.open()
	w.drop("acme_2026-02-30.csv", lines(3))
	w.drop("_2026-02-01.csv", lines(4))
	w.drop("acme_2026-02-01.csv", lines(5))
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{
		"acme_2026-02-30.csv": connectors.Rejected, "_2026-02-01.csv": connectors.Rejected, "acme_2026-02-01.csv": connectors.Done,
	})
	w.wantRows("SELECT count(), toString(max(day)) FROM %t", "5 2026-02-01")
	w.wantSettled()
	for _, name := range []string{"rejected/acme/x/acme_2026-02-30.csv", "rejected/_2026-02-01.csv", "done/acme/x/acme_2026-02-01.csv"} {
		if _, err := os.Stat(filepath.Join(w.Dir, "store", name)); err != nil {
			t.Error(err)
		}
	}
}

// TestStatusAfterTrouble: a run that is through says how it ended, not how often it had to wait.
func TestStatusAfterTrouble(t *testing.T) {
	w := newWorld(t, "chdb")
	w.job(orders)
	w.open()
	dropFour(w)
	w.failOnce("move", true)
	w.importAll()
	w.resumeAll()
	wantFour(w)
	for id, want := range map[uint64]ledger.Status{1: ledger.Rejected, 2: ledger.Finished, 3: ledger.Skipped, 4: ledger.FinishedWithRejects} {
		if run, err := w.im.Ledger.Run(w.ctx, id); err != nil || run.Status != want {
			t.Errorf("run %d is %s (%v), want %s", id, run.Status, err, want)
		}
	}
}

// TestFirstOfBatchFails: a file that can't be read doesn't disturb the ones that came with it.
func TestFirstOfBatchFails(t *testing.T) {
	w := newWorld(t, "chdb")
	w.job(orders)
	w.open()
	w.drop("a.csv", lines(3))
	w.drop("b.csv", lines(4))
	w.im.Fault = func(at string, before bool) error {
		if at == "claimed" && !before {
			return appendTo(filepath.Join(w.Dir, "store/.chute", w.im.Ledger.ID(), "1/a.csv"), "9,1.00,x\n")
		}
		return nil
	}
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Later, "b.csv": connectors.Done})
	w.im.Fault = nil
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
	w.wantRows("SELECT count() FROM %t", "8")
	w.wantSettled()
}

// TestRejectBytes: refused records can't fill the disk, however well they compress.
func TestRejectBytes(t *testing.T) {
	w := newWorld(t, "chdb")
	w.job(strings.Replace(orders, "max_reject_percent = 50", "max_reject_bytes = \"1KiB\"", 1))
	w.open()
	w.drop("a.csv", lines(300, firstN(90)...))
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
	w.drop("b.csv", lines(300, firstN(99)...)+strings.Repeat("x,bad,"+strings.Repeat("y", 100)+"\n", 3))
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"b.csv": connectors.Rejected})
	w.wantSettled()
}

// TestNamesOfOurOwn: a partner may call files what chute calls its own in the work folder.
func TestNamesOfOurOwn(t *testing.T) {
	w := newWorld(t, "chdb")
	w.job(orders)
	w.open()
	names := []string{claimFile, outFolder, apartFolder, "a.csv"}
	want := map[string]connectors.Outcome{}
	var files []string
	for i, name := range names {
		w.drop(name, lines(3+i))
		want[name] = connectors.Done
		files = append(files, "done/"+name, "done/"+name+".log", "done/"+name+".report.json")
	}
	w.failOnce("staging", true) // the claimed files wait in the work folder
	w.importAll()
	wantOutcomes(t, w.resumeAll(), want)
	w.wantRows("SELECT count() FROM %t", "18")
	w.wantSettled()
	w.wantFiles(files...)

	w.drop(claimFile, lines(3))
	w.im.Fault = func(at string, before bool) error {
		if at == "claimed" && !before {
			return appendTo(filepath.Join(w.Dir, "store/.chute", w.im.Ledger.ID(), "5", apartFolder, claimFile), "9,1.00,x\n")
		}
		return nil
	}
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{claimFile: connectors.Later}) // it changed, so it went back
	w.im.Fault = nil
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{claimFile: connectors.Done})
	w.wantRows("SELECT count() FROM %t", "22")
	w.wantSettled()
}
