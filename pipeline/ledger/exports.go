package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Exporting is what a run of kind export has besides.
type Exporting struct {
	Due   time.Time // the moment of its schedule; zero: somebody asked for it
	Seq   uint64    // number of the delivery
	Since time.Time // what it is to have lies above Since …
	Until time.Time // … and up to Until; zero without a watermark
	Cut   Cut       // which runs had ended before the question was asked
	Moves bool      // delivered, it moves the job's watermark: to Until or, when that is zero, to Cut
}

// Deliveries is how far a job has come with its deliveries. The zero value is that of a job that never delivered.
type Deliveries struct {
	Seq       uint64    // number of the last one
	Watermark time.Time // what lies up to here was delivered
	Due       time.Time // the last moment of the schedule that was dealt with
	Followed  *Cut      // which runs had ended when the last one began; only written, nil: as before
	Runs      *Cut      // what the runs have loaded that had ended then was delivered; nil: nothing or, written, as before

	Files, Rows, Bytes uint64    // delivered in all; written, what comes to that
	Latest             time.Time // when that was last
}

const (
	putExport = `INSERT INTO exports (run, due, seq, since, until, cut, moves) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (run) DO UPDATE SET due = ?2, seq = ?3, since = ?4, until = ?5, cut = ?6, moves = ?7`

	// A clock that went back, or a run by hand of an old moment, takes nothing back.
	putDeliveries = `INSERT INTO deliveries (job, seq, watermark, due, followed, runs, files, rows, bytes, latest)
VALUES (?1, ?2, ?3, ?4, coalesce(?5, ''), coalesce(?6, ''), ?7, ?8, ?9, ?10)
ON CONFLICT (job) DO UPDATE SET seq = max(seq, ?2), watermark = coalesce(max(watermark, ?3), watermark, ?3), due = coalesce(max(due, ?4), due, ?4),
	followed = coalesce(?5, followed), runs = coalesce(?6, runs), files = files + ?7, rows = rows + ?8, bytes = bytes + ?9, latest = coalesce(?10, latest)`
)

// BeginExport numbers a run of kind export and records it as about to write its file. Run and State are set in place when it succeeds.
func (l *Ledger) BeginExport(ctx context.Context, r *Run, e Exporting) error {
	begun := make([]Run, 1)
	err := l.tx(ctx, func(tx *sql.Tx) error {
		if err := l.insertRuns(ctx, tx, []Run{*r}, begun, Writing); err != nil {
			return err
		}
		return put(ctx, tx, begun[0].ID, e)
	})
	if err != nil {
		return fmt.Errorf("begin an export of %q: %w", r.Job, err)
	}
	*r = begun[0]
	return nil
}

// UpdateExport is Update for a run of kind export and what it has besides.
func (l *Ledger) UpdateExport(ctx context.Context, r Run, e Exporting) error {
	return l.export(ctx, r, e, nil)
}

// SettleExport records that an export has ended and, in the same transaction, how far its job has come with it.
func (l *Ledger) SettleExport(ctx context.Context, r Run, e Exporting, d Deliveries) error {
	return l.export(ctx, r, e, &d)
}

