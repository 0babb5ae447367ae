package pipeline

import (
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chute/connectors"
	"chute/pipeline/ledger"
)

// lines makes a file for the job orders, with bad amounts in the given records.
func lines(n int, bad ...int) string {
	var b strings.Builder
	b.WriteString("id,amount,note\n")
	for i := 1; i <= n; i++ {
		amount := "1.00"
		for _, j := range bad {
			if i == j {
				amount = "bad"
			}
		}
		fmt.Fprintf(&b, "%d,%s,x\n", i, amount)
	}
	return b.String()
}

func firstN(n int) (bad []int) {
	for i := range n {
		bad = append(bad, i+1)
	}
	return bad
}

func TestThresholds(t *testing.T) {
	for _, c := range []struct {
		name, errors, file string
		want               connectors.Outcome
		status             ledger.Status
		loaded             uint64
	}{
		{"any number is tolerated", "", lines(10, 1, 2, 3), connectors.Done, ledger.FinishedWithRejects, 7},
		{"as many as tolerated", "max_rejects = 2", lines(10, 1, 2), connectors.Done, ledger.FinishedWithRejects, 8},
		{"one more", "max_rejects = 2", lines(10, 1, 2, 10), connectors.Rejected, ledger.Rejected, 0},
		{"none", "max_rejects = 0", lines(10, 10), connectors.Rejected, ledger.Rejected, 0},
		{"percent reached", "max_reject_percent = 20", lines(10, 4, 5), connectors.Done, ledger.FinishedWithRejects, 8},
		{"percent exceeded", "max_reject_percent = 20", lines(10, 4, 5, 6), connectors.Rejected, ledger.Rejected, 0},
		{"first all bad", "", lines(200, firstN(100)...), connectors.Rejected, ledger.Rejected, 0},
		{"first all but one bad", "", lines(200, firstN(99)...), connectors.Done, ledger.FinishedWithRejects, 101},
		{"first five bad", "stop_if_first = 5", lines(20, firstN(5)...), connectors.Rejected, ledger.Rejected, 0},
		{"never stopped", "stop_if_first = 0", lines(200, firstN(150)...), connectors.Done, ledger.FinishedWithRejects, 50},
		{"all of a short file", "", lines(3, 1, 2, 3), connectors.Done, ledger.FinishedWithRejects, 0},
		{"no records", "", lines(0), connectors.Rejected, ledger.Rejected, 0},
		{"no bytes", "", "", connectors.Rejected, ledger.Rejected, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "chdb")
			w.job(strings.Replace(orders, "max_reject_percent = 50", c.errors, 1))
			w.open()
			w.drop("a.csv", c.file)
			wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": c.want})
			run, err := w.im.Ledger.Run(w.ctx, 1)
			if err != nil || run.Status != c.status || run.Accepted != c.loaded {
				t.Errorf("run is %s with %d loaded (%v), want %s with %d", run.Status, run.Accepted, err, c.status, c.loaded)
			}
			w.wantRows("SELECT count() FROM %t", fmt.Sprint(c.loaded))
			w.wantSettled()
		})
	}
}

// TestSparse: a file that claims to have terabytes costs its sender nothing. It is rejected without being read, and a small one that unpacks to
// too much is when that is found out.
func TestSparse(t *testing.T) {
	w := newWorld(t, "chdb")
	w.job(orders + "[format]\nmax_bytes = \"100kB\"\n")
	w.open()
	w.drop("a.csv", "id,amount,note\n")
	if err := os.Truncate(filepath.Join(w.Dir, "store/in/a.csv"), 8<<40); err != nil {
		t.Fatal(err)
	}
	w.drop("b.csv.gz", gzipped(t, lines(10_000)))
	w.drop("c.csv.gz", gzipped(t, lines(5_000)))
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{
		"a.csv": connectors.Rejected, "b.csv.gz": connectors.Rejected, "c.csv.gz": connectors.Done,
	})
	for id, hash := range map[uint64]int{1: 0, 2: 64, 3: 64} {
		if run, err := w.im.Ledger.Run(w.ctx, id); err != nil || len(run.SHA256) != hash {
			t.Errorf("run %d has the hash %q (%v)", id, run.SHA256, err)
		}
	}
	w.wantRows("SELECT count() FROM %t", "5000")
	w.wantSettled()
	report, err := os.ReadFile(filepath.Join(w.Dir, "store/rejected/a.csv.report.json"))
	if err != nil || !strings.Contains(string(report), `"code": "too_large"`) || strings.Contains(string(report), "sha256") {
		t.Errorf("report %s (%v)", report, err)
	}
}

