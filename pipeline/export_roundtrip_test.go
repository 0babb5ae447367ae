package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chute/connectors"
	"chute/pipeline/ledger"
)

// sources are SELECTs with a column of each type, v0, v1 …; %n is how many rows. Texts are any UTF-8, the odd signs among them.
var sources = map[string]string{
	"chdb":       randomSource(),
	"clickhouse": oldSource,
}

// roundTypes are those for which the embedded engine makes random values.
var roundTypes = []string{
	"Int8", "Int16", "Int32", "Int64", "Int128", "Int256", "UInt8", "UInt16", "UInt32", "UInt64", "UInt128", "UInt256",
	"Decimal(9, 0)", "Decimal(9, 9)", "Decimal(18, 3)", "Decimal(38, 20)", "Decimal(76, 38)", "Bool", "UUID", "IPv4", "IPv6",
	"Date", "DateTime", "DateTime('America/New_York')", "DateTime64(0)", "DateTime64(3, 'Asia/Tokyo')", "DateTime64(6)", "Enum8('a' = 1, 'it\\'s' = -3)",
	"Enum16('x' = 1000, 'y\\n' = 2)", "Array(Array(Nullable(Int16)))", "Array(UUID)", "Array(IPv6)", "Array(Decimal(9, 2))", "Array(Bool)",
	"Array(Enum8('a' = 1, 'it\\'s' = -3))", "Tuple(a UInt8, b Nullable(Date))", "Map(UInt16, UInt8)", "Nullable(Decimal(18, 5))", "Nullable(UInt8)",
}

// odd is an expression for texts with all that has a meaning somewhere, and for empty ones.
const odd = `['', ' ', 'a', 'a,b;c|d', 'say "hi"', '\'it\'s\'', 'line\nend', 'cr\rlf\r\n', '\t', 'back\\slash\\', '\\N', 'NULL', 'é€', '=1+1', '"', '""', 'end"'][number %% 17 + 1]`

func randomSource() string {
	var structure, names []string
	for i, t := range roundTypes {
		structure, names = append(structure, fmt.Sprintf("v%d %s", i, t)), append(names, fmt.Sprintf("v%d", i))
	}
	quoted := strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(strings.Join(structure, ", "))
	texts := fmt.Sprintf(`, number, %s AS s, toNullable(s) AS sn0, if(number %% 3 = 0, NULL, sn0) AS sn, toLowCardinality(s) AS sl, [s, concat(s, '!')] AS sa, CAST(leftUTF8(s, 1) || 'x', 'FixedString(5)') AS sf,
		map(s, [sn]) AS sm, (s, number) AS st, toDate32('1925-01-01') + number * 97 AS d, toFloat64(v3) / 3 AS f, toFloat32(v2) / 7 AS g,
		toDateTime(1792884600 + number * 53, 'Europe/Paris') AS tt, toDateTime64(toDecimal64(1793505600 + number * 53, 3) + 0.125, 3, 'America/New_York') AS tm, [tt] AS ta`, strings.ReplaceAll(odd, "%%", "%"))
	return "SELECT " + strings.Join(names, ", ") + texts + " FROM (SELECT *, rowNumberInAllBlocks() AS number FROM generateRandom('" + quoted + "', 7, 30, 4) LIMIT %n)"
}

var oldSource = `SELECT toInt64(intHash64(number)) AS i, toUInt8(number) AS u, toFloat64(number) / 7 AS f, toFloat32(number) / 3 AS g, toDecimal64(toString(number) || '.' || toString(number %% 1000), 4) AS c,
	toDate(number %% 40000 + 1) AS d, toDateTime(number * 86399 + 90000) AS t, toDateTime(number * 3599 + 90000, 'Asia/Tokyo') AS tz, toDateTime(1792884600 + number * 53, 'Europe/Paris') AS tt, [tt] AS ta, CAST(if(number %% 2 = 1, 'a', 'it\'s') AS Enum8('a' = 1, 'it\'s' = -3)) AS e,
	toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba' || lower(substring(hex(number %% 16), -1))) AS id, ` + odd + ` AS s, if(number %% 3 = 0, NULL, s) AS sn, if(number %% 3 = 0, NULL, toInt16(number)) AS n, [s, concat(s, '!')] AS sa,
	toFixedString('x', 5) AS sf, (s, number) AS st, [[number], []] AS na FROM (SELECT number FROM system.numbers LIMIT %n)`

