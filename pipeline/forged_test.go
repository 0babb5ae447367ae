package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"chute/config"
	"chute/connectors/connectortest"
	"chute/pipeline/ledger"
	"chute/pipeline/reconcile"
	"chute/pipeline/report"
)

// TestForgedNumbers: folders that a partner makes in the work folder on its own server, and claims in them, shift the numbers of runs by no more than a restored backup does,
// stop nothing, and stay as they are.
func TestForgedNumbers(t *testing.T) {
	l, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Begin(t.Context(), make([]ledger.Run, 4)); err != nil {
		t.Fatal(err)
	}
	own := ".chute/" + l.ID() + "/"
	for forged, want := range map[string]uint64{
		"9223372036854775807": 0, "18446744073709551615": 0, "99999999999999999999999": 0, "999999999998": 0, "1000000000000": 0, "5000000000": 0,
		"0": 0, "007": 0, "+7": 0, "7": 7, "5000": 5000,
	} {
		t.Run(forged, func(t *testing.T) {
			store := connectortest.NewMemory(".chute")
			store.Put(own+forged+"/a.csv", []byte("id\n1\n"))
			store.Put(own+forged+"/"+claimFile, fmt.Appendf(nil, `{"runs":[{"run":9223372036854775807},{"run":999999999999},{"run":%d}]}`, want))
			im := &Importer{Job: &config.Job{Store: "globex"}, Store: store, Work: ".chute", Ledger: l, Log: zerolog.Nop()}
			var ignored []string
			n := &Numbers{Ledger: l, Database: tableless{}, Importers: []*Importer{im}, Ignored: func(store, folder string) { ignored = append(ignored, store+" "+folder) }}
			if found, err := n.Highest(t.Context()); err != nil || found != want {
				t.Errorf("the highest is %d (%v), want %d", found, err, want)
			}
			if said := slices.Contains(ignored, "globex "+own+forged); said != (want == 0 && forged != "+7") {
				t.Errorf("ignored: %q", ignored)
			}
			if err := im.Sweep(t.Context()); err != nil {
				t.Error(err)
			}
			if f, err := store.Open(t.Context(), own+forged+"/a.csv"); err != nil {
				t.Error(err)
			} else if err := f.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestForgedClaims: a partner writes into the work folder on its own server, for a file of its own, a claim and a report with the number of a run that is another file's. No row of that run
// leaves, and nothing is touched, unless chute's own staging table says that the run was broken off, in a table that only this store's jobs load into.
func TestForgedClaims(t *testing.T) {
	w := newWorld(t, "chdb")
	w.job(orders)
	w.open()
	w.load("a.csv", lines(3))
	w.close()
	old := w.loseLedger()
	w.open()
	table := w.im.Job.Target.Table
	forge := func(batch uint64, c claim) {
		t.Helper()
		folder := filepath.Join(w.Dir, "store", ".chute", old, fmt.Sprint(batch))
		r := report.Partner{Schema: 1, Run: c.Runs[0].Run, Result: report.Loaded}
		r.Counts.Success = 5
		for name, content := range map[string]any{claimFile: c, fmt.Sprintf("out/%d.report.json", r.Run): r, "x.csv": "x"} {
			text, err := json.Marshal(content)
			if err == nil {
				err = errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o700), os.WriteFile(filepath.Join(folder, name), text, 0o600))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	run := func(n uint64, job string) []claimed {
		return []claimed{{Run: n, Job: job, Inbox: "in", Name: []byte("x.csv")}}
	}
	lineage := lineageOf(w.im.Job)
	honest := claim{Ledger: old, Table: table.String(), Lineage: &lineage, Runs: run(1, "orders")}
	shared := []config.TableName{{Database: "elsewhere", Table: table.Table}}
	for _, c := range []struct {
		attack    string
		of        claim
		batch     uint64
		elsewhere []config.TableName
		stage     bool
		want      string // why nothing is done; "": the rows leave
	}{
		{"another partner's table", claim{Table: table.Database + ".t_acme", Lineage: honest.Lineage, Runs: honest.Runs}, 1, nil, true, "names another table than"},
		{"another column's rows", claim{Table: honest.Table, Lineage: &reconcile.Lineage{Run: "id", Record: "amount"}, Runs: honest.Runs}, 1, nil, true, "other columns"},
		{"another store's job", claim{Table: honest.Table, Lineage: honest.Lineage, Runs: run(1, "acme")}, 1, nil, true, "isn't configured here with this store"},
		{"an earlier run", honest, 2, nil, true, "can't be one of batch 2"},
		{"a run far away", claim{Runs: run(5_000_000, "orders")}, 1, nil, true, "can't be one of batch 1"},
		{"one number twice", claim{Runs: append(run(1, "orders"), run(1, "orders")...)}, 1, nil, true, "can't be one of batch 1"},
		{"a table of several stores", honest, 1, shared, true, "jobs of other stores load into the table too"},
		{"a run that is through", honest, 1, nil, false, "no staging table is left"},
		{"none: the run was broken off", honest, 1, nil, true, ""},
	} {
		forge(c.batch, c.of)
		if c.stage {
			w.exec("CREATE TABLE IF NOT EXISTS %d.chute_stage_" + old + "_1 (x UInt8) ENGINE = MergeTree ORDER BY x")
		} else {
			w.exec("DROP TABLE IF EXISTS %d.chute_stage_" + old + "_1")
		}
		before := w.tree()
		o := w.orphans(old)
		o.Base.Store, o.Elsewhere = &farFolder{Folder: w.im.Store}, c.elsewhere
		err := o.Decide(w.ctx, func(f Fate) {
			if want := (map[bool]Ending{true: EndedReturned, false: EndedOpen})[c.want == ""]; f.Ending != want || !strings.Contains(f.Why, c.want) {
				t.Errorf("%s: %+v", c.attack, f)
			}
		})
		if after := w.tree(); err != nil || c.want != "" && !slices.Equal(before, after) {
			t.Errorf("%s: it was touched (%v):\n%q\n%q", c.attack, err, before, after)
		}
		w.wantRows("SELECT count() FROM %t", map[bool]string{true: "0", false: "3"}[c.want == ""])
		if err := os.RemoveAll(filepath.Join(w.Dir, "store", ".chute", old, fmt.Sprint(c.batch))); err != nil {
			t.Fatal(err)
		}
	}
	// A number that the ledger at hand has given is its own file's, whatever a claim in a folder that it doesn't know says.
	begun := make([]ledger.Run, 2)
	if err := w.im.Ledger.Begin(w.ctx, begun); err != nil {
		t.Fatal(err)
	}
	o := w.orphans(w.im.Ledger.ID())
	why, err := o.doubt(w.ctx, &orphanFolder{batch: 2, claim: &claim{Runs: run(begun[1].ID, "orders")}})
	if err != nil || !strings.Contains(why, "knows as another file's") {
		t.Errorf("%q, %v", why, err)
	}
}
