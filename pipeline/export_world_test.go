package pipeline

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"chute/config"
	"chute/connectors"
	"chute/connectors/chdb"
	"chute/connectors/clickhouse"
	"chute/connectors/local"
	"chute/pipeline/ledger"
)

// exportJob writes the job file of an export; %t is a table in a database of this test's own.
func (w *world) exportJob(text string) {
	w.t.Helper()
	w.write("jobs.d/stock.toml", "kind = \"export\"\nstore = \"s\"\noutbox = \"out\"\n"+strings.ReplaceAll(text, "%t", w.Database+".t"))
	w.write("chute.toml", fmt.Sprintf("[state]\ndir = %q\n[jobs]\ndir = %q\n[[store]]\nname = \"s\"\npath = %q\n",
		w.Dir+"/state", w.Dir+"/jobs.d", w.Dir+"/store"))
}

// openExport joins the parts, as the daemon does.
func (w *world) openExport() *Exporter {
	w.t.Helper()
	ex, err := w.enterExport(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	w.im, w.db = &Importer{Ledger: ex.Ledger}, ex.Database
	return ex
}

func (w World) enterExport(ctx context.Context) (*Exporter, error) {
	c, _, err := config.Load(filepath.Join(w.Dir, "chute.toml"))
	if err != nil {
		return nil, err
	}
	l, err := ledger.Open(ctx, filepath.Join(c.State.Dir, "ledger.db"))
	if err != nil {
		return nil, err
	}
	var store connectors.Folder
	if store, err = local.Open(c.Stores[0].Path, c.Stores[0].Work); w.SFTP != nil {
		store, err = w.SFTP.open(c.Stores[0].Path, c.Stores[0].Work)
	}
	if err != nil {
		return nil, err
	}
	var db connectors.Database = clickhouse.Open(clickhouse.Config{Address: w.Address, MaxMemory: w.EngineMemory})
	if w.Engine == "chdb" {
		if db, err = chdb.Open(ctx, chdb.Config{Path: filepath.Join(w.Dir, "chdb"), Memory: w.EngineMemory}); err != nil {
			return nil, err
		}
	}
	return &Exporter{
		Job: c.Exports[0], Store: store, StoreAt: c.Stores[0].Path, Work: c.Stores[0].Work, Database: db, Ledger: l, RunsDir: filepath.Join(c.State.Dir, "runs"), Log: zerolog.Nop(),
		EngineMemory: w.EngineMemory, Scratch: filepath.Join(c.State.Dir, "scratch"),
	}, nil
}

// secondTime behind an effect means that it is let pass once.
const secondTime = " again"

// firstDue is the moment that tests of a schedule are about.
var firstDue = time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)

// exportChild exports and kills its own process at the point that was asked for.
func exportChild(ctx context.Context, w World) error {
	ex, err := w.enterExport(ctx)
	if err != nil {
		return err
	}
	point, before := strings.CutPrefix(w.Kill, "-")
	point, often := strings.CutSuffix(point, secondTime)
	ex.Fault = func(effect string, early bool) error {
		if effect == point && early == before {
			if often {
				often = false
				return nil
			}
			return syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		return nil
	}
	run, err := ex.Export(ctx, Occasion{Due: firstDue})
	return fmt.Errorf("exporting wasn't killed at %s: %+v, %v", w.Kill, run, err)
}

// wantContent compares a file of the store with a text.
func (w *world) wantContent(name, want string) {
	w.t.Helper()
	got, err := os.ReadFile(filepath.Join(w.Dir, "store", name))
	if err != nil || string(got) != want {
		w.t.Errorf("%s: %v\n got %q\nwant %q", name, err, got, want)
	}
}

// wantNothingLeft checks that no export is unsettled and that the work folder is empty.
func (w *world) wantNothingLeft() {
	w.t.Helper()
	if runs, err := w.im.Ledger.Unsettled(w.ctx); err != nil || len(runs) > 0 {
		w.t.Errorf("unsettled: %+v, %v", runs, err)
	}
	for _, name := range w.tree() {
		if strings.HasPrefix(name, ".chute/") && strings.Count(name, "/") > 2 {
			w.t.Errorf("left in the work folder: %s", name)
		}
	}
}

func (w *world) wantDeliveries(seq uint64, due time.Time) {
	w.t.Helper()
	if d, err := w.im.Ledger.Deliveries(w.ctx, "stock"); err != nil || d.Seq != seq || !d.Due.Equal(due) {
		w.t.Errorf("deliveries: %+v, %v; want number %d, due %v", d, err, seq, due)
	}
}

func mustExport(t testing.TB, ex *Exporter, why Occasion, want ledger.Status) ledger.Run {
	t.Helper()
	run, err := ex.Export(t.Context(), why)
	if run.Status != want || (err != nil) != (want == ledger.Failed) {
		t.Fatalf("export: status %q, %v; want %q", run.Status, err, want)
	}
	return run
}

// zeroTime is for jobs that have no schedule.
var zeroTime time.Time

// loadExport reads the job file again.
func (w *world) loadExport() (*config.Export, error) {
	_, job, err := config.LoadExport(filepath.Join(w.Dir, "chute.toml"), "stock", nil)
	return job, err
}
