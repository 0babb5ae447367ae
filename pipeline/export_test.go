package pipeline

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/pipeline/report"
)

// stock is a table of a few rows with what needs quotes in it.
var stock = []string{
	"CREATE DATABASE %d",
	"CREATE TABLE %t (sku UInt32, name Nullable(String), price Decimal(9, 2), day Date) ENGINE = MergeTree ORDER BY sku",
	`INSERT INTO %t SELECT toUInt32(number + 1), [toNullable('bolt'), 'nut, "hex"', NULL, '', '=1+1'][number + 1], toDecimal32(['1.5', '20', '0', '-0.25', '7'][number + 1], 2),
	toDate(['2026-01-02', '2026-01-03', '1970-01-02', '2026-02-28', '2026-03-01'][number + 1]) FROM system.numbers LIMIT 5`,
}

const stockCSV = "sku,name,price,day\r\n1,bolt,1.50,2026-01-02\r\n2,\"nut, \"\"hex\"\"\",20.00,2026-01-03\r\n3,,0.00,1970-01-02\r\n4,\"\",-0.25,2026-02-28\r\n5,=1+1,7.00,2026-03-01\r\n"

func TestExport(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.exportJob("file = \"stock_{seq}.csv\"\ntable = \"%t\"\norder_by = [\"sku\"]\nchecksum = \"sha256\"\nmanifest = true\ndone_marker = true\n")
		ex := w.openExport()
		w.exec(stock...)
		first := mustExport(t, ex, Occasion{}, ledger.Finished)
		mustExport(t, ex, Occasion{}, ledger.Finished)
		w.wantFiles("out/stock_1.csv", "out/stock_1.csv.sha256", "out/stock_1.csv.manifest.json", "out/stock_1.csv.done",
			"out/stock_2.csv", "out/stock_2.csv.sha256", "out/stock_2.csv.manifest.json", "out/stock_2.csv.done")
		w.wantContent("out/stock_1.csv", stockCSV)
		w.wantContent("out/stock_1.csv.sha256", first.SHA256+"  stock_1.csv\n")
		w.wantContent("out/stock_1.csv.done", "")
		w.wantNothingLeft()
		var m report.Manifest
		text, err := os.ReadFile(filepath.Join(w.Dir, "store/out/stock_1.csv.manifest.json"))
		if err == nil {
			err = json.Unmarshal(text, &m)
		}
		if err != nil || m.Rows != 5 || m.Size != int64(len(stockCSV)) || m.SHA256 != first.SHA256 || m.File != "stock_1.csv" || m.Run != 1 ||
			len(m.Columns) != 4 || m.Columns[1].Type != "Nullable(String)" || strings.Contains(string(text), w.Database) {
			t.Errorf("manifest %s, %v", text, err)
		}
		if run, err := ex.Ledger.Run(w.ctx, 1); err != nil || run.Records != 5 || run.Kind != ledger.Export || run.File.Size != m.Size || run.Inbox != "out" {
			t.Errorf("%+v, %v", run, err)
		}
	})
}

// TestExportTells: what the engine says of a value that a query can't read is told to nobody, for it may be one that an import keeps secret.
func TestExportTells(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.exportJob("file = \"f\"\nquery = \"SELECT toUInt8(assumeNotNull(name)) AS n FROM %t\"\n")
		ex := w.openExport()
		w.exec(stock...)
		var log bytes.Buffer
		ex.Log = zerolog.New(&log)
		run, err := ex.Export(w.ctx, Occasion{})
		if err == nil {
			t.Fatal("it was delivered")
		}
		stored, readErr := ex.Ledger.Run(w.ctx, run.ID)
		if readErr != nil || stored.Status != ledger.Failed {
			t.Fatalf("%+v, %v", stored, readErr)
		}
		for _, said := range []string{err.Error(), stored.Error, log.String()} {
			if strings.Contains(said, "bolt") || !strings.Contains(said, "the database's error 6 CANNOT_PARSE_TEXT (its text may repeat values") {
				t.Error(said)
			}
		}
	})
}

