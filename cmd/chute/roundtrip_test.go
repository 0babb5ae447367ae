package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"fmt"
	rational "math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/rs/zerolog"

	"chute/config"
	"chute/watcher/control"
)

// Real files go through the program and are compared with what others read in them: field by field with a reader that is written here, and by the figures
// that testdata/files/manifest.json has of each column.

// realFile is one of them, as the manifest describes it.
type realFile struct {
	name      string
	Bytes     int
	SHA256    string
	Delimiter string
	Header    *bool
	Columns   []string
	Rows      int
	Stats     map[string]figures
}

// figures are those of a column: of its values that aren't empty.
type figures struct {
	Numeric         bool
	Empty, Distinct int
	Min, Max, Sum   string
	MaxLen          int
}

func (f *realFile) header() bool { return f.Header == nil || *f.Header }

func (f *realFile) delimiter() string {
	if f.Delimiter == "" {
		return ","
	}
	return f.Delimiter
}

// quotes tells whether quotes mean something; in UnicodeData.txt they don't.
func (f *realFile) quotes() bool { return f.delimiter() != ";" }

// realFiles unpacks all of them into dir. The large ones are left out of short runs.
func realFiles(t *testing.T, dir string) []*realFile {
	t.Helper()
	text, err := os.ReadFile("testdata/files/manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	var manifest map[string]*realFile
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	var files []*realFile
	for name, f := range manifest {
		if f.name = name; testing.Short() && f.Bytes > 1<<20 {
			continue
		}
		files = append(files, f)
		content := f.unpack(t)
		if sum := fmt.Sprintf("%x", sha256.Sum256(content)); sum != f.SHA256 || len(content) != f.Bytes {
			t.Fatalf("%s isn't the file of the manifest: %d bytes, %s", name, len(content), sum)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	slices.SortFunc(files, func(a, b *realFile) int { return strings.Compare(a.name, b.name) })
	if len(files) < 5 {
		t.Fatalf("only %d files", len(files))
	}
	return files
}

func (f *realFile) unpack(t *testing.T) []byte {
	t.Helper()
	packed, err := os.ReadFile("testdata/files/" + f.name + ".zst")
	if os.IsNotExist(err) {
		packed, err = os.ReadFile("testdata/files/" + f.name)
		if err != nil {
			t.Fatal(err)
		}
		return packed
	}
	if err != nil {
		t.Fatal(err)
	}
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	content, err := d.DecodeAll(packed, nil)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// office is an owner of a state whose commands are run in this process.
type office struct {
	t   *testing.T
	d   *daemon
	dir string
}

// newOffice makes an installation; database are the lines of [database].
func newOffice(t *testing.T, database string) *office {
	t.Helper()
	o := &office{t: t, dir: t.TempDir()}
	for _, dir := range []string{"jobs.d", "store/in"} {
		if err := os.MkdirAll(filepath.Join(o.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	o.write("chute.toml", fmt.Sprintf("[database]\n%s\n[state]\ndir = %q\n[limits]\nmin_free = \"16MiB\"\n[[store]]\nname = \"acme\"\npath = %q\n", database, o.dir+"/state", o.dir+"/store"))
	c, err := config.LoadChute(filepath.Join(o.dir, "chute.toml"))
	if err != nil {
		t.Fatal(err)
	}
	if o.d, err = openDaemon(t.Context(), c, nil, zerolog.Nop()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.d.Close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

func (o *office) write(name, text string) {
	o.t.Helper()
	if err := os.WriteFile(filepath.Join(o.dir, name), []byte(text), 0o644); err != nil {
		o.t.Fatal(err)
	}
}

// run runs a command and returns what it prints. It must leave with 0.
func (o *office) run(args ...string) string {
	o.t.Helper()
	var out, said bytes.Buffer
	request := control.Request{Args: append([]string{"--config", "chute.toml"}, args...), Dir: o.dir}
	if code := o.d.answer(o.t.Context(), request, &out, &said); code != exitFinished {
		o.t.Fatalf("chute %s leaves with %d: %s%s", strings.Join(args, " "), code, said.String(), out.String())
	}
	return out.String()
}

// job writes a job of a table that it makes. types has the type of each column, and lines for it besides.
func (o *office) job(name, format string, columns []string, header bool, types func(column string) string) {
	o.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "kind = \"import\"\nstore = \"acme\"\ninbox = \"in\"\nmatch = %q\n[format]\nheader = %t\n%s[target]\ntable = %q\ncreate = true\n", name, header, format, "zz_"+name)
	for i, c := range columns {
		fmt.Fprintf(&b, "[[column]]\nname = %q\nposition = %d\ntype = %s\n", fmt.Sprintf("c%d", i), i+1, types(c))
	}
	o.write("jobs.d/"+name+".toml", b.String())
}

// serverOffice has a database of its own on the package's server.
func serverOffice(t *testing.T, database string) *office {
	t.Helper()
	w := &world{server: server, database: database}
	for _, sql := range []string{"DROP DATABASE IF EXISTS " + database, "CREATE DATABASE " + database} {
		if err := w.serverQuery(new(bytes.Buffer), sql); err != nil {
			t.Fatal(err)
		}
	}
	return newOffice(t, fmt.Sprintf("engine = \"clickhouse\"\naddress = [%q]\ndatabase = %q", server.Address, database))
}

// readCSV is the slow, obvious reader: records of RFC 4180, whose quoted fields keep their line ends. A quote within an unquoted field is data.
func readCSV(text, delimiter string, quotes bool) (records [][]string) {
	var record []string
	var field strings.Builder
	for i := 0; i < len(text); {
		switch rest := text[i:]; {
		case quotes && field.Len() == 0 && rest[0] == '"':
			i++
			for text[i] != '"' || strings.HasPrefix(text[i:], `""`) {
				if text[i] == '"' {
					i++
				}
				field.WriteByte(text[i])
				i++
			}
			i++
		case strings.HasPrefix(rest, delimiter):
			record = append(record, field.String())
			field.Reset()
			i += len(delimiter)
		case rest[0] == '\n' || strings.HasPrefix(rest, "\r\n"):
			record = append(record, field.String())
			field.Reset()
			records, record = append(records, record), nil
			i += 1 + strings.Index(rest, "\n")
		default:
			field.WriteByte(rest[0])
			i++
		}
	}
	if record != nil || field.Len() > 0 {
		records = append(records, append(record, field.String()))
	}
	return records
}

// TestFilesComeBack: with all columns String, what a preview prints of a real file is the file, field by field.
func TestFilesComeBack(t *testing.T) {
	o := serverOffice(t, "zz_files_come_back")
	for _, f := range realFiles(t, o.dir) {
		format := fmt.Sprintf("delimiter = %q\n", f.delimiter())
		if !f.quotes() {
			format += "quote = \"\"\n"
		}
		name := strings.ReplaceAll(f.name, ".", "_")
		o.job(name, format, f.Columns, f.header(), func(string) string { return `"String"` })
		text, err := os.ReadFile(filepath.Join(o.dir, f.name))
		if err != nil {
			t.Fatal(err)
		}
		want := readCSV(string(text), f.delimiter(), f.quotes())
		if f.header() {
			want = want[1:]
		}
		if len(want) != f.Rows {
			t.Fatalf("%s: read %d records, the manifest says %d", f.name, len(want), f.Rows)
		}
		compareRecords(t, f.name, want, o.run("preview", "--all", "--as", "csv", name, f.name))
	}
}

// compareRecords compares printed CSV with records, once more read by Go's own reader, which makes LF of CRLF.
func compareRecords(t *testing.T, name string, want [][]string, printed string) {
	t.Helper()
	have := readCSV(printed, ",", true)[1:]
	again, err := csv.NewReader(strings.NewReader(printed)).ReadAll()
	if err != nil || len(again) != len(want)+1 || len(have) != len(want) {
		t.Errorf("%s: %d and %d records, not %d (%v)", name, len(have), len(again)-1, len(want), err)
		return
	}
	for i := range want {
		unix := strings.Split(strings.ReplaceAll(strings.Join(want[i], "\x00"), "\r\n", "\n"), "\x00")
		if !slices.Equal(have[i], want[i]) || !slices.Equal(again[i+1], unix) {
			t.Errorf("%s: record %d is %q, not %q", name, i+1, have[i], want[i])
			return
		}
	}
}

// TestSpectrumComesBack does the same for the cases of csv-spectrum, and compares with its own JSON.
func TestSpectrumComesBack(t *testing.T) {
	o := serverOffice(t, "zz_spectrum_comes_back")
	const folder = root + "/pipeline/format/testdata/csv-spectrum/"
	files, err := filepath.Glob(folder + "csvs/*.csv")
	if err != nil || len(files) != 12 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".csv")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		golden, err := os.ReadFile(folder + "json/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if name == "location_coordinates" { // one object, with another number than the text has
			golden = []byte("[" + strings.Replace(string(golden), "1234567890", "2095257564", 1) + "]")
		}
		var rows []map[string]string
		if err := json.Unmarshal(golden, &rows); err != nil {
			t.Fatal(err)
		}
		columns := readCSV(string(text), ",", true)[0]
		var want [][]string
		for _, row := range rows {
			var record []string
			for _, c := range columns {
				record = append(record, row[c])
			}
			want = append(want, record)
		}
		o.job(name, "", columns, true, func(string) string { return `"String"` })
		o.write(name+".csv", string(text))
		compareRecords(t, name, want, o.run("preview", "--all", "--as", "csv", name, name+".csv"))
	}
}

// times are the columns that are dates and times, with what a job says of them.
var times = map[string]string{
	"birdstrikes.csv Flight Date":             `"Date"`,
	"weather.csv date":                        `"Date"`,
	"seattle-weather-hourly-normals.csv date": `"DateTime('UTC')"`,
	"github.csv time":                         "\"DateTime('UTC')\"\nformat = \"%Y/%m/%d %H:%M:%S\"",
}

// TestRealFigures loads real files with typed columns into both engines and compares sums, extremes, empties and distinct values with the manifest's.
func TestRealFigures(t *testing.T) {
	for engine, open := range map[string]func(t *testing.T) *office{
		"clickhouse": func(t *testing.T) *office { return serverOffice(t, "zz_figures") },
		"chdb":       func(t *testing.T) *office { return newOffice(t, fmt.Sprintf("library = %q", library)) },
	} {
		t.Run(engine, func(t *testing.T) {
			o := open(t)
			for _, f := range realFiles(t, o.dir) {
				o.checkFigures(f)
			}
		})
	}
}

func (o *office) checkFigures(f *realFile) {
	o.t.Helper()
	name := strings.ReplaceAll(f.name, ".", "_")
	name = strings.ReplaceAll(name, "-", "_")
	format := fmt.Sprintf("delimiter = %q\n", f.delimiter())
	if !f.quotes() {
		format += "quote = \"\"\n"
	}
	o.job(name, format, f.Columns, f.header(), func(column string) string { return f.typeOf(column) })
	o.run("import", name, f.name)

	ask := []string{"count() AS n"}
	for i, column := range f.Columns {
		c, s := fmt.Sprintf("c%d", i), f.Stats[column]
		switch {
		case s.Numeric:
			ask = append(ask, fmt.Sprintf("sum(%[1]s) AS sum_%[1]s, min(%[1]s) AS min_%[1]s, max(%[1]s) AS max_%[1]s, sum(isNull(%[1]s)) AS empty_%[1]s", c))
		case times[f.name+" "+column] != "":
			ask = append(ask, fmt.Sprintf("min(%[1]s) AS min_%[1]s, max(%[1]s) AS max_%[1]s, uniqExact(%[1]s) AS distinct_%[1]s", c))
		default:
			ask = append(ask, fmt.Sprintf("minIf(%[1]s, %[1]s != '') AS min_%[1]s, maxIf(%[1]s, %[1]s != '') AS max_%[1]s, uniqExactIf(%[1]s, %[1]s != '') AS distinct_%[1]s, "+
				"sum(%[1]s = '') AS empty_%[1]s, max(lengthUTF8(%[1]s)) AS maxlen_%[1]s", c))
		}
	}
	d := json.NewDecoder(strings.NewReader(o.run("query", "--as", "jsonl", "SELECT "+strings.Join(ask, ", ")+" FROM zz_"+name)))
	d.UseNumber()
	var have map[string]any
	if err := d.Decode(&have); err != nil {
		o.t.Fatal(err)
	}
	if fmt.Sprint(have["n"]) != fmt.Sprint(f.Rows) {
		o.t.Errorf("%s: %v rows, not %d", f.name, have["n"], f.Rows)
	}
	compared := 0
	for i, column := range f.Columns {
		s := f.Stats[column]
		for what, want := range map[string]string{"sum": s.Sum, "min": s.Min, "max": s.Max, "empty": fmt.Sprint(s.Empty), "distinct": fmt.Sprint(s.Distinct), "maxlen": fmt.Sprint(s.MaxLen)} {
			got, asked := have[fmt.Sprintf("%s_c%d", what, i)]
			if times[f.name+" "+column] != "" {
				want = strings.NewReplacer("T", " ", "/", "-").Replace(want)
			}
			if asked {
				compared++
			}
			if asked && !sameFigure(fmt.Sprint(got), want) {
				o.t.Errorf("%s: %s of %q is %v, the manifest says %s", f.name, what, column, got, want)
			}
		}
	}
	if compared != len(have)-1 {
		o.t.Errorf("%s: %d figures were compared, of %d", f.name, compared, len(have)-1)
	}
}

// typeOf is the type, as a job writes it, that holds a column's values exactly.
func (f *realFile) typeOf(column string) string {
	s := f.Stats[column]
	if t := times[f.name+" "+column]; t != "" {
		return t
	}
	if !s.Numeric {
		return `"String"`
	}
	t := "Int64"
	if strings.ContainsAny(s.Sum+s.Min+s.Max, ".") {
		t = "Decimal(38, 18)"
	}
	if s.Empty > 0 {
		t = "Nullable(" + t + ")"
	}
	return fmt.Sprintf("%q", t)
}

// sameFigure compares numbers as numbers: 1.50 is 1.5.
func sameFigure(a, b string) bool {
	x, ok := new(rational.Rat).SetString(a)
	y, ok2 := new(rational.Rat).SetString(b)
	return a == b || ok && ok2 && x.Cmp(y) == 0
}
