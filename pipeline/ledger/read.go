package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path"
	"time"
)

const (
	runColumns = `id, batch, kind, job, job_hash, store, inbox, name, size, mtime_s, mtime_ns, inode, state, status, sha256,
	server, target, stage, records, accepted, rejects, warnings, same_as, attempts, error, next_try, started, finished`

	// Listings leave out the details: a hundred reports are a lot to read for one line each.
	selectRuns  = `SELECT ` + runColumns + `, '', '', '', '' FROM runs`
	selectWhole = `SELECT ` + runColumns + `, definition, lineage, moves, report FROM runs JOIN run_details ON run = id`

	// The first condition is the index's own, word by word, or SQLite doesn't use it.
	publishingFrom = selectRuns + ` WHERE state NOT IN ('settled', 'withdrawn') AND state = ? AND stage = ? ORDER BY id`
)

// query returns the runs of a SELECT that begins with selectRuns or selectWhole.
func query(ctx context.Context, q querier, text string, args ...any) (runs []Run, err error) {
	rows, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	return runs, rows.Err()
}

func scan(rows *sql.Rows) (r Run, err error) {
	var id, batch, seconds, nanoseconds, inode, records, accepted, rejects, warnings, sameAs, started int64
	var name []byte
	var nextTry, finished sql.NullInt64
	var moves string
	err = rows.Scan(&id, &batch, &r.Kind, &r.Job, &r.JobHash, &r.Store, &r.Inbox, &name, &r.File.Size, &seconds, &nanoseconds, &inode,
		&r.State, &r.Status, &r.SHA256, &r.Server, &r.Target, &r.Stage, &records, &accepted, &rejects, &warnings, &sameAs,
		&r.Attempts, &r.Error, &nextTry, &started, &finished, &r.Definition, &r.Lineage, &moves, &r.Report)
	if err != nil {
		return Run{}, err
	}
	r.ID, r.Batch, r.SameAs = uint64(id), uint64(batch), uint64(sameAs)
	r.Records, r.Accepted, r.Rejects, r.Warnings = uint64(records), uint64(accepted), uint64(rejects), uint64(warnings)
	r.File.Name, r.File.Inode = string(name), uint64(inode) // the inode's 64 bits were stored as they are
	r.File.ModTime = time.Unix(seconds, nanoseconds).UTC()
	r.NextTry, r.Started, r.Finished = moment(nextTry), time.Unix(0, started).UTC(), moment(finished)
	if len(r.Report) == 0 {
		r.Report = nil
	}
	r.Moves, err = parseMoves(moves)
	return r, err
}

// moment is the inverse of nanos.
func moment(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.Unix(0, n.Int64).UTC()
}

// Unsettled returns every run that is neither settled nor withdrawn, with its details, in the order in which they began: what a
// start has to deal with.
func (r *Reader) Unsettled(ctx context.Context) ([]Run, error) {
	// The condition is the index's own, word by word, or SQLite doesn't use it.
	runs, err := query(ctx, r.read, selectWhole+` WHERE state NOT IN ('settled', 'withdrawn') ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("list unsettled runs: %w", r.explain(err))
	}
	return runs, nil
}

// PublishingFrom returns the numbers of the runs that are making the rows of a stage visible, in order. As long as there is one, the stage is needed.
func (l *Ledger) PublishingFrom(ctx context.Context, stage string) ([]uint64, error) {
	runs, err := query(ctx, l.read, publishingFrom, Publishing, stage)
	if err != nil {
		return nil, fmt.Errorf("list the runs that publish from %s: %w", stage, l.explain(err))
	}
	var ids []uint64
	for _, r := range runs {
		ids = append(ids, r.ID)
	}
	return ids, nil
}

// Run returns one run with its details. A number that was never given is an error wrapping ErrNoRun.
func (r *Reader) Run(ctx context.Context, id uint64) (Run, error) {
	runs, err := query(ctx, r.read, selectWhole+` WHERE id = ?`, int64(id))
	if err != nil {
		return Run{}, fmt.Errorf("read run %d: %w", id, r.explain(err))
	}
	if len(runs) == 0 {
		return Run{}, fmt.Errorf("run %d: %w", id, ErrNoRun)
	}
	return runs[0], nil
}

// seen finds the runs of one file of a job that stays in its inbox. A run that was withdrawn has taken nothing. One whose last move leads back to where
// its file was has found another file there that looks the same.
const seen = `SELECT EXISTS (SELECT 1 FROM runs WHERE name = ? AND job = ? AND store = ? AND inbox = ?
	AND size = ? AND mtime_s = ? AND mtime_ns = ? AND inode = ? AND state <> 'withdrawn'
	AND NOT EXISTS (SELECT 1 FROM run_details WHERE run = runs.id AND substr(moves, -length(?9)) = ?9))`

// Seen tells whether there is a run already for the file of a run: of that job, store and inbox, and with that name, size, time and inode.
func (r *Reader) Seen(ctx context.Context, run Run) (found bool, err error) {
	f, at := run.File, path.Join(run.Inbox, run.File.Name)
	err = r.read.QueryRowContext(ctx, seen, []byte(f.Name), run.Job, run.Store, run.Inbox,
		f.Size, f.ModTime.Unix(), int64(f.ModTime.Nanosecond()), int64(f.Inode), formatMoves([]Move{{From: at, To: at}})).Scan(&found)
	if err != nil {
		return false, r.explain(err)
	}
	return found, nil
}