// TestExportForms writes the same rows in other ways.
func TestExportForms(t *testing.T) {
	w := newWorld(t, "chdb")
	w.exportJob("file = \"f\"\ntable = \"%t\"\n")
	ex := w.openExport()
	w.exec(stock...)
	for name, c := range map[string]struct{ job, want string }{
		"columns": {`columns = ["name", "sku"]
			filter = "sku > 3 -- not the others"
			order_by = ["sku DESC"]
			table = "%t"`, "name,sku\r\n=1+1,5\r\n\"\",4\r\n"},
		"limit": {`query = "SELECT sku FROM %t ORDER BY sku LIMIT 2"
			format = { header = false, line_end = "lf" }`, "1\n2\n"},
		"dialect": {`query = "SELECT name, price FROM %t ORDER BY sku"
			format = { delimiter = ";", quote = "'", escape = "\\", quoting = "texts", null = "\\N", line_end = "cr", guard_formulas = true }`,
			"'name';'price'\r'bolt';1.50\r'nut, \"hex\"';20.00\r\\N;0.00\r'';-0.25\r'\\'=1+1';7.00\r"},
		"guard": {"query = \"SELECT arrayJoin(['=1', '+1', '-1', '@a', '\\\\tb', '\\\\rc', '\\\\nd', '＝1', '＋1', '－1', '＠a', '；1', 'a=1', '\uff1d']) AS `＝x`\"\nformat = { line_end = \"lf\", guard_formulas = true }",
			"'＝x\n'=1\n'+1\n'-1\n'@a\n'\tb\n\"'\rc\"\n\"'\nd\"\n'＝1\n'＋1\n'－1\n'＠a\n；1\na=1\n'＝\n"},
		"tsv":   {"query = \"SELECT sku, 'a\\tb' AS t FROM %t WHERE sku = 1\"\nformat = { type = \"tsv\", quoting = \"all\" }", "\"sku\"\t\"t\"\r\n\"1\"\t\"a\tb\"\r\n"},
		"jsonl": {"query = \"SELECT sku, name FROM %t WHERE sku IN (2, 3) ORDER BY sku\"\nformat = { type = \"jsonl\" }", "{\"sku\":2,\"name\":\"nut, \\\"hex\\\"\"}\n{\"sku\":3,\"name\":null}\n"},
		"json":  {"query = \"SELECT sku FROM %t WHERE sku < 3 ORDER BY sku\"\nformat = { type = \"json\" }", "[\n{\"sku\":1},\n{\"sku\":2}\n]\n"},
		"fixed": {"query = \"SELECT sku, name, price FROM %t ORDER BY sku\"\nformat = { type = \"fixed\", widths = [3, 6, 7], too_wide = \"cut\", line_end = \"lf\", null = \"-\", header = true }",
			"skuname  price  \n  1bolt     1.50\n  2nut, \"  20.00\n  3-        0.00\n  4        -0.25\n  5=1+1     7.00\n"},
		"xml": {"query = \"SELECT sku, if(sku = 5, '<&>\\r', name) AS `größe` FROM %t WHERE sku IN (2, 3, 5) ORDER BY sku\"\nformat = { type = \"xml\", record = \"item\" }",
			"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rows>\n  <item>\n    <sku>2</sku>\n    <größe>nut, \"hex\"</größe>\n  </item>\n  <item>\n    <sku>3</sku>\n  </item>\n" +
				"  <item>\n    <sku>5</sku>\n    <größe>&lt;&amp;&gt;&#13;</größe>\n  </item>\n</rows>\n"},
		"charset":  {"query = \"SELECT 'Größe €' AS g\"\nformat = { encoding = \"windows-1252\", header = false }", "Gr\xf6\xdfe \x80\r\n"},
		"replaced": {"query = \"SELECT 'Größe €' AS g\"\nformat = { encoding = \"iso-8859-1\", unmappable = \"replace\", header = false }", "Gr\xf6\xdfe ?\r\n"},
		"utf-16":   {"query = \"SELECT 'a€' AS g\"\nformat = { encoding = \"utf-16\", header = false, line_end = \"lf\" }", "\xff\xfea\x00\xac\x20\n\x00"},
		"bom":      {"query = \"SELECT 1 AS g\"\nformat = { bom = true }", "\xef\xbb\xbfg\r\n1\r\n"},
		"lines": {"timezone = \"Asia/Tokyo\"\ntable = \"%t\"\ncolumns = [\"sku\", \"price\"]\norder_by = [\"sku\"]\nformat = { decimal = \",\", delimiter = \";\", line_end = \"lf\", " +
			"top = [\"H;{file:8}|{job}|\", \"{{100%%}}\"], bottom = [\"{rows};{sum(price)};{sum(sku):05}\", \"end\"] }",
			"H;lines   |stock|\n{100%}\nsku;price\n1;1,50\n2;20,00\n3;0,00\n4;-0,25\n5;7,00\n5;28,25;00015\nend\n"},
		"fixed lines": {"query = \"SELECT sku, price FROM %t ORDER BY sku LIMIT 2\"\nformat = { type = \"fixed\", widths = [3, 6], line_end = \"lf\", bottom = [\"T{rows:2}{sum(price):06}\"] }",
			"  1  1.50\n  2 20.00\nT 2021.50\n"},
		"no rows": {"query = \"SELECT sku FROM %t WHERE sku > 9\"\nformat = { bottom = [\"{rows},{sum(sku)}\"] }", "sku\r\n0,0\r\n"},
		"german": {"query = \"SELECT day, toDateTime(86399, 'UTC') AS t, price, toInt64(-1234567) AS n, toFloat64(0.5) AS f, name FROM %t WHERE sku = 4\"\nformat = { delimiter = \";\", line_end = \"lf\", header = false, decimal = \",\", date_format = \"%d.%m.%Y\", time_format = \"%d.%m.%y %H:%M\" }\n" +
			"column = [{ name = \"n\", thousands = \".\", decimals = 1 }, { name = \"f\", decimals = 3 }, { name = \"name\", labels = { \"\" = \"none\" } }]", "28.02.2026;01.01.70 23:59;-0,25;-1.234.567,0;0,500;none\n"},
		"comma": {"query = \"SELECT price FROM %t WHERE sku = 1\"\nformat = { decimal = \",\", guard_formulas = true }", "price\r\n\"1,50\"\r\n"},
		"labels": {"query = \"SELECT CAST(if(sku = 1, 'a', 'b') AS Enum8('a' = 1, 'b' = 2)) AS e, day, toUInt8(sku) AS n FROM %t WHERE sku < 3 ORDER BY sku\"\nformat = { type = \"jsonl\" }\ncolumn = [{ name = \"e\", labels = { a = \"\\\"A\\\"\" } }, { name = \"day\", format = '%A, \"%e\" %B %Y' }, { name = \"n\", labels = { \"2\" = \"two\" } }]",
			"{\"e\":\"\\\"A\\\"\",\"day\":\"Friday, \\\" 2\\\" January 2026\",\"n\":1}\n{\"e\":\"b\",\"day\":\"Saturday, \\\" 3\\\" January 2026\",\"n\":\"two\"}\n"},
		"xml dates": {"query = \"SELECT day FROM %t WHERE sku = 1\"\nformat = { type = \"xml\", date_format = \"%Y<%j>\" }", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rows>\n  <row>\n    <day>2026&lt;002&gt;</day>\n  </row>\n</rows>\n"},
		"zone":      {"timezone = \"America/New_York\"\nquery = \"SELECT toDateTime(0) AS t, toDateTime(0, 'UTC') AS u\"", "t,u\r\n1969-12-31 19:00:00,1970-01-01 00:00:00\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			file := strings.NewReplacer("-", "", " ", "").Replace(name)
			w.exportJob("file = \"" + file + "\"\n" + c.job)
			job, err := w.loadExport()
			if err != nil {
				t.Fatal(err)
			}
			ex.Job = job
			mustExport(t, ex, Occasion{}, ledger.Finished)
			w.wantContent("out/"+file, c.want)
		})
	}
	w.wantNothingLeft()
}

