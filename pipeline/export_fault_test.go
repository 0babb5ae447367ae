package pipeline

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

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

const deliveryJob = "file = \"stock_%Y%m%d_{seq}.csv\"\ntable = \"%t\"\nwatermark = { from = \"day\" }\norder_by = [\"sku\"]\nchecksum = \"sha256\"\nmanifest = true\ndone_marker = true\nretry = { first = \"1ms\" }\n"

var deliveredNames = []string{"out/stock_20260301_1.csv", "out/stock_20260301_1.csv.done", "out/stock_20260301_1.csv.manifest.json", "out/stock_20260301_1.csv.sha256"}

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
				eitherEngine(t, turn, func(_ *testing.T, w *world) { w.failExport(point.effect, before) })
			})
		}
	}
}

func (w *world) failExport(effect string, before bool) {
	w.t.Helper()
	w.exportJob(deliveryJob)
	ex := w.openExport()
	w.exec(stock...)
	reached := false
	ex.Fault = func(at string, early bool) error {
		if at != effect || early != before || reached {
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
	w.wantFiles(deliveredNames...)
	w.wantContent(deliveredNames[0], stockCSV)
	w.wantDelivered()
}

// TestExportRestart kills a process at every effect of a delivery, before and after it. Whoever the files are meant for fetches and removes what is there
// before the next start, which delivers the rest, and nothing twice.
func TestExportRestart(t *testing.T) {
	for turn, point := range exportPoints {
		for _, side := range []string{"-", ""} {
			if point.effect == "begin" && side == "-" {
				continue // nothing has happened yet
			}
			t.Run(strings.ReplaceAll(side+point.effect, " ", "_"), func(t *testing.T) {
				eitherEngine(t, turn+len(side), func(_ *testing.T, w *world) { w.killExport(side + point.effect) })
			})
		}
	}
}

func (w *world) killExport(point string) {
	w.t.Helper()
	w.exportJob(deliveryJob)
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
	if slices.Sort(fetched); !slices.Equal(fetched, deliveredNames) {
		w.t.Errorf("delivered in all: %q, want %q", fetched, deliveredNames)
	}
	w.wantDelivered()
}

// fetch takes all that is in the outbox, as a partner does.
func (w *world) fetch() (names []string) {
	w.t.Helper()
	for _, name := range w.tree() {
		if strings.HasPrefix(name, "out/") && !strings.HasSuffix(name, "/") {
			names = append(names, name)
			if err := os.Remove(filepath.Join(w.Dir, "store", name)); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	return names
}

// TestExportCut: the connection to the outbox on a real sshd is cut before and behind each effect of one delivery that needs it. The delivery is tried again
// each time. The partner, who fetches and removes what is there after each cut, gets each file once, and whole.
func TestExportCut(t *testing.T) {
	w := newWorld(t, "clickhouse")
	w.overSFTP()
	w.exportJob(deliveryJob)
	if err := os.MkdirAll(filepath.Join(w.Dir, "store"), 0o755); err != nil {
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
		if text, readErr := os.ReadFile(filepath.Join(w.Dir, "store", deliveredNames[0])); readErr == nil && string(text) != stockCSV {
			t.Errorf("delivered: %q", text)
		}
		fetched = append(fetched, w.fetch()...)
		if err == nil {
			break
		}
		if tries == 2*len(exportPoints) {
			t.Fatalf("try %d: %+v, %v", tries, run, err)
		}
	}
	for _, effect := range []string{"write", "companions", "move", "sync folders", "clear"} { // with others there is no connection, or it was just cut
		if !cut["-"+effect] || !cut[effect] {
			t.Errorf("nothing was cut at %s: %v", effect, cut)
		}
	}
	if err := ex.Sweep(w.ctx); err != nil {
		t.Error(err)
	}
	if slices.Sort(fetched); !slices.Equal(fetched, deliveredNames) {
		t.Errorf("delivered in all: %q, want %q", fetched, deliveredNames)
	}
	w.wantDelivered()
}
