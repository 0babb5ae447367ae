package pipeline

import (
	"fmt"
	"strings"
	"testing"

	"chute/connectors"
	"chute/pipeline/ledger"
)

// plain is a job for a table that is there already.
const plain = `
[target]
table = "%t"
`

const columns = "id UInt64, day Date, note String, _chute_run UInt64, _chute_record UInt64"

// manyDays is a file with one record for each of n days, beginning with 2024-01-01.
func manyDays(n int) string {
	var b strings.Builder
	b.WriteString("id,day,note\n")
	for i := range n {
		month, day := i/28%12+1, i%28+1
		fmt.Fprintf(&b, "%d,%d-%02d-%02d,n%d\n", i, 2024+i/336, month, day, i%7)
	}
	return b.String()
}

// TestTargets loads two files into every kind of table that the promise speaks of.
func TestTargets(t *testing.T) {
	for _, c := range []struct{ name, create, settings string }{
		{"plain", "ENGINE = MergeTree ORDER BY id", ""},
		{"unordered", "ENGINE = MergeTree ORDER BY tuple()", ""},
		{"replacing", "ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(day) ORDER BY id", ""},
		{"daily", "ENGINE = MergeTree PARTITION BY day ORDER BY (id, note)", ""},
		{"two_part_partition", "ENGINE = MergeTree PARTITION BY (toYYYYMM(day), id % 2) ORDER BY (id, note)", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			bothEngines(t, func(t *testing.T, w *world) {
				w.job(plain)
				w.open()
				w.exec("CREATE DATABASE %d", "CREATE TABLE %t ("+columns+") "+c.create)
				w.drop("a.csv", manyDays(150))
				wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
				w.wantRows("SELECT count(), sum(id), uniqExact(day), uniqExact(_chute_run), max(_chute_record) FROM %t", "150 11175 150 1 150")
				w.wantSettled()
			})
		})
	}
}

// TestReplacing: keys that come twice, in one file and in two, are all loaded. Which one stays is the table's business, when it merges.
func TestReplacing(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job(plain)
		w.open()
		w.exec("CREATE DATABASE %d", "CREATE TABLE %t ("+columns+") ENGINE = ReplacingMergeTree ORDER BY id", "SYSTEM STOP MERGES %t")
		for i, name := range []string{"a.csv", "b.csv"} {
			w.drop(name, fmt.Sprintf("id,day,note\n1,2024-01-01,first %d\n2,2024-01-01,x\n1,2024-01-01,last %d\n", i, i))
			wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{name: connectors.Done})
		}
		w.wantRows("SELECT id, count() FROM %t GROUP BY id ORDER BY id", "1 4", "2 2")
		w.exec("SYSTEM START MERGES %t", "OPTIMIZE TABLE %t FINAL")
		w.wantRows("SELECT id, note FROM %t ORDER BY id", "1 last 1", "2 x")
		w.wantSettled()
	})
}

// TestIdenticalHalves guards against deduplication windows: a file whose halves are the same loads both, into a table that would drop the
// second of two equal blocks, and so does the same file again. Without lineage nothing tells its blocks apart.
func TestIdenticalHalves(t *testing.T) {
	for name, lineage := range map[string]bool{"with lineage": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			bothEngines(t, func(t *testing.T, w *world) {
				w.job(plain + fmt.Sprintf("lineage = %t\n[redelivery]\nrenamed = \"load\"\n", lineage))
				w.open()
				columns, settings := "id UInt64, day Date, note String", ""
				if lineage {
					columns += ", _chute_run UInt64, _chute_record UInt64"
				}
				if w.Engine == "chdb" { // servers of 2018 have such windows for replicated tables only
					settings = " SETTINGS non_replicated_deduplication_window = 100"
				}
				w.exec("CREATE DATABASE %d", "CREATE TABLE %t ("+columns+") ENGINE = MergeTree ORDER BY id"+settings)
				half := strings.Repeat("1,2024-01-01,same\n", 50_000)
				for _, name := range []string{"a.csv", "b.csv"} {
					w.drop(name, "id,day,note\n"+half+half)
					wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{name: connectors.Done})
				}
				w.wantRows("SELECT count() FROM %t", "200000")
				if lineage {
					w.wantRows("SELECT uniqExact(_chute_run, _chute_record) FROM %t", "200000")
				}
				w.wantSettled()
			})
		})
	}
}

// TestConstraint judges the table's rule in the stage: parts that are attached would pass it by. In a batch only the file at fault goes.
func TestConstraint(t *testing.T) {
	modernEngines(t, judgeConstraint) // servers of 2018 have no constraints
}

func judgeConstraint(t *testing.T, w *world) {
	w.job(plain)
	w.open()
	w.exec("CREATE DATABASE %d", "CREATE TABLE %t ("+columns+", CONSTRAINT small CHECK id < 100 AND note != 'a, (b)') ENGINE = MergeTree ORDER BY id")
	w.drop("a.csv", "id,day,note\n1,2024-01-01,x\n")
	w.drop("b.csv", "id,day,note\n2,2024-01-01,x\n500,2024-01-01,x\n600,2024-01-01,x\n")
	w.drop("c.csv", "id,day,note\n3,2024-01-01,x\n")
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Done, "b.csv": connectors.Rejected, "c.csv": connectors.Done})
	w.wantRows("SELECT id FROM %t ORDER BY id", "1", "3")
	w.wantSettled()

	w.drop("d.csv", "id,day,note\n4,2024-01-01,\"a, (b)\"\n") // alone
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"d.csv": connectors.Rejected})
	w.wantRows("SELECT count() FROM %t", "2")
	w.wantSettled()
}