// TestExportRoundTrip exports all types and imports the file again with the same format: the tables are equal. Among the times are those of hours that clocks show
// twice, tt, ta and tm.
func TestExportRoundTrip(t *testing.T) {
	formats := map[string]string{
		"plain":     "",
		"semicolon": "delimiter = \";\"\nnull = \"NULL\"\nquoting = \"texts\"\n",
		"escapes":   "delimiter = \"|\"\nquote = \"'\"\nescape = \"\\\\\"\nnull = '\\N'\nline_end = \"lf\"\nencoding = \"windows-1252\"\ncompression = \"zstd\"\n",
		"wide":      "type = \"tsv\"\nencoding = \"utf-16\"\nnull = \"NULL\"\nquoting = \"all\"\ncompression = \"gzip\"\n",
	}
	for _, engine := range []string{"chdb", "clickhouse"} {
		t.Run(engine, func(t *testing.T) {
			for name, format := range formats {
				if engine == "chdb" && (name == "semicolon" || name == "wide") {
					continue // the formats are the same on both engines, the types aren't
				}
				t.Run(name, func(t *testing.T) { roundTrip(newWorld(t, engine), format) })
			}
		})
	}
}

func roundTrip(w *world, format string) {
	w.t.Helper()
	var reading []string // what of the format says how to write only
	for line := range strings.Lines(format) {
		if key, word, _ := strings.Cut(strings.TrimSpace(line), " = "); key == "null" {
			line = "null = [" + word + "]\n"
		}
		if !strings.HasPrefix(line, "quoting") {
			reading = append(reading, line)
		}
	}
	w.exportJob("file = \"f.csv\"\ntable = \"" + w.Database + ".src\"\n[format]\n" + format)
	ex := w.openExport()
	source := strings.NewReplacer("%%", "%", "%n", "200").Replace(sources[w.Engine])
	w.exec("CREATE DATABASE %d", "CREATE TABLE %d.src ENGINE = MergeTree ORDER BY tuple() AS "+source, "CREATE TABLE %t AS %d.src ENGINE = MergeTree ORDER BY tuple()",
		"ALTER TABLE %t ADD COLUMN _chute_run UInt64, ADD COLUMN _chute_record UInt64")
	mustExport(w.t, ex, Occasion{}, ledger.Finished)
	columns := w.rows("SELECT name FROM system.columns WHERE database = '" + w.Database + "' AND table = 'src'")
	w.close()
	if err := os.Rename(filepath.Join(w.Dir, "store/out/f.csv"), filepath.Join(w.Dir, "store/in/f.csv")); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(w.Dir, "jobs.d/stock.toml")); err != nil {
		w.t.Fatal(err)
	}
	w.job("[errors]\nmax_rejects = 0\n[target]\ntable = \"%t\"\n[format]\n" + strings.Join(reading, ""))
	w.open()
	v := w.importAll()
	if len(v) != 1 || v[0].Outcome != connectors.Done {
		reasons, _ := os.ReadFile(filepath.Join(w.Dir, "store/rejected/f.rejects.jsonl"))
		w.t.Fatalf("%+v\n%s", v, reasons[:min(len(reasons), 3000)])
	}
	for _, column := range columns {
		sum := "SELECT count(), sum(cityHash64(" + valueOf(column) + ")), countIf(isNull(" + column + ")) FROM "
		if a, b := w.rows(sum+w.Database+".src"), w.rows(sum+"%t"); a[0] != b[0] || !strings.HasPrefix(a[0], "200 ") {
			w.t.Errorf("column %s: %s before, %s after", column, a, b)
		}
	}
	whole := "SELECT sum(cityHash64(toString(" + strings.Join(columns, "), toString(") + "))) FROM "
	if a, b := w.rows(whole+w.Database+".src"), w.rows(whole+"%t"); a[0] != b[0] {
		w.t.Errorf("rows: %s before, %s after", a, b)
	}
}

// valueOf is a text that no other value of a column has: instants of which clocks show the same are numbers.
func valueOf(column string) string {
	switch column {
	case "tt":
		return "toString(toUInt32(tt))"
	case "ta":
		return "toString(toUInt32(ta[1]))"
	case "tm":
		return "toString(toUnixTimestamp64Milli(tm))"
	}
	return "toString(" + column + ")"
}