func (l *Ledger) export(ctx context.Context, r Run, e Exporting, d *Deliveries) error {
	err := l.tx(ctx, func(tx *sql.Tx) error {
		again := false // the answer to an earlier call got lost: what was delivered is counted
		err := update(ctx, tx, []Run{r}, func(_ *Run, from State) error {
			again = from == Settled
			return nil
		})
		if err == nil {
			err = putAllDetails(ctx, tx, []Run{r})
		}
		if err == nil {
			err = put(ctx, tx, r.ID, e)
		}
		if err == nil && d != nil {
			n := *d
			if again {
				n.Files, n.Rows, n.Bytes = 0, 0, 0
			}
			_, err = tx.ExecContext(ctx, putDeliveries, r.Job, int64(n.Seq), nanos(n.Watermark), nanos(n.Due), n.Followed.value(), n.Runs.value(),
				int64(n.Files), int64(n.Rows), int64(n.Bytes), nanos(n.Latest))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("record run %d: %w", r.ID, err)
	}
	return nil
}

func put(ctx context.Context, tx *sql.Tx, run uint64, e Exporting) error {
	_, err := tx.ExecContext(ctx, putExport, int64(run), nanos(e.Due), int64(e.Seq), nanos(e.Since), nanos(e.Until), e.Cut.text(), e.Moves)
	return err
}

// value is how an optional one is written.
func (c *Cut) value() any {
	if c == nil {
		return nil
	}
	return c.text()
}

// Deliveries returns how far a job has come.
func (r *Reader) Deliveries(ctx context.Context, job string) (d Deliveries, err error) {
	var seq, files, rows, bytes int64
	var runs string
	var watermark, due, latest sql.NullInt64
	err = r.read.QueryRowContext(ctx, `SELECT seq, watermark, due, runs, files, rows, bytes, latest FROM deliveries WHERE job = ?`, job).
		Scan(&seq, &watermark, &due, &runs, &files, &rows, &bytes, &latest)
	if errors.Is(err, sql.ErrNoRows) {
		return Deliveries{}, nil
	}
	if err == nil && runs != "" {
		var cut Cut
		cut, err = parseCut(runs)
		d.Runs = &cut
	}
	if err != nil {
		return Deliveries{}, fmt.Errorf("read the deliveries of %q: %w", job, r.explain(err))
	}
	return Deliveries{
		Seq: uint64(seq), Watermark: moment(watermark), Due: moment(due), Runs: d.Runs,
		Files: uint64(files), Rows: uint64(rows), Bytes: uint64(bytes), Latest: moment(latest),
	}, nil
}

// Delivered are the names of all jobs that have delivered anything, sorted.
func (r *Reader) Delivered(ctx context.Context) (jobs []string, err error) {
	rows, err := r.read.QueryContext(ctx, `SELECT job FROM deliveries WHERE seq > 0 ORDER BY job`)
	for err == nil && rows.Next() {
		var job string
		if err = rows.Scan(&job); err == nil {
			jobs = append(jobs, job)
		}
	}
	if rows != nil {
		err = errors.Join(err, rows.Err(), rows.Close())
	}
	if err != nil {
		return nil, fmt.Errorf("list the jobs that have delivered: %w", r.explain(err))
	}
	return jobs, nil
}

// Exporting returns what a run of kind export has besides.
func (r *Reader) Exporting(ctx context.Context, run uint64) (e Exporting, err error) {
	var seq int64
	var cut string
	var due, since, until sql.NullInt64
	err = r.read.QueryRowContext(ctx, `SELECT due, seq, since, until, cut, moves FROM exports WHERE run = ?`, int64(run)).Scan(&due, &seq, &since, &until, &cut, &e.Moves)
	if errors.Is(err, sql.ErrNoRows) {
		return Exporting{}, fmt.Errorf("run %d as an export: %w", run, ErrNoRun)
	}
	e.Due, e.Seq, e.Since, e.Until = moment(due), uint64(seq), moment(since), moment(until)
	if err == nil {
		e.Cut, err = parseCut(cut)
	}
	if err != nil {
		return Exporting{}, fmt.Errorf("read run %d: %w", run, r.explain(err))
	}
	return e, nil
}

// UnsettledExports returns the exports of a job that were begun and haven't ended, in order.
func (r *Reader) UnsettledExports(ctx context.Context, job string) (runs []Run, err error) {
	// The first condition is the index's own, word by word, or SQLite doesn't use it.
	runs, err = query(ctx, r.read, selectWhole+` WHERE state NOT IN ('settled', 'withdrawn') AND kind = ? AND job = ? ORDER BY id`, Export, job)
	if err != nil {
		return nil, fmt.Errorf("list unsettled exports of %q: %w", job, r.explain(err))
	}
	return runs, nil
}
