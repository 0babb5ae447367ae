package reconcile

import (
	"fmt"
	"strings"

	"chute/connectors"
	"chute/connectors/native"
)

// Advice is something about a table that keeps a job's files from being loaded into it, or that could be better.
type Advice struct {
	Code       string   // stable, for programs
	Text       string   // what is the matter, for operators
	Mend       string   // what to do about it, where no statement does it
	Statements []string // SQL that mends it
	Blocks     bool     // nothing can be loaded until it is mended
}

// Advise says what a job that wants the lineage would better have otherwise about the table itself. What is right needs no word: see Promise.
func (t *Target) Advise(want Lineage, s connectors.Server) []Advice {
	if why := t.Refused(); why != "" {
		return []Advice{{Code: "table_refused", Text: fmt.Sprintf("it is a %s: %s", t.Engine, why), Blocks: true}}
	}
	var advice []Advice
	if want.Known() && !t.Lineage.Known() {
		advice = append(advice, t.withoutLineage(want, s.Abilities))
	}
	if s.Abilities.FsyncSettings && !s.Embedded && t.MergeTree() && !t.Synced {
		advice = append(advice, Advice{
			Code: "table_not_synced", Text: "it isn't synced to disk: a power cut on its server may lose what was loaded last",
			Statements: []string{"ALTER TABLE " + t.Table() + " MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1"},
		})
	}
	return advice
}

// withoutLineage says how a table gets the columns that tell where a row came from.
func (t *Target) withoutLineage(want Lineage, can connectors.Abilities) Advice {
	var add, wrong []string
	for _, name := range []string{want.Run, want.Record} {
		have, ok := t.Column(name)
		switch {
		case !ok:
			add = append(add, "ADD COLUMN "+native.Identifier(name)+" UInt64")
		case !hasUInt64(t, name):
			wrong = append(wrong, fmt.Sprintf("%s is of type %s", native.Identifier(name), have.Type))
		}
	}
	a := Advice{
		Code: "table_without_lineage", Blocks: true,
		Text: fmt.Sprintf("it has no columns %s and %s (UInt64), which tell where a row came from", native.Identifier(want.Run), native.Identifier(want.Record)),
	}
	if len(wrong) > 0 {
		a.Text += ": " + strings.Join(wrong, ", ")
		a.Mend = "name other columns with target.run_column and target.record_column, or set target.lineage = false"
		return a
	}
	a.Mend = "give it these columns, or set target.lineage = false"
	if !t.MergeTree() && t.Engine != "Distributed" {
		a.Mend = fmt.Sprintf("set target.lineage = false: a table of the engine %s can't be given columns", t.Engine)
		return a
	}
	a.Statements = []string{"ALTER TABLE " + t.Table() + " " + strings.Join(add, ", ")}
	if can.SkipIndexes && t.MergeTree() {
		run := native.Identifier(want.Run)
		a.Statements = append(a.Statements, "ALTER TABLE "+t.Table()+" ADD INDEX "+native.Identifier(want.Run+"_index")+" "+run+" TYPE minmax GRANULARITY 1")
	}
	return a
}
