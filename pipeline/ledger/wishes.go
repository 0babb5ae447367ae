package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// Want is what somebody may want of a run that has announced nothing yet.
type Want string

// What may be wanted.
const (
	Pause  Want = "pause"  // nobody works on it until it is resumed
	Cancel Want = "cancel" // nothing of its file is loaded
	Reject Want = "reject" // the same, and the file is called at fault

	Unmatched Want = "unmatched" // the same, by chute itself: no job's pattern matches the file's name, and the time for that is over
)

// Wish is what somebody wants of a run. It is written down before anybody acts on it, and stays as a record of who wanted it.
type Wish struct {
	Run    uint64
	Want   Want
	Reason string
	UID    uint32 // who wants it
	At     time.Time
}

var (
	// ErrTooLate: the run has announced what becomes of its file. It can't be undone any more.
	ErrTooLate = errors.New("too late")
	// ErrWished: a run isn't going to publish, because somebody wants it paused, cancelled or rejected.
	ErrWished = errors.New("the run is wanted otherwise")
	// ErrNotWaiting: the run doesn't wait for a person.
	ErrNotWaiting = errors.New("the run doesn't wait for anybody")
)

// undecided are the states in which a run can still be given up. In the others its records are visible, or about to be, or its file is being delivered.
var undecided = []State{Claiming, Claimed, Staging, Writing}

const putWish = `INSERT INTO wishes (run, want, reason, uid, at) VALUES (?1, ?2, ?3, ?4, ?5)
	ON CONFLICT (run) DO UPDATE SET want = ?2, reason = ?3, uid = ?4, at = ?5`

// Wish writes down what is wanted of a run, unless the run was quicker: then the error wraps ErrTooLate. From now on the run can't be announced as publishing. As
// there is one writer at a time, exactly one of the two happens. A run that is to be cancelled or rejected can't be paused any more.
func (l *Ledger) Wish(ctx context.Context, w Wish) error {
	var late error // it is about the run, not about the ledger
	err := l.tx(ctx, func(tx *sql.Tx) error {
		run, want, err := wishedRun(ctx, tx, w.Run)
		if err != nil {
			return err
		}
		if late = tooLate(run, want, w.Want); late != nil {
			return late
		}
		_, err = tx.ExecContext(ctx, putWish, int64(w.Run), string(w.Want), w.Reason, int64(w.UID), w.At.UnixNano())
		if err != nil {
			return err
		}
		status := underWish(w.Want, Retrying)
		if run.Status == Paused && w.Want == Pause {
			status = Paused
		}
		_, err = tx.ExecContext(ctx, `UPDATE runs SET status = ?, error = '' WHERE id = ?`, string(status), int64(w.Run))
		return err
	})
	if late != nil {
		return late
	}
	if err != nil {
		return fmt.Errorf("%s run %d: %w", w.Want, w.Run, err)
	}
	return nil
}

// tooLate tells why something can't be wanted of a run any more, of which something may have been wanted before.
func tooLate(run Run, before, want Want) error {
	switch {
	case !slices.Contains(undecided, run.State) && !closable(run, want):
		return fmt.Errorf("%w: %s", ErrTooLate, cmp.Or(decided[run.State], "it is "+string(run.Status)))
	case want == Pause && before != "" && before != Pause:
		return fmt.Errorf("%w: somebody wanted before: %s", ErrTooLate, before)
	}
	return nil
}

// decided are the states in which a run can't be given up any more, for people.
var decided = map[State]string{
	Publishing: "its rows are being published", Published: "its rows are in the table",
	Rejecting: "nothing of it is loaded, and its file is on its way out", Delivering: "its file is being delivered",
}

