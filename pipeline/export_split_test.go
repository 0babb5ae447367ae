package pipeline

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chute/pipeline/ledger"
)

// TestExportSplit writes a few rows into several files.
func TestExportSplit(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.exportJob("file = \"f_{part}\"\ntable = \"%t\"\nsplit = { rows = 1 }\n")
		ex := w.openExport()
		w.exec(stock...)
		for name, c := range map[string]struct {
			job  string
			want map[string]string
		}{
			"rows": {"file = \"{part}.csv\"\ntable = \"%t\"\ncolumns = [\"sku\"]\norder_by = [\"sku\"]\nsplit = { rows = 3 }\n",
				map[string]string{"1.csv": "sku\r\n1\r\n2\r\n3\r\n", "2.csv": "sku\r\n4\r\n5\r\n"}},
			"json": {"file = \"{part}.json\"\ntable = \"%t\"\ncolumns = [\"sku\"]\norder_by = [\"sku\"]\nsplit = { rows = 2 }\nformat = { type = \"json\" }\n",
				map[string]string{"1.json": "[\n{\"sku\":1},\n{\"sku\":2}\n]\n", "2.json": "[\n{\"sku\":3},\n{\"sku\":4}\n]\n", "3.json": "[\n{\"sku\":5}\n]\n"}},
			"none": {"file = \"{part}.csv\"\ntable = \"%t\"\ncolumns = [\"sku\"]\nfilter = \"0\"\nsplit = { rows = 2 }\n", map[string]string{"1.csv": "sku\r\n"}},
			// A header of 3 bytes, records of 3, 3, 5, 3 and 9: a file ends before it has more than 14.
			"bytes": {"file = \"{part}.csv\"\nquery = \"SELECT x FROM (SELECT ['1', '2', '333', '4', '7777777'][sku] AS x, sku FROM %t) ORDER BY sku\"\nsplit = { bytes = \"1KiB\" }\n",
				map[string]string{"1.csv": "x\r\n1\r\n2\r\n333\r\n", "2.csv": "x\r\n4\r\n", "3.csv": "x\r\n7777777\r\n"}},
			// Each character has two bytes: a mark of 2 and three records of 4 leave no room for another one.
			"utf-16": {"file = \"{part}.csv\"\nquery = \"SELECT sku FROM %t ORDER BY sku LIMIT 4\"\nformat = { encoding = \"utf-16\", line_end = \"lf\", header = false }\nsplit = { bytes = \"1KiB\" }\n",
				map[string]string{"1.csv": "\xff\xfe1\x00\n\x002\x00\n\x003\x00\n\x00", "2.csv": "\xff\xfe4\x00\n\x00"}},
			"column": {"file = \"{value}.csv\"\nempty_result = \"skip\"\nquery = \"SELECT if(sku = 4, NULL, intDiv(sku, 3)) AS half, sku FROM %t ORDER BY half, sku\"\nsplit = { column = \"half\", blank = \"none\" }\n",
				map[string]string{"0.csv": "half,sku\r\n0,1\r\n0,2\r\n", "1.csv": "half,sku\r\n1,3\r\n1,5\r\n", "none.csv": "half,sku\r\n,4\r\n"}},
			"both": {"file = \"{value}-{part}.csv\"\nempty_result = \"skip\"\nquery = \"SELECT if(sku > 3, 'b', 'a') AS v, sku FROM %t ORDER BY v, sku\"\nformat = { header = false }\nsplit = { column = \"v\", rows = 2 }\n",
				map[string]string{"a-1.csv": "a,1\r\na,2\r\n", "a-2.csv": "a,3\r\n", "b-3.csv": "b,4\r\nb,5\r\n"}},
			// Which rows there are is told by the job's own order, and so is their order within a file.
			"sorted": {"file = \"{value}\"\nempty_result = \"skip\"\ntable = \"%t\"\ncolumns = [\"sku\", \"day\"]\norder_by = [\"sku DESC\"]\nlimit = 2\nsplit = { column = \"day\" }\n",
				map[string]string{"2026-02-28": "sku,day\r\n4,2026-02-28\r\n", "2026-03-01": "sku,day\r\n5,2026-03-01\r\n"}},
			// What somebody else has written may make no name but one of a file in the outbox.
			"hostile": {"file = \"{value}\"\nempty_result = \"skip\"\nquery = \"SELECT v FROM (SELECT ['../../etc', 'a/b', 'a\\nb', '-rf', 'Ärger 50%'][sku] AS v FROM %t) ORDER BY v\"\nformat = { header = false, line_end = \"lf\", quoting = \"all\" }\nsplit = { column = \"v\" }\n",
				map[string]string{"%2E.%2F..%2Fetc": "\"../../etc\"\n", "a%2Fb": "\"a/b\"\n", "a%0Ab": "\"a\nb\"\n", "%2Drf": "\"-rf\"\n", "Ärger 50%25": "\"Ärger 50%\"\n"}},
		} {
			w.exportAs(t, ex, name, c.job)
			ex.Job.Split.Bytes = min(ex.Job.Split.Bytes, 14)
			run := mustExport(t, ex, Occasion{}, ledger.Finished)
			if len(run.Moves) != len(c.want) {
				t.Errorf("%s: %v", name, run.Moves)
			}
			for file, text := range c.want {
				w.wantContent(name+"/"+file, text)
			}
		}
		w.wantNothingLeft()
	})
}

