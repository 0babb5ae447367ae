package ledger

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"chute/config"
)

// Filter says which runs are wanted. Empty fields don't restrict.
type Filter struct {
	Jobs, Kinds, Stores []string // one of them
	Statuses            []Status
	File                config.Glob // the file's name
	Since               time.Time   // started at or after
	Until               time.Time   // started before
	Limit               int         // at most so many; 0: all
}

const (
	// page is how many runs are read at a time: a transaction that stays open while somebody leafs through a listing would keep the
	// WAL from being cut.
	page = 500
	// few is how many runs may be looked at to find those that are wanted: each is a page of the file, 8 µs or so.
	few = 5_000
)

// Each goes through the runs, latest start first, without their details (Definition, Lineage, Moves, Report). Runs that begin meanwhile
// aren't among them. It ends after an error.
func (r *Reader) Each(ctx context.Context, f Filter) iter.Seq2[Run, error] {
	return func(yield func(Run, error) bool) {
		if err := r.each(ctx, f, func(run Run) bool { return yield(run, nil) }); err != nil {
			yield(Run{}, fmt.Errorf("list runs: %w", r.explain(err)))
		}
	}
}

// Runs returns what Each goes through.
func (r *Reader) Runs(ctx context.Context, f Filter) ([]Run, error) {
	var runs []Run
	for run, err := range r.Each(ctx, f) {
		if err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	return runs, nil
}

func (r *Reader) each(ctx context.Context, f Filter, do func(Run) bool) error {
	along, err := r.choose(ctx, f)
	if err != nil {
		return err
	}
	var last *Run
	for left := f.Limit; ; {
		size := page
		if f.Limit > 0 && f.File.IsZero() { // else nobody knows how many of them fit
			size = min(page, left)
		}
		runs, err := r.page(ctx, f, along, last, size)
		if err != nil {
			return err
		}
		for i, run := range runs {
			last = &runs[i]
			if !f.File.IsZero() && !f.File.Match(run.File.Name) {
				continue // SQLite's patterns are coarser
			}
			if !do(run) {
				return nil
			}
			if left--; left == 0 {
				return nil
			}
		}
		if len(runs) < size {
			return nil
		}
	}
}

// page reads the next runs after last, one part for each value that the index begins with, and merges the parts.
func (r *Reader) page(ctx context.Context, f Filter, along way, last *Run, size int) ([]Run, error) {
	rest := f.rest()
	if last != nil {
		rest.add("started <= ?", last.Started.UnixNano())
		rest.add("(started < ? OR id < ?)", last.Started.UnixNano(), int64(last.ID))
	}
	var all []Run
	for _, values := range along.values {
		c := conditions{slices.Clone(rest.texts), slices.Clone(rest.args)}
		c.add(along.where, values...)
		// First the numbers, then the runs: as long as the index has all that is asked for, no row is read in vain.
		text := selectRuns + ` WHERE id IN (SELECT id FROM runs INDEXED BY ` + along.index + c.String() + ` ORDER BY started DESC, id DESC LIMIT ?)`
		runs, err := query(ctx, r.read, text, append(c.args, int64(size))...)
		if err != nil {
			return nil, err
		}
		all = append(all, runs...)
	}
	slices.SortFunc(all, func(a, b Run) int { return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(b.ID, a.ID)) })
	return all[:min(size, len(all))], nil
}

// choose finds the index along which the fewest runs have to be looked at.
func (r *Reader) choose(ctx context.Context, f Filter) (way, error) {
	whole, ways := way{index: "runs_started", values: [][]any{nil}}, f.ways()
	_, exact := f.File.Literals()
	switch {
	case len(ways) == 0:
		return whole, nil
	case len(ways) == 1 && (f.File.IsZero() || exact):
		return ways[0], nil
	}
	best, fewest := ways[0], few
	for _, w := range ways {
		n, err := r.count(ctx, f, w)
		if err != nil {
			return way{}, err
		}
		if n < fewest {
			best, fewest = w, n
		}
	}
	if fewest == few && !f.File.IsZero() {
		return whole, nil // it has the names in it
	}
	return best, nil
}

// count tells how many runs lie along an index, up to few.
func (r *Reader) count(ctx context.Context, f Filter, w way) (n int, err error) {
	for _, values := range w.values {
		var c conditions
		c.add(w.where, values...)
		f.period(&c)
		text := `SELECT count(*) FROM (SELECT 1 FROM runs INDEXED BY ` + w.index + c.String() + ` LIMIT ?)`
		var found int
		if err := r.read.QueryRowContext(ctx, text, append(c.args, int64(few-n))...).Scan(&found); err != nil {
			return 0, err
		}
		if n += found; n >= few {
			return few, nil
		}
	}
	return n, nil
}
