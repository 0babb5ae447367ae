package pipeline

import (
	"strings"
	"testing"

	"chute/connectors"
)

// TestNestedTypes: arrays, tuples and Nested go the whole way through stage and table on both engines.
func TestNestedTypes(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job("[target]\ntable = \"%t\"\n[format]\ndelimiter = \";\"\nquote = \"\"\n")
		w.open()
		w.exec("CREATE DATABASE %d", "CREATE TABLE %t (id UInt64, tags Array(Nullable(String)), pair Tuple(UInt8, Date), n Nested(k String, v UInt8), "+
			"_chute_run UInt64, _chute_record UInt64) ENGINE = MergeTree ORDER BY id")
		w.drop("a.csv", "id;tags;pair;n.k;n.v\n"+
			"1;['a','it\\'s',NULL];(1,'2024-02-29');['x','y'];[1,2]\n"+
			"2;;(2,'2024-03-01');[];\n"+
			"3;['a'];(256,'2024-02-29');[];[]\n"+
			"4;['a'];(1,'2024-02-29');['x'];[1,2]\n")
		wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
		w.wantRows("SELECT toString(id), toString(tags), toString(pair), toString(n.k), toString(n.v), id FROM %t ORDER BY id",
			`1 ['a','it\'s',NULL] (1,'2024-02-29') ['x','y'] [1,2] 1`, `2 [] (2,'2024-03-01') [] [] 2`)
		w.wantSettled()
	})
}

// TestMapsAndJSON: types that the server of 2018 doesn't have, in a table that chute makes.
func TestMapsAndJSON(t *testing.T) {
	modernEngines(t, loadMapsAndJSON)
}

func loadMapsAndJSON(t *testing.T, w *world) {
	w.job(`
[format]
delimiter = ";"
quote = ""
[target]
table = "%t"
create = true
order_by = ["id"]
[[column]]
name = "id"
type = "UInt64"
[[column]]
name = "m"
type = "Map(LowCardinality(String), Array(Decimal(9, 2)))"
[[column]]
name = "j"
type = "JSON"
default = "{}"
[[column]]
name = "at"
type = "Time64(3)"
[[column]]
name = "w"
type = "JSON"
on_error = "warn"
[[column]]
name = "z"
type = "Nullable(JSON)"
[[column]]
name = "n"
type = "Nested(a UInt8, b String)"
`)
	w.open()
	w.drop("a.csv", "id;m;j;at;w;z;n\n"+
		`1;{'k':[1.5]};{"a":{"b":[1,"x"]}};12:00:00.5;{"a":1};{"b":2};[(1,'x'),(2,'y')]`+"\n"+
		`2;{};;-1:00:00;[1];;`+"\n"+
		`3;{};{"a":1,"a":2};1:00:00;{};;[]`+"\n"+
		`4;{};{};1:00:00;{};[];[(1)]`+"\n")
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
	w.wantRows("SELECT id, toString(m), toString(j), toString(at), toString(w), ifNull(toString(z), 'none'), toString(n), id FROM %t ORDER BY id",
		`1 {'k':[1.5]} {"a":{"b":[1,"x"]}} 12:00:00.500 {"a":1} {"b":2} [(1,'x'),(2,'y')] 1`, `2 {} {} -01:00:00.000 {} none [] 2`)
	w.wantSettled()
}

