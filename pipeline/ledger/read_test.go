package ledger

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

func explainPlan(t *testing.T, l *Ledger, text string, args ...any) string {
	t.Helper()
	rows, err := l.read.QueryContext(limit(t), `EXPLAIN QUERY PLAN `+text, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(plan, "; ")
}

// filters returns all combinations of conditions.
func filters(f Filter) []Filter {
	var all []Filter
	for bits := range 16 {
		g := Filter{Limit: f.Limit}
		if bits&1 != 0 {
			g.Job = f.Job
		}
		if bits&2 != 0 {
			g.Status = f.Status
		}
		if bits&4 != 0 {
			g.Name = f.Name
		}
		if bits&8 != 0 {
			g.Since = f.Since
		}
		all = append(all, g)
	}
	return all
}

// Runs of some hundred days: every listing reads what it returns, not what there is.
func TestRunsOfManyYears(t *testing.T) {
	l := fresh(t)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	const n, minute = manyRuns, int64(time.Minute)
	_, err := l.write.ExecContext(limit(t), `
INSERT INTO runs (id, batch, kind, job, job_hash, store, inbox, name, size, mtime_s, mtime_ns, inode, state, status, sha256, server, target,
	stage, records, accepted, rejects, warnings, same_as, attempts, error, started)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
SELECT i, i, 'import', 'job' || (i % 40), 'h', 's', 'in', CAST('f_' || (i % 1000) AS BLOB), i, 0, 0, i, 'settled',
	CASE i % 5000 WHEN 7 THEN 'rejected' ELSE 'finished' END, i, '', '', '', i, i, 0, 0, 0, 1, '', ?2 + i * ?3
FROM n`, n, start.UnixNano(), minute)
	if err != nil {
		t.Fatal(err)
	}
	wide := Filter{Job: "job7", Status: Rejected, Name: "f_7", Since: start, Limit: 50}
	narrow := Filter{Job: "job7", Status: Finished, Name: "f_47", Since: start.Add((n - 2000) * time.Minute), Limit: 50}
	for _, f := range append(filters(wide), filters(narrow)...) {
		text, args := f.sql()
		plan := explainPlan(t, l, text, args...)
		if !regexp.MustCompile(`^(SCAN|SEARCH) runs USING INDEX runs_\w+( \([^)]*\))?$`).MatchString(plan) {
			t.Errorf("%+v: %s", f, plan)
		}
		runs, err := l.Runs(limit(t), f)
		if took := fastest(t, l, f); took > 100*time.Millisecond {
			t.Errorf("%+v took %v", f, took)
		}
		if err != nil || len(runs) == 0 {
			t.Errorf("%+v found %d (%v)", f, len(runs), err)
		}
		checkListing(t, f, runs)
	}
	if plan := explainPlan(t, l, selectWhole+` WHERE state NOT IN ('settled', 'withdrawn') ORDER BY id`); !strings.Contains(plan, "runs_unsettled") {
		t.Errorf("unsettled: %s", plan)
	}
}

// fastest is how long a listing takes when nothing else is going on.
func fastest(t *testing.T, l *Ledger, f Filter) time.Duration {
	t.Helper()
	best := time.Hour
	for range 3 {
		began := time.Now()
		if _, err := l.Runs(limit(t), f); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(began))
	}
	return best
}

func checkListing(t *testing.T, f Filter, runs []Run) {
	t.Helper()
	for i, r := range runs {
		switch {
		case i > 0 && r.ID >= runs[i-1].ID:
			t.Errorf("%+v: run %d after %d", f, r.ID, runs[i-1].ID)
		case f.Job != "" && r.Job != f.Job, f.Status != "" && r.Status != f.Status, f.Name != "" && r.File.Name != f.Name, r.Started.Before(f.Since):
			t.Errorf("%+v found %+v", f, r)
		}
	}
}

func TestRunsLimit(t *testing.T) {
	l := fresh(t)
	begin(t, l, 60)
	for limited, want := range map[int]int{0: 50, 3: 3, 100: 60} {
		if runs, err := l.Runs(limit(t), Filter{Limit: limited}); err != nil || len(runs) != want || runs[0].ID != 60 {
			t.Errorf("limit %d: %d runs (%v)", limited, len(runs), err)
		}
	}
}

// The view is for people; it must show what is there.
func TestReadableView(t *testing.T) {
	l := fresh(t)
	runs := []Run{{Job: "j", Started: time.Date(2026, 2, 3, 4, 5, 6, 7, time.UTC)}}
	runs[0].File.Name = "☃.csv"
	if err := l.Begin(limit(t), runs); err != nil {
		t.Fatal(err)
	}
	var name, started string
	err := l.read.QueryRowContext(limit(t), `SELECT name, started FROM runs_readable`).Scan(&name, &started)
	if err != nil || name != "☃.csv" || started != "2026-02-03T04:05:06Z" {
		t.Errorf("%q %q (%v)", name, started, err)
	}
}

// BenchmarkUpdate is one batch of 500 files going one step on.
func BenchmarkUpdate(b *testing.B) {
	l, err := Open(b.Context(), b.TempDir()+"/ledger.db")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	runs := make([]Run, 500)
	for i := range runs {
		runs[i] = Run{Job: "orders", Report: []byte(strings.Repeat("x", 2000)), Moves: []Move{{"a", "b"}, {"c", "d"}, {"e", "f"}}}
		runs[i].File.Name = fmt.Sprint("orders_", i)
	}
	if err := l.Begin(b.Context(), runs); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := l.Update(b.Context(), runs); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPublish is one batch of 500 files being published and taken back.
func BenchmarkPublish(b *testing.B) {
	l, err := Open(b.Context(), b.TempDir()+"/ledger.db")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	runs := make([]Run, 500)
	reserve := make([]Identity, len(runs))
	for i := range runs {
		runs[i].Job, runs[i].SHA256 = "orders", fmt.Sprintf("%064d", i)
		runs[i].File.Name = fmt.Sprint("orders_", i)
	}
	if err := l.Begin(b.Context(), runs); err != nil {
		b.Fatal(err)
	}
	to := func(s State) {
		for i := range runs {
			runs[i].State = s
			reserve[i] = identity(runs[i])
		}
		if s != Publishing {
			if err := l.Update(b.Context(), runs); err != nil {
				b.Fatal(err)
			}
		} else if taken, err := l.Publish(b.Context(), runs, reserve); err != nil || taken != nil {
			b.Fatal(taken, err)
		}
	}
	to(Claimed)
	for b.Loop() {
		b.StopTimer()
		to(Staging)
		b.StartTimer()
		to(Publishing)
		b.StopTimer()
		to(Claimed)
		b.StartTimer()
	}
}
