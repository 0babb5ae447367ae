package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// earlierOf are the runs that loaded a file of the same name with other bytes.
const earlierOf = ` WHERE id IN (SELECT run FROM identities WHERE job = ?1 AND sha256 <> ?2 AND name = ?3 AND run <> ?4)`

// leavingFor are the runs whose rows are about to leave, or have left, for those of another run than ?2.
const leavingFor = ` WHERE id IN (SELECT run FROM replacements WHERE earlier = ?1 AND run <> ?2)`

// Earlier returns, with their details, the runs whose rows an identity with Replace or Again is going to replace, in order. They may still be publishing.
func (r *Reader) Earlier(ctx context.Context, want Identity) ([]Run, error) {
	if want.Again != 0 {
		run, err := r.Run(ctx, want.Again)
		return []Run{run}, err
	}
	runs, err := query(ctx, r.read, selectWhole+earlierOf+` ORDER BY id`, want.Job, want.SHA256, []byte(want.Name), int64(want.Run))
	if err != nil {
		return nil, fmt.Errorf("list earlier files of the name: %w", r.explain(err))
	}
	return runs, nil
}

// replace writes down whose rows are to leave for those of a run. A run that isn't through yet is returned: it has to be waited for.
func replace(ctx context.Context, tx *sql.Tx, want Identity) (unfinished *Taken, err error) {
	runs, err := leaving(ctx, tx, want)
	if err != nil {
		return nil, err
	}
	for _, run := range runs {
		if want.Again != 0 {
			others, err := query(ctx, tx, selectRuns+leavingFor, int64(want.Again), int64(want.Run))
			if err != nil {
				return nil, err
			}
			if len(others) > 0 {
				return &Taken{Run: want.Run, Case: Same, Holder: others[0]}, nil
			}
		}
		if run.State != Settled {
			return &Taken{Run: want.Run, Case: Changed, Holder: run}, nil
		}
		_, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO replacements (run, earlier) VALUES (?, ?)`, int64(want.Run), int64(run.ID))
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// leaving are the runs whose rows an identity replaces.
func leaving(ctx context.Context, tx *sql.Tx, want Identity) ([]Run, error) {
	if want.Again != 0 {
		return query(ctx, tx, selectRuns+` WHERE id = ?`, int64(want.Again))
	}
	return query(ctx, tx, selectRuns+earlierOf, want.Job, want.SHA256, []byte(want.Name), int64(want.Run))
}

// Replacing returns, with their details, the runs whose rows are still to leave for those of a run, in order.
func (r *Reader) Replacing(ctx context.Context, run uint64) ([]Run, error) {
	runs, err := query(ctx, r.read, selectWhole+` WHERE id IN (SELECT earlier FROM replacements WHERE run = ? AND gone IS NULL) ORDER BY id`, int64(run))
	if err != nil {
		return nil, fmt.Errorf("list what run %d replaces: %w", run, r.explain(err))
	}
	return runs, nil
}

// Replaced writes down that the rows which were to leave for those of a run have left. The earlier files don't count as loaded any more: one of them
// that comes again is loaded again.
func (l *Ledger) Replaced(ctx context.Context, run uint64, at time.Time) error {
	err := l.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM identities WHERE run IN (SELECT earlier FROM replacements WHERE run = ? AND gone IS NULL)`, int64(run))
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE replacements SET gone = ?2 WHERE run = ?1 AND gone IS NULL`, int64(run), at.UnixNano())
		return err
	})
	if err != nil {
		return fmt.Errorf("record what run %d has replaced: %w", run, err)
	}
	return nil
}

// Replacement says whose rows left for whose.
type Replacement struct {
	Run, Earlier uint64
	Gone         time.Time // zero: they are about to leave
}

// Replacements returns those that a run has to do with, on either side, in order.
func (r *Reader) Replacements(ctx context.Context, run uint64) (all []Replacement, err error) {
	rows, err := r.read.QueryContext(ctx, `SELECT run, earlier, gone FROM replacements WHERE run = ?1 OR earlier = ?1 ORDER BY run, earlier`, int64(run))
	if err != nil {
		return nil, fmt.Errorf("list the replacements of run %d: %w", run, r.explain(err))
	}
	defer rows.Close()
	for rows.Next() {
		var one Replacement
		var gone sql.NullInt64
		if err := rows.Scan(&one.Run, &one.Earlier, &gone); err != nil {
			return nil, fmt.Errorf("list the replacements of run %d: %w", run, r.explain(err))
		}
		one.Gone = moment(gone)
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list the replacements of run %d: %w", run, r.explain(err))
	}
	return all, nil
}
