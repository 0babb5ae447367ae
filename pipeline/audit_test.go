package pipeline

import (
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chute/pipeline/reconcile"
	"chute/pipeline/report"
)

// audit lists what an audit tells, in its order.
func (w *world) audit(since time.Time, jobs ...string) (lines []string) {
	w.t.Helper()
	a := &Audit{Ledger: &w.im.Ledger.Reader, Database: w.db, Jobs: jobs, Since: since, RunsDir: w.im.RunsDir}
	err := a.Run(w.ctx, func(d Difference) error {
		lines = append(lines, fmt.Sprintf("%s %d %q %d %d", d.Problem, d.Run, d.File, d.Wanted, d.Found))
		return nil
	}, func(t Audited) error {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%d runs, %d records, %d differ %s", t.Runs, t.Records, t.Differences,
			map[bool]string{true: "gone "}[t.Gone]+map[bool]string{true: "thins "}[t.Thins]+t.Untold)))
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return lines
}

func (w *world) wantAudit(got []string, want ...string) {
	w.t.Helper()
	if !slices.Equal(got, want) {
		w.t.Errorf("the audit says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestAudit spoils a table in each of the ways that are told apart.
func TestAudit(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job(strings.Replace(replacing, "LowCardinality(String)", "String", 1))
		w.open()
		w.load("a.csv", prices("1", "1", "2", "3"))
		began := time.Now()
		for i, name := range []string{"b.csv", "c.csv", "d.csv", "e.csv", "f.csv"} {
			w.load(name, prices(fmt.Sprint(i+2), "1", "2", "3"))
		}
		w.load("f.csv", prices("10", "1", "2", "3", "4")) // run 7 replaces run 6
		w.wantAudit(w.audit(time.Time{}), "6 runs, 19 records, 0 differ")
		run := func(n int) string { return fmt.Sprintf("_chute_run %% 1000000000000 = %d", n) }
		w.exec("RENAME TABLE %t TO %d.was", "CREATE TABLE %t AS %d.was",
			"INSERT INTO %t SELECT * FROM %d.was WHERE NOT ("+run(1)+" OR "+run(2)+" AND _chute_record = 2 OR "+run(4)+" AND _chute_record = 3)",
			"INSERT INTO %t SELECT * FROM %d.was WHERE "+run(3)+" AND _chute_record = 1",
			"INSERT INTO %t SELECT * FROM %d.was WHERE "+run(4)+" AND _chute_record = 1",
			"INSERT INTO %t (id, _chute_run, _chute_record) SELECT 1, max(_chute_run) - 1, 1 FROM %d.was",
			"INSERT INTO %t (id, _chute_run, _chute_record) SELECT 1, max(_chute_run) + 9, 1 FROM %d.was",
			"INSERT INTO %t (id, _chute_run, _chute_record) SELECT 1, max(_chute_run) + 1000000000000, 1 FROM %d.was") // another ledger's
		found := []string{`missing 1 "a.csv" 3 0`, `short 2 "b.csv" 3 2`, `double 3 "c.csv" 3 4`, `double 4 "d.csv" 3 3`, `leftover 6 "f.csv" 0 1`, `unknown 16 "" 0 1`}
		w.wantAudit(w.audit(time.Time{}), append(found, "6 runs, 19 records, 6 differ")...)
		w.wantAudit(w.audit(began, "orders"), append(found[1:], "5 runs, 16 records, 5 differ")...)
		for of, tells := range map[string]string{"another": `unknown 16 "" 0 1`, w.im.Ledger.ID(): `unknown 16 "lost.csv" 2 1`} {
			r := &report.Report{Ledger: of, Partner: report.Partner{Run: 16, Job: "orders", File: report.File{Name: "lost.csv"}, Counts: report.Counts{Success: 2}}}
			if err := r.WriteOperator(filepath.Join(w.im.RunsDir, "16")); err != nil {
				t.Fatal(err)
			}
			w.wantAudit(w.audit(time.Time{}), append(append(found[:5:5], tells), "6 runs, 19 records, 6 differ")...)
		}
		w.wantAudit(w.audit(began, "others"))
		w.exec("DROP TABLE %t")
		w.wantAudit(w.audit(began), `missing 2 "b.csv" 3 0`, `missing 3 "c.csv" 3 0`, `missing 4 "d.csv" 3 0`, `missing 5 "e.csv" 3 0`, `missing 7 "f.csv" 4 0`,
			"5 runs, 16 records, 5 differ gone")
	})
}

// TestAuditUntold: of tables that don't keep whose their rows are nothing is said but that, and where rows go by themselves only too many count.
func TestAuditUntold(t *testing.T) {
	const columns = " (id UInt64, amount Decimal(12, 2), note String, _chute_run UInt64, _chute_record UInt64) ENGINE = "
	made := strings.Replace(orders, "create = true\norder_by = [\"id\"]\npartition_by = \"id % 3\"\n", "", 1)
	for engine, want := range map[string]string{
		"ReplacingMergeTree ORDER BY id": "1 runs, 3 records, 0 differ thins",
		"SummingMergeTree ORDER BY id":   "1 runs, 3 records, 0 differ thins it is a SummingMergeTree, which doesn't keep whose its rows are",
	} {
		t.Run(engine[:4], func(t *testing.T) {
			bothEngines(t, func(t *testing.T, w *world) {
				w.job(made)
				w.open()
				w.exec("CREATE DATABASE IF NOT EXISTS %d", "CREATE TABLE %t"+columns+engine)
				w.load("a.csv", prices("1", "1", "1", "2"))
				w.exec("OPTIMIZE TABLE %t FINAL")
				w.wantAudit(w.audit(time.Time{}), want)
				if strings.HasPrefix(engine, "Repl") {
					w.exec("INSERT INTO %t (id, _chute_run, _chute_record) SELECT id + 10 * arrayJoin([1, 2, 3]), _chute_run, _chute_record FROM %t")
					w.wantAudit(w.audit(time.Time{}), `double 1 "a.csv" 3 8`, "1 runs, 3 records, 1 differ thins")
				}
			})
		})
	}
	w := newWorld(t, "clickhouse")
	w.job(strings.Replace(orders, "create = true\n", "create = true\nlineage = false\n", 1))
	w.open()
	w.load("a.csv", prices("1", "1", "2"))
	w.wantAudit(w.audit(time.Time{}), "1 runs, 2 records, 0 differ it was loaded without lineage")
}

// TestMerged: of runs that several addresses show, each comes once, in order, with the most rows that any of them has of it; an error ends it.
func TestMerged(t *testing.T) {
	sequence := func(fails bool, counts ...uint64) iter.Seq2[reconcile.RunCount, error] {
		return func(yield func(reconcile.RunCount, error) bool) {
			for _, n := range counts {
				if !yield(reconcile.RunCount{Run: n / 10, Rows: n % 10}, nil) {
					return
				}
			}
			if fails {
				yield(reconcile.RunCount{}, errFault)
			}
		}
	}
	for _, c := range []struct {
		a, b, want []uint64
	}{
		{nil, nil, nil},
		{[]uint64{11, 32}, nil, []uint64{11, 32}},
		{[]uint64{11, 32, 55}, []uint64{12, 21, 31, 63}, []uint64{12, 21, 32, 55, 63}},
		{[]uint64{71}, []uint64{11, 21}, []uint64{11, 21, 71}},
	} {
		for _, fails := range []bool{false, true} {
			var got []uint64
			var failed error
			for n, err := range merged(sequence(false, c.a...), sequence(fails, c.b...)) {
				if failed = err; err == nil {
					got = append(got, n.Run*10+n.Rows)
				}
			}
			if fails != (failed != nil) || !fails && !slices.Equal(got, c.want) {
				t.Errorf("%v and %v: %v (%v), want %v", c.a, c.b, got, failed, c.want)
			}
			for range merged(sequence(fails, c.a...), sequence(fails, c.b...)) {
				break // who has enough may stop
			}
		}
	}
}

func TestSumTo(t *testing.T) {
	sum := uint64(0)
	for n := range uint64(1000) {
		if sum += n; sumTo(n) != sum {
			t.Fatalf("1 + … + %d is %d, not %d", n, sum, sumTo(n))
		}
	}
	const n = 1 << 33 // n (n + 1) / 2 has 66 bits
	if want := uint64(n / 2); sumTo(n) != want {
		t.Errorf("%d, want %d", sumTo(n), want)
	}
}
