// Package reconcile is the SQL between a run's stage and its target.
//
// Records go into a stage: a plain MergeTree table with the target's columns and keys and nothing else of it, so that no
// engine, TTL, deduplication window or constraint changes what was put in. There the rules of the target are judged, in SQL. Then one
// statement makes the rows visible, and the target itself tells what is there: each row carries the run and the record that it came
// from (its lineage), so after any wreck the rows of a run are counted, and the run is finished or taken back.
//
// What that is worth depends on the target's engine and on the server; Promise says it in words that check and the
// reports repeat. Functions here only build statements and read answers: the order in which they are sent, and what is written down before, is
// the pipeline's.
package reconcile

import (
	"strings"

	"chute/connectors"
	"chute/connectors/native"
)

// Lineage names the target's columns that say where a row came from. The zero value means: the target has none.
type Lineage struct {
	Run    string `json:"run,omitempty"`    // UInt64: the run's number in the ledger
	Record string `json:"record,omitempty"` // UInt64: the record's number in its file, from 1
}

// Known tells whether rows can be traced to their run.
func (l Lineage) Known() bool { return l.Run != "" && l.Record != "" }

// Method is how rows become visible.
type Method string

const (
	AttachAll       Method = "attach all"       // ATTACH PARTITION ALL FROM: one step for readers
	AttachPartition Method = "attach partition" // the same, partition by partition
	InsertSelect    Method = "insert select"    // an ordered INSERT … SELECT of what is missing
)

// Target is a table as its server describes it.
type Target struct {
	Database, Name string
	Engine         string // "MergeTree", "ReplacingMergeTree" …
	PartitionKey   string // expressions, as the server prints them; "" for none
	SortingKey     string
	PrimaryKey     string
	SamplingKey    string
	Columns        []Column
	Constraints    []Constraint
	Views          int // materialized views that see its inserts
	Lineage        Lineage
	Definition     string // all of the above that a stage must have alike; compared, never parsed
}

// Column is a column of the target.
type Column struct {
	Name    string
	Type    *native.Type
	Default bool // has a DEFAULT expression: may be left out without a question
}

// Table is the target's quoted name.
func (t *Target) Table() string { return native.Table(t.Database, t.Name) }

// Column finds a column by name.
func (t *Target) Column(name string) (Column, bool) {
	for _, c := range t.Columns {
		if c.Name == name {
			return c, true
		}
	}
	return Column{}, false
}

// MergeTree tells whether the target is of that family, so that parts can be attached to it.
func (t *Target) MergeTree() bool { return strings.HasSuffix(t.Engine, "MergeTree") }

// Replicated targets are refused for now: a part that one replica attached must be seen on the others before it counts.
func (t *Target) Replicated() bool { return strings.HasPrefix(t.Engine, "Replicated") }

// KeepsRows tells whether every inserted row can be counted until somebody deletes it.
func (t *Target) KeepsRows() bool { return t.Engine == "MergeTree" || t.Engine == "Distributed" }

// CountsRun tells whether the number of rows of a run in the target decides what happened to the run. Replacing keeps a run's rows
// or newer ones of the same key, so "some" still tells; Summing, Aggregating and Collapsing add rows up and lose whose they were.
func (t *Target) CountsRun() bool {
	return t.Lineage.Known() && (t.KeepsRows() || t.Engine == "ReplacingMergeTree")
}

// Method chooses how rows become visible on a server.
func (t *Target) Method(can connectors.Abilities) Method {
	switch {
	case t.Engine == "Distributed" || t.Views > 0 || !t.MergeTree():
		return InsertSelect
	case can.AttachAll:
		return AttachAll
	default:
		return AttachPartition
	}
}

// Promise says what exactly-once means for this target on this server, in words for operators.
func (t *Target) Promise(s connectors.Server) string {
	if t.Replicated() {
		return "refused: replicated tables aren't supported by this version"
	}
	once := "each record exactly once"
	if !t.CountsRun() {
		once = "each record exactly once, but when chute or the server dies while publishing, the run is interrupted for a person to decide"
	}
	visible := map[Method]string{
		AttachAll:       "all records visible in one step",
		AttachPartition: "records visible in one step per partition",
		InsertSelect:    "readers may see the first records before the last",
	}[t.Method(s.Abilities)]
	return once + "; " + visible + "; " + survival(s)
}

func survival(s connectors.Server) string {
	if s.Embedded || s.Abilities.FsyncSettings {
		return "survives kill -9 and power loss"
	}
	return "survives kill -9; this server can't sync inserts, so a power cut on its machine may lose the last ones"
}
