package reconcile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"chute/config"
	"chute/connectors"
)

// TestAltered: whatever happens to the target behind the stage's back is an error that says so, and nothing comes in.
func TestAltered(t *testing.T) {
	bothEngines(t, func(t *testing.T, e *engine) {
		for i, alter := range []string{
			"ALTER TABLE T ADD COLUMN later UInt8", "ALTER TABLE T DROP COLUMN n", "ALTER TABLE T MODIFY COLUMN n String",
			"CREATE TABLE T (" + baseColumns + ", n UInt8) ENGINE = MergeTree PARTITION BY d ORDER BY (id, d)",
			"CREATE TABLE T (" + baseColumns + ", n UInt8) ENGINE = MergeTree PARTITION BY toMonday(d) ORDER BY id",
			"CREATE TABLE T (" + baseColumns + ", n UInt8) ENGINE = ReplacingMergeTree PARTITION BY d ORDER BY (id, s) PRIMARY KEY id",
		} {
			name := fmt.Sprint("t", i)
			e.createKind(kind{name: name, more: ", n UInt8", engine: "MergeTree PARTITION BY d ORDER BY id"})
			before := e.describe(name)
			e.fill(e.stage(before, "stage"), 1, 10, 2)
			if strings.HasPrefix(alter, "CREATE") {
				e.exec("DROP TABLE " + before.Table())
			}
			e.exec(strings.Replace(alter, "TABLE T", "TABLE "+before.Table(), 1))
			var answer *connectors.DatabaseError
			if err := e.attach(before, "stage", 1); !errors.As(err, &answer) || !Altered(answer) {
				t.Errorf("%s: %v", alter, err)
			}
			e.wantAll(before.Table(), 0)
			if e.describe(name).Definition == before.Definition {
				t.Errorf("%s: the definition is the same", alter)
			}
			e.run(Drop(quoted(e.table("stage"))))
		}
		if Altered(&connectors.DatabaseError{Code: 60}) {
			t.Error("an unknown table counts as altered")
		}
	})
}

// TestInsertMissing breaks an INSERT … SELECT off at several places and repeats it.
func TestInsertMissing(t *testing.T) {
	const rows = 30000
	allEngines(t, func(t *testing.T, e *engine) {
		e.createKind(kind{name: "t", engine: "MergeTree ORDER BY s", after: "CREATE MATERIALIZED VIEW view ENGINE = Null AS SELECT id FROM T"})
		target := e.describe("t")
		stage := e.stage(target, "stage")
		for part := range 3 { // the stage's parts don't follow each other
			e.exec("INSERT INTO "+stage+" (id, d, s, _chute_run, _chute_record) SELECT number, toDate('2020-01-01'), 'x', 1 + number % 2, number + 1 FROM numbers(?) WHERE number % 3 = ?", rows, part)
		}
		statements, err := Attach(e.ctx, e, target, e.table("stage"), []uint64{1, 2}, "")
		if err != nil || len(statements) != 1 {
			t.Fatal(statements, err)
		}
		statements[0].Settings["min_insert_block_size_rows"], statements[0].Settings["max_block_size"] = "1000", "1000"
		e.run(statements...)
		half := map[uint64]uint64{1: rows / 2, 2: rows / 2}
		e.wantCount(target, half)
		// Parts in the order in which they came hold records in theirs: who looks in between sees a beginning.
		last, parts := "", strings.Split(e.rows("SELECT min((_chute_run, _chute_record)) AS a, max((_chute_run, _chute_record)) FROM "+target.Table()+
			" GROUP BY _part ORDER BY toUInt64(splitByChar('_', _part)[2])"), "|")
		for _, part := range parts {
			var a, b, c, d uint64
			if _, err := fmt.Sscanf(strings.NewReplacer("[", "", "]", "").Replace(part), "%d %d %d %d", &a, &b, &c, &d); err != nil {
				t.Fatal(part, err)
			}
			first, end := fmt.Sprintf("%03d %09d", a, b), fmt.Sprintf("%03d %09d", c, d)
			if first <= last || end < first {
				t.Errorf("a part holds %s to %s after %s", first, end, last)
			}
			last = end
		}
		if len(parts) < 10 {
			t.Errorf("%d parts, too few to tell", len(parts))
		}
		e.exec("SYSTEM START MERGES " + target.Table())
		for _, gone := range []string{"_chute_record > 7000", "_chute_record = 1", "_chute_run = 2", "_chute_record % 7 = 0"} {
			e.exec("ALTER TABLE " + target.Table() + " DELETE WHERE " + gone)
			for e.rows("SELECT count() FROM "+target.Table()+" WHERE "+gone) != "0" {
				if e.ctx.Err() != nil {
					t.Fatal(e.ctx.Err())
				}
			}
			e.mustAttach(target, "stage", 1, 2)
			e.wantCount(target, half)
			e.want(strconv.Itoa(rows), "SELECT uniqExact(_chute_run, _chute_record) FROM "+target.Table())
		}
	})
}

// TestIdenticalBlocks: a table with a deduplication window takes the same rows twice, by both ways in.
func TestIdenticalBlocks(t *testing.T) {
	for _, view := range []string{"", "CREATE MATERIALIZED VIEW view ENGINE = Null AS SELECT id FROM T"} {
		allEngines(t, func(t *testing.T, e *engine) {
			k := kind{name: "t", engine: "MergeTree ORDER BY id", after: view}
			if !e.old() {
				k.engine += " SETTINGS non_replicated_deduplication_window = 100"
			}
			e.createKind(k)
			target := e.describe("t")
			target.Lineage = Lineage{} // nothing tells the blocks apart
			for round := range uint64(2) {
				stage := e.stage(target, "stage")
				e.fill(stage, 1, 100, 1)
				e.fill(stage, 1, 100, 1)
				e.wantAll(stage, 200)
				e.mustAttach(target, "stage")
				e.wantAll(target.Table(), 200*(round+1))
				e.run(Drop(stage))
			}
		})
	}
}

