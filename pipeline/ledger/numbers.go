package ledger

import (
	"context"
	"database/sql"
	"fmt"
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

// Leap sees to it that no run gets the number seen, nor one below it. The ledger gave that number and doesn't know it any more: it is a copy older than the world.
// There may be higher ones of which nothing was seen, so the numbers go on from the seconds since 1970, as those of a backup do. It
// tells the last number that counts as given.
func (l *Ledger) Leap(ctx context.Context, seen uint64) (last uint64, err error) {
	err = l.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, nextNumber+`UPDATE sqlite_sequence SET seq = max(?1 + 1000000, unixepoch()) WHERE name = 'runs' AND seq < ?1`, int64(seen))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("leap over numbers of runs: %w", err)
	}
	return l.Last(ctx)
}
