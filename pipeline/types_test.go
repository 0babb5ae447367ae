package pipeline

import (
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
	w := newWorld(t, "chdb")
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
`)
	w.open()
	w.drop("a.csv", "id;m;j;at\n"+`1;{'k':[1.5]};{"a":{"b":[1,"x"]}};12:00:00.5`+"\n"+`2;{};;-1:00:00`+"\n"+`3;{};{"a":1,"a":2};1:00:00`+"\n")
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
	w.wantRows("SELECT id, toString(m), toString(j), toString(at) FROM %t ORDER BY id", `1 {'k':[1.5]} {"a":{"b":[1,"x"]}} 12:00:00.500`, `2 {} {} -01:00:00.000`)
	w.wantSettled()
}
