package pipeline

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chute/connectors"
)

// TestInboxChanged: a file that was taken out of an inbox ends beside that one, though its job has another by now, which may be another partner's. Folders that the job names stay what they are.
// A claim that broke off is brought to its end where it was begun: the other inbox needn't be there.
func TestInboxChanged(t *testing.T) {
	for _, c := range []struct{ name, keys, failing, ends string }{
		{"default", "", "stage", "done/a.csv"}, {"named", "done = \"all\"\n", "stage", "all/a.csv"}, {"claiming", "", "claim.json", "done/a.csv"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "chdb")
			w.job(strings.Replace(orders, "[target]", c.keys+"[target]", 1))
			w.open()
			w.drop("a.csv", lines(3))
			w.failOnce(c.failing, true)
			wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Later})
			w.close()
			text, err := os.ReadFile(filepath.Join(w.Dir, "jobs.d/orders.toml"))
			if err != nil {
				t.Fatal(err)
			}
			w.write("jobs.d/orders.toml", strings.Replace(string(text), `"in"`, `"other/in"`, 1))
			w.open()
			wantOutcomes(t, w.resumeAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
			w.wantFiles(c.ends, c.ends+".log", c.ends+".report.json")
			w.wantSettled()
		})
	}
}