// BeginUnmatched is Begin for files that no job matches: that they are to be rejected is written down with their runs, so that it holds whatever happens, and
// whatever jobs there are then.
func (l *Ledger) BeginUnmatched(ctx context.Context, runs []Run) error {
	begun := make([]Run, len(runs))
	err := l.tx(ctx, func(tx *sql.Tx) error {
		if err := l.insertRuns(ctx, tx, runs, begun, Claiming); err != nil {
			return err
		}
		for _, r := range begun {
			if _, err := tx.ExecContext(ctx, putWish, int64(r.ID), string(Unmatched), "", os.Getuid(), time.Now().UnixNano()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("begin %d runs: %w", len(runs), err)
	}
	copy(runs, begun)
	return nil
}

// closable tells whether nobody goes on with a delivery that has begun to move: then it can be cancelled after all.
func closable(run Run, want Want) bool {
	return run.State == Delivering && run.Status == Stuck && want == Cancel
}

// Continue lets a run go on that waits for a person: it is paused or stuck. Else the error wraps ErrNotWaiting; of an interrupted one a person has to Decide.
func (l *Ledger) Continue(ctx context.Context, id uint64) error {
	err := l.tx(ctx, func(tx *sql.Tx) error {
		run, want, err := wishedRun(ctx, tx, id)
		if err != nil {
			return err
		}
		if want == Pause {
			if _, err := tx.ExecContext(ctx, `DELETE FROM wishes WHERE run = ?`, int64(id)); err != nil {
				return err
			}
		} else if run.Status != Stuck {
			return fmt.Errorf("%w: it is %s", ErrNotWaiting, run.Status)
		}
		_, err = tx.ExecContext(ctx, `UPDATE runs SET status = ? WHERE id = ?`, string(Retrying), int64(id))
		return err
	})
	if err != nil {
		return fmt.Errorf("go on with run %d: %w", id, err)
	}
	return nil
}

// Decide writes down what a person has found out of an interrupted run: that its records are in the table, all of them, or that none is. It goes for all runs whose
// records were to become visible with this one's; they are returned in order, and go on. Of a run that isn't interrupted the error wraps ErrNotWaiting.
func (l *Ledger) Decide(ctx context.Context, id uint64, loaded bool) (decided []uint64, err error) {
	state := Publishing
	if loaded {
		state = Published
	}
	err = l.tx(ctx, func(tx *sql.Tx) error {
		run, _, err := wishedRun(ctx, tx, id)
		if err != nil {
			return err
		}
		if run.Status != Interrupted {
			return fmt.Errorf("%w: it is %s", ErrNotWaiting, run.Status)
		}
		rows, err := tx.QueryContext(ctx, `UPDATE runs SET state = ?, status = ?, error = '' WHERE status = ? AND (id = ?4 OR stage <> '' AND stage = (SELECT stage FROM runs WHERE id = ?4)) RETURNING id`,
			string(state), string(Retrying), string(Interrupted), int64(id))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var one int64
			if err := rows.Scan(&one); err != nil {
				return err
			}
			decided = append(decided, uint64(one))
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("decide about run %d: %w", id, err)
	}
	slices.Sort(decided)
	return decided, nil
}

// Wishes are what is, or was, wanted of the runs; those of which nothing was are missing.
func (r *Reader) Wishes(ctx context.Context, ids ...uint64) (map[uint64]Wish, error) {
	list, _ := json.Marshal(ids) // numbers can't fail
	rows, err := r.read.QueryContext(ctx, `SELECT run, want, reason, uid, at FROM wishes WHERE run IN (SELECT value FROM json_each(?))`, string(list))
	if err != nil {
		return nil, fmt.Errorf("what is wanted of runs: %w", r.explain(err))
	}
	defer rows.Close()
	wishes := map[uint64]Wish{}
	for rows.Next() {
		var w Wish
		var run, at int64
		if err := rows.Scan(&run, &w.Want, &w.Reason, &w.UID, &at); err != nil {
			return nil, fmt.Errorf("what is wanted of runs: %w", r.explain(err))
		}
		w.Run, w.At = uint64(run), time.Unix(0, at).UTC()
		wishes[w.Run] = w
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("what is wanted of runs: %w", r.explain(err))
	}
	return wishes, nil
}

// wishedRun is the state and status of a run, and what is wanted of it.
func wishedRun(ctx context.Context, tx *sql.Tx, id uint64) (run Run, want Want, err error) {
	err = tx.QueryRowContext(ctx, `SELECT state, status, coalesce((SELECT want FROM wishes WHERE run = id), '') FROM runs WHERE id = ?`, int64(id)).
		Scan(&run.State, &run.Status, &want)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoRun
	}
	return run, want, err
}

// underWish is the status of a run that is under way, by what is wanted of it.
func underWish(want Want, status Status) Status {
	if status != Running && status != Retrying {
		return status
	}
	switch want {
	case Pause:
		return Pausing
	case Cancel:
		return Cancelling
	}
	return status
}
