package reconcile

import (
	"context"
	"fmt"
	"strings"

	"chute/config"
	"chute/connectors"
	"chute/connectors/native"
)

// Count counts the rows of each run in a table that has lineage columns. Runs without rows are missing in the result.
func Count(ctx context.Context, s connectors.Session, table string, l Lineage, id string, runs []uint64) (map[uint64]uint64, error) {
	run := native.Identifier(l.Run)
	rows, err := Rows(ctx, s, connectors.Statement{
		ID:   id,
		SQL:  "SELECT " + run + ", count() FROM " + table + " WHERE " + run + " IN ? GROUP BY " + run,
		Args: []any{runs},
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

// CountAll counts the rows of a table.
func CountAll(ctx context.Context, s connectors.Session, table, id string) (uint64, error) {
	rows, err := Rows(ctx, s, connectors.Statement{ID: id, SQL: "SELECT count() FROM " + table})
	if err != nil {
		return 0, fmt.Errorf("count rows in %s: %w", table, err)
	}
	return rows[0][0].(uint64), nil
}

// Violation is a constraint of the target that records in the stage break.
type Violation struct {
	Constraint Constraint
	Run        uint64
	Records    uint64 // how many
	First      uint64 // the first one's number
}

// Violations judges the target's constraints over the stage. A constraint that comes to NULL counts as broken, as it does in an INSERT.
func Violations(ctx context.Context, s connectors.Session, stage string, t *Target, id string) ([]Violation, error) {
	var broken []Violation
	for _, c := range t.Constraints {
		run, record := "toUInt64(0)", "toUInt64(0)"
		if t.Lineage.Known() {
			run, record = native.Identifier(t.Lineage.Run), native.Identifier(t.Lineage.Record)
		}
		rows, err := Rows(ctx, s, connectors.Statement{ID: id, SQL: fmt.Sprintf(
			"SELECT %s AS run, count(), min(%s) FROM %s WHERE NOT ifNull(%s, 0) GROUP BY run", run, record, stage, c.Expression)})
		if err != nil {
			return nil, fmt.Errorf("judge constraint %s of %s: %w", c.Name, t.Table(), err)
		}
		for _, r := range rows {
			broken = append(broken, Violation{Constraint: c, Run: r[0].(uint64), Records: r[1].(uint64), First: r[2].(uint64)})
		}
	}
	return broken, nil
}

// Attach lists the statements that make a stage's rows visible in the target, by the method that fits.
func Attach(ctx context.Context, s connectors.Session, t *Target, stage config.TableName, runs []uint64, id string) ([]connectors.Statement, error) {
	switch t.Method(s.Server().Abilities) {
	case AttachAll:
		return []connectors.Statement{{ID: id, SQL: "ALTER TABLE " + t.Table() + " ATTACH PARTITION ALL FROM " + quoted(stage)}}, nil
	case AttachPartition:
		return attachPartitions(ctx, s, t, stage, id)
	default:
		return []connectors.Statement{insertMissing(t, quoted(stage), runs, id)}, nil
	}
}

func attachPartitions(ctx context.Context, s connectors.Session, t *Target, stage config.TableName, id string) ([]connectors.Statement, error) {
	rows, err := Rows(ctx, s, connectors.Statement{
		ID:   id,
		SQL:  "SELECT DISTINCT partition_id FROM system.parts WHERE database = ? AND table = ? AND active AND rows > 0 ORDER BY partition_id",
		Args: []any{stage.Database, stage.Table},
	})
	if err != nil {
		return nil, fmt.Errorf("list partitions of %s: %w", quoted(stage), err)
	}
	var statements []connectors.Statement
	for _, r := range rows {
		statements = append(statements, connectors.Statement{
			ID:   id,
			SQL:  "ALTER TABLE " + t.Table() + " ATTACH PARTITION ID ? FROM " + quoted(stage),
			Args: []any{r[0]},
		})
	}
	return statements, nil
}

// insertMissing inserts, in the records' order, what of the stage isn't in the target yet, so that it can be repeated after any wreck.
func insertMissing(t *Target, stage string, runs []uint64, id string) connectors.Statement {
	var names []string
	for _, c := range t.Columns {
		names = append(names, native.Identifier(c.Name))
	}
	columns := strings.Join(names, ", ")
	st := connectors.Statement{ID: id, SQL: "INSERT INTO " + t.Table() + " (" + columns + ") SELECT " + columns + " FROM " + stage}
	if !t.Lineage.Known() {
		return st
	}
	key := native.Identifier(t.Lineage.Run) + ", " + native.Identifier(t.Lineage.Record)
	st.SQL += " WHERE (" + key + ") NOT IN (SELECT " + key + " FROM " + t.Table() + " WHERE " + native.Identifier(t.Lineage.Run) + " IN ?) ORDER BY " + key
	st.Args = []any{runs}
	return st
}

// Delete is the statement that takes rows of runs out of the target again, and whether it only begins to: then Mutating tells
// when it is done.
func Delete(t *Target, can connectors.Abilities, runs []uint64, id string) (st connectors.Statement, asynchronous bool) {
	where := " WHERE " + native.Identifier(t.Lineage.Run) + " IN ?"
	if can.LightweightDelete {
		return connectors.Statement{ID: id, SQL: "DELETE FROM " + t.Table() + where, Args: []any{runs}}, false
	}
	return connectors.Statement{ID: id, SQL: "ALTER TABLE " + t.Table() + " DELETE" + where, Args: []any{runs}}, !can.MutationsSync
}

// Mutating counts the target's mutations that aren't done.
func Mutating(ctx context.Context, s connectors.Session, t *Target) (uint64, error) {
	rows, err := Rows(ctx, s, connectors.Statement{
		SQL:  "SELECT count() FROM system.mutations WHERE database = ? AND table = ? AND NOT is_done",
		Args: []any{t.Database, t.Name},
	})
	if err != nil {
		return 0, fmt.Errorf("look at mutations of %s: %w", t.Table(), err)
	}
	return rows[0][0].(uint64), nil
}

// Altered tells whether an error from Attach means that target and stage aren't alike any more.
func Altered(err *connectors.DatabaseError) bool {
	const incompatibleColumns, badArguments = 122, 36
	return err.Code == incompatibleColumns || err.Code == badArguments
}

func quoted(t config.TableName) string { return native.Table(t.Database, t.Table) }
