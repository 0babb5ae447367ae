package pipeline

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"chute/connectors"
)

// logLines are the steps and the statements of a log, in its order.
func logLines(t *testing.T, log string) (steps, statements []string) {
	t.Helper()
	for line := range strings.Lines(log) {
		var l struct{ Message, Job, Step, SQL, Error string }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		switch {
		case l.Message == "step" && l.Job != "":
			steps = append(steps, l.Step)
		case l.Message == "statement" && l.Job != "":
			statements = append(statements, l.SQL)
		}
	}
	return steps, statements
}

// wantInOrder checks that some lines are there, one behind the other; each is known by its beginning.
func wantInOrder(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	at := 0
	for _, w := range want {
		i := slices.IndexFunc(got[at:], func(line string) bool { return strings.HasPrefix(line, w) })
		if i < 0 {
			t.Errorf("no %s %q behind the first %d of\n%s", what, w, at, strings.Join(got, "\n"))
			return
		}
		at += i + 1
	}
}

// TestTrace: each step and each statement of a run is logged, and nothing of a record. Without the key none is.
func TestTrace(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job("trace = true\n" + orders)
		im := w.open()
		var log bytes.Buffer
		im.Log = zerolog.New(&log)
		w.drop("a.csv", "id,amount,note\n1,10.5,secretvalue\n2,x,secretvalue\n3,1,y\n")
		wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
		steps, statements := logLines(t, log.String())
		wantInOrder(t, "step", steps, "claiming", "rename", "claimed", "staging", "stage", "insert", "commit", "sidecars", "publishing", "attach", "published", "drop", "move file", "settled")
		wantInOrder(t, "statement", statements, "CREATE TABLE", "INSERT INTO", "ALTER TABLE", "DROP TABLE")
		if strings.Contains(log.String(), "secretvalue") {
			t.Errorf("values are logged:\n%s", log.String())
		}
		im.Job.Trace = false
		log.Reset()
		w.drop("b.csv", "id,amount,note\n7,10.5,z\n")
		wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"b.csv": connectors.Done})
		if steps, statements := logLines(t, log.String()); len(steps)+len(statements) > 0 {
			t.Errorf("logged without being asked to: %q, %q", steps, statements)
		}
	})
}

// TestTraceExport is TestTrace of a delivery.
func TestTraceExport(t *testing.T) {
	w := newWorld(t, "clickhouse")
	w.exportJob("trace = true\nfilter = \"name != {cust:String}\"\nparameters = { cust = \"DE89'x\" }\n" + inOne.job)
	ex := w.openExport()
	w.exec(stock...)
	var log bytes.Buffer
	ex.Log = zerolog.New(&log)
	if _, err := ex.Export(w.ctx, Occasion{Due: firstDue}); err != nil {
		t.Fatal(err)
	}
	steps, statements := logLines(t, log.String())
	wantInOrder(t, "step", steps, "begin", "write", "companions", "report", "delivering", "move", "settled")
	wantInOrder(t, "statement", statements, "SELECT")
	report, err := os.ReadFile(filepath.Join(ex.RunsDir, "1", "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{log.String(), string(report)} {
		if strings.Contains(text, "bolt") || strings.Contains(text, "DE89") || !strings.Contains(text, "{cust:String}") {
			t.Errorf("values are told, or places aren't:\n%s", text)
		}
	}
}
