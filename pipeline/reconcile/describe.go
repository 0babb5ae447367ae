package reconcile

import (
	"context"
	"fmt"
	"strings"

	"chute/config"
	"chute/connectors"
	"chute/connectors/native"
)

// Describe asks the server for a table. A missing one gives an error wrapping connectors.ErrNoTable. want names the lineage
// columns to look for; the result's Lineage is empty when the table lacks one of them.
func Describe(ctx context.Context, s connectors.Session, table config.TableName, want Lineage) (*Target, error) {
	t := &Target{Name: table.Table}
	var err error
	if t.Database, err = databaseOf(ctx, s, table); err != nil {
		return nil, err
	}
	create, err := describeTable(ctx, s, t)
	if err != nil {
		return nil, err
	}
	if err := describeColumns(ctx, s, t); err != nil {
		return nil, err
	}
	t.Constraints = parseConstraints(create)
	if hasUInt64(t, want.Run) && hasUInt64(t, want.Record) {
		t.Lineage = want
	}
	t.Definition = definition(t)
	return t, nil
}

func databaseOf(ctx context.Context, s connectors.Session, table config.TableName) (string, error) {
	if table.Database != "" {
		return table.Database, nil
	}
	rows, err := Rows(ctx, s, connectors.Statement{SQL: "SELECT currentDatabase()"})
	if err != nil {
		return "", fmt.Errorf("ask for the current database: %w", err)
	}
	return rows[0][0].(string), nil
}

func describeTable(ctx context.Context, s connectors.Session, t *Target) (create string, err error) {
	rows, err := Rows(ctx, s, connectors.Statement{
		SQL: "SELECT engine, partition_key, sorting_key, primary_key, sampling_key, create_table_query, length(dependencies_table)" +
			" FROM system.tables WHERE database = ? AND name = ?",
		Args: []any{t.Database, t.Name},
	})
	if err != nil {
		return "", fmt.Errorf("describe table %s: %w", t.Table(), err)
	}
	if len(rows) == 0 {
		return "", fmt.Errorf("table %s: %w", t.Table(), connectors.ErrNoTable)
	}
	r := rows[0]
	t.Engine, t.PartitionKey, t.SortingKey, t.PrimaryKey, t.SamplingKey = r[0].(string), r[1].(string), r[2].(string), r[3].(string), r[4].(string)
	t.Views = int(r[6].(uint64))
	return r[5].(string), nil
}

func describeColumns(ctx context.Context, s connectors.Session, t *Target) error {
	rows, err := Rows(ctx, s, connectors.Statement{
		SQL:  "SELECT name, type, default_kind FROM system.columns WHERE database = ? AND table = ?",
		Args: []any{t.Database, t.Name},
	})
	if err != nil {
		return fmt.Errorf("describe columns of %s: %w", t.Table(), err)
	}
	for _, r := range rows {
		kind := r[2].(string)
		if kind == "ALIAS" || kind == "MATERIALIZED" || kind == "EPHEMERAL" {
			continue // not insertable; the server computes them
		}
		typ, err := native.ParseType(r[1].(string))
		if err != nil {
			return fmt.Errorf("column %s of %s: %w", native.Identifier(r[0].(string)), t.Table(), err)
		}
		t.Columns = append(t.Columns, Column{Name: r[0].(string), Type: typ, Default: kind == "DEFAULT"})
	}
	return nil
}

func hasUInt64(t *Target, name string) bool {
	c, ok := t.Column(name)
	return ok && c.Type.Plain().String() == "UInt64"
}

// definition is what stage and target must have alike for rows to be attached.
func definition(t *Target) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s partition by (%s) order by (%s) primary key (%s) sample by (%s)", t.Engine, t.PartitionKey, t.SortingKey, t.PrimaryKey, t.SamplingKey)
	for _, c := range t.Columns {
		fmt.Fprintf(&b, "; %s %s", native.Identifier(c.Name), c.Type)
	}
	for _, c := range t.Constraints {
		fmt.Fprintf(&b, "; check %s", c.Expression)
	}
	fmt.Fprintf(&b, "; views %t", t.Views > 0)
	return b.String()
}

// Rows runs a statement whose result is small and returns its rows. It is for administration, never for data.
func Rows(ctx context.Context, s connectors.Session, st connectors.Statement) ([][]any, error) {
	var rows [][]any
	err := s.Query(ctx, st, func(b *native.Block) error {
		first := len(rows)
		for range b.Rows {
			rows = append(rows, make([]any, len(b.Columns)))
		}
		for i, c := range b.Columns {
			values, err := native.Values(c, b.Data[i], b.Rows)
			if err != nil {
				return err
			}
			for j, v := range values {
				rows[first+j][i] = v
			}
		}
		return nil
	})
	return rows, err
}
