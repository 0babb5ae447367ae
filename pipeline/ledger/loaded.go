package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"chute/connectors/native"
)

// Table is a table that settled runs were loaded into, as they wrote it down.
type Table struct {
	Target  string   // quoted
	names   []string // that runs may have for it: of the home database with that and without
	Lineage string   // JSON: names of the lineage columns; "" without
	First   uint64   // the first of those runs
	Runs    uint64   // how many of them weren't replaced
	Records uint64   // that those loaded
}

// LoadedRun is a settled run that had rows to load, without its details, and what is known of their leaving again.
type LoadedRun struct {
	Run
	Leaving bool      // they are about to leave for those of another run
	Gone    time.Time // when they had left; zero: they haven't
}

// Is tells whether a run's target is this table.
func (t Table) Is(target string) bool { return slices.Contains(t.names, target) }

// loadedFrom are the imports that loaded something, of some jobs and since some time.
func loadedFrom(jobs []string, since time.Time) (where string, args []any) {
	where = ` FROM runs JOIN run_details ON run = id WHERE kind <> 'export' AND state = 'settled' AND accepted > 0 AND target <> ''`
	if len(jobs) > 0 {
		where += ` AND job IN (?` + strings.Repeat(", ?", len(jobs)-1) + `)`
		for _, job := range jobs {
			args = append(args, job)
		}
	}
	if !since.IsZero() {
		where += ` AND started >= ?`
		args = append(args, bound(since))
	}
	return where, args
}

// Tables lists where the rows of runs are, or were: of all jobs or some, of runs that began at some time or later. home is the database that is meant where a job
// names none; a table of it is one, whichever way it was named.
func (r *Reader) Tables(ctx context.Context, jobs []string, since time.Time, home string) (all []Table, err error) {
	where, args := loadedFrom(jobs, since)
	const stay = ` FILTER (WHERE id NOT IN (SELECT earlier FROM replacements WHERE gone IS NOT NULL))`
	rows, err := r.read.QueryContext(ctx, `SELECT target, lineage, min(id), count(*)`+stay+`, coalesce(sum(accepted)`+stay+`, 0)`+where+` GROUP BY 1, 2 ORDER BY 1, 2`, args...)
	if err != nil {
		return nil, fmt.Errorf("list the tables of runs: %w", r.explain(err))
	}
	defer rows.Close()
	for rows.Next() {
		var t Table
		var first, runs, records int64
		if err := rows.Scan(&t.Target, &t.Lineage, &first, &runs, &records); err != nil {
			return nil, fmt.Errorf("list the tables of runs: %w", r.explain(err))
		}
		t.First, t.Runs, t.Records, t.names = uint64(first), uint64(runs), uint64(records), []string{t.Target}
		if short := strings.TrimPrefix(t.Target, native.Identifier(home)+"."); home != "" && !strings.Contains(short, "`.`") {
			t.Target = native.Identifier(home) + "." + short
			t.names = []string{short, t.Target}
		}
		all = t.joined(all)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list the tables of runs: %w", r.explain(err))
	}
	return all, nil
}

// joined adds a table to others, or what is known of it to the same one.
func (t Table) joined(all []Table) []Table {
	i := slices.IndexFunc(all, func(o Table) bool { return o.Target == t.Target && o.Lineage == t.Lineage })
	if i < 0 {
		return append(all, t)
	}
	o := &all[i]
	o.First, o.Runs, o.Records = min(o.First, t.First), o.Runs+t.Runs, o.Records+t.Records
	return all
}

// Loaded goes through the runs that a table is of, by their numbers.
func (r *Reader) Loaded(ctx context.Context, t Table, jobs []string, since time.Time) iter.Seq2[LoadedRun, error] {
	where, args := loadedFrom(jobs, since)
	text := `SELECT ` + runColumns + `, '', '', '', ''` + where + ` AND target IN (?` + strings.Repeat(", ?", len(t.names)-1) + `) AND lineage = ? AND id > ? ORDER BY id LIMIT ?`
	for _, name := range t.names {
		args = append(args, name)
	}
	args = append(args, t.Lineage)
	return func(yield func(LoadedRun, error) bool) {
		last := int64(t.First) - 1
		for {
			runs, err := r.loadedPage(ctx, text, append(args[:len(args):len(args)], last, page))
			if err != nil {
				yield(LoadedRun{}, fmt.Errorf("list the runs of %s: %w", t.Target, r.explain(err)))
				return
			}
			for _, run := range runs {
				if !yield(run, nil) {
					return
				}
				last = int64(run.ID)
			}
			if len(runs) < page {
				return
			}
		}
	}
}

func (r *Reader) loadedPage(ctx context.Context, text string, args []any) ([]LoadedRun, error) {
	runs, err := query(ctx, r.read, text, args...)
	if err != nil || len(runs) == 0 {
		return nil, err
	}
	loaded, place := make([]LoadedRun, len(runs)), make(map[uint64]int, len(runs))
	for i, run := range runs {
		loaded[i].Run, place[run.ID] = run, i
	}
	rows, err := r.read.QueryContext(ctx, `SELECT earlier, gone FROM replacements WHERE earlier BETWEEN ? AND ?`, int64(runs[0].ID), int64(runs[len(runs)-1].ID))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var earlier int64
		var gone sql.NullInt64
		if err := rows.Scan(&earlier, &gone); err != nil {
			return nil, err
		}
		if i, ok := place[uint64(earlier)]; ok {
			loaded[i].Leaving, loaded[i].Gone = !gone.Valid, moment(gone)
		}
	}
	return loaded, rows.Err()
}