// TestExportMirrored: dates, numbers and labels in other ways than the types', and lines around the records, are read again by an import with the same keys.
func TestExportMirrored(t *testing.T) {
	w := newWorld(t, "chdb")
	w.exportJob(`file = "f.csv"
table = "` + w.Database + `.src"
split = { rows = 77, name = "f" }
timezone = "Europe/Paris"
[format]
delimiter = ";"
decimal = ","
thousands = "."
true = "oui"
false = "non"
date_format = "%e %b %Y"
time_format = "%A, %d/%m/%Y %I:%M:%S %p %z"
top = ["H;{file}", "%Y"]
bottom = ["T;{rows};{sum(c)}"]
[[column]]
name = "m"
format = "%j/%Y %-H:%M:%S.%f"
[[column]]
name = "c"
decimals = 2
[[column]]
name = "n"
decimal = "."
thousands = "'"
[[column]]
name = "f"
decimals = 3
[[column]]
name = "e"
labels = { a = "Ä;1", b = "" }
`)
	w.write("jobs.d/stock.toml", strings.Replace(w.read("jobs.d/stock.toml"), "f.csv", "f-{part}.csv", 1))
	ex := w.openExport()
	w.exec("CREATE DATABASE %d", `CREATE TABLE %d.src ENGINE = MergeTree ORDER BY tuple() AS SELECT toDate(number * 199) AS d, toDateTime(intHash32(number)) AS t,
		toDateTime64('1960-01-01 00:00:00', 3, 'Asia/Tokyo') + number * 9999999 + 0.123 AS m, toDecimal64(toInt64(number * 7919 - 500000), 5) / 64 AS c, CAST(cityHash64(number) AS Int64) AS n,
		number / 7 AS f, CAST(number % 2 AS Bool) AS b, CAST(number % 3 + 1 AS Enum8('a' = 1, 'b' = 2, 'c' = 3)) AS e, if(number % 5 = 0, NULL, number * 1000000) AS u FROM numbers(200)`,
		"CREATE TABLE %t AS %d.src ENGINE = MergeTree ORDER BY tuple()", "ALTER TABLE %t ADD COLUMN _chute_run UInt64, ADD COLUMN _chute_record UInt64")
	run := mustExport(t, ex, Occasion{}, ledger.Finished)
	total := w.rows("SELECT replace(toString(sum(c)), '.', ',') FROM (SELECT c FROM " + w.Database + ".src LIMIT 154, 100)")[0]
	if text := w.read("store/out/f-3.csv"); len(run.Moves) != 3 || !strings.HasPrefix(text, "H;f-3.csv\r\n20") || !strings.HasSuffix(strings.NewReplacer(".", "").Replace(text), "\r\nT;46;"+total+"\r\n") {
		t.Errorf("%d files; the last is %q", len(run.Moves), text)
	}
	w.close()
	for i := range run.Moves {
		name := fmt.Sprintf("f-%d.csv", i+1)
		if err := os.Rename(filepath.Join(w.Dir, "store/out", name), filepath.Join(w.Dir, "store/in", name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(w.Dir, "jobs.d/stock.toml")); err != nil {
		t.Fatal(err)
	}
	w.job(`timezone = "Europe/Paris"
[errors]
max_rejects = 0
[target]
table = "%t"
[format]
delimiter = ";"
skip_top = 2
skip_bottom = 1
[[column]]
name = "d"
format = "%e %b %Y"
[[column]]
name = "t"
format = "%A, %d/%m/%Y %I:%M:%S %p %z"
[[column]]
name = "m"
format = "%j/%Y %-H:%M:%S.%f"
[[column]]
name = "c"
decimal = ","
thousands = "."
[[column]]
name = "n"
thousands = "'"
[[column]]
name = "f"
decimal = ","
[[column]]
name = "b"
true = ["oui"]
false = ["non"]
[[column]]
name = "e"
map = { "Ä;1" = "a" }
default = "b"
[[column]]
name = "u"
decimal = ","
thousands = "."
`)
	w.open()
	for _, v := range w.importAll() {
		if v.Outcome != connectors.Done {
			reasons, _ := os.ReadFile(filepath.Join(w.Dir, "store/rejected", strings.TrimSuffix(v.File.Name, ".csv")+".rejects.jsonl"))
			t.Fatalf("%+v\n%s", v, reasons[:min(len(reasons), 3000)])
		}
	}
	for _, column := range []string{"d", "t", "m", "c", "n", "f", "b", "e", "u"} {
		sum := "SELECT count(), sum(cityHash64(toString(" + column + "))), countIf(isNull(" + column + ")) FROM "
		if a, b := w.rows(sum+w.Database+".src"), w.rows(sum+"%t"); a[0] != b[0] || !strings.HasPrefix(a[0], "200 ") {
			t.Errorf("column %s: %s before, %s after", column, a, b)
		}
	}
}
