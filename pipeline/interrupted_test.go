package pipeline

import (
	"errors"
	"slices"
	"testing"

	"chute/connectors"
	"chute/pipeline/ledger"
)

// TestInterrupted decides about interrupted runs as `chute retry` does: --loaded where the records came in, --not-loaded where they didn't. Before that nothing is sent.
func TestInterrupted(t *testing.T) {
	for i, killed := range []string{"attach", "-attach"} {
		t.Run(killed, func(t *testing.T) {
			w := newWorld(t, "chdb")
			w.job(plain + "lineage = false\n")
			w.open()
			w.exec("CREATE DATABASE %d", "CREATE TABLE %t (id UInt64, day Date, note String) ENGINE = MergeTree ORDER BY id")
			w.close()
			w.drop("a.csv", manyDays(20))
			w.killedChild(killed, false)
			w.open()
			v := w.resumeAll()
			if len(v) != 1 || !v[0].Stuck {
				t.Fatalf("verdicts %+v, want one that is stuck", v)
			}
			if err := w.im.Ledger.Continue(w.ctx, v[0].Run); !errors.Is(err, ledger.ErrNotWaiting) {
				t.Errorf("it goes on without a decision: %v", err)
			}
			if ids, err := w.im.Ledger.Decide(w.ctx, v[0].Run, i == 0); err != nil || !slices.Equal(ids, []uint64{v[0].Run}) {
				t.Errorf("decided about %v (%v)", ids, err)
			}
			wantOutcomes(t, w.resumeAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
			w.wantRows("SELECT count() FROM %t", "20")
			w.wantSettled()
		})
	}
}
