package reconcile

import (
	"strings"

	"chute/connectors"
	"chute/connectors/native"
)

// Target is a table as its server describes it.
type Target struct {
	Database, Name string
	Engine         string   // "MergeTree", "ReplacingMergeTree" …
	Keys           string   // PARTITION BY, PRIMARY KEY, ORDER BY and SAMPLE BY of a MergeTree, as the server prints them
	Settings       []string // MergeTree settings that a stage must have too, as "name = value"
	RowTTL         bool     // rows expire
	Synced         bool     // has the settings that sync its parts
	Columns        []Column // those that can be inserted
	TTLs           []string // columns whose values expire, quoted
	Constraints    []Constraint
	Projections    bool
	Views          int      // materialized views that see its inserts
	Shards         []string // Distributed: the definitions of the tables behind it; none when that can't be told
	Lineage        Lineage
	LateDates      bool   // its server's ability
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

// MergeTree tells whether the target is of that family.
func (t *Target) MergeTree() bool { return strings.HasSuffix(t.Engine, "MergeTree") }

// Refused says why nothing can be loaded into such a table, "" if it can. A part that one replica attached must be seen on the others
// before it counts, which this version doesn't do.
func (t *Target) Refused() string {
	switch {
	case strings.HasPrefix(t.Engine, "Replicated") || strings.HasPrefix(t.Engine, "Shared"):
		return "replicated tables aren't supported by this version"
	case strings.HasSuffix(t.Engine, "View"):
		return "a view can't be loaded; name the table behind it"
	case t.Engine == "Dictionary":
		return "a dictionary can't be loaded; name the table behind it"
	}
	return ""
}

// KeepsRows tells whether every inserted row can be counted until somebody deletes it.
func (t *Target) KeepsRows() bool {
	if t.Engine != "Distributed" {
		return t.Engine == "MergeTree" && !t.RowTTL
	}
	for _, definition := range t.Shards {
		if ts := tokens(definition); len(ts) == 0 || ts[0].text != "MergeTree" || parseStorage(definition).rowTTL {
			return false
		}
	}
	return len(t.Shards) > 0
}

// Irreplaceable says why the rows of a file can't leave for those of a newer one, "" if they can. They have to be told from others and to be deleted,
// and nothing may have been made of them: where the engine keeps one row of a key, a newer file's row may have gone for the one that is deleted then.
func (t *Target) Irreplaceable() string {
	switch {
	case !t.Lineage.Known():
		return "without lineage columns nobody can tell which rows came from the earlier file"
	case t.Engine != "MergeTree":
		return "the rows of one file can only be deleted safely from a plain MergeTree, and it is a " + t.Engine
	case t.Views > 0:
		return "its materialized views would keep what they made of the earlier file"
	}
	return ""
}

// thins tells whether rows may go by themselves, because they expired or newer ones of their key came, while those that stay are as they were.
func (t *Target) thins() bool {
	return t.Engine == "ReplacingMergeTree" || t.Engine == "MergeTree" && t.RowTTL
}

// CountsRun tells whether the target says what became of a run. Where rows thin out, all of a run's rows mean that it was published, and if
// some are missing they are taken out and published again, which comes to the same. Summing, Aggregating and Collapsing
// add rows up and lose whose they were.
func (t *Target) CountsRun() bool { return t.Lineage.Known() && (t.KeepsRows() || t.thins()) }

// Whole tells whether n rows of a run in a target that CountsRun mean that all of its wanted ones came in. Right after statements that went well fewer
// do, if rows thin out; n = 0 then says nothing either.
func (t *Target) Whole(n, wanted uint64, published bool) bool {
	return n == wanted || published && t.thins() && n < wanted
}

// Continues tells whether Attach goes on where an earlier try ended. Otherwise the rows of a run that is there in part have to be
// taken out first. In a table that thins out nobody knows which rows came.
func (t *Target) Continues(can connectors.Abilities) bool {
	return t.Method(can) == InsertSelect && t.KeepsRows()
}

// Method chooses how rows become visible on a server.
func (t *Target) Method(can connectors.Abilities) Method {
	switch {
	case !t.MergeTree() || t.Keys == "" || t.Views > 0:
		return InsertSelect
	case can.AttachAll:
		return AttachAll
	default:
		return AttachPartition
	}
}

// Ordered tells whether the order in which rows come to the stage decides what the target makes of them: which of two rows of a key stays,
// what is first and what is last. A plain MergeTree keeps all in the order of its key.
func (t *Target) Ordered(can connectors.Abilities) bool {
	if t.Method(can) == InsertSelect {
		return !t.Lineage.Known() // by which they are read again
	}
	return t.Engine != "MergeTree"
}

// Partitioned tells whether a stage of the target has partitions.
func (t *Target) Partitioned(can connectors.Abilities) bool {
	return t.Method(can) != InsertSelect && strings.HasPrefix(t.Keys, "PARTITION BY")
}
