package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	insertRun = `INSERT INTO runs (batch, job_hash, size, mtime_s, mtime_ns, inode, state, status, sha256, server, target, stage,
	records, accepted, rejects, warnings, same_as, attempts, error, next_try, finished,
	kind, job, store, inbox, name, started)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	updateRun = `UPDATE runs SET (batch, job_hash, size, mtime_s, mtime_ns, inode, state, status, sha256, server, target, stage,
	records, accepted, rejects, warnings, same_as, attempts, error, next_try, finished)
= (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
WHERE id = ?`

	// Reports are long and mostly stay as they are: an equal row isn't written again.
	putDetails = `INSERT INTO run_details (run, definition, lineage, moves, report) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (run) DO UPDATE SET definition = ?2, lineage = ?3, moves = ?4, report = ?5
WHERE (definition, lineage, moves, report) IS NOT (?2, ?3, ?4, ?5)`
)

// changing returns the values of the columns that Begin and Update both write, in the order of insertRun and updateRun.
func (r *Run) changing() []any {
	return []any{
		int64(r.Batch), r.JobHash, r.File.Size, r.File.ModTime.Unix(), int64(r.File.ModTime.Nanosecond()), int64(r.File.Inode),
		string(r.State), string(r.Status), r.SHA256, r.Server, r.Target, r.Stage,
		int64(r.Records), int64(r.Accepted), int64(r.Rejects), int64(r.Warnings), int64(r.SameAs),
		int64(r.Attempts), r.Error, nanos(r.NextTry), nanos(r.Finished),
	}
}

// Begin numbers the runs and records them as about to claim their files, in one transaction: together they are a batch, which the first
// one leads. ID, State, Batch and, where they are empty, Status and Started are set in place when it succeeds; when it fails the runs are as they were.
func (l *Ledger) Begin(ctx context.Context, runs []Run) error {
	begun := make([]Run, len(runs))
	err := l.tx(ctx, func(tx *sql.Tx) error { return l.insertRuns(ctx, tx, runs, begun, Claiming) })
	if err != nil {
		return fmt.Errorf("begin %d runs: %w", len(runs), err)
	}
	copy(runs, begun)
	return nil
}

// insertRuns numbers and writes runs, in their first state; what they are then is put into begun.
func (l *Ledger) insertRuns(ctx context.Context, tx *sql.Tx, runs, begun []Run, first State) error {
	var last int64
	err := tx.QueryRowContext(ctx, `SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'runs'), 0)`).Scan(&last)
	if err == nil {
		err = l.numbered(last, len(runs))
	}
	if err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, insertRun)
	if err != nil {
		return err
	}
	defer insert.Close()
	for i, r := range runs {
		r.ID, r.State = uint64(last)+uint64(i)+1, first
		r.Batch = uint64(last) + 1
		if r.Status == "" {
			r.Status = Running
		}
		if r.Started.IsZero() {
			r.Started = time.Now().UTC()
		}
		if err := r.insert(ctx, insert); err != nil {
			return err
		}
		begun[i] = r
	}
	return putAllDetails(ctx, tx, begun)
}

// insert adds the run's row. The number is SQLite's to give; that it gives the expected one is checked.
func (r *Run) insert(ctx context.Context, insert *sql.Stmt) error {
	args := append(r.changing(), r.Kind, r.Job, r.Store, r.Inbox, []byte(r.File.Name), r.Started.UnixNano())
	result, err := insert.ExecContext(ctx, args...)
	if err != nil {
		return err
	}
	if id, err := result.LastInsertId(); err != nil || uint64(id) != r.ID {
		return fmt.Errorf("run was numbered %d instead of %d: %w", id, r.ID, errors.Join(err, errors.New("the file was changed by something else")))
	}
	return nil
}

// Update records the runs as they are now, in one transaction. A change of state that isn't allowed gives an error wrapping
// ErrState, a run that was never begun one wrapping ErrNoRun; then nothing is written. A run that goes back from publishing, or is withdrawn,
// gives up its identity in the same transaction. Publishing itself is announced by Publish.
func (l *Ledger) Update(ctx context.Context, runs []Run) error { return l.record(ctx, runs, true) }

// Advance is Update for runs whose Definition, Lineage, Moves and Report are as they were recorded last: they aren't written once more.
func (l *Ledger) Advance(ctx context.Context, runs []Run) error { return l.record(ctx, runs, false) }

func (l *Ledger) record(ctx context.Context, runs []Run, details bool) error {
	err := l.tx(ctx, func(tx *sql.Tx) error {
		err := update(ctx, tx, runs, func(r *Run, from State) error {
			if r.State == Publishing && from != Publishing {
				return fmt.Errorf("run %d: %w: publishing is announced by Publish", r.ID, ErrState)
			}
			return nil
		})
		if err == nil && details {
			err = putAllDetails(ctx, tx, runs)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("record %d runs: %w", len(runs), err)
	}
	return nil
}

// Forget removes runs that claimed nothing, as if they had never begun; their numbers aren't given again. One that isn't about to claim its file any more gives an
// error wrapping ErrState; then all stay.
func (l *Ledger) Forget(ctx context.Context, runs []Run) error {
	if len(runs) == 0 {
		return nil
	}
	err := l.tx(ctx, func(tx *sql.Tx) error {
		for _, r := range runs {
			result, err := tx.ExecContext(ctx, `DELETE FROM runs WHERE id = ? AND state = ?`, int64(r.ID), string(Claiming))
			if err != nil {
				return err
			}
			if n, err := result.RowsAffected(); err != nil || n != 1 {
				return errors.Join(err, fmt.Errorf("run %d: %w: it isn't about to claim", r.ID, ErrState))
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("forget %d runs: %w", len(runs), err)
	}
	return nil
}

// update writes the runs without their details; check may object to a change of state that is allowed in general.
func update(ctx context.Context, tx *sql.Tx, runs []Run, check func(r *Run, from State) error) error {
	states, wants, err := statesOf(ctx, tx, runs)
	if err != nil {
		return err
	}
	write, err := tx.PrepareContext(ctx, updateRun)
	if err != nil {
		return err
	}
	defer write.Close()
	for i := range runs {
		r := &runs[i]
		from, known := states[r.ID]
		if !known {
			return fmt.Errorf("run %d: %w", r.ID, ErrNoRun)
		}
		if !from.may(r.State) {
			return fmt.Errorf("run %d: %w from %q to %q", r.ID, ErrState, from, r.State)
		}
		if want := wants[r.ID]; want != "" && (r.State == Publishing || r.State == Delivering) && r.State != from {
			return fmt.Errorf("run %d: %w: %s", r.ID, ErrWished, want)
		} else if slices.Contains(undecided, r.State) {
			r.Status = underWish(want, r.Status)
		}
		if err := check(r, from); err != nil {
			return err
		}
		if _, err := write.ExecContext(ctx, append(r.changing(), int64(r.ID))...); err != nil {
			return err
		}
		if err := release(ctx, tx, r, from); err != nil {
			return err
		}
		states[r.ID] = r.State // should the call name the run twice
	}
	return nil
}

// statesOf reads the recorded states, and what is wanted of runs, in one statement: a batch has hundreds of runs.
func statesOf(ctx context.Context, tx *sql.Tx, runs []Run) (states map[uint64]State, wants map[uint64]Want, err error) {
	ids := make([]uint64, len(runs))
	for i, r := range runs {
		ids[i] = r.ID
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, nil, err
	}
	rows, err := tx.QueryContext(ctx, `SELECT id, state, want FROM runs LEFT JOIN wishes ON run = id WHERE id IN (SELECT value FROM json_each(?))`, string(list))
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	states, wants = make(map[uint64]State, len(runs)), map[uint64]Want{}
	for rows.Next() {
		var id int64
		var s State
		var want sql.NullString
		if err := rows.Scan(&id, &s, &want); err != nil {
			return nil, nil, err
		}
		states[uint64(id)] = s
		if want.Valid {
			wants[uint64(id)] = Want(want.String)
		}
	}
	return states, wants, rows.Err()
}

func putAllDetails(ctx context.Context, tx *sql.Tx, runs []Run) error {
	put, err := tx.PrepareContext(ctx, putDetails)
	if err != nil {
		return err
	}
	defer put.Close()
	for i := range runs {
		r := &runs[i]
		_, err := put.ExecContext(ctx, int64(r.ID), r.Definition, r.Lineage, formatMoves(r.Moves), string(r.Report))
		if err != nil {
			return err
		}
	}
	return nil
}
