package reconcile

import (
	"fmt"
	"strings"

	"chute/config"
	"chute/connectors"
	"chute/connectors/native"
)

// Pinned are the settings that every statement of a run relies on, as far as the server knows them. Values that a server has for
// its users (asynchronous inserts, say) must not change what a run means.
func Pinned(can connectors.Abilities) map[string]string {
	settings := map[string]string{}
	for name, value := range map[string]string{
		"async_insert":                            "0",
		"optimize_on_insert":                      "0", // engines like Replacing must not collapse what is being counted
		"insert_deduplicate":                      "0",
		"max_partitions_per_insert_block":         "0", // a year of daily partitions is no mistake
		"mutations_sync":                          "2",
		"lightweight_deletes_sync":                "2",
		"insert_distributed_sync":                 "1",
		"allow_experimental_low_cardinality_type": "1", // servers of 2018 ask for it
	} {
		if can.Settings[name] {
			settings[name] = value
		}
	}
	return settings
}

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
	sql := "CREATE TABLE IF NOT EXISTS " + quoted(target.Table) + " (" + strings.Join(elements, ", ") + ") ENGINE = MergeTree"
	if target.PartitionBy != "" {
		sql += " PARTITION BY " + target.PartitionBy
	}
	return connectors.Statement{SQL: sql + " ORDER BY " + tuple(target.OrderBy) + tableSettings(can, false), Settings: Pinned(can)}
}

// CreateStage is the statement that makes an empty stage like the target: its columns and keys, none of its habits.
func CreateStage(stage string, t *Target, can connectors.Abilities) []connectors.Statement {
	sql := "CREATE TABLE " + stage + " AS " + t.Table() + " ENGINE = MergeTree"
	if !t.MergeTree() {
		return []connectors.Statement{{SQL: sql + " ORDER BY tuple()" + tableSettings(can, true), Settings: Pinned(can)}}
	}
	if t.PartitionKey != "" {
		sql += " PARTITION BY " + expression(t.PartitionKey)
	}
	sql += " ORDER BY " + expression(t.SortingKey)
	if t.PrimaryKey != t.SortingKey {
		sql += " PRIMARY KEY " + expression(t.PrimaryKey)
	}
	if t.SamplingKey != "" {
		sql += " SAMPLE BY " + t.SamplingKey
	}
	statements := []connectors.Statement{{SQL: sql + tableSettings(can, true), Settings: Pinned(can)}}
	for _, c := range t.Constraints { // a violated one would fail the whole INSERT: they are judged by Violations
		statements = append(statements, connectors.Statement{SQL: "ALTER TABLE " + stage + " DROP CONSTRAINT " + c.Name})
	}
	return statements
}

// Drop is the statement that drops a stage, there or not. Never SYNC: it can hang in the embedded engine.
func Drop(stage string) connectors.Statement {
	return connectors.Statement{SQL: "DROP TABLE IF EXISTS " + stage}
}

// expression puts a key, which servers print without its parentheses when it has several parts, back in a form they read. One
// part stays bare: keys are compared as they are written, and id isn't (id).
func expression(key string) string {
	switch {
	case key == "" || key == "tuple()":
		return "tuple()"
	case topLevel(key, 0, ',') >= 0:
		return "(" + key + ")"
	}
	return key
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

// tableSettings are MergeTree settings for tables that chute creates: synced to disk, and for stages nothing that drops or delays rows.
func tableSettings(can connectors.Abilities, stage bool) string {
	var settings []string
	add := func(name, value string) {
		if can.MergeTreeSettings[name] {
			settings = append(settings, fmt.Sprintf("%s = %s", name, value))
		}
	}
	if can.FsyncSettings {
		add("fsync_after_insert", "1")
		add("fsync_part_directory", "1")
	}
	if stage {
		add("non_replicated_deduplication_window", "0")
		add("parts_to_delay_insert", "100000")
		add("parts_to_throw_insert", "100000")
		add("max_bytes_to_merge_at_max_space_in_pool", "1") // a stage lives for seconds: merging it is wasted work
	}
	if len(settings) == 0 {
		return ""
	}
	return " SETTINGS " + strings.Join(settings, ", ")
}
