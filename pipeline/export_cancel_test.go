package pipeline

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"chute/config"
	"chute/connectors"
	"chute/pipeline/ledger"
)

// TestExportCancelled cancels a delivery before and after each of its effects. Either that is refused, and the file is delivered, or nothing of it is, its
// number is the next one's, and its moment was dealt with. Half of the times the delivery gets to know at once, else only from the ledger.
func TestExportCancelled(t *testing.T) {
	w := newWorld(t, "clickhouse")
	w.exportJob(inOne.job)
	ex := w.openExport()
	ex.Interrupts = &Interrupts{}
	w.exec(stock...)
	due, seq := firstDue, uint64(0)
	for _, point := range exportPoints {
		for _, before := range []bool{true, false} {
			due = due.AddDate(0, 0, 1)
			var refused error
			wished := false
			ex.Fault = func(effect string, early bool) error {
				if wished || effect != point.effect || early != before {
					return nil
				}
				runs, err := ex.Ledger.UnsettledExports(w.ctx, "stock")
				if len(runs) == 0 {
					return err // it isn't begun, or it is through
				}
				wished = true
				refused = ex.Ledger.Wish(w.ctx, ledger.Wish{Run: runs[0].ID, Want: ledger.Cancel, Reason: "the old prices", At: time.Now()})
				if before && refused == nil && !ex.Interrupts.Interrupt(runs[0].ID) {
					t.Errorf("%s: nobody is at it", point.effect)
				}
				return nil
			}
			run, err := ex.Export(w.ctx, Occasion{Due: due})
			names := w.fetch()
			if wished && refused == nil {
				if !errors.Is(err, errCancelled) || run.Status != ledger.Cancelled || run.Error != "cancelled: nothing of it was delivered. The reason: the old prices" || len(names) > 0 {
					t.Errorf("%s, before: %t: %+v, %v; delivered %q", point.effect, before, run, err, names)
				}
			} else if seq++; err != nil || run.Status != ledger.Finished || len(names) != 4 || wished && !errors.Is(refused, ledger.ErrTooLate) {
				t.Errorf("%s, before: %t: %v, %+v, %v; delivered %q", point.effect, before, refused, run, err, names)
			}
			if again, err := ex.Export(w.ctx, Occasion{Due: due}); err != nil || again.ID != 0 {
				t.Errorf("%s, before: %t: its moment comes again: %+v, %v", point.effect, before, again, err)
			}
			w.wantNothingLeft()
			w.wantDeliveries(seq, due)
		}
	}
	if seq != 10 {
		t.Errorf("%d were delivered", seq)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestExportClosed ends deliveries that nobody goes on with, for their job is gone: by what has moved already, and without a look where the store is gone too.
func TestExportClosed(t *testing.T) {
	for name, c := range map[string]struct {
		moved  int
		store  bool
		status ledger.Status
		said   string
		seq    uint64
	}{
		"nothing moved": {0, true, ledger.Cancelled, "cancelled: nothing of it was delivered", 0},
		"in part":       {2, true, ledger.Cancelled, "cancelled: stock_20260301_1.csv, stock_20260301_1.csv.sha256 had been delivered, stock_20260301_1.csv.manifest.json, stock_20260301_1.csv.done not", 1},
		"all of it":     {4, true, ledger.Finished, "", 1},
		"no store":      {2, false, ledger.Cancelled, "cancelled: what of it was delivered can't be told, for its store or its work folder isn't there any more", 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "clickhouse")
			w.exportJob(inOne.job)
			ex := w.openExport()
			w.exec(stock...)
			moves := 0
			ex.Fault = func(effect string, before bool) error {
				if before && (effect == "move" && moves == c.moved || effect == "sync folders") {
					return errFault
				}
				if before && effect == "move" {
					moves++
				}
				return nil
			}
			run, err := ex.Export(w.ctx, Occasion{Due: firstDue})
			if !errors.Is(err, errFault) || run.State != ledger.Delivering {
				t.Fatalf("%+v, %v", run, err)
			}
			is, err := ex.Ledger.Exporting(w.ctx, run.ID)
			must(t, err)
			run.Status = ledger.Stuck
			must(t, ex.Ledger.UpdateExport(w.ctx, run, is))
			must(t, ex.Ledger.Wish(w.ctx, ledger.Wish{Run: run.ID, Want: ledger.Cancel, At: time.Now()}))
			end := &Exporter{Job: &config.Export{Name: "stock", Store: "s"}, Store: ex.Store, Work: ex.Work, Ledger: ex.Ledger, RunsDir: ex.RunsDir, Log: ex.Log}
			if !c.store {
				end.Store = connectors.Folder(nil)
			}
			for range 2 {
				must(t, end.Cancel(w.ctx, run.ID))
			}
			got, err := ex.Ledger.Run(w.ctx, run.ID)
			if err != nil || got.State != ledger.Settled || got.Status != c.status || got.Error != c.said {
				t.Errorf("%s, %s: %q, %v", got.State, got.Status, got.Error, err)
			}
			if n := len(w.fetch()); n != c.moved {
				t.Errorf("%d files are in the outbox", n)
			}
			w.wantDeliveries(c.seq, firstDue)
			if _, err := os.Stat(filepath.Join(ex.RunsDir, "1", "log")); err != nil {
				t.Error(err)
			}
			if c.store {
				w.wantNothingLeft()
			}
		})
	}
}