// TestLastDates: what the server would show as another day is refused; what it shows as it is loads. The embedded engine has the whole range of the types.
func TestLastDates(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job("[target]\ntable = \"%t\"\n[[column]]\nname = \"d\"\n[[column]]\nname = \"e\"\nformat = \"%Y%m%d\"\n[[column]]\nname = \"t\"\n[[column]]\nname = \"l\"\n")
		w.open()
		w.exec("CREATE DATABASE %d", "CREATE TABLE %t (d Date, e Date, t DateTime('UTC'), l Array(Date), _chute_run UInt64, _chute_record UInt64) ENGINE = MergeTree ORDER BY d")
		w.drop("a.csv", "d,e,t,l\n"+
			"1970-01-02,19700102,1970-01-01 00:00:00,['1970-01-02']\n"+
			"2105-12-31,21051231,2105-12-31 23:59:59,['2105-12-31']\n"+
			"2149-06-06,21490606,2106-02-07 06:28:15,['2149-06-06']\n"+
			"2149-06-07,21490607,2106-02-07 06:28:16,['2149-06-07']\n")
		wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
		rows := []string{"1970-01-02 1970-01-02 0 ['1970-01-02'] 1", "2105-12-31 2105-12-31 4291747199 ['2105-12-31'] 2",
			"2149-06-06 2149-06-06 4294967295 ['2149-06-06'] 3"}
		if w.Engine == "clickhouse" {
			rows = rows[:2]
		}
		w.wantRows("SELECT toString(d), toString(e), toUInt32(t), toString(l), _chute_record FROM %t ORDER BY d", rows...)
		w.wantSettled()
	})
}

// TestConstantOfNameThatCannotBe: that no text can be loaded into a column isn't the fault of the file's name, whatever the name says.
func TestConstantOfNameThatCannotBe(t *testing.T) {
	w := newWorld(t, "clickhouse")
	w.job("[target]\ntable = \"%t\"\n[[column]]\nname = \"id\"\n[[column]]\nname = \"v\"\nconstant = \"{stem}\"\n")
	w.open()
	w.exec("CREATE DATABASE %d", "CREATE TABLE %t (id UInt64, v AggregateFunction(sum, UInt64), _chute_run UInt64, _chute_record UInt64) ENGINE = MergeTree ORDER BY id")
	w.drop("a.csv", "id\n1\n")
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Later})
	w.exec("DROP TABLE %t", "CREATE TABLE %t (id UInt64, v UInt8, _chute_run UInt64, _chute_record UInt64) ENGINE = MergeTree ORDER BY id")
	wantOutcomes(t, w.resumeAll(), map[string]connectors.Outcome{"a.csv": connectors.Rejected})
}

// TestZones: a local time is meant in the column's zone, else in that of the table's type, else in the job's; one that comes twice or never is refused.
func TestZones(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job("timezone = \"America/New_York\"\n[target]\ntable = \"%t\"\n[[column]]\nname = \"job\"\n[[column]]\nname = \"typ\"\n" +
			"[[column]]\nname = \"col\"\ntimezone = \"Europe/Paris\"\n[[column]]\nname = \"fmt\"\nformat = \"%d/%m/%y %H:%M\"\n")
		w.open()
		w.exec("CREATE DATABASE %d", "CREATE TABLE %t (job DateTime, typ DateTime('Asia/Tokyo'), col DateTime('Asia/Tokyo'), fmt DateTime, "+
			"_chute_run UInt64, _chute_record UInt64) ENGINE = MergeTree ORDER BY _chute_record")
		good := ",2024-07-01 12:00:00,2024-07-01 12:00:00,01/07/24 12:00\n"
		w.drop("a.csv", "job,typ,col,fmt\n"+
			"2024-07-01 12:00:00"+good+
			"2024-11-03 01:30:00"+good+
			"2024-03-10 02:30:00"+good+
			"2024-11-03 01:30:00-04:00"+good+
			"2024-07-01 12:00:00,2024-07-01 12:00:00,2024-10-27 02:30:00,03/11/24 01:30\n")
		wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
		w.wantRows("SELECT _chute_record, toUInt32(job), toUInt32(typ), toUInt32(col), toUInt32(fmt) FROM %t ORDER BY _chute_record",
			"1 1719849600 1719802800 1719828000 1719849600", "4 1730611800 1719802800 1719828000 1719849600")
		said := w.told("a.csv")
		for _, want := range []string{`"column":"job","code":"ambiguous_time"`, "comes twice in America/New_York", `"column":"job","code":"missing_time"`,
			`"column":"col","code":"ambiguous_time"`, "comes twice in Europe/Paris", `"column":"fmt","code":"ambiguous_time"`} {
			if !strings.Contains(said, want) {
				t.Errorf("%s isn't told:\n%s", want, said)
			}
		}
		w.wantSettled()
	})
}
