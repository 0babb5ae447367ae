package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// AddPlace remembers that this ledger has a folder of its own in a place.
func (l *Ledger) AddPlace(ctx context.Context, place string, at time.Time) error {
	err := l.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO places (place, since) VALUES (?, ?) ON CONFLICT DO NOTHING`, place, at.UnixNano())
		return err
	})
	if err != nil {
		return fmt.Errorf("remember the place %q: %w", place, err)
	}
	return nil
}

// KnowsPlace tells whether this ledger has a folder of its own in a place, or had one.
func (r *Reader) KnowsPlace(ctx context.Context, place string) (bool, error) {
	var one int
	err := r.read.QueryRowContext(ctx, `SELECT 1 FROM places WHERE place = ?`, place).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("is the place %q known: %w", place, r.explain(err))
	}
	return true, nil
}
