package reconcile

import (
	"context"
	"fmt"

	"chute/connectors"
	"chute/connectors/native"
)

// RunCount is what a table has of one run.
type RunCount struct {
	Run  uint64 // its number in tables
	Rows uint64
	Sum  uint64 // of the records' numbers, modulo 2^64
}

// CountRuns counts the rows of every run in a range of numbers, in order, in one statement. What each is given isn't kept.
func CountRuns(ctx context.Context, s connectors.Session, t *Target, from, to uint64, id string, each func(RunCount) error) error {
	run, record := native.Identifier(t.Lineage.Run), native.Identifier(t.Lineage.Record)
	err := s.Query(ctx, connectors.Statement{
		ID: id,
		SQL: "SELECT " + run + ", count(), sum(" + record + ") FROM " + t.Table() + " WHERE " + run + " >= ? AND " + run + " <= ?" +
			" GROUP BY " + run + " ORDER BY " + run + complete(s.Server().Abilities),
		Args:     []any{from, to},
		Settings: Pinned(s.Server().Abilities),
	}, func(b *native.Block) error {
		var columns [3][]any
		for i, c := range b.Columns {
			var err error
			if columns[i], err = native.Values(c, b.Data[i], b.Rows); err != nil {
				return err
			}
		}
		for i := range b.Rows {
			if err := each(RunCount{columns[0][i].(uint64), columns[1][i].(uint64), columns[2][i].(uint64)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("count the rows of runs in %s: %w", t.Table(), err)
	}
	return nil
}