func gzipped(t *testing.T, content string) string {
	t.Helper()
	var packed strings.Builder
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

// TestRedelivery drops a file again in each way, under each policy.
func TestRedelivery(t *testing.T) {
	first, other := "id,amount,note\n1,1.00,x\n", "id,amount,note\n2,2.00,y\n"
	for _, c := range []struct {
		name, policy, again, text string
		want                      ledger.Status
		rows                      string
	}{
		{"same", "", "a.csv", first, ledger.Skipped, "1"},
		{"same, load", `same = "load"`, "a.csv", first, ledger.Finished, "2"},
		{"changed", "", "a.csv", other, ledger.Finished, "2"},
		{"changed, skip", `changed = "skip"`, "a.csv", other, ledger.Skipped, "1"},
		{"renamed", "", "b.csv", first, ledger.Skipped, "1"},
		{"renamed, load", `renamed = "load"`, "b.csv", first, ledger.Finished, "2"},
		{"new", "", "b.csv", other, ledger.Finished, "2"},
		{"returned rejects", `changed = "skip"`, "a.rejects.csv", other, ledger.Finished, "2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "chdb")
			w.job(orders + "[redelivery]\n" + c.policy + "\n")
			w.open()
			w.drop("a.csv", first)
			w.importAll()
			w.drop(c.again, c.text)
			wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{c.again: connectors.Done})
			run, err := w.im.Ledger.Run(w.ctx, 2)
			if err != nil || run.Status != c.want {
				t.Errorf("run is %s (%v), want %s", run.Status, err, c.want)
			}
			if (c.want == ledger.Skipped) != (run.SameAs == 1) {
				t.Errorf("same as run %d", run.SameAs)
			}
			w.wantRows("SELECT count() FROM %t", c.rows)
			w.wantSettled()
		})
	}
}

// TestRedeliveryOfRejected: only what was loaded counts as delivered.
func TestRedeliveryOfRejected(t *testing.T) {
	w := newWorld(t, "chdb")
	w.job(strings.Replace(orders, "max_reject_percent = 50", "max_rejects = 0", 1))
	w.open()
	for range 2 {
		w.drop("a.csv", lines(3, 2))
		wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Rejected})
	}
	w.wantFiles(
		"rejected/a.csv", "rejected/a.csv.log", "rejected/a.csv.report.json", "rejected/a.rejects.jsonl",
		"rejected/a.2.csv", "rejected/a.2.csv.log", "rejected/a.2.csv.report.json", "rejected/a.rejects-2.jsonl",
	)
}

// TestRejectsComeBack mends the reject file and drops it; unmended it gives the same rejects again.
func TestRejectsComeBack(t *testing.T) {
	w := newWorld(t, "chdb")
	w.job("[errors]\nmax_rejects = \"any\"\n" + strings.Replace(orders, "[errors]\nmax_reject_percent = 50\n", "", 1))
	w.open()
	w.drop("a.csv", lines(10, 3, 7))
	w.importAll()
	rejects, err := os.ReadFile(filepath.Join(w.Dir, "store/done/a.rejects.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "id,amount,note\n3,bad,x\n7,bad,x\n"; string(rejects) != want {
		t.Fatalf("rejects are %q, want %q", rejects, want)
	}

	w.drop("a.rejects.csv", string(rejects))
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.rejects.csv": connectors.Done})
	again, err := os.ReadFile(filepath.Join(w.Dir, "store/done/a.rejects-2.csv"))
	if err != nil || string(again) != string(rejects) {
		t.Errorf("unmended they come back as %q (%v), want %q; files %q", again, err, rejects, w.tree())
	}

	w.drop("a.rejects.csv", strings.ReplaceAll(string(rejects), "bad", "7.50"))
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.rejects.csv": connectors.Done})
	w.wantRows("SELECT count(), sum(id) FROM %t", "10 55")
	w.wantSettled()
}

// TestIdentityPerTable: what was loaded into a table for tests isn't loaded yet.
func TestIdentityPerTable(t *testing.T) {
	w := newWorld(t, "chdb")
	w.job(orders)
	w.open()
	w.drop("a.csv", lines(3))
	real := w.im.Job.Target.Table
	w.im.Job.Target.Table.Table = "trial"
	w.importAll()
	w.im.Job.Target.Table = real
	w.drop("a.csv", lines(3))
	w.importAll()
	w.wantRows("SELECT count() FROM %t", "3")
	w.drop("a.csv", lines(3))
	w.importAll()
	w.wantRows("SELECT count() FROM %t", "3")
	w.wantSettled()
}

// TestOrigin: a job may have the file's name and the run's time in columns of its table.
func TestOrigin(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job(strings.Replace(orders, "create = true", "create = true\nfile_column = \"_chute_file\"\ntime_column = \"_chute_time\"", 1))
		w.open()
		w.drop("a b.csv", lines(3))
		w.drop("c.csv", lines(4))
		w.importAll()
		w.wantRows("SELECT _chute_file, count(), uniqExact(_chute_time), max(_chute_time) > now() - 600, max(_chute_time) <= now() FROM %t GROUP BY _chute_file ORDER BY _chute_file",
			"a b.csv 3 1 1 1", "c.csv 4 1 1 1")
		w.wantSettled()
	})
}