// exportAs gives an exporter another job, with an outbox of its own.
func (w *world) exportAs(t testing.TB, ex *Exporter, outbox, job string) {
	t.Helper()
	w.exportJob(job)
	w.write("jobs.d/stock.toml", strings.Replace(w.read("jobs.d/stock.toml"), `outbox = "out"`, fmt.Sprintf("outbox = %q", outbox), 1))
	var err error
	if ex.Job, err = w.loadExport(); err != nil {
		t.Fatal(err)
	}
}

func (w *world) read(name string) string {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.Dir, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// TestExportSplitLarge: many rows, some of them long, are the same in several files as in one, whatever the format.
func TestExportSplitLarge(t *testing.T) {
	w := newWorld(t, "chdb")
	const query = "query = \"SELECT intDiv(number, 17000) AS k, number, repeat('x', if(number > 40000, 600, 3)) AS s FROM numbers(50000) ORDER BY number\"\n"
	w.exportJob("file = \"whole.csv\"\n" + query + "format = { header = false }\n")
	ex := w.openExport()
	mustExport(t, ex, Occasion{}, ledger.Finished)
	whole := w.read("store/out/whole.csv")
	for name, c := range map[string]struct {
		job   string
		files int
		fits  func(text string, records int) bool
	}{
		"rows":   {"split = { rows = 7001 }\n", 8, func(_ string, n int) bool { return n <= 7001 }},
		"bytes":  {"split = { bytes = \"1000000B\" }\n", 7, func(text string, _ int) bool { return len(text) <= 1_000_000 }},
		"column": {"empty_result = \"fail\"\nsplit = { column = \"k\" }\n", 3, func(text string, n int) bool { return strings.Count("\n"+text, "\n"+text[:2]) == n }},
	} {
		w.exportAs(t, ex, name, "file = \"{part}.csv\"\n"+query+"format = { header = false }\n"+c.job)
		run := mustExport(t, ex, Occasion{}, ledger.Finished)
		var all strings.Builder
		for i := range run.Moves {
			text := w.read(fmt.Sprintf("store/%s/%d.csv", name, i+1))
			if !c.fits(text, strings.Count(text, "\n")) {
				t.Errorf("%s: file %d has %d bytes, %d records", name, i+1, len(text), strings.Count(text, "\n"))
			}
			all.WriteString(text)
		}
		if len(run.Moves) != c.files || all.String() != whole {
			t.Errorf("%s: %d files, %d bytes instead of %d", name, len(run.Moves), all.Len(), len(whole))
		}
	}
	for _, as := range []string{"parquet", "xlsx"} { // whose rows are counted before they are delivered
		w.exportAs(t, ex, as, "file = \"{part}\"\n"+strings.Replace(query, "50000", "30000", 1)+"empty_result = \"skip\"\nsplit = { rows = 7001, column = \"k\" }\nformat = { type = \""+as+"\" }\n")
		if run := mustExport(t, ex, Occasion{}, ledger.Finished); len(run.Moves) != 5 { // 17000 rows make three, 13000 two
			t.Errorf("%s: %v", as, run.Moves)
		}
	}
	w.wantNothingLeft()
}

// TestExportSorts: an order that takes more memory than one statement may have is made on the disk, as that of a large table by split.column.
func TestExportSorts(t *testing.T) {
	const rows, at = 300_000, 60_000
	bothEngines(t, func(t *testing.T, w *world) {
		w.EngineMemory = 64 << 20
		w.exportJob("file = \"{value}\"\ntable = \"%t\"\ncolumns = [\"k\", \"n\"]\norder_by = [\"s\"]\nempty_result = \"skip\"\nsplit = { column = \"k\" }\nformat = { header = false }\n")
		ex := w.openExport()
		w.exec("CREATE DATABASE %d", "CREATE TABLE %t (k UInt8, n UInt32, s String) ENGINE = MergeTree ORDER BY n")
		for from := 0; from < rows; from += at { // little by little, for an insert has no more memory
			w.exec(fmt.Sprintf("INSERT INTO %%t SELECT n %% 3, n, concat(toString(cityHash64(n)), '%s') FROM (SELECT number + %d AS n FROM numbers(%d))", strings.Repeat("x", 250), from, at))
		}
		run := mustExport(t, ex, Occasion{}, ledger.Finished)
		if run.Records != rows || len(run.Moves) != 3 {
			t.Errorf("%d records in %d files", run.Records, len(run.Moves))
		}
		first := w.rows("SELECT concat(toString(k), ',', toString(n)) FROM %t WHERE k = 1 ORDER BY s LIMIT 1")
		if text := w.read("store/out/1"); len(first) != 1 || !strings.HasPrefix(text, first[0]+"\r\n") || strings.Count(text, "\n") != rows/3 {
			t.Errorf("it begins with %.20q, and not with %q", text, first)
		}
	})
}

// TestExportSplitRefused: what can't be split as the job wants isn't delivered at all.
func TestExportSplitRefused(t *testing.T) {
	w := newWorld(t, "chdb")
	w.exportJob("file = \"f\"\nquery = \"SELECT 1\"\n")
	ex := w.openExport()
	for name, c := range map[string]struct{ job, code, says string }{
		"many":     {"query = \"SELECT number FROM numbers(7)\"\nfile = \"{part}\"\nsplit = { rows = 2, max_files = 3 }\n", "too_many_files", "max_files = 3"},
		"null":     {"query = \"SELECT toNullable('') AS v\"\nfile = \"{value}\"\nsplit = { column = \"v\" }\n", "file_name", "NULL or an empty text"},
		"apart":    {"query = \"SELECT number % 2 AS v FROM numbers(3)\"\nfile = \"{value}\"\nsplit = { column = \"v\" }\n", "file_name", "those of file 3: sort the query by it"},
		"same":     {"query = \"SELECT arrayJoin([NULL, '', 'a']) AS v\"\nfile = \"{value}\"\nsplit = { column = \"v\", blank = \"a\" }\n", "file_name", "file 2 would be called as another one"},
		"blank":    {"query = \"SELECT arrayJoin(['', 'a', NULL]) AS v\"\nfile = \"{value}\"\nsplit = { column = \"v\", blank = \"none\" }\n", "file_name", "NULL and the empty text in \"v\" are both \"none\""},
		"marker":   {"query = \"SELECT 'f_1.done' AS v\"\nfile = \"{value}\"\ndone_marker = true\nsplit = { column = \"v\", name = \"f_{seq}\" }\n", "file_name", "what goes with them"},
		"long":     {"query = \"SELECT repeat('x', 161) AS v\"\nfile = \"{value}\"\nsplit = { column = \"v\" }\n", "file_name", "file 1, of a value of \"v\", is too long"},
		"upload":   {"query = \"SELECT 'a.part' AS v\"\nfile = \"{value}\"\nsplit = { column = \"v\" }\n", "file_name", "still being written"},
		"column":   {"query = \"SELECT 1 AS x\"\nfile = \"{value}\"\nsplit = { column = \"v\" }\n", "columns", "no column \"v\""},
		"last row": {"query = \"SELECT if(number < 30000, 'a', '') AS v FROM numbers(30001)\"\nfile = \"{value}\"\nsplit = { column = \"v\" }\n", "file_name", "NULL or an empty text"},
	} {
		t.Run(name, func(t *testing.T) {
			w.exportAs(t, ex, "out", "checksum = \"sha256\"\nempty_result = \"fail\"\n"+c.job)
			run, err := ex.Export(w.ctx, Occasion{})
			var why *Refusal
			if run.Status != ledger.Failed || !errors.As(err, &why) || why.Code != c.code || !strings.Contains(why.Message, c.says) {
				t.Errorf("%s: %v", run.Status, err)
			}
		})
	}
	w.wantFiles()
	w.wantNothingLeft()
	w.wantDeliveries(0, zeroTime)
}

// TestExportSplitTaken: a name that is taken leads all files to others; one that is taken in the last moment only its own, and the checksums tell.
func TestExportSplitTaken(t *testing.T) {
	w := newWorld(t, "chdb")
	w.exportJob("file = \"f-{part}.csv\"\nquery = \"SELECT number AS x FROM numbers(3)\"\nmanifest = true\nchecksum = \"sha256\"\ndone_marker = true\nsplit = { rows = 1, name = \"f\" }\nformat = { header = false }\n")
	ex := w.openExport()
	if err := os.MkdirAll(filepath.Join(w.Dir, "store/out"), 0o755); err != nil {
		t.Fatal(err)
	}
	w.write("store/out/f-2.csv", "theirs")
	ex.Fault = func(effect string, before bool) error {
		if effect == "move" && before && !w.exists("store/out/f-3.1.csv") && w.exists("store/out/f-2.1.csv") {
			w.write("store/out/f-3.1.csv", "theirs")
		}
		return nil
	}
	mustExport(t, ex, Occasion{}, ledger.Finished)
	w.wantFiles("out/f-2.csv", "out/f-3.1.csv", "out/f-1.1.csv", "out/f-2.1.csv", "out/f-3.1-2.csv", "out/f.1.sha256", "out/f.1.manifest.json", "out/f.1.done")
	w.wantContent("out/f-3.1.csv", "theirs")
	w.wantContent("out/f-3.1-2.csv", "2\r\n")
	for _, with := range []string{"sha256", "manifest.json"} {
		if text := w.read("store/out/f.1." + with); strings.Count(text, "f-1.1.csv") != 1 || strings.Count(text, "f-2.1.csv") != 1 || strings.Count(text, "f-3.1-2.csv") != 1 {
			t.Errorf("%s: %s", with, text)
		}
	}
	w.wantNothingLeft()
}

func (w *world) exists(name string) bool {
	_, err := os.Stat(filepath.Join(w.Dir, name))
	return err == nil
}
