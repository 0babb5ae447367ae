package reconcile

import (
	"strings"

	"chute/config"
	"chute/connectors"
	"chute/connectors/native"
)

// CreateDatabase makes the database that a new table or the stages go to.
func CreateDatabase(name string) connectors.Statement {
	return connectors.Statement{SQL: "CREATE DATABASE IF NOT EXISTS " + native.Identifier(name)}
}

// CreateTarget is the statement that creates a job's table from its columns.
func CreateTarget(job *config.Job, types []*native.Type, can connectors.Abilities) connectors.Statement {
	target := job.Target
	var elements []string
	for i, c := range job.TargetColumns() {
		elements = append(elements, native.Identifier(c.Name)+" "+types[i].String())
	}
	if target.Lineage {
		elements = append(elements, native.Identifier(target.RunColumn)+" UInt64", native.Identifier(target.RecordColumn)+" UInt64")
		if can.SkipIndexes {
			elements = append(elements, "INDEX "+native.Identifier(target.RunColumn+"_index")+" "+native.Identifier(target.RunColumn)+" TYPE minmax GRANULARITY 1")
		}
	}
	if target.FileColumn != "" {
		elements = append(elements, native.Identifier(target.FileColumn)+" LowCardinality(String)")
	}
	if target.TimeColumn != "" {
		elements = append(elements, native.Identifier(target.TimeColumn)+" DateTime('UTC')")
	}
	sql := "CREATE TABLE IF NOT EXISTS " + quoted(target.Table) + " (" + strings.Join(elements, ", ") + ") ENGINE = MergeTree"
	if target.PartitionBy != "" {
		sql += " PARTITION BY " + target.PartitionBy
	}
	return connectors.Statement{SQL: sql + " ORDER BY " + tuple(target.OrderBy) + tableSettings(can, false, nil), Settings: Pinned(can)}
}

// CreateStage are the statements that make an empty stage like the target: its columns and, where parts are going to be attached,
// its keys, but none of its habits.
func CreateStage(stage string, t *Target, can connectors.Abilities) []connectors.Statement {
	keys, inherited := t.Keys, t.Settings
	if t.Method(can) == InsertSelect {
		keys, inherited = "ORDER BY tuple()", nil
		if t.Lineage.Known() {
			keys = "ORDER BY " + lineageKey(t) // as it is going to be read
		}
	}
	settings := permissive(can)
	statements := []connectors.Statement{{
		SQL:      "CREATE TABLE " + stage + " AS " + t.Table() + " ENGINE = MergeTree " + keys + tableSettings(can, true, inherited),
		Settings: settings,
	}}
	var changes []string
	for _, c := range t.Constraints { // a violated one would fail the whole INSERT: they are judged by Violations
		changes = append(changes, "DROP CONSTRAINT "+c.Name)
	}
	for _, column := range t.TTLs { // the rest of AS leaves the table's TTL out, but not those
		changes = append(changes, "MODIFY COLUMN "+column+" REMOVE TTL")
	}
	if len(changes) > 0 {
		statements = append(statements, connectors.Statement{SQL: "ALTER TABLE " + stage + " " + strings.Join(changes, ", "), Settings: settings})
	}
	return statements
}

// Drop is the statement that drops a stage, there or not. Never SYNC: it can hang in the embedded engine.
func Drop(stage string) connectors.Statement {
	return connectors.Statement{SQL: "DROP TABLE IF EXISTS " + stage}
}

func tuple(columns []string) string {
	if len(columns) == 0 {
		return "tuple()"
	}
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = native.Identifier(c)
	}
	return "(" + strings.Join(quoted, ", ") + ")"
}
