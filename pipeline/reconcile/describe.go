package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"chute/config"
	"chute/connectors"
	"chute/connectors/native"
)

// Describe asks the server for a table. A missing one gives an error wrapping connectors.ErrNoTable. want names the lineage
// columns to look for; the result's Lineage is empty when the table lacks one of them.
func Describe(ctx context.Context, s connectors.Session, table config.TableName, want Lineage) (*Target, error) {
	t := &Target{Name: table.Table, LateDates: s.Server().Abilities.LateDates}
	var err error
	if t.Database, err = DatabaseOf(ctx, s, table); err != nil {
		return nil, err
	}
	if err := describeTable(ctx, s, t); err != nil {
		return nil, err
	}
	if err := describeColumns(ctx, s, t); err != nil {
		return nil, err
	}
	if hasUInt64(t, want.Run) && hasUInt64(t, want.Record) {
		t.Lineage = want
	}
	t.Definition = definition(t)
	return t, nil
}

// DatabaseOf is the database that a table is in when its name doesn't say: the one of the connection.
func DatabaseOf(ctx context.Context, s connectors.Session, table config.TableName) (string, error) {
	if table.Database != "" {
		return table.Database, nil
	}
	rows, err := Rows(ctx, s, connectors.Statement{SQL: "SELECT currentDatabase()"})
	if err != nil {
		return "", fmt.Errorf("ask for the current database: %w", err)
	}
	return rows[0][0].(string), nil
}

func describeTable(ctx context.Context, s connectors.Session, t *Target) error {
	rows, err := Catalog(ctx, s, connectors.Statement{
		SQL: "SELECT engine, engine_full, create_table_query, length(dependencies_table)" +
			" FROM system.tables WHERE database = ? AND name = ?",
		Args:     []any{t.Database, t.Name},
		Settings: Pinned(s.Server().Abilities),
	})
	if err != nil {
		return fmt.Errorf("describe table %s: %w", t.Table(), err)
	}
	if len(rows) == 0 {
		return fmt.Errorf("table %s: %w", t.Table(), connectors.ErrNoTable)
	}
	engineFull, create := rows[0][1].(string), rows[0][2].(string)
	t.Engine, t.Views = rows[0][0].(string), int(rows[0][3].(uint64))
	if t.MergeTree() {
		found := parseStorage(engineFull)
		t.Keys, t.Settings, t.RowTTL, t.Synced = found.keys, found.settings, found.rowTTL, found.synced
	}
	found := parseElements(create)
	t.Constraints, t.TTLs, t.Projections = found.constraints, found.ttls, found.projections
	if t.Engine == "Distributed" {
		t.Shards, err = shards(ctx, s, engineFull)
	}
	return err
}

// shards asks one replica of every shard of a Distributed table how the table there is defined. A server that won't say gives none.
func shards(ctx context.Context, s connectors.Session, engineFull string) ([]string, error) {
	args := firstList(tokens(engineFull))
	if len(args) < 3 {
		return nil, nil
	}
	var names [3]string
	for i, ts := range args[:3] {
		if names[i] = between(engineFull, ts); len(ts) == 1 && !quotedText(names[i]) {
			names[i] = "'" + names[i] + "'" // old servers print words
		}
	}
	rows, err := Rows(ctx, s, connectors.Statement{
		SQL: "SELECT DISTINCT engine_full FROM cluster(" + names[0] + ", 'system', 'tables')" +
			" WHERE database = " + names[1] + " AND name = " + names[2] + " ORDER BY engine_full",
		Settings: Pinned(s.Server().Abilities),
	})
	if errors.As(err, new(*connectors.DatabaseError)) {
		return nil, nil
	}
	var definitions []string
	for _, r := range rows {
		definitions = append(definitions, r[0].(string))
	}
	return definitions, err
}

func describeColumns(ctx context.Context, s connectors.Session, t *Target) error {
	rows, err := Catalog(ctx, s, connectors.Statement{
		SQL:      "SELECT name, type, default_kind FROM system.columns WHERE database = ? AND table = ?",
		Args:     []any{t.Database, t.Name},
		Settings: Pinned(s.Server().Abilities),
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

// Catalog asks a system table. Servers of 2018 look at every table of a database, or of all, for the answer, and fail when one of them, a stage of another run
// for instance, is dropped meanwhile, because it isn't there or because the file that described it isn't: that says nothing about ours, so they are
// asked again.
func Catalog(ctx context.Context, s connectors.Session, st connectors.Statement) (rows [][]any, err error) {
	const unknownTable, noFile, tries = 60, 107, 10
	for range tries {
		rows, err = Rows(ctx, s, st)
		answer := new(connectors.DatabaseError)
		if !errors.As(err, &answer) || answer.Code != unknownTable && answer.Code != noFile {
			break
		}
	}
	return rows, err
}

func hasUInt64(t *Target, name string) bool {
	c, ok := t.Column(name)
	return ok && c.Type.Plain().String() == "UInt64"
}

// definition is what stage and target must have alike for rows to be attached, and what else decides how a run is published.
func definition(t *Target) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s; settings %s", t.Engine, t.Keys, strings.Join(t.Settings, ", "))
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
