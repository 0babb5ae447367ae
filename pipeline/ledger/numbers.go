package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// nextNumber makes the row in which SQLite keeps the last number that was given, where there is none yet.
const nextNumber = `INSERT INTO sqlite_sequence (name, seq) SELECT 'runs', 0 WHERE NOT EXISTS (SELECT * FROM sqlite_sequence WHERE name = 'runs');`

// Last is the last number that was given to a run, 0 when none was.
func (r *Reader) Last(ctx context.Context) (uint64, error) {
	var last int64
	err := r.read.QueryRowContext(ctx, `SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'runs'), 0)`).Scan(&last)
	if err != nil {
		return 0, fmt.Errorf("ask for the last number of a run: %w", r.explain(err))
	}
	return uint64(last), nil
}

// leaps is how far above the last number the numbers of one leap may be.
const leaps = 10_000_000

// Plausible tells whether a number that somebody else could have written down may be that of a run of a ledger which gave last as the last one that it knows.
// Numbers go on one by one, or from the seconds since 1970 after a leap. Others would use up the numbers for nothing.
func Plausible(run, last uint64) bool {
	return run <= LastRun && run <= max(last, uint64(time.Now().Unix()))+leaps
}

// Leap sees to it that no run gets the number seen, nor one below it. The ledger gave that number and doesn't know it any more: it is a copy older than the world.
// There may be higher ones of which nothing was seen, so the numbers go on from the seconds since 1970, as those of a backup do. It
// tells the last number that counts as given.
func (l *Ledger) Leap(ctx context.Context, seen uint64) (last uint64, err error) {
	if seen > LastRun {
		return 0, fmt.Errorf("leap over numbers of runs: %d is above %d, the highest that a run can have", seen, LastRun)
	}
	err = l.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, nextNumber+`UPDATE sqlite_sequence SET seq = min(?2, max(?1 + 1000000, unixepoch())) WHERE name = 'runs' AND seq < ?1`, int64(seen), int64(LastRun))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("leap over numbers of runs: %w", err)
	}
	return l.Last(ctx)
}

// The last number that was given may be none that a run can have: earlier chutes leapt over any number that they found in a store. mendNumbers has the numbers go on
// from the seconds since 1970 then, unless a run has that number.
const (
	spoiltNumber = `name = 'runs' AND (typeof(seq) <> 'integer' OR seq > ?1 AND seq <> (SELECT coalesce(max(id), 0) FROM runs))`
	mendNumbers  = `UPDATE sqlite_sequence SET seq = max(known, min(?1, max(known + 1000000, unixepoch())))
FROM (SELECT coalesce(max(id), 0) AS known FROM runs) WHERE ` + spoiltNumber
)

func (l *Ledger) mendNumbers(ctx context.Context) error {
	var spoilt int
	err := l.write.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_sequence WHERE `+spoiltNumber, int64(LastRun)).Scan(&spoilt)
	if err != nil || spoilt == 0 {
		return err
	}
	l.mended = true
	_, err = l.write.ExecContext(ctx, mendNumbers, int64(LastRun))
	return err
}

// Mended tells whether opening the ledger had to mend the number of the next run.
func (l *Ledger) Mended() bool { return l.mended }

// numbered tells whether the ledger has numbers for some more runs after the last one.
func (r *Reader) numbered(last int64, runs int) error {
	if uint64(last)+uint64(runs) <= LastRun {
		return nil
	}
	return &unusable{fmt.Errorf("ledger %s has no number left for another run: its last run has %d, and the highest that one can have is %d; stop chute, move the file away with its -wal and -shm, "+
		"and put a backup from before in its place; if there is none, a new one is made at the next start, and chute adopt takes over what was claimed", r.path, last, LastRun)}
}
