package pipeline

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"chute/connectors"
	"chute/connectors/connectortest"
	"chute/connectors/connectortest/wire"
	"chute/pipeline/ledger"
)

// exportPoints are the effects of a delivery in their order, with what a restart finds behind each.
var exportPoints = []struct{ effect, finds string }{
	{"begin", "writing, nothing in the work folder"},
	{"write", "writing, the file whole"},
	{"companions", "writing, checksum, manifest and marker beside it"},
	{"report", "writing, the report written"},
	{"delivering", "delivering, nothing moved"},
	{"move", "delivering, the file in the outbox"},
	{"sync folders", "delivering, everything in the outbox"},
	{"settled", "settled, the work folder there"},
	{"clear", "settled"},
}

var (
	exportCuts  = []string{"write", "companions", "move", "sync folders", "clear"} // with others there is no connection to the store, or it was just cut
	exportFills = []string{"begin", "write", "delivering"}                         // behind which the store's file system is full
	exportLost  = []wire.Moment{wire.Before, wire.After}                           // of the question, at which the database's connection is lost
)

// sample is a job of those tests.
type sample struct {
	job   string
	names []string
	texts []string // of the first of them
}

const deliveryKeys = "table = \"%t\"\nwatermark = { from = \"day\" }\norder_by = [\"sku\"]\nchecksum = \"sha256\"\nmanifest = true\ndone_marker = true\nretry = { first = \"1ms\" }\n"

var (
	inOne = sample{
		"file = \"stock_%Y%m%d_{seq}.csv\"\n" + deliveryKeys,
		[]string{"out/stock_20260301_1.csv", "out/stock_20260301_1.csv.done", "out/stock_20260301_1.csv.manifest.json", "out/stock_20260301_1.csv.sha256"},
		[]string{stockCSV},
	}
	inThree = sample{
		"file = \"stock_%Y%m%d_{seq}-{part}.csv\"\n" + deliveryKeys + "split = { rows = 2, name = \"stock_%Y%m%d_{seq}\" }\n",
		[]string{
			"out/stock_20260301_1-1.csv", "out/stock_20260301_1-2.csv", "out/stock_20260301_1-3.csv",
			"out/stock_20260301_1.done", "out/stock_20260301_1.manifest.json", "out/stock_20260301_1.sha256",
		},
		[]string{
			"sku,name,price,day\r\n1,bolt,1.50,2026-01-02\r\n2,\"nut, \"\"hex\"\"\",20.00,2026-01-03\r\n",
			"sku,name,price,day\r\n3,,0.00,1970-01-02\r\n4,\"\",-0.25,2026-02-28\r\n", "sku,name,price,day\r\n5,=1+1,7.00,2026-03-01\r\n",
		},
	}
)

// at chooses what an effect is tried with: each is with one file, and on its other side, or the second time, with several.
func deliveryAt(turn int, effect string) (sample, string) {
	if turn%2 == 0 {
		return inOne, effect
	}
	if effect == "write" || effect == "move" {
		effect += secondTime
	}
	return inThree, effect
}

// wantDelivered checks that the moment was dealt with by one delivery.
func (w *world) wantDelivered() {
	w.t.Helper()
	w.wantNothingLeft()
	w.wantDeliveries(1, firstDue)
	if d, err := w.im.Ledger.Deliveries(w.ctx, "stock"); err != nil || time.Since(d.Watermark) > time.Hour {
		w.t.Errorf("the watermark hasn't moved: %+v, %v", d, err)
	}
	runs, err := w.im.Ledger.Runs(w.ctx, ledger.Filter{Kinds: []string{ledger.Export}})
	if err != nil || len(runs) != 1 || runs[0].Status != ledger.Finished || runs[0].Records != 5 {
		w.t.Errorf("runs %+v, %v", runs, err)
	}
}

