package ledger

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"chute/config"
	"chute/connectors"
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
	for bits := range 32 {
		g := Filter{Limit: f.Limit}
		for bit, take := range []func(){
			func() { g.Jobs = f.Jobs }, func() { g.Statuses = f.Statuses }, func() { g.Stores = f.Stores },
			func() { g.File = f.File }, func() { g.Since, g.Until = f.Since, f.Until },
		} {
			if bits>>bit&1 != 0 {
				take()
			}
		}
		all = append(all, g)
	}
	return all
}

func glob(t testing.TB, pattern string) (g config.Glob) {
	t.Helper()
	if err := g.UnmarshalText([]byte(pattern)); err != nil {
		t.Fatal(err)
	}
	return g
}

// fill writes n runs, one a minute. Every index has values of which there are many, few and none.
func fill(t testing.TB, l *Ledger, n int) (start time.Time) {
	t.Helper()
	start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	_, err := l.write.ExecContext(t.Context(), `
INSERT INTO runs (id, batch, kind, job, job_hash, store, inbox, name, size, mtime_s, mtime_ns, inode, state, status, sha256, server, target,
	stage, records, accepted, rejects, warnings, same_as, attempts, error, started, finished)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
SELECT i, i, CASE i % 500 WHEN 3 THEN 'export' ELSE 'import' END, 'job' || (i % 40), hex(zeroblob(32)), 'store' || (i % 40 / 6), 'in',
	CAST('orders_' || (i % 40) || '_' || i || '.csv' AS BLOB), i, 0, 0, i, 'settled',
	CASE i % 5000 WHEN 7 THEN 'rejected' ELSE 'finished' END, hex(zeroblob(32)), '', '"db"."orders"', '', i, i, 0, 0, 0, 1, '',
	?2 + i * ?3, ?2 + i * ?3 + 1000000
FROM n`, n, start.UnixNano(), int64(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	return start
}

// manyFilters are what somebody may want of the runs of fill.
func manyFilters(t testing.TB, start time.Time, n int) []Filter {
	last := func(k int) time.Time { return start.Add(time.Duration(n-k) * time.Minute) }
	all := filters(Filter{Jobs: []string{"job7"}, Statuses: []Status{Rejected}, Stores: []string{"store1"},
		File: glob(t, "orders_7_*"), Since: start, Limit: 50})
	all = append(all, filters(Filter{Jobs: []string{"job3", "job7", "job7"}, Statuses: []Status{Finished, Rejected}, Stores: []string{"store0", "store1"},
		File: glob(t, "*7_*{1,3,5}*.csv"), Since: last(5000), Until: last(100), Limit: 50})...)
	return append(all, Filter{Statuses: []Status{Stuck}}, Filter{Stores: []string{"nowhere"}, Statuses: []Status{Finished}},
		Filter{Jobs: []string{"job1"}, Stores: []string{"store6"}, Limit: 50}, Filter{Kinds: []string{"export"}, Statuses: []Status{Rejected}, Limit: 50},
		Filter{Kinds: []string{"export"}, Limit: 50}, Filter{Kinds: []string{"import", "export"}, Stores: []string{"store1"}, File: glob(t, "*_7_*"), Limit: 50},
		Filter{File: glob(t, "orders_7_8007.csv"), Limit: 50}, Filter{File: glob(t, "orders_7_80*"), Limit: 50}, Filter{File: glob(t, "x*"), Limit: 50})
}

// Runs of some hundred days: every listing reads what it returns, not what there is.
func TestRunsOfManyYears(t *testing.T) {
	l := fresh(t)
	start := fill(t, l, manyRuns)
	all := filled(manyRuns, start)
	for _, f := range manyFilters(t, start, manyRuns) {
		runs, took := fastest(t, l, f)
		if got, want := numbers(runs), wanted(f, all); !slices.Equal(got, want) {
			t.Errorf("%+v found %d, not %d", f, got, want)
		}
		if took > listingTime {
			t.Errorf("%+v took %v", f, took)
		}
	}
	if plan := explainPlan(t, l, selectWhole+` WHERE state NOT IN ('settled', 'withdrawn') ORDER BY id`); !strings.Contains(plan, "runs_unsettled") {
		t.Errorf("unsettled: %s", plan)
	}
}

// filled are the runs of fill, the newest first, as far as filters ask for them.
func filled(n int, start time.Time) []Run {
	runs := make([]Run, 0, n)
	for i := n; i > 0; i-- {
		r := Run{ID: uint64(i), Kind: "import", Job: fmt.Sprint("job", i%40), Store: fmt.Sprint("store", i%40/6), Status: Finished,
			Started: start.Add(time.Duration(i) * time.Minute), File: connectors.File{Name: fmt.Sprintf("orders_%d_%d.csv", i%40, i)}}
		if i%500 == 3 {
			r.Kind = "export"
		}
		if i%5000 == 7 {
			r.Status = Rejected
		}
		runs = append(runs, r)
	}
	return runs
}

// wanted are the numbers of the runs that fit a filter, found by looking at all.
func wanted(f Filter, runs []Run) (ids []uint64) {
	for _, r := range runs {
		if fits(f, r) && (f.Limit == 0 || len(ids) < f.Limit) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

func fits(f Filter, r Run) bool {
	return (len(f.Jobs) == 0 || slices.Contains(f.Jobs, r.Job)) && (len(f.Kinds) == 0 || slices.Contains(f.Kinds, r.Kind)) &&
		(len(f.Stores) == 0 || slices.Contains(f.Stores, r.Store)) && (len(f.Statuses) == 0 || slices.Contains(f.Statuses, r.Status)) &&
		(f.File.IsZero() || f.File.Match(r.File.Name)) && !r.Started.Before(f.Since) && (f.Until.IsZero() || r.Started.Before(f.Until))
}

// fastest lists runs and says how much of the processor that takes, at best: how long it takes depends on who else is at work.
func fastest(t testing.TB, l *Ledger, f Filter) (runs []Run, best time.Duration) {
	t.Helper()
	best = time.Hour
	for range 2 {
		began := used(t)
		var err error
		if runs, err = l.Runs(t.Context(), f); err != nil {
			t.Fatalf("%+v: %v", f, err)
		}
		best = min(best, used(t)-began)
	}
	return runs, best
}

// used is the time that this process has had of the processors so far.
func used(t testing.TB) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func numbers(runs []Run) (ids []uint64) {
	for _, r := range runs {
		ids = append(ids, r.ID)
	}
	return ids
}

// All runs come, page after page, each once, also those that began in the same moment.
func TestRunsPageByPage(t *testing.T) {
	l := fresh(t)
	n := 2*page + 7
	runs := make([]Run, n)
	moment := time.Now()
	for i := range runs {
		runs[i] = Run{Job: fmt.Sprint("job", i%3), Started: moment.Add(time.Duration(i/400) * time.Second)}
		runs[i].File.Name = fmt.Sprintf("f\xff_%d", i)
	}
	if err := l.Begin(limit(t), runs); err != nil {
		t.Fatal(err)
	}
	for _, f := range []Filter{{}, {Since: time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC), Until: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}, {Jobs: []string{"job0", "job1", "job2"}}, {File: glob(t, "f?_*")}, {Statuses: []Status{Running}}} {
		found, err := l.Runs(limit(t), f)
		if err != nil || len(found) != n {
			t.Fatalf("%+v: %d runs, %v", f, len(found), err)
		}
		for i, run := range found {
			if run.ID != uint64(n-i) {
				t.Fatalf("%+v: run %d at %d", f, run.ID, i)
			}
		}
	}
}

func TestRunsLimit(t *testing.T) {
	l := fresh(t)
	begin(t, l, 60)
	for limited, want := range map[int]int{0: 60, 3: 3, 100: 60} {
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

// BenchmarkRuns lists a ledger of a million runs in each way that fill knows of.
func BenchmarkRuns(b *testing.B) {
	const n = 1_000_000
	l, err := Open(b.Context(), b.TempDir()+"/ledger.db")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	for _, f := range manyFilters(b, fill(b, l, n), n) {
		b.Run(strings.ReplaceAll(fmt.Sprint(f.Jobs, f.Statuses, f.Stores, f.Kinds, f.File, !f.Since.IsZero()), " ", ","), func(b *testing.B) {
			for b.Loop() {
				if _, err := l.Runs(b.Context(), f); err != nil {
					b.Fatal(err)
				}
			}
		})
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
