package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Plan is how far a job has come with what its schedule and its imports want. The zero value is that of a job nobody planned for.
type Plan struct {
	Rule string    // what was said when it began to count, to see when it changes
	Last time.Time // what was due up to here was dealt with
}

// Cut divides the runs by whether they had ended when it was made. Runs end in another order than they begin, and clocks are put back, so neither a number nor
// a moment alone can tell. The zero Cut is before all runs.
type Cut struct {
	UpTo uint64   `json:"up_to"`          // later runs hadn't begun
	Open []uint64 `json:"open,omitempty"` // earlier ones that hadn't ended
}

func (c Cut) text() string {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // unreachable: numbers
	}
	return string(text)
}

func parseCut(text string) (c Cut, err error) {
	if text != "" {
		err = json.Unmarshal([]byte(text), &c)
	}
	return c, err
}

const selectCut = `SELECT json_object('up_to', (SELECT coalesce(max(id), 0) FROM runs),
	'open', json((SELECT json_group_array(id) FROM runs WHERE state NOT IN ('settled', 'withdrawn'))))`

// Cut is the one of this moment.
func (r *Reader) Cut(ctx context.Context) (c Cut, err error) {
	var text string
	if err = r.read.QueryRowContext(ctx, selectCut).Scan(&text); err == nil {
		c, err = parseCut(text)
	}
	if err != nil {
		return Cut{}, fmt.Errorf("find out which runs have ended: %w", r.explain(err))
	}
	return c, nil
}

// Plan returns how far a job's plan has come.
func (r *Reader) Plan(ctx context.Context, job string) (p Plan, err error) {
	var due sql.NullInt64
	err = r.read.QueryRowContext(ctx, `SELECT rule, due FROM deliveries WHERE job = ?`, job).Scan(&p.Rule, &due)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Plan{}, fmt.Errorf("read the plan of %q: %w", job, r.explain(err))
	}
	p.Last = moment(due)
	return p, nil
}

// Replan begins to count anew, from a moment on: what was due before it, and what imports have loaded until now, isn't wanted any more.
func (l *Ledger) Replan(ctx context.Context, job string, p Plan) error {
	_, err := l.write.ExecContext(ctx, `INSERT INTO deliveries (job, seq, rule, due, followed) VALUES (?1, 0, ?2, ?3, (`+selectCut+`))
ON CONFLICT (job) DO UPDATE SET rule = ?2, due = ?3, followed = excluded.followed`, job, p.Rule, nanos(p.Last))
	if err != nil {
		return fmt.Errorf("record the plan of %q: %w", job, l.explain(err))
	}
	return nil
}

// Pass records that what a job's schedule wanted up to a moment was dealt with.
func (l *Ledger) Pass(ctx context.Context, job string, upTo time.Time) error {
	_, err := l.write.ExecContext(ctx, `UPDATE deliveries SET due = max(coalesce(due, ?2), ?2) WHERE job = ?1`, job, upTo.UnixNano())
	if err != nil {
		return fmt.Errorf("record how far %q has come: %w", job, l.explain(err))
	}
	return nil
}

// BegunExport returns the moment of a job's delivery that was begun for its schedule, or after an import, and hasn't ended; the zero time when there is none.
func (r *Reader) BegunExport(ctx context.Context, job, store string) (due time.Time, err error) {
	var at sql.NullInt64
	err = r.read.QueryRowContext(ctx, `SELECT due FROM runs JOIN exports ON run = id
WHERE state NOT IN ('settled', 'withdrawn') AND kind = ? AND job = ? AND store = ? AND due IS NOT NULL ORDER BY id LIMIT 1`, Export, job, store).Scan(&at)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, fmt.Errorf("look for a delivery of %q that was begun: %w", job, r.explain(err))
	}
	return moment(at), nil
}

// DealtWith tells whether what was due at a moment has been dealt with. A moment that was delivered stays so, even when a clock that was wrong has made the
// plan begin anew before it.
func (r *Reader) DealtWith(ctx context.Context, job string, due time.Time) (done bool, err error) {
	err = r.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM deliveries WHERE job = ?1 AND due >= ?2)
OR EXISTS (SELECT 1 FROM exports JOIN runs ON id = run WHERE exports.due = ?2 AND job = ?1 AND state = 'settled')`, job, due.UnixNano()).Scan(&done)
	if err != nil {
		return false, fmt.Errorf("look for a delivery of %q due at %v: %w", job, due, r.explain(err))
	}
	return done, nil
}

// Behind tells whether one of the imports has loaded a file since the delivery that followed last was begun.
func (r *Reader) Behind(ctx context.Context, job string, imports []string) (behind bool, err error) {
	var text string
	err = r.read.QueryRowContext(ctx, `SELECT followed FROM deliveries WHERE job = ?`, job).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	var cut Cut
	if err == nil {
		cut, err = parseCut(text)
	}
	if err == nil {
		behind, err = r.loadedSince(ctx, cut, imports)
	}
	if err != nil {
		return false, fmt.Errorf("find out whether %q has an import to follow: %w", job, r.explain(err))
	}
	return behind, nil
}

// loadedSince looks at the newest runs first, along their numbers: there may be millions of older ones. (The plus signs keep SQLite from other indexes.)
func (r *Reader) loadedSince(ctx context.Context, cut Cut, imports []string) (found bool, err error) {
	const loaded = `+kind = 'import' AND +state = 'settled' AND +status IN ('finished', 'finished-with-rejects') AND +job IN (SELECT value FROM json_each(?1))`
	names, err := json.Marshal(imports)
	open, openErr := json.Marshal(cut.Open)
	if err = errors.Join(err, openErr); err != nil {
		return false, err
	}
	err = r.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM runs WHERE id > ?2 AND `+loaded+`)
OR EXISTS (SELECT 1 FROM runs WHERE id IN (SELECT value FROM json_each(?3)) AND `+loaded+`)`, string(names), int64(cut.UpTo), string(open)).Scan(&found)
	return found, err
}
