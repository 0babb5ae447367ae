package reconcile

import (
	"context"
	"errors"
	"fmt"

	"chute/connectors"
	"chute/connectors/native"
)

// Count counts the rows of each run in a table that has lineage columns. Runs without rows are missing in the result.
func Count(ctx context.Context, s connectors.Session, table string, l Lineage, id string, runs []uint64) (map[uint64]uint64, error) {
	run := native.Identifier(l.Run)
	rows, err := Rows(ctx, s, connectors.Statement{
		ID:       id,
		SQL:      "SELECT " + run + ", count() FROM " + table + " WHERE " + run + " IN ? GROUP BY " + run + complete(s.Server().Abilities),
		Args:     []any{runs},
		Settings: Pinned(s.Server().Abilities),
	})
	if err != nil {
		return nil, fmt.Errorf("count rows in %s: %w", table, err)
	}
	counts := map[uint64]uint64{}
	for _, r := range rows {
		counts[r[0].(uint64)] = r[1].(uint64)
	}
	return counts, nil
}

// LastRun is the highest number of a run in a table that is above one number and not above another, 0 where there is none.
func LastRun(ctx context.Context, s connectors.Session, t *Target, above, most uint64) (uint64, error) {
	run := native.Identifier(t.Lineage.Run)
	rows, err := Rows(ctx, s, connectors.Statement{
		SQL:      "SELECT max(" + run + ") FROM " + t.Table() + " WHERE " + run + " > ? AND " + run + " <= ?" + complete(s.Server().Abilities),
		Args:     []any{above, most},
		Settings: Pinned(s.Server().Abilities),
	})
	if err != nil {
		return 0, fmt.Errorf("look for the last run in %s: %w", t.Table(), err)
	}
	return rows[0][0].(uint64), nil
}

// CountAll counts the rows of a table.
func CountAll(ctx context.Context, s connectors.Session, table, id string) (uint64, error) {
	rows, err := Rows(ctx, s, connectors.Statement{
		ID: id, SQL: "SELECT count() FROM " + table + complete(s.Server().Abilities), Settings: Pinned(s.Server().Abilities),
	})
	if err != nil {
		return 0, fmt.Errorf("count rows in %s: %w", table, err)
	}
	return rows[0][0].(uint64), nil
}

// NoTable tells whether an error means that a table or its database doesn't exist.
func NoTable(err error) bool {
	const unknownTable, unknownDatabase = 60, 81
	var answer *connectors.DatabaseError
	return errors.As(err, &answer) && (answer.Code == unknownTable || answer.Code == unknownDatabase)
}

// Violation is a constraint of the target that records in the stage break.
type Violation struct {
	Constraint Constraint
	Run        uint64
	Records    uint64 // how many
	First      uint64 // the first one's number
}

// Violations judges the target's constraints over the stage. A constraint that comes to NULL counts as broken, as it does in an
// INSERT. Nothing in the query is given a name: it could be that of a column in the constraint.
func Violations(ctx context.Context, s connectors.Session, stage string, t *Target, id string) ([]Violation, error) {
	run, record := "toUInt64(0)", "toUInt64(0)"
	if t.Lineage.Known() {
		run, record = native.Identifier(t.Lineage.Run), native.Identifier(t.Lineage.Record)
	}
	var broken []Violation
	for _, c := range t.Constraints {
		rows, err := Rows(ctx, s, connectors.Statement{
			ID: id,
			SQL: "SELECT " + run + ", count(), min(" + record + ") FROM " + stage +
				" WHERE NOT ifNull(" + c.Expression + ", 0) GROUP BY " + run + " ORDER BY " + run + complete(s.Server().Abilities),
			Settings: Pinned(s.Server().Abilities),
		})
		if err != nil {
			return nil, fmt.Errorf("judge constraint %s of %s: %w", c.Name, t.Table(), err)
		}
		for _, r := range rows {
			broken = append(broken, Violation{Constraint: c, Run: r[0].(uint64), Records: r[1].(uint64), First: r[2].(uint64)})
		}
	}
	return broken, nil
}