// TestExportFault makes every effect of a delivery fail once: not done, and done although it failed. The next try delivers what is missing, and the one
// after it finds nothing to do.
func TestExportFault(t *testing.T) {
	for turn, point := range exportPoints {
		for _, before := range []bool{true, false} {
			name := strings.ReplaceAll(point.effect, " ", "_") + map[bool]string{true: "/not_done", false: "/done"}[before]
			t.Run(name, func(t *testing.T) {
				side := map[bool]int{true: 1}[before]
				d, effect := deliveryAt(turn+side, point.effect)
				eitherEngine(t, turn, func(_ *testing.T, w *world) { w.failExport(d, effect, before) })
			})
		}
	}
}

func (w *world) failExport(job sample, effect string, before bool) {
	w.t.Helper()
	w.exportJob(job.job)
	ex := w.openExport()
	w.exec(stock...)
	reached := false
	effect, often := strings.CutSuffix(effect, secondTime)
	ex.Fault = func(at string, early bool) error {
		if at != effect || early != before || reached {
			return nil
		}
		if often {
			often = false
			return nil
		}
		reached = true
		return errFault
	}
	_, err := ex.Export(w.ctx, Occasion{Due: firstDue})
	// What has moved has been delivered, whatever the answer was; and a folder that can't be removed is no reason to fail.
	if d, err := ex.Ledger.Deliveries(w.ctx, "stock"); err != nil || !d.Watermark.IsZero() && effect != "settled" && effect != "clear" && effect != "move" {
		w.t.Errorf("the watermark has moved before the delivery was settled: %+v, %v", d, err)
	}
	if !reached || (err == nil) != (effect == "clear" || effect == "move" && !before) {
		w.t.Fatalf("%q reached: %t; %v", effect, reached, err)
	}
	for range 2 {
		if run, err := ex.Export(w.ctx, Occasion{Due: firstDue}); err != nil {
			w.t.Fatalf("the next try: %+v, %v", run, err)
		}
	}
	if err := ex.Sweep(w.ctx); err != nil { // as the next start would
		w.t.Error(err)
	}
	w.wantFiles(job.names...)
	for i, text := range job.texts {
		w.wantContent(job.names[i], text)
	}
	w.wantDelivered()
}

// TestExportRestart kills a process at every effect of a delivery, before and after it. Whoever the files are meant for fetches and removes what is there
// before the next start, which delivers the rest, and nothing twice.
func TestExportRestart(t *testing.T) {
	for turn, point := range exportPoints {
		for _, side := range []string{"-", ""} {
			if !killable(point.effect, side) {
				continue
			}
			t.Run(strings.ReplaceAll(side+point.effect, " ", "_"), func(t *testing.T) {
				d, effect := deliveryAt(turn+len(side), point.effect)
				eitherEngine(t, turn, func(_ *testing.T, w *world) { w.killExport(d, side+effect) })
			})
		}
	}
}

// killable: before the first effect nothing has happened yet.
func killable(effect, side string) bool { return effect != exportPoints[0].effect || side == "" }

