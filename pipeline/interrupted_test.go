package pipeline

import (
	"database/sql"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"chute/connectors"
)

// TestInterrupted decides about interrupted runs with the statements that the README gives to operators: the first where the records came in,
// the second where they didn't.
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
			w.decide(v[0].Run, i == 0)
			wantOutcomes(t, w.resumeAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
			w.wantRows("SELECT count() FROM %t", "20")
			w.wantSettled()
		})
	}
}

// decide does what the README tells operators to do about a run that was interrupted, and starts again.
func (w *world) decide(run uint64, loaded bool) {
	w.t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		w.t.Fatal(err)
	}
	statements := regexp.MustCompile(`sqlite3 \S+ "(UPDATE [^"]+)"`).FindAllSubmatch(readme, -1)
	if len(statements) != 2 {
		w.t.Fatalf("the README has %d statements", len(statements))
	}
	which := map[bool]int{true: 0, false: 1}[loaded]
	w.close()
	w.updateLedger(strings.ReplaceAll(string(statements[which][1]), "= N)", "= "+strconv.FormatUint(run, 10)+")"))
	w.open()
}

// updateLedger does what an operator does with the sqlite3 shell.
func (w *world) updateLedger(statement string) {
	w.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(w.Dir, "state", "ledger.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	result, err := db.ExecContext(w.ctx, statement)
	if err != nil {
		w.t.Fatal(err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		w.t.Fatalf("%s changed %d runs (%v)", statement, n, err)
	}
}
