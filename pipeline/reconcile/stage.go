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

// Planned is the target that CreateTarget makes of a job, before it is made. database is the one that it goes to when the job names none.
func Planned(job *config.Job, types []*native.Type, database string, can connectors.Abilities) *Target {
	t := &Target{
		Database: database, Name: job.Target.Table.Table, Engine: "MergeTree", Keys: plannedKeys(job), Synced: can.FsyncSettings, LateDates: can.LateDates,
		Columns: plannedColumns(job, types),
	}
	if job.Target.Table.Database != "" {
		t.Database = job.Target.Table.Database
	}
	if job.Target.Lineage {
		t.Lineage = Lineage{Run: job.Target.RunColumn, Record: job.Target.RecordColumn}
	}
	t.Definition = definition(t)
	return t
}

// plannedColumns are the columns of a table that is made for a job: the job's own, and those that say where a row came from.
func plannedColumns(job *config.Job, types []*native.Type) []Column {
	var columns []Column
	for i, c := range job.TargetColumns() {
		columns = append(columns, Column{Name: c.Name, Type: types[i]})
	}
	target := job.Target
	if target.Lineage {
		number := &native.Type{Kind: native.UInt64}
		columns = append(columns, Column{Name: target.RunColumn, Type: number}, Column{Name: target.RecordColumn, Type: number})
	}
	if target.FileColumn != "" {
		columns = append(columns, Column{Name: target.FileColumn, Type: &native.Type{Kind: native.LowCardinality, Elems: []*native.Type{{Kind: native.String}}}})
	}
	if target.TimeColumn != "" {
		columns = append(columns, Column{Name: target.TimeColumn, Type: &native.Type{Kind: native.DateTime, Zone: "UTC"}})
	}
	return columns
}

func plannedKeys(job *config.Job) string {
	keys := "ORDER BY " + tuple(job.Target.OrderBy)
	if job.Target.PartitionBy != "" {
		keys = "PARTITION BY " + job.Target.PartitionBy + " " + keys
	}
	return keys
}

// CreateTarget is the statement that creates a job's table from its columns.
func CreateTarget(job *config.Job, types []*native.Type, can connectors.Abilities) connectors.Statement {
	target := job.Target
	var elements []string
	for _, c := range plannedColumns(job, types) {
		elements = append(elements, native.Identifier(c.Name)+" "+c.Type.String())
		if target.Lineage && c.Name == target.RecordColumn && can.SkipIndexes {
			elements = append(elements, "INDEX "+native.Identifier(target.RunColumn+"_index")+" "+native.Identifier(target.RunColumn)+" TYPE minmax GRANULARITY 1")
		}
	}
	sql := "CREATE TABLE IF NOT EXISTS " + quoted(target.Table) + " (" + strings.Join(elements, ", ") + ") ENGINE = MergeTree " + plannedKeys(job)
	return connectors.Statement{SQL: sql + tableSettings(can, false, nil), Settings: Pinned(can)}
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

// Rename is the statement that gives a stage another name, which is free.
func Rename(stage, name string) connectors.Statement {
	return connectors.Statement{SQL: "RENAME TABLE " + stage + " TO " + name}
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
