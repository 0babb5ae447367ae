package pipeline

import (
	"strings"
	"testing"

	"chute/connectors"
)

// replacing is a job whose newer files take the place of earlier ones of their name.
const replacing = orders + `
[redelivery]
changed = "replace"
`

// prices is a file whose amounts tell which version of it is in the table.
func prices(amount string, ids ...string) string {
	var b strings.Builder
	b.WriteString("id,amount,note\n")
	for _, id := range ids {
		b.WriteString(id + "," + amount + ",x\n")
	}
	return b.String()
}

// load drops one file and has it loaded.
func (w *world) load(name, text string) {
	w.t.Helper()
	w.drop(name, text)
	wantOutcomes(w.t, w.importAll(), map[string]connectors.Outcome{name: connectors.Done})
}

const sums = "SELECT count(), toInt64(sum(amount)), uniqExact(_chute_run) FROM %t"

// TestReplace follows a name through versions: only the last one's rows are in the table, and a version that comes again is loaded again.
func TestReplace(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job(replacing)
		w.open()
		w.load("other.csv", prices("1000", "1", "9"))
		w.load("a.csv", prices("1", "1", "2", "3", "4"))
		w.load("a.csv", prices("10", "1", "2"))
		w.wantRows(sums, "4 2020 2")
		w.load("a.csv", prices("1", "1", "2", "3", "4")) // the first version again: it isn't loaded any more
		w.wantRows(sums, "6 2004 2")
		w.load("a.csv", prices("1", "1", "2", "3", "4")) // and now it is
		w.wantRows(sums, "6 2004 2")
		w.load("b.csv", prices("10", "1", "2")) // what was replaced keeps no other name out
		w.wantRows(sums, "8 2024 3")
		w.load("a.rejects.csv", prices("100", "5")) // refused records that come back add to their file
		w.load("a.rejects.csv", prices("100", "6"))
		w.wantRows(sums, "10 2224 5")
		all, err := w.im.Ledger.Replacements(w.ctx, 3)
		if err != nil || len(all) != 2 || all[0].Earlier != 2 || all[1].Run != 4 || all[1].Gone.IsZero() {
			t.Errorf("replacements of run 3: %+v (%v)", all, err)
		}
		w.wantSettled()
	})
}

// TestReplaceRestart kills the process around a replacement, and a second time when it goes on: at the end the new rows are there once, the old ones
// aren't, and other files' rows are as they were. What was announced doesn't depend on what the job says by then.
func TestReplaceRestart(t *testing.T) {
	for _, effect := range []string{"publishing", "replace"} {
		t.Run(effect, func(t *testing.T) {
			bothEngines(t, func(t *testing.T, w *world) {
				w.beforeReplacing()
				w.close()
				w.killedChild(effect, false)
				w.killedChild("replace", true)
				w.job(orders)
				w.open()
				for _, v := range w.resumeAll() {
					if v.Outcome == connectors.Later {
						t.Errorf("%s: %q waits: %v", effect, v.File.Name, v.Err)
					}
				}
				w.afterReplacing()
			})
		})
	}
}

// beforeReplacing loads three files and drops a new version of one of them.
func (w *world) beforeReplacing() {
	w.t.Helper()
	w.job(replacing)
	w.open()
	for _, name := range []string{"a.csv", "b.csv", "c.csv"} {
		w.drop(name, prices("1", "1", "2", "3")+"7,7,"+name+"\n")
	}
	done := connectors.Done
	wantOutcomes(w.t, w.importAll(), map[string]connectors.Outcome{"a.csv": done, "b.csv": done, "c.csv": done})
	w.wantRows(sums, "12 30 3")
	w.drop("b.csv", prices("10", "1", "2", "3", "4", "5"))
}

func (w *world) afterReplacing() {
	w.t.Helper()
	w.wantSettled()
	w.wantRows(sums, "13 70 3")
	w.wantRows("SELECT count() FROM %t WHERE note = 'b.csv'", "0")
}