// TestExportPacked: what is packed can be unpacked, and is the same for the same rows.
func TestExportPacked(t *testing.T) {
	w := newWorld(t, "chdb")
	w.exportJob("file = \"f{seq}.csv.gz\"\ntable = \"%t\"\norder_by = [\"sku\"]\nformat = { compression = \"gzip\" }")
	ex := w.openExport()
	w.exec(stock...)
	first, second := mustExport(t, ex, Occasion{}, ledger.Finished), mustExport(t, ex, Occasion{}, ledger.Finished)
	if first.SHA256 != second.SHA256 {
		t.Error("the same rows give other bytes")
	}
	f, err := os.Open(filepath.Join(w.Dir, "store/out/f1.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unpacked, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(unpacked); err != nil || string(text) != stockCSV {
		t.Errorf("%q, %v", text, err)
	}
}

// TestExportPolicies: what isn't as the job wants it isn't delivered, takes no number and leaves nothing behind.
func TestExportPolicies(t *testing.T) {
	w := newWorld(t, "chdb")
	w.exportJob("file = \"f\"\nquery = \"SELECT 1\"\n")
	ex := w.openExport()
	for name, c := range map[string]struct {
		job  string
		want ledger.Status
		says string
	}{
		"fail":     {"query = \"SELECT 1 AS x WHERE 0\"\nempty_result = \"fail\"\n", ledger.Failed, "no rows"},
		"skip":     {"query = \"SELECT 1 AS x WHERE 0\"\nempty_result = \"skip\"\nmin_rows = 1\n", ledger.Skipped, ""},
		"few":      {"query = \"SELECT number FROM numbers(3)\"\nmin_rows = 4\n", ledger.Failed, "3 rows, fewer than min_rows = 4"},
		"none":     {"query = \"SELECT 1 AS x WHERE 0\"\nmin_rows = 1\n", ledger.Failed, "0 rows, fewer than min_rows = 1"},
		"many":     {"query = \"SELECT number FROM numbers(3000000)\"\nmax_rows = 70000\n", ledger.Failed, "more rows than max_rows = 70000"},
		"charset":  {"query = \"SELECT 'x€' AS x\"\nformat = { encoding = \"iso-8859-1\" }\n", ledger.Failed, "iso-8859-1 has no '€' (U+20AC)"},
		"bytes":    {"query = \"SELECT 'x' || char(255) AS x\"\nformat = { encoding = \"utf-16le\" }\n", ledger.Failed, "byte 0xFF, which isn't UTF-8"},
		"widths":   {"query = \"SELECT 1 AS a, 2 AS b\"\nformat = { type = \"fixed\", widths = [3] }\n", ledger.Failed, "2 columns, and format.widths has 1"},
		"wide":     {"query = \"SELECT 'größer' AS a\"\nformat = { type = \"fixed\", widths = [5] }\n", ledger.Failed, "column \"a\" has 5 characters in format.widths, and a text of it has 6"},
		"number":   {"query = \"SELECT 12345 AS a\"\nformat = { type = \"fixed\", widths = [4], too_wide = \"cut\" }\n", ledger.Failed, "a text of it has 5: give it more, for numbers are never cut"},
		"late":     {"query = \"SELECT toDateTime(1792891800, 'Europe/Paris') AS a\"\nformat = { type = \"fixed\", widths = [19], too_wide = \"cut\" }\n", ledger.Failed, "a text of it has 25: give it more, for dates, times"},
		"lines":    {"query = \"SELECT 'a\\nb' AS a\"\nformat = { type = \"fixed\", widths = [4] }\n", ledger.Failed, "a line end in it"},
		"element":  {"query = \"SELECT 1 AS `a b`\"\nformat = { type = \"xml\" }\n", ledger.Failed, "\"a b\" can't be an element"},
		"control":  {"query = \"SELECT char(1) AS a\"\nformat = { type = \"xml\" }\n", ledger.Failed, "can't stand in XML"},
		"cell":     {"query = \"SELECT repeat('x', 32768) AS a\"\nformat = { type = \"xlsx\" }\n", ledger.Failed, "32768 characters, and a cell has room for 32767"},
		"sheet":    {"query = \"SELECT char(255) AS a\"\nformat = { type = \"xlsx\" }\n", ledger.Failed, "can't stand in a workbook"},
		"parquet":  {"query = \"SELECT char(255) AS a\"\nformat = { type = \"parquet\" }\n", ledger.Failed, "isn't UTF-8, and Parquet's texts are"},
		"sum":      {"query = \"SELECT 1.5 AS a\"\nformat = { bottom = [\"{sum(a)}\"] }\n", ledger.Failed, "Float64, which has no exact sum"},
		"no sum":   {"query = \"SELECT 1 AS a\"\nformat = { bottom = [\"{sum(b)}\"] }\n", ledger.Failed, "the answer has no column \"b\""},
		"narrow":   {"query = \"SELECT 1000 AS a\"\nformat = { bottom = [\"{sum(a):3}\"] }\n", ledger.Failed, "{sum(a):3} of format.top or format.bottom has 4 characters"},
		"style":    {"query = \"SELECT 1 AS a\"\ncolumn = [{ name = \"a\", format = \"%Y%m%d\" }]\n", ledger.Failed, "format is for dates and times, and the column is UInt8"},
		"day":      {"query = \"SELECT today() AS a\"\ncolumn = [{ name = \"a\", format = \"%Y%m%d%H\" }]\n", ledger.Failed, "has words for a time of day"},
		"twice":    {"query = \"SELECT toDateTime(1792891800, 'Europe/Paris') AS a\"\nformat = { time_format = \"%d.%m.%Y %H:%M\" }\n", ledger.Failed, "column \"a\": a time comes twice"},
		"no style": {"query = \"SELECT 1 AS a\"\ncolumn = [{ name = \"b\", decimals = 1 }]\n", ledger.Failed, "the answer has no column \"b\""},
		"label":    {"query = \"SELECT 1 AS a\"\ncolumn = [{ name = \"a\", labels = { 2 = \"x\" }, unlabelled = \"fail\" }]\n", ledger.Failed, "column \"a\": a value has no label"},
		"no label": {"query = \"SELECT CAST('a', 'Enum8(\\\\'a\\\\' = 1)') AS a\"\ncolumn = [{ name = \"a\", labels = { c = \"x\" } }]\n", ledger.Failed, "which the type lacks"},
		"moment":   {"query = \"SELECT toDateTime64('2290-01-01 00:00:00', 7, 'UTC') AS a\"\nformat = { type = \"parquet\" }\n", ledger.Failed, "Parquet has no room for"},
		"unquoted": {"query = \"SELECT 'a,b' AS x\"\nformat = { quote = \"\" }\n", ledger.Failed, "no quote to put around it"},
		"sql":      {"query = \"SELECT nosuch\"\n", ledger.Failed, "UNKNOWN_IDENTIFIER"},
		"refused":  {"query = \"SELECT * FROM url('http://localhost/')\"\n", ledger.Failed, "url"},
	} {
		t.Run(name, func(t *testing.T) {
			w.exportJob("file = \"f\"\nchecksum = \"sha256\"\n" + c.job)
			job, err := w.loadExport()
			if err != nil {
				t.Fatal(err)
			}
			ex.Job = job
			run, err := ex.Export(w.ctx, Occasion{})
			if run.Status != c.want || run.State != ledger.Settled || (err != nil) != (c.want == ledger.Failed) || err != nil && !strings.Contains(err.Error(), c.says) || run.Error != "" != (err != nil) {
				t.Errorf("%s, %s: %v (%q)", run.State, run.Status, err, run.Error)
			}
		})
	}
	w.wantFiles()
	w.wantNothingLeft()
	w.wantDeliveries(0, zeroTime)
}

// TestExportTaken: names that are taken are left alone, whether they were there before or came in the last moment.
func TestExportTaken(t *testing.T) {
	w := newWorld(t, "chdb")
	w.exportJob("file = \"f.csv.gz\"\nquery = \"SELECT 1 AS x\"\nmanifest = true\nchecksum = \"sha256\"\n")
	ex := w.openExport()
	if err := os.MkdirAll(filepath.Join(w.Dir, "store/out"), 0o755); err != nil {
		t.Fatal(err)
	}
	w.write("store/out/f.csv.gz.sha256", "theirs")
	mustExport(t, ex, Occasion{}, ledger.Finished)
	w.wantFiles("out/f.csv.gz.sha256", "out/f.1.csv.gz", "out/f.1.csv.gz.sha256", "out/f.1.csv.gz.manifest.json")
	w.wantContent("out/f.csv.gz.sha256", "theirs")

	w.exportJob("file = \"g.csv\"\nquery = \"SELECT 1 AS x\"\nmanifest = true\nchecksum = \"sha256\"\n")
	var err error
	if ex.Job, err = w.loadExport(); err != nil {
		t.Fatal(err)
	}
	moves := 0
	ex.Fault = func(effect string, before bool) error {
		if effect == "move" && before {
			switch moves++; moves {
			case 1: // the file's name, in the last moment
				w.write("store/out/g.csv", "theirs")
			case 3: // and then that of its checksum
				w.write("store/out/g.2.csv.sha256", "theirs")
			}
		}
		return nil
	}
	run := mustExport(t, ex, Occasion{}, ledger.Finished)
	w.wantContent("out/g.csv", "theirs")
	w.wantContent("out/g.2.csv", "x\r\n1\r\n")
	w.wantContent("out/g.2.csv.sha256", "theirs")
	w.wantContent("out/g.2.csv.2.sha256", run.SHA256+"  g.2.csv\n")
	text, err := os.ReadFile(filepath.Join(w.Dir, "store/out/g.2.csv.manifest.json"))
	if err != nil || !strings.Contains(string(text), `"file": "g.2.csv"`) {
		t.Errorf("%s, %v", text, err)
	}
	w.wantNothingLeft()
}

// TestExportDisk: what the disk gives back isn't what was written. Nothing is delivered.
func TestExportDisk(t *testing.T) {
	w := newWorld(t, "chdb")
	w.exportJob("file = \"f\"\nquery = \"SELECT 1 AS x\"\n")
	ex := w.openExport()
	ex.Fault = func(effect string, before bool) error {
		if effect != "write" || before {
			return nil
		}
		return os.WriteFile(filepath.Join(w.Dir, "store/.chute", ex.Ledger.ID(), "1/data"), []byte("x\r\n2\r\n"), 0o600)
	}
	if run, err := ex.Export(w.ctx, Occasion{}); err == nil || !strings.Contains(err.Error(), "isn't what was written") || errors.As(err, new(*Refusal)) || run.Status != ledger.Failed {
		t.Errorf("%+v, %v", run, err)
	}
	w.wantFiles()
	w.wantNothingLeft()
}

// openUnwritable is an export by schedule whose files can't be written as long as it has its Fault.
func (w *world) openUnwritable() *Exporter {
	w.t.Helper()
	w.exportJob("file = \"f_{seq}\"\nquery = \"SELECT 1 AS x\"\nschedule = \"@daily\"\n")
	ex := w.openExport()
	ex.Fault = func(effect string, _ bool) error {
		if effect == "write" {
			return errFault
		}
		return nil
	}
	return ex
}

// TestExportMeanwhile: somebody asks for a delivery while that of a schedule waits for its next try. Each gets a number of its own, without a gap.
func TestExportMeanwhile(t *testing.T) {
	w := newWorld(t, "chdb")
	ex := w.openUnwritable()
	if run, err := ex.Export(w.ctx, Occasion{Due: firstDue}); err == nil || run.State != ledger.Writing {
		t.Fatalf("%+v, %v", run, err)
	}
	ex.Fault = nil
	if byHand := mustExport(t, ex, Occasion{}, ledger.Finished); byHand.File.Name != "f_1" {
		t.Errorf("by hand: %+v", byHand)
	}
	if due := mustExport(t, ex, Occasion{Due: firstDue}, ledger.Finished); due.File.Name != "f_2" || due.ID != 3 {
		t.Errorf("by schedule: %+v", due)
	}
	w.wantFiles("out/f_1", "out/f_2")
	w.wantNothingLeft()
	w.wantDeliveries(2, firstDue)
	if run, err := ex.Export(w.ctx, Occasion{Due: firstDue}); err != nil || run.ID != 0 {
		t.Errorf("once more: %+v, %v", run, err)
	}
}

// TestExportUnplanned: what was begun for a schedule is given up once the job has none.
func TestExportUnplanned(t *testing.T) {
	w := newWorld(t, "chdb")
	ex := w.openUnwritable()
	for _, enabled := range []bool{true, false} {
		ex.Job.Enabled = enabled
		if enabled {
			if _, err := ex.Export(w.ctx, Occasion{Due: firstDue}); err == nil {
				t.Fatal("the fault isn't reached")
			}
		}
		if err := ex.Resume(w.ctx); err != nil {
			t.Fatal(err)
		}
		if runs, err := ex.Ledger.UnsettledExports(w.ctx, "stock"); err != nil || len(runs) > 0 != enabled {
			t.Errorf("enabled %t: %+v, %v", enabled, runs, err)
		}
	}
	w.wantNothingLeft()

	// By hand to a store that goes away: it has failed at once, and what lies there is swept up when the store is back.
	ex.Fault = func(at string, _ bool) error {
		if at == "companions" || at == "clear" {
			return fmt.Errorf("the store is away: %w", connectors.ErrUnavailable)
		}
		return nil
	}
	run, err := ex.Export(w.ctx, Occasion{})
	if recorded, _ := ex.Ledger.Run(w.ctx, run.ID); err == nil || recorded.State != ledger.Settled || recorded.Status != ledger.Failed || !strings.Contains(recorded.Error, "away") {
		t.Errorf("by hand: %v; recorded is %+v", err, recorded)
	}
	ex.Fault = nil
	if err := ex.Sweep(w.ctx); err != nil {
		t.Error(err)
	}
	w.wantNothingLeft()
}
