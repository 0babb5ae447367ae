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

// Hour sums up the runs that ended within an hour.
type Hour struct {
	Start                 time.Time
	Runs, Loaded, Rejects uint64
	Exported              uint64        // rows that were delivered
	Took, Longest         time.Duration // from the claim to the end: of all of them together, and of the longest
}

// atATime is how many runs History reads at a time: some tens of milliseconds.
const atATime = 5_000

// History has the sums of runs that ended lately, by the hour. Each run is read once it has ended, and none twice, so keeping it up to date costs
// what has happened since and not what the ledger holds. It is used by one goroutine.
type History struct {
	hours map[int64]Hour // by the hours since 1970
	last  uint64         // runs up to this one were looked at
	open  []uint64       // those of them that hadn't ended
}

// Follow adds runs that have ended since, a bounded number at a time, and tells whether there may be more. What ended before since is forgotten.
func (h *History) Follow(ctx context.Context, r *Reader, since time.Time) (more bool, err error) {
	if h.hours == nil {
		if h.last, err = r.before(ctx, since); err != nil {
			return false, fmt.Errorf("sum up runs: %w", r.explain(err))
		}
		h.hours = map[int64]Hour{}
	}
	for hour := range h.hours {
		if hour < hourOf(since) {
			delete(h.hours, hour)
		}
	}
	n := min(len(h.open), atATime)
	open, _ := json.Marshal(h.open[:n]) // numbers can't fail
	h.open = slices.Clone(h.open[n:])   // those are asked next time
	if _, err = h.add(ctx, r, `id IN (SELECT value FROM json_each(?))`, string(open)); err != nil {
		h.hours = nil // what was counted isn't known any more: it begins anew
		return false, fmt.Errorf("sum up runs: %w", r.explain(err))
	}
	n, err = h.add(ctx, r, `id > ?`, int64(h.last))
	if err != nil {
		h.hours = nil
		return false, fmt.Errorf("sum up runs: %w", r.explain(err))
	}
	return n == atATime, nil
}

// Hours are those in which runs ended, in order.
func (h *History) Hours() []Hour {
	var all []Hour
	for _, hour := range h.hours {
		all = append(all, hour)
	}
	slices.SortFunc(all, func(a, b Hour) int { return a.Start.Compare(b.Start) })
	return all
}

// add reads runs and counts those that have ended.
func (h *History) add(ctx context.Context, r *Reader, which string, arg any) (n int, err error) {
	rows, err := r.read.QueryContext(ctx, `SELECT id, state, accepted, rejects, CASE WHEN kind = 'export' AND status = 'finished' THEN records ELSE 0 END, started, finished FROM runs WHERE `+which+` ORDER BY id LIMIT ?`, arg, atATime)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id, loaded, rejects, exported, started int64
		var state State
		var finished sql.NullInt64
		if err := rows.Scan(&id, &state, &loaded, &rejects, &exported, &started, &finished); err != nil {
			return n, err
		}
		n++
		h.last = max(h.last, uint64(id))
		switch {
		case state == Settled && finished.Valid:
			h.count(finished.Int64, uint64(loaded), uint64(rejects), uint64(exported), time.Duration(finished.Int64-started))
		case state != Settled && state != Withdrawn:
			h.open = append(h.open, uint64(id))
		}
	}
	return n, rows.Err()
}

func (h *History) count(finished int64, loaded, rejects, exported uint64, took time.Duration) {
	key := hourOf(time.Unix(0, finished))
	hour := h.hours[key]
	hour.Start = time.Unix(key*3600, 0).UTC()
	hour.Runs++
	hour.Loaded += loaded
	hour.Rejects += rejects
	hour.Exported += exported
	hour.Took += max(took, 0) // a clock may have been set back
	hour.Longest = max(hour.Longest, took)
	h.hours[key] = hour
}

func hourOf(t time.Time) int64 { return t.Unix() / 3600 }

// before is the last run that has a smaller number than those that began at a moment or later.
func (r *Reader) before(ctx context.Context, t time.Time) (id uint64, err error) {
	var first sql.NullInt64
	err = r.read.QueryRowContext(ctx, `SELECT id FROM runs INDEXED BY runs_started WHERE started >= ? ORDER BY started LIMIT 1`, t.UnixNano()).Scan(&first)
	if errors.Is(err, sql.ErrNoRows) {
		err = r.read.QueryRowContext(ctx, `SELECT max(id) + 1 FROM runs`).Scan(&first)
	}
	return uint64(max(first.Int64-1, 0)), err
}
