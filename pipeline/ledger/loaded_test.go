package ledger

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestTables: the tables are those of imports, each once, also when some runs named its database and others didn't.
func TestTables(t *testing.T) {
	l, ctx := fresh(t), limit(t)
	for i, target := range []string{"`seqt`", "`default`.`seqt`", "`other`.`seqt`", "`default`.`seqt`", "`a`"} {
		runs := staged(t, l, fmt.Sprint(i), fmt.Sprint(i))
		runs[0].Target, runs[0].Lineage, runs[0].Accepted = target, "[]", 10
		advance(t, l, runs, Publishing, Published, Settled)
	}
	export := newExport("stock")
	if err := l.BeginExport(ctx, &export, Exporting{Seq: 1}); err != nil {
		t.Fatal(err)
	}
	export.State, export.Status, export.Target, export.Accepted = Settled, Finished, "`cust`", 7 // as those of earlier versions are
	if err := l.SettleExport(ctx, export, Exporting{Seq: 1}, Deliveries{Seq: 1}); err != nil {
		t.Fatal(err)
	}
	tables, err := l.Tables(ctx, nil, time.Time{}, "default")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, table := range tables {
		var ids []uint64
		for run, err := range l.Loaded(ctx, table, nil, time.Time{}) {
			if err != nil {
				t.Fatal(err)
			}
			if ids = append(ids, run.ID); !table.Is(run.Target) {
				t.Errorf("%s isn't %s", run.Target, table.Target)
			}
		}
		if table.Is("`default`.`a`") != (table.Target == "`default`.`a`") {
			t.Errorf("%s may be `default`.`a`", table.Target)
		}
		got = append(got, fmt.Sprintf("%s %d %d %d %v", table.Target, table.First, table.Runs, table.Records, ids))
	}
	slices.Sort(got)
	if want := []string{"`default`.`a` 5 1 10 [5]", "`default`.`seqt` 1 3 30 [1 2 4]", "`other`.`seqt` 3 1 10 [3]"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
