package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chute/pipeline/ledger"
)

// wantNext delivers once more and compares the first fields of the file.
func (w *world) wantNext(ex *Exporter, why Occasion, want string) {
	w.t.Helper()
	run := mustExport(w.t, ex, why, ledger.Finished)
	text, err := os.ReadFile(filepath.Join(w.Dir, "store/out", run.File.Name))
	var ids []string
	for line := range strings.Lines(string(text)) {
		id, _, _ := strings.Cut(strings.TrimSpace(line), ",")
		ids = append(ids, id)
	}
	if got := strings.Join(ids, " "); err != nil || got != want {
		w.t.Errorf("%s has %q, %v; want %q\nasked: %s", run.File.Name, got, err, want, run.Report)
	}
}

const newJob = "file = \"new_{seq}\"\nformat = { header = false, line_end = \"lf\" }\n"

// deliverNew tests a job that asks a table, on both engines because chute makes the whole question, and one with a query of its own, in which places are filled in
// the same for either.
func deliverNew(t *testing.T, table, query string, test func(t *testing.T, w *world, ex *Exporter)) {
	for name, job := range map[string]string{"table": "table = \"%t\"\ncolumns = [\"id\"]\norder_by = [\"id\"]\n" + table, "query": query} {
		with := func(t *testing.T, w *world) {
			w.exportJob(newJob + job)
			test(t, w, w.openExport())
		}
		t.Run(name, func(t *testing.T) {
			if name == "table" {
				bothEngines(t, with)
			} else {
				eitherEngine(t, 1, with)
			}
		})
	}
}

// TestExportNew: rows of the watermark's own second, and rows that become visible late, are in one delivery each.
func TestExportNew(t *testing.T) {
	deliverNew(t, "filter = \"id != 99 OR id = 98\"\nwatermark = { from = \"at\", lag = \"5s\" }\n",
		"query = \"SELECT id, at FROM %t WHERE id != 99 AND at > {since:DateTime} AND at <= {until:DateTime} ORDER BY id\"\nwatermark = { from = \"at\", lag = \"5s\" }\n",
		func(t *testing.T, w *world, ex *Exporter) {
			clock := time.Date(2026, 3, 1, 12, 0, 0, 300e6, time.UTC) // until is 11:59:54
			ex.Now = func() time.Time { return clock }
			w.exec("CREATE DATABASE %d", "CREATE TABLE %t (id UInt32, at DateTime('UTC')) ENGINE = MergeTree ORDER BY id")
			insert := func(rows ...string) {
				for _, row := range rows {
					id, at, _ := strings.Cut(row, " ")
					w.exec(fmt.Sprintf("INSERT INTO %%t SELECT %s, toDateTime('2026-03-01 %s', 'UTC')", id, at))
				}
			}
			next := func(why Occasion, ids ...string) {
				t.Helper()
				w.wantNext(ex, why, strings.Join(ids, " "))
			}
			insert("1 00:00:00", "2 11:59:54", "3 11:59:55", "4 12:00:00", "99 11:00:00")
			next(Occasion{}, "1", "2")
			insert("5 11:59:55", "6 11:59:58") // of the second behind the watermark, and visible late
			clock = clock.Add(4 * time.Second)
			next(Occasion{}, "3", "5", "6")
			next(Occasion{})
			clock = clock.Add(-time.Hour) // put back
			next(Occasion{})
			clock = clock.Add(time.Hour + time.Minute)
			insert("7 12:00:58", "8 12:00:59")
			next(Occasion{}, "4", "7")

			// Somebody wants other rows; the next delivery has what it would have had.
			next(Occasion{Since: &Since{Time: clock.Add(time.Hour)}})
			clock = clock.Add(time.Hour)
			next(Occasion{Since: &Since{Time: time.Date(2026, 3, 1, 11, 59, 55, 0, time.UTC)}}, "4", "6", "7", "8")
			next(Occasion{})

			// A clock that runs ahead isn't believed: the server's is behind it.
			clock = clock.AddDate(20, 0, 0)
			next(Occasion{})
			if d, err := ex.Ledger.Deliveries(w.ctx, "stock"); err != nil || d.Watermark.After(time.Now()) {
				t.Errorf("%+v, %v", d, err)
			}
		})
}

// TestExportNewDays: of a column with days, whole days of the job's zone are delivered.
func TestExportNewDays(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.exportJob(newJob + "table = \"%t\"\ncolumns = [\"id\"]\norder_by = [\"id\"]\ntimezone = \"America/New_York\"\nwatermark = { from = \"day\" }\n")
		ex := w.openExport()
		clock := time.Date(2026, 3, 3, 4, 0, 0, 0, time.UTC) // still the 2nd in New York
		ex.Now = func() time.Time { return clock }
		w.exec("CREATE DATABASE %d", "CREATE TABLE %t (id UInt32, day Nullable(Date)) ENGINE = MergeTree ORDER BY id",
			"INSERT INTO %t SELECT toUInt32(number), toDate('2026-02-27') + number FROM system.numbers LIMIT 6")
		w.wantNext(ex, Occasion{}, "0 1 2")
		w.exec("INSERT INTO %t SELECT 13, toDate('2026-03-02')")
		w.wantNext(ex, Occasion{}, "")
		clock = clock.Add(2 * time.Hour)
		w.wantNext(ex, Occasion{}, "3 13")
	})
}

