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