// TestDeletionSparesLaterParts: where deletions only begin, the rows may be attached again at once.
func TestDeletionSparesLaterParts(t *testing.T) {
	bothEngines(t, func(t *testing.T, e *engine) {
		e.createKind(kind{name: "t", engine: "MergeTree PARTITION BY d ORDER BY id"})
		target := e.describe("t")
		e.exec("SYSTEM START MERGES " + target.Table())
		e.fill(e.stage(target, "stage"), 1, 100, 5)
		e.mustAttach(target, "stage", 1)
		st, _ := Delete(target, e.can(), []uint64{1}, "")
		e.run(st)
		e.mustAttach(target, "stage", 1)
		for e.rows("SELECT count() FROM system.mutations WHERE database = ? AND NOT is_done", e.db) != "0" {
			if e.ctx.Err() != nil {
				t.Fatal(e.ctx.Err())
			}
		}
		e.wantCount(target, map[uint64]uint64{1: 100})
	})
}

// TestStageKeepsExpired: neither rows nor values whose time is over go before they are published.
func TestStageKeepsExpired(t *testing.T) {
	e := openEngine(t, "embedded")
	e.createKind(kind{name: "t", more: ", v String DEFAULT 'gone' TTL d + INTERVAL 1 DAY", engine: "ReplacingMergeTree ORDER BY id TTL d + INTERVAL 2 DAY SETTINGS merge_with_ttl_timeout = 0"})
	target := e.describe("t")
	stage := e.stage(target, "stage")
	for range 3 {
		e.exec("INSERT INTO " + stage + " (id, d, v) SELECT 1, '2001-01-01', 'kept' FROM numbers(10)")
	}
	e.exec("OPTIMIZE TABLE " + stage + " FINAL") // even that
	e.want("kept 30", "SELECT v, count() FROM "+stage+" GROUP BY v")
	e.mustAttach(target, "stage", 0)
	e.want("kept 30", "SELECT v, count() FROM "+target.Table()+" GROUP BY v")
	e.exec("SYSTEM START MERGES " + target.Table())
	e.exec("OPTIMIZE TABLE " + target.Table() + " FINAL")
	e.wantAll(target.Table(), 0)
}

// TestDistributed needs a cluster: the server's of one shard, itself.
func TestDistributed(t *testing.T) {
	e := openEngine(t, "server")
	host, port, _ := strings.Cut(server.Address, ":")
	dir := filepath.Join(server.Dir, "config.d")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	xml := fmt.Sprintf("<yandex><remote_servers><shop><shard><replica><host>%s</host><port>%s</port></replica></shard></shop></remote_servers></yandex>", host, port)
	if err := os.WriteFile(filepath.Join(dir, "clusters.xml"), []byte(xml), 0o600); err != nil {
		t.Fatal(err)
	}
	e.exec("SYSTEM RELOAD CONFIG")
	for behind, counts := range map[string]bool{"MergeTree": true, "ReplacingMergeTree": false, "SummingMergeTree": false} {
		e.exec("CREATE TABLE " + quoted(e.table("here")) + " (" + baseColumns + ") ENGINE = " + behind + " ORDER BY id")
		e.exec("CREATE TABLE "+quoted(e.table("all"))+" ("+baseColumns+") ENGINE = Distributed(shop, ?, 'here', rand())", e.db)
		target := e.describe("all")
		if target.Engine != "Distributed" || target.CountsRun() != counts || target.Continues(e.can()) != counts {
			t.Errorf("over %s: %s, shards %q, counts %t", behind, target.Engine, target.Shards, target.CountsRun())
		}
		e.fill(e.stage(target, "stage"), 1, 100, 1)
		e.mustAttach(target, "stage", 1)
		if counts {
			e.wantCount(target, map[uint64]uint64{1: 100})
			e.mustAttach(target, "stage", 1)
			e.wantCount(target, map[uint64]uint64{1: 100})
		}
		for _, name := range []string{"all", "here", "stage"} {
			e.exec("DROP TABLE " + quoted(e.table(name)))
		}
	}
	e.exec("CREATE TABLE "+quoted(e.table("all"))+" ("+baseColumns+") ENGINE = Distributed(shop, ?, 'nowhere', rand())", e.db)
	if target := e.describe("all"); target.CountsRun() {
		t.Error("counts the rows of a table that isn't there")
	}
}

func TestRefused(t *testing.T) {
	bothEngines(t, func(t *testing.T, e *engine) {
		if _, err := Describe(e.ctx, e, e.table("none"), lineage); !errors.Is(err, connectors.ErrNoTable) {
			t.Errorf("missing table: %v", err)
		}
		if _, err := Describe(e.ctx, e, config.TableName{Table: "n'o`ne"}, lineage); !errors.Is(err, connectors.ErrNoTable) || !strings.Contains(err.Error(), "default") {
			t.Errorf("missing table of the default database: %v", err)
		}
		e.exec("CREATE TABLE " + quoted(e.table("t")) + " (n UInt64, _chute_run UInt64) ENGINE = Log")
		e.exec("CREATE VIEW " + quoted(e.table("v")) + " AS SELECT n FROM " + quoted(e.table("t")))
		if why := e.describe("v").Refused(); !strings.Contains(why, "view") {
			t.Errorf("view: %q", why)
		}
		if target := e.describe("t"); target.Refused() != "" || target.Lineage.Known() || target.CountsRun() {
			t.Errorf("%+v", target)
		}
	})
}