// TestExportNewFractions: a column with fractions of seconds.
func TestExportNewFractions(t *testing.T) {
	w := newWorld(t, "chdb")
	w.exportJob(newJob + "query = \"SELECT toUInt32(id) AS id, at FROM %t WHERE at > {since:DateTime64(3)} AND at <= {until:DateTime64(3)} ORDER BY id\"\nwatermark = { from = \"at\", lag = \"0s\" }\n")
	ex := w.openExport()
	clock := time.Date(2026, 3, 1, 12, 0, 1, 999e6, time.UTC)
	ex.Now = func() time.Time { return clock }
	w.exec("CREATE DATABASE %d", "CREATE TABLE %t (id UInt32, at DateTime64(3, 'UTC')) ENGINE = MergeTree ORDER BY id",
		"INSERT INTO %t VALUES (1, '2026-03-01 12:00:00.000'), (2, '2026-03-01 12:00:00.001'), (3, '2026-03-01 12:00:01.000')")
	w.wantNext(ex, Occasion{}, "1")
	clock = clock.Add(time.Second)
	w.wantNext(ex, Occasion{}, "2 3")
}

// TestExportRuns: what imports have loaded goes by the runs. One that was under way when a later one was delivered comes with the next delivery.
func TestExportRuns(t *testing.T) {
	deliverNew(t, "filter = \"id < 90 OR id > 95\"\nwatermark = { runs = true }\n",
		"query = \"SELECT id FROM %t WHERE id < 90 AND {runs} ORDER BY id\"\nwatermark = { runs = true }\n",
		func(t *testing.T, w *world, ex *Exporter) {
			w.exec("CREATE DATABASE %d", "CREATE TABLE %t (id UInt32, _chute_run UInt64) ENGINE = MergeTree ORDER BY id")
			begin := func(id int) ledger.Run { // an import whose rows are visible already
				t.Helper()
				runs := []ledger.Run{{Kind: ledger.Import, Job: "orders", Store: "s", Inbox: "in"}}
				if err := ex.Ledger.Begin(w.ctx, runs); err != nil {
					t.Fatal(err)
				}
				w.exec(fmt.Sprintf("INSERT INTO %%t SELECT %d, %d", id, ex.Ledger.Lineage(runs[0].ID)))
				return runs[0]
			}
			end := func(run ledger.Run) {
				t.Helper()
				for _, run.State = range []ledger.State{ledger.Claimed, ledger.Rejecting, ledger.Settled} {
					if err := ex.Ledger.Update(w.ctx, []ledger.Run{run}); err != nil {
						t.Fatal(err)
					}
				}
			}
			w.exec(fmt.Sprintf("INSERT INTO %%t SELECT 80, %d", ledger.LineageIn("another", 1)), "INSERT INTO %t SELECT 81, 0")
			slow, slower, quick := begin(1), begin(2), begin(3)
			end(quick)
			w.wantNext(ex, Occasion{}, "3")
			end(slow)
			end(begin(4))
			w.wantNext(ex, Occasion{}, "1 4")
			w.wantNext(ex, Occasion{}, "")
			end(slower)
			w.wantNext(ex, Occasion{}, "2")
			w.wantNext(ex, Occasion{Since: &Since{Run: slower.ID}}, "3 4")
			w.wantNext(ex, Occasion{}, "")
			end(begin(5))
			w.wantNext(ex, Occasion{Since: &Since{Run: 1000}}, "") // not further
			w.wantNext(ex, Occasion{}, "5")
		})
}

// TestExportNewRefused: a query that doesn't use its watermark, or not rightly, delivers nothing.
func TestExportNewRefused(t *testing.T) {
	w := newWorld(t, "chdb")
	w.exportJob("file = \"f\"\nquery = \"SELECT 1\"\n")
	ex := w.openExport()
	for job, says := range map[string]string{
		"query = \"SELECT now() AS at\"\nwatermark = { from = \"at\" }":                                                                       "it has a watermark and doesn't use it",
		"query = \"SELECT now() AS at WHERE at > {since:DateTime}\"":                                                                          "watermark doesn't say what that is",
		"query = \"SELECT 1 AS x WHERE {runs}\"\nwatermark = { from = \"x\" }":                                                                "watermark doesn't say what that is",
		"query = \"SELECT 1 AS x\"\nwatermark = { runs = true }":                                                                              "write {runs}",
		"query = \"SELECT now() + 5 AS at WHERE at != {since:DateTime} AND at != {until:DateTime}\"\nwatermark = { from = \"at\" }":           "row 1 of the answer has in at what isn't to be delivered",
		"query = \"SELECT now() + 5 AS other WHERE other != {since:DateTime} AND other != {until:DateTime}\"\nwatermark = { from = \"at\" }":  `the answer has no column "at"`,
		"query = \"SELECT toUInt8(1) AS at WHERE at > {since:UInt8} AND at < {until:UInt8}\"\nwatermark = { from = \"at\" }":                  "UInt8 isn't a type for it",
		"query = \"SELECT 'x' AS at WHERE '' != toString({since:Date}) AND '' != toString({until:Date})\"\nwatermark = { from = \"at\" }":     "String isn't a type for it",
		"query = \"SELECT today() AS at WHERE '' != toString({since:Date}) AND '' != toString({until:Date})\"\nwatermark = { from = \"at\" }": "row 1 of the answer has in at what isn't to be delivered",
		"table = \"system.one\"\nwatermark = { from = \"dummy\" }":                                                                            "watermark.from: UInt8 isn't a type for it",
		"table = \"system.one\"\nwatermark = { from = \"nosuch\" }":                                                                           "nosuch",
	} {
		w.exportJob("file = \"f\"\n" + job)
		var err error
		if ex.Job, err = w.loadExport(); err != nil {
			t.Fatal(err)
		}
		if _, err := ex.Export(w.ctx, Occasion{}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v; want %q", job, err, says)
		}
	}
	w.wantFiles()
}
