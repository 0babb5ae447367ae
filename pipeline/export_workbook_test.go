package pipeline

import (
	"bytes"
	"encoding/csv"
	"flag"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"chute/pipeline/ledger"
)

var office = flag.Bool("office", false, "have LibreOffice read the exported workbook too")

// sheetReaders print a workbook's cells as CSV: values as they are, not as they are shown.
var sheetReaders = map[string]string{
	"openpyxl": `/usr/bin/python3 -c '
import openpyxl, sys, csv, datetime, re
plain = re.compile(r"(19[1-9]\d|2\d{3})-\d\d-\d\d( \d\d:\d\d:\d\d(\.\d{1,3})?)?|-?\d{1,15}")
out = csv.writer(sys.stdout)
def text(c):
    v = c.value
    if isinstance(v, bool): return str(v).lower()
    if isinstance(v, float): return repr(v)
    if isinstance(v, datetime.datetime) and "h" not in c.number_format: return str(v.date())
    if isinstance(v, str) and plain.fullmatch(v) and c.row > 1: return "as a text: " + v
    return "" if v is None else v
for row in openpyxl.load_workbook(sys.argv[1]).worksheets[0].rows: out.writerow(text(c) for c in row)' %f`,
	"libreoffice": `HOME=%d timeout 100 soffice --headless --convert-to 'csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false' --outdir %d/values %f > %d/said 2>&1 && cat %d/values/f.csv || { cat %d/said; exit 1; }`,
}

// TestExportWorkbook: spreadsheet programs find in a workbook what the table has, of all types.
func TestExportWorkbook(t *testing.T) {
	w := newWorld(t, "chdb")
	query := "query = \"SELECT * REPLACE (CAST(leftPad(toString(number), 5, 'x'), 'FixedString(5)') AS sf) FROM " + w.Database + ".src\"\n" // no zero bytes
	w.exportJob("file = \"f.xlsx\"\n" + query + "[format]\ntype = \"xlsx\"\n")
	ex := w.openExport()
	w.exec("CREATE DATABASE %d", "CREATE TABLE %d.src ENGINE = Memory AS "+strings.NewReplacer("%%", "%", "%n", "60").Replace(sources["chdb"]))
	mustExport(t, ex, Occasion{}, ledger.Finished)
	w.exportJob("file = \"f.csv\"\n" + query)
	job, err := w.loadExport()
	if err != nil {
		t.Fatal(err)
	}
	ex.Job = job
	mustExport(t, ex, Occasion{}, ledger.Finished)
	out := filepath.Join(w.Dir, "store/out")
	text, err := os.ReadFile(filepath.Join(out, "f.csv"))
	if err != nil {
		t.Fatal(err)
	}
	want := sheetCells(t, text)
	if len(want) != 61 {
		t.Fatalf("%d records", len(want))
	}
	for name, program := range sheetReaders {
		if strings.HasPrefix(name, "libreoffice") != *office {
			continue
		}
		said, err := exec.CommandContext(t.Context(), "bash", "-c", strings.NewReplacer("%f", filepath.Join(out, "f.xlsx"), "%d", t.TempDir()).Replace(program)).Output()
		if err != nil {
			t.Fatalf("%s: %v: %s", name, err, said)
		}
		wantCells(t, name, sheetCells(t, said), want)
	}
}

func sheetCells(t *testing.T, text []byte) [][]string {
	t.Helper()
	records, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatalf("%v: %.500s", err, text)
	}
	return records
}

func wantCells(t *testing.T, reader string, got, want [][]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s finds %d rows instead of %d", reader, len(got), len(want))
	}
	for row := range want {
		for i := range want[row] {
			if i >= len(got[row]) || !sameCell(got[row][i], want[row][i]) {
				t.Fatalf("%s: row %d has in column %d %q, not %q", reader, row, i+1, got[row][min(i, len(got[row])-1)], want[row][i])
			}
		}
	}
}

// sameCell compares a cell with the text of its value: numbers as numbers, truth values in whatever case, fractions of seconds without zeros at their end. Line ends are
// one to a spreadsheet.
func sameCell(got, want string) bool {
	plain := func(text string) string {
		text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
		if strings.Contains(text, ":") && strings.Contains(text, ".") {
			text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
		}
		return text
	}
	if strings.EqualFold(plain(got), plain(want)) {
		return true
	}
	a, err := strconv.ParseFloat(got, 64)
	b, err2 := strconv.ParseFloat(want, 64)
	return err == nil && err2 == nil && math.Abs(a-b) <= 1e-14*math.Abs(b)
}