func (w *world) killExport(job sample, point string) {
	w.t.Helper()
	w.exportJob(job.job)
	w.openExport()
	w.exec(stock...)
	w.close()
	w.Export = true
	w.killedChild(point, false)
	fetched := w.fetch()
	ex := w.openExport()
	if err := ex.Sweep(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	for range 2 {
		if run, err := ex.Export(w.ctx, Occasion{Due: firstDue}); err != nil {
			w.t.Fatalf("after the restart: %+v, %v", run, err)
		}
	}
	fetched = append(fetched, w.fetch()...)
	if slices.Sort(fetched); !slices.Equal(fetched, job.names) {
		w.t.Errorf("delivered in all: %q, want %q", fetched, job.names)
	}
	w.wantDelivered()
}

// fetch takes all that is in the outbox, as a partner does.
func (w *world) fetch() []string {
	w.t.Helper()
	names := w.fetchable()
	for _, name := range names {
		if err := os.Remove(filepath.Join(w.Dir, "store", name)); err != nil {
			w.t.Fatal(err)
		}
	}
	return names
}

// fetchable is what is in the outbox.
func (w *world) fetchable() []string {
	return slices.DeleteFunc(w.tree(), func(name string) bool { return !strings.HasPrefix(name, "out/") || strings.HasSuffix(name, "/") })
}

// TestExportCut: the connection to the outbox on a real sshd is cut before and behind each effect of one delivery that needs it. The delivery is tried again
// each time. The partner, who fetches and removes what is there after each cut, gets each file once, and whole.
func TestExportCut(t *testing.T) {
	w := newWorld(t, "clickhouse")
	w.overSFTP()
	w.exportJob(inThree.job)
	if err := os.MkdirAll(filepath.Join(w.Dir, "store/in"), 0o755); err != nil {
		t.Fatal(err)
	}
	ex := w.openExport()
	w.exec(stock...)
	cut := map[string]bool{}
	ex.Fault = func(effect string, before bool) error {
		point := map[bool]string{true: "-"}[before] + effect
		if !cut[point] && sshServer.Cut() > 0 {
			cut[point] = true
		}
		return nil
	}
	var fetched []string
	for tries := 0; ; tries++ {
		run, err := ex.Export(w.ctx, Occasion{Due: firstDue})
		for i, want := range inThree.texts {
			if text, readErr := os.ReadFile(filepath.Join(w.Dir, "store", inThree.names[i])); readErr == nil && string(text) != want {
				t.Errorf("delivered: %q", text)
			}
		}
		fetched = append(fetched, w.fetch()...)
		if err == nil {
			break
		}
		if tries == 2*len(exportPoints) {
			t.Fatalf("try %d: %+v, %v", tries, run, err)
		}
	}
	for _, effect := range exportCuts {
		if !cut["-"+effect] || !cut[effect] {
			t.Errorf("nothing was cut at %s: %v", effect, cut)
		}
	}
	if err := ex.Sweep(w.ctx); err != nil {
		t.Error(err)
	}
	if slices.Sort(fetched); !slices.Equal(fetched, inThree.names) {
		t.Errorf("delivered in all: %q, want %q", fetched, inThree.names)
	}
	w.wantDelivered()
}

// TestExportFull fills the store's file system behind effects of a delivery. Nothing half of it is in the outbox, and with room again all of it is delivered, once.
func TestExportFull(t *testing.T) {
	w := newWorld(t, "clickhouse")
	disk := connectortest.StartDisk(t, 2<<10, 500)
	w.moveTo(disk)
	w.exportJob(inThree.job)
	ex := w.openExport()
	w.exec(stock...)
	for _, effect := range exportFills {
		struck := false
		ex.Fault = func(at string, before bool) error {
			if at == effect && !before && !struck {
				struck = true
				disk.Fill()
			}
			return nil
		}
		_, err := ex.Export(w.ctx, Occasion{Due: firstDue})
		disk.Clear()
		ex.Fault = nil
		if !struck || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("full behind %q (%t): %v", effect, struck, err)
		}
		if delivered := w.fetchable(); len(delivered) > 0 {
			t.Errorf("full behind %q: delivered %q", effect, delivered)
		}
	}
	mustExport(t, ex, Occasion{Due: firstDue}, ledger.Finished)
	w.wantFiles(inThree.names...)
	w.wantDelivered()
}

// TestExportLost: the connection to the database is lost when the question has been asked, and when all rows but not the end of the answer have come. Nothing of
// such an answer is delivered, and the next try has all of it.
func TestExportLost(t *testing.T) {
	w := newWorld(t, "wire")
	w.exportJob(inThree.job)
	ex := w.openExport()
	w.exec(stock...)
	for _, moment := range exportLost {
		if err := modern.Arm(wire.Fault{SQL: "ORDER BY `sku`", At: moment}); err != nil {
			t.Fatal(err)
		}
		run, err := ex.Export(w.ctx, Occasion{Due: firstDue})
		if !errors.Is(err, connectors.ErrUnavailable) || run.State != ledger.Writing || run.Attempts != 0 {
			t.Errorf("moment %d: %+v, %v", moment, run, err)
		}
		if delivered := w.fetchable(); len(delivered) > 0 {
			t.Errorf("moment %d: delivered %q", moment, delivered)
		}
		w.struck(false)
	}
	mustExport(t, ex, Occasion{Due: firstDue}, ledger.Finished)
	w.wantFiles(inThree.names...)
	w.wantDelivered()
}