// TestReplaceWaits: a newer version waits for an earlier one that isn't through, and nothing of it is visible until then.
func TestReplaceWaits(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job(replacing)
		w.open()
		w.load("a.csv", prices("1", "1", "2"))
		w.drop("a.csv", prices("10", "1", "2"))
		w.failOnce("replace", true)
		wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Later})
		w.drop("a.csv", prices("100", "1", "2"))
		verdicts := w.importAll()
		wantOutcomes(t, verdicts, map[string]connectors.Outcome{"a.csv": connectors.Later})
		if !strings.Contains(verdicts[0].Err.Error(), "run 2 is loading the same file, or another one of its name") {
			t.Errorf("it waits: %v", verdicts[0].Err)
		}
		w.wantRows(sums, "4 22 2") // the new rows are visible, and the old ones haven't left yet
		w.resumeAll()
		w.resumeAll() // run 3 goes on behind run 2
		w.wantRows(sums, "2 200 1")
		w.wantSettled()
	})
}

// TestReplaceAltered: a run that is taken back while it publishes takes back what it meant to replace.
func TestReplaceAltered(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.beforeReplacing()
		w.failOnce("publishing", false)
		wantLater(t, w.importAll())
		w.exec("ALTER TABLE %t ADD COLUMN later UInt8")
		wantLater(t, w.resumeAll()) // withdrawn
		w.wantRows(sums, "12 30 3")
		if left, err := w.im.Ledger.Replacing(w.ctx, 4); err != nil || len(left) > 0 {
			t.Errorf("%d runs would still leave (%v)", len(left), err)
		}
		w.resumeAll()
		w.afterReplacing()
	})
}

// TestReplaceNothing: files without records take part, on either side.
func TestReplaceNothing(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job("empty = \"accept\"\n" + replacing)
		w.open()
		w.load("a.csv", prices("1", "1", "2"))
		w.load("a.csv", "id,amount,note\n")
		w.wantRows("SELECT count() FROM %t", "0")
		w.load("a.csv", prices("1", "1", "2"))
		w.wantRows(sums, "2 2 1")
		w.wantSettled()
	})
}

// TestReplaceRefused: where rows of an earlier file can't be told or deleted safely, nothing of the newer one is loaded, and the reason says so.
func TestReplaceRefused(t *testing.T) {
	const columns = " (id UInt64, amount Decimal(12, 2), note String, _chute_run UInt64, _chute_record UInt64) ENGINE = "
	for want, table := range map[string][]string{
		"it is a ReplacingMergeTree": {"CREATE TABLE %t" + columns + "ReplacingMergeTree ORDER BY id"},
		"its materialized views": {"CREATE TABLE %t" + columns + "MergeTree ORDER BY id",
			"CREATE MATERIALIZED VIEW %d.v ENGINE = MergeTree ORDER BY id AS SELECT id FROM %t"},
	} {
		t.Run(want, func(t *testing.T) {
			bothEngines(t, func(t *testing.T, w *world) {
				w.job(strings.Replace(replacing, "create = true\norder_by = [\"id\"]\npartition_by = \"id % 3\"\n", "", 1))
				w.open()
				w.exec(append([]string{"CREATE DATABASE IF NOT EXISTS %d"}, table...)...)
				w.drop("a.csv", prices("1", "1"))
				verdicts := w.importAll()
				wantOutcomes(t, verdicts, map[string]connectors.Outcome{"a.csv": connectors.Later})
				if err := verdicts[0].Err; err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("it waits: %v", err)
				}
			})
		})
	}
	bothEngines(t, func(t *testing.T, w *world) {
		w.job(strings.Replace(orders, "create = true\n", "create = true\nlineage = false\n", 1))
		w.open()
		w.load("a.csv", prices("1", "1", "2"))
		w.exec("ALTER TABLE %t ADD COLUMN _chute_run UInt64, ADD COLUMN _chute_record UInt64")
		w.close()
		w.job(replacing)
		w.open()
		w.drop("a.csv", prices("10", "1", "2"))
		verdicts := w.importAll()
		wantOutcomes(t, verdicts, map[string]connectors.Outcome{"a.csv": connectors.Later})
		if err := verdicts[0].Err; err == nil || !strings.Contains(err.Error(), "run 1, which was loaded without lineage") {
			t.Errorf("it waits: %v", err)
		}
		w.wantRows("SELECT count(), toInt64(sum(amount)) FROM %t", "2 2")
	})
}