// TestAltered alters the table between stage and publishing. The run is withdrawn, staged again for the table as it is now, and loaded once.
func TestAltered(t *testing.T) {
	for _, effect := range []string{"publishing", "attach"} {
		t.Run("at_"+effect, func(t *testing.T) {
			bothEngines(t, func(t *testing.T, w *world) {
				w.job(plain)
				w.open()
				w.exec("CREATE DATABASE %d", "CREATE TABLE %t ("+columns+") ENGINE = MergeTree PARTITION BY id % 2 ORDER BY id")
				w.drop("a.csv", manyDays(10))
				done := false
				w.im.Fault = func(at string, before bool) error {
					if at == effect && before == (effect == "attach") && !done {
						done = true
						w.exec("ALTER TABLE %t ADD COLUMN more UInt8 DEFAULT 7")
					}
					return nil
				}
				wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Later})
				if left := w.stages(); len(left) > 0 {
					t.Errorf("the run is withdrawn, and stages are left: %q", left)
				}
				wantOutcomes(t, w.resumeAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
				w.wantRows("SELECT count(), sum(id), sum(more) FROM %t", "10 45 70")
				w.wantSettled()
			})
		})
	}
}

// TestWithoutLineage: such a table can't tell what is in it, so a run that is cut off while publishing is left to a person and never sent again.
func TestWithoutLineage(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job(plain + "lineage = false\n")
		w.open()
		w.exec("CREATE DATABASE %d", "CREATE TABLE %t (id UInt64, day Date, note String) ENGINE = MergeTree ORDER BY id")
		w.drop("a.csv", manyDays(10))
		wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
		w.wantRows("SELECT count() FROM %t", "10")
		w.wantSettled()
		w.close()

		w.drop("b.csv", manyDays(20))
		w.killedChild("attach", false)
		w.open()
		for range 3 {
			v := w.resumeAll()
			if len(v) != 1 || v[0].Outcome != connectors.Later || !v[0].Stuck {
				t.Fatalf("verdicts %+v, want one that is stuck", v)
			}
		}
		runs, err := w.im.Ledger.Unsettled(w.ctx)
		if err != nil || runs[0].Status != ledger.Interrupted {
			t.Errorf("run %+v (%v), want it interrupted", runs, err)
		}
		w.wantRows("SELECT count() FROM %t", "30")
	})
}

// TestViewAttached publishes by INSERT … SELECT, because a view sees inserts only; killed in the middle, it goes on with what is missing.
func TestViewAttached(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job(plain)
		w.open()
		w.exec("CREATE DATABASE %d", "CREATE TABLE %t ("+columns+") ENGINE = MergeTree ORDER BY id",
			"CREATE MATERIALIZED VIEW %d.v ENGINE = MergeTree ORDER BY id AS SELECT id FROM %t")
		w.close()
		w.drop("a.csv", manyDays(100))
		w.killedChild("attach", false)
		w.open()
		w.resumeAll()
		w.wantRows("SELECT count(), sum(id) FROM %t", "100 4950")
		w.wantRows("SELECT count(), sum(id) FROM "+w.Database+".v", "100 4950")
		w.wantSettled()
	})
}

// TestOperatorsFault: what is wrong with table or job never rejects a file.
func TestOperatorsFault(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job(plain)
		w.open()
		w.drop("a.csv", "id,day,note,odd\n1,2024-01-01,x,7\n2,2024-01-01,x,8\n")
		for _, step := range []struct{ sql, says string }{
			{"", "no such table"},
			{"CREATE TABLE %t (id UInt64, day Date, note String) ENGINE = MergeTree ORDER BY id", "has no columns `_chute_run` and `_chute_record`"},
			{"ALTER TABLE %t ADD COLUMN _chute_run UInt64, ADD COLUMN _chute_record UInt64, ADD COLUMN odd AggregateFunction(sum, UInt64)", "odd"},
			{"ALTER TABLE %t DROP COLUMN odd", ""},
		} {
			if step.sql == "" {
				w.exec("CREATE DATABASE %d")
			} else {
				w.exec(step.sql)
			}
			v := w.resumeAll()
			if len(v) == 0 {
				v = w.importAll()
			}
			if step.says == "" {
				wantOutcomes(t, v, map[string]connectors.Outcome{"a.csv": connectors.Done})
				continue
			}
			if v[0].Outcome != connectors.Later || !strings.Contains(fmt.Sprint(v[0].Err), step.says) {
				t.Errorf("after %q: %v: %v, want later because of %q", step.sql, v[0].Outcome, v[0].Err, step.says)
			}
		}
		w.wantRows("SELECT count() FROM %t", "2")
		w.wantSettled()
	})
}
