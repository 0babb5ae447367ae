package pipeline

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"chute/connectors"
	"chute/connectors/connectortest/wire"
)

// modern is a server of today, as connectors/connectortest/wire makes one. The first test that wants it starts it.
var modern *wire.Server

func startModern(t testing.TB) *wire.Server {
	t.Helper()
	if modern == nil {
		started, err := wire.Launch(filepath.Join(server.Dir, "modern"), "")
		if err != nil {
			t.Fatal(err)
		}
		modern = started
	}
	if !modern.Running() { // a test let it die, and failed
		if err := modern.Start(); err != nil {
			t.Fatal(err)
		}
	}
	return modern
}

func stopModern() {
	if modern != nil {
		modern.Kill()
	}
}

// modernEngines runs a test on the engines that have what the server of 2018 doesn't.
func modernEngines(t *testing.T, test func(t *testing.T, w *world)) {
	for _, engine := range []string{"chdb", "wire"} {
		t.Run(engine, func(t *testing.T) { test(t, newWorld(t, engine)) })
	}
}

// TestRestartOfToday kills the process as TestFaultTable does, with a server of today, which goes on when its client is killed, for the effects in which it has a part.
func TestRestartOfToday(t *testing.T) {
	if testing.Short() {
		return // the race detector has seen TestFaultTable
	}
	for _, effect := range []string{"stage", "insert", "publishing", "attach", "published", "drop"} {
		t.Run(effect, func(t *testing.T) { restartAfter(newWorld(t, "wire"), effect) })
	}
}

// TestServerLost has the server die, or drop the connection, while chute goes on: before the statements of a run are executed, after it, and in the
// middle of an insert. Whatever came of them, everything is loaded once, and nothing is left.
func TestServerLost(t *testing.T) {
	if testing.Short() {
		return // the race detector has seen TestFaultTable
	}
	for _, c := range []struct {
		name, sql string // %d is the test's database
		at        wire.Moment
		die       bool
	}{
		{"create_stage/not_done/dropped", "CREATE TABLE `%d`.`chute_stage", wire.Before, false},
		{"create_stage/done/dropped", "CREATE TABLE `%d`.`chute_stage", wire.After, false},
		{"insert/not_done/dropped", "INSERT INTO `%d`.`chute_stage", wire.Before, false},
		{"insert/begun/dropped", "INSERT INTO `%d`.`chute_stage", wire.During, false},
		{"insert/begun/dead", "INSERT INTO `%d`.`chute_stage", wire.During, true},
		{"insert/done/dropped", "INSERT INTO `%d`.`chute_stage", wire.After, false},
		{"insert/done/dead", "INSERT INTO `%d`.`chute_stage", wire.After, true},
		{"attach/not_done/dropped", "ALTER TABLE `%d`.`t` ATTACH PARTITION ALL", wire.Before, false},
		{"attach/not_done/dead", "ALTER TABLE `%d`.`t` ATTACH PARTITION ALL", wire.Before, true},
		{"attach/done/dropped", "ALTER TABLE `%d`.`t` ATTACH PARTITION ALL", wire.After, false},
		{"attach/done/dead", "ALTER TABLE `%d`.`t` ATTACH PARTITION ALL", wire.After, true},
		{"drop/not_done/dropped", "DROP TABLE IF EXISTS `%d`.`chute_stage", wire.Before, false},
		{"drop/done/dead", "DROP TABLE IF EXISTS `%d`.`chute_stage", wire.After, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "wire")
			w.job(orders)
			dropFour(w)
			w.open()
			if err := modern.Arm(wire.Fault{SQL: strings.ReplaceAll(c.sql, "%d", w.Database), At: c.at, Die: c.die}); err != nil {
				t.Fatal(err)
			}
			wantLater(t, w.importAll())
			w.struck(c.die)
			w.resumeAll()
			w.importAll()                             // what hadn't left the inbox
			w.resumeAll()                             // what was waiting for another run of the same bytes
			if err := w.im.Sweep(w.ctx); err != nil { // as the next start would
				t.Fatal(err)
			}
			wantFour(w)
		})
	}
}

// struck makes sure that the fault has happened, and that there is a server.
func (w *world) struck(died bool) {
	w.t.Helper()
	if died {
		select {
		case <-modern.Exited():
		case <-w.ctx.Done():
			w.t.Fatal("the server wasn't killed")
		}
		if err := modern.Start(); err != nil {
			w.t.Fatal(err)
		}
	} else if happened, err := modern.Happened(); !happened || err != nil {
		w.t.Fatalf("the connection was dropped: %t, %v", happened, err)
	}
}

// TestTakenOut finds part of a run in its table, which a server of today can't leave by itself: the rest of it goes by a lightweight delete, and comes
// back whole.
func TestTakenOut(t *testing.T) {
	w := newWorld(t, "wire")
	w.job(orders)
	dropFour(w)
	w.killedChild("attach", false)
	w.open()
	w.exec("DELETE FROM %t WHERE id = 2")
	w.wantRows("SELECT toString(count()) FROM %t", "4")
	w.resumeAll()
	w.importAll()
	wantFour(w)
}

// TestTargetsOfToday loads into tables that the server of 2018 can't have, or would treat otherwise.
func TestTargetsOfToday(t *testing.T) {
	if testing.Short() {
		return // the race detector has seen TestTargets
	}
	for _, c := range []struct{ name, create string }{
		{"more than 100 partitions", "(" + columns + ") ENGINE = MergeTree PARTITION BY day ORDER BY id"},
		{"deduplication window", "(" + columns + ") ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100"},
		{"projection and ttl", "(" + columns + ", PROJECTION p (SELECT day, count() GROUP BY day)) ENGINE = MergeTree ORDER BY id TTL day + INTERVAL 200 YEAR"},
		{"collapsed", "(id UInt64, day Date32, note LowCardinality(Nullable(String)), _chute_run UInt64, _chute_record UInt64) ENGINE = SummingMergeTree ORDER BY day"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "wire")
			w.job(plain + "[redelivery]\nrenamed = \"load\"\n")
			w.open()
			w.exec("CREATE DATABASE %d", "CREATE TABLE %t "+c.create, "SYSTEM STOP MERGES %t")
			for _, name := range []string{"a.csv", "b.csv"} {
				w.drop(name, manyDays(101))
				wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{name: connectors.Done})
			}
			w.wantRows("SELECT count(), sum(id), uniqExact(toDate(day)), uniqExact(_chute_run), max(_chute_record) FROM %t", "202 10100 101 2 101")
			w.wantSettled()
		})
	}
}

// TestCheckTableOfToday: a server tells which rights a run lacks, and a table that isn't synced there is told of.
func TestCheckTableOfToday(t *testing.T) {
	w := newWorld(t, "wire")
	w.job(plain)
	w.open()
	w.exec("CREATE DATABASE %d")
	for settings, want := range map[string]string{"": "[table_not_synced]", " SETTINGS fsync_after_insert = 1, fsync_part_directory = 1": "[]"} {
		w.exec("DROP TABLE IF EXISTS %t", "CREATE TABLE %t ("+columns+") ENGINE = MergeTree ORDER BY id"+settings)
		if got := fmt.Sprintf("[%s]", codesOf(w.check(w.im.Job))); got != want {
			t.Errorf("with %q: %s, want %s", settings, got, want)
		}
	}
}
