package pipeline

import (
	"errors"
	"strings"
	"testing"

	"chute/connectors"
	"chute/connectors/connectortest"
	"chute/pipeline/reconcile"
)

// TestFailover has two servers and loses the first one in the middle of a run. A run that has published nothing goes over to the other; one that
// may have waits for the server that knows; one that has is brought to its end. The stage that the first still has is swept up when it is back.
func TestFailover(t *testing.T) {
	first := connectortest.StartServer(t)
	for _, c := range []struct {
		killed string
		waits  bool
		first  string // rows there at the end
		long   bool   // left to the long run: the middle of inserting and of publishing
	}{
		{"insert", false, "20", true}, {"commit", false, "20", false}, {"publishing", true, "50", false}, {"attach", true, "50", true}, {"published", false, "50", false},
	} {
		if c.long && testing.Short() {
			continue
		}
		t.Run(c.killed, func(t *testing.T) {
			w := newWorld(t, "clickhouse")
			w.Address = []string{first.Address, server.Address}
			w.job(orders)
			w.drop("a.csv", lines(30))
			w.killedChild(c.killed, false)
			first.Kill()
			w.open()
			v := w.resumeAll()
			if c.waits {
				if len(v) != 1 || v[0].Outcome != connectors.Later || v[0].Stuck || !errors.Is(v[0].Err, connectors.ErrUnavailable) {
					t.Errorf("verdicts %+v, want one that waits for its server", v)
				}
			} else {
				wantOutcomes(t, v, map[string]connectors.Outcome{"a.csv": connectors.Done})
			}
			if !c.waits && c.killed != "published" {
				w.wantOn(server.Address, "SELECT toString(count()) FROM %t", "30")
			}
			if err := first.Start(); err != nil {
				t.Fatal(err)
			}
			w.resumeAll()
			w.drop("b.csv", lines(20))
			wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"b.csv": connectors.Done})
			w.wantOn(first.Address, "SELECT toString(count()) FROM %t", c.first)
			w.wantSettled() // on the first
			w.wantFiles("done/a.csv", "done/a.csv.log", "done/a.csv.report.json", "done/b.csv", "done/b.csv.log", "done/b.csv.report.json")
		})
	}
}

// wantOn is wantRows for one value on one server.
func (w *world) wantOn(address, sql, want string) {
	w.t.Helper()
	session, err := w.db.Session(w.ctx, address)
	if err != nil {
		w.t.Fatal(err)
	}
	rows, err := reconcile.Rows(w.ctx, session, connectors.Statement{SQL: strings.ReplaceAll(sql, "%t", w.Database+".t")})
	if err != nil || len(rows) != 1 || rows[0][0] != want {
		w.t.Errorf("%s on %s: %v (%v), want %s", sql, address, rows, err, want)
	}
}
