package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Hold is what the ledger knows of a job that was held: no file of it is taken until it is released.
type Hold struct {
	Job    string
	Reason string    // "" once it was released
	Since  time.Time // when it was held or released
	After  uint64    // the last run when it was released last: a reason to hold the job again lies behind it
}

// Held tells whether the job is held now.
func (h Hold) Held() bool { return h.Reason != "" }

// Hold makes the ledger keep a job from taking files. A job that is held already keeps its first reason; then fresh is false.
func (l *Ledger) Hold(ctx context.Context, job, reason string, at time.Time) (fresh bool, err error) {
	if reason == "" {
		return false, errors.New("a hold without a reason")
	}
	err = l.tx(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `INSERT INTO holds (job, reason, since, after) VALUES (?1, ?2, ?3, 0)
			ON CONFLICT (job) DO UPDATE SET reason = ?2, since = ?3 WHERE reason = ''`, job, reason, at.UnixNano())
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		fresh = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("hold job %q: %w", job, err)
	}
	return fresh, nil
}

// Release lets a job go on. What became of its files so far is no reason to hold it again. It returns what the hold was; it wasn't held when
// that has no reason.
func (l *Ledger) Release(ctx context.Context, job string, at time.Time) (was Hold, err error) {
	err = l.tx(ctx, func(tx *sql.Tx) error {
		if was, err = holdIn(tx.QueryRowContext(ctx, selectHold, job), job); err != nil || !was.Held() {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE holds SET reason = '', since = ?2, after = (SELECT coalesce(max(id), 0) FROM runs) WHERE job = ?1`, job, at.UnixNano())
		return err
	})
	if err != nil {
		return Hold{}, fmt.Errorf("release job %q: %w", job, err)
	}
	return was, nil
}

const selectHold = `SELECT reason, since, after FROM holds WHERE job = ?`

// HoldOf returns what is known of the job's hold. The zero Hold is that of a job that was never held.
func (r *Reader) HoldOf(ctx context.Context, job string) (Hold, error) {
	h, err := holdIn(r.read.QueryRowContext(ctx, selectHold, job), job)
	if err != nil {
		return Hold{}, fmt.Errorf("is job %q held: %w", job, r.explain(err))
	}
	return h, nil
}

// Held returns the holds of the jobs that are held now, by name.
func (r *Reader) Held(ctx context.Context) (map[string]Hold, error) {
	rows, err := r.read.QueryContext(ctx, `SELECT job, reason, since, after FROM holds WHERE reason <> ''`)
	if err != nil {
		return nil, fmt.Errorf("list held jobs: %w", r.explain(err))
	}
	defer rows.Close()
	held := map[string]Hold{}
	for rows.Next() {
		var h Hold
		var since int64
		if err := rows.Scan(&h.Job, &h.Reason, &since, &h.After); err != nil {
			return nil, fmt.Errorf("list held jobs: %w", r.explain(err))
		}
		h.Since = time.Unix(0, since)
		held[h.Job] = h
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list held jobs: %w", r.explain(err))
	}
	return held, nil
}

func holdIn(row *sql.Row, job string) (Hold, error) {
	h := Hold{Job: job}
	var since int64
	err := row.Scan(&h.Reason, &since, &h.After)
	if errors.Is(err, sql.ErrNoRows) {
		return Hold{Job: job}, nil
	}
	h.Since = time.Unix(0, since)
	return h, err
}

// Latest returns the job's last runs from its store, not by hand, that came to an end one way or the other, or wait for a person, the newest first: those behind
// the run after, at most limit. One whose rows are being published counts as finished. Skipped files aren't among them: they say nothing about what the partner
// delivers; nor are those that no job matches: they aren't the job's.
func (r *Reader) Latest(ctx context.Context, job, store string, after uint64, limit int) ([]Run, error) {
	rows, err := r.read.QueryContext(ctx, `SELECT id, batch, CASE WHEN status = 'running' THEN 'finished' ELSE status END, name FROM runs
		WHERE job = ? AND store = ? AND id > ? AND (status IN (?, ?, ?, ?, ?) OR status = 'running' AND state IN ('publishing', 'published'))
		AND NOT EXISTS (SELECT 1 FROM wishes WHERE run = id AND want = ?) ORDER BY started DESC, id DESC LIMIT ?`,
		job, store, after, Finished, FinishedWithRejects, Rejected, Stuck, Interrupted, Unmatched, limit)
	if err != nil {
		return nil, fmt.Errorf("the last runs of job %q: %w", job, r.explain(err))
	}
	defer rows.Close()
	var runs []Run
	for rows.Next() {
		run := Run{Job: job}
		var name []byte
		if err := rows.Scan(&run.ID, &run.Batch, &run.Status, &name); err != nil {
			return nil, fmt.Errorf("the last runs of job %q: %w", job, r.explain(err))
		}
		run.File.Name = string(name)
		runs = append(runs, run)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("the last runs of job %q: %w", job, r.explain(err))
	}
	return runs, nil
}
