package pipeline

import (
	"strings"
	"testing"

	"chute/connectors"
)

// killPoints are the effects of a run in their order, with the state that a restart finds: the rows of the table in design.md, "Exactly once".
var killPoints = []struct{ effect, finds string }{
	{"claiming", "1 claiming, the file in its inbox"},
	{"rename", "2 claiming, the file in the work folder"},
	{"claim.json", "2 claiming, with claim.json"},
	{"claimed", "3 claimed"},
	{"create table", "3 claimed, the table made"},
	{"staging", "4 staging, without a stage"},
	{"stage", "4 staging, the stage empty"},
	{"insert", "5 staging, the stage in part"},
	{"commit", "5 staging, the stage whole"},
	{"sidecars", "6 staging, judged, sidecars written"},
	{"-publishing", "6 staging, stage synced"},
	{"publishing", "7 publishing"},
	{"attach", "8 publishing, rows (of the first partition) in the target"},
	{"-published", "8 publishing, all rows in the target, synced"},
	{"published", "9 published"},
	{"drop", "10 published, stage dropped"},
	{"move", "10 published, the first sidecar moved"},
	{"sync folders", "10 published, everything moved"},
	{"settled", "11 settled"},
}

// dropFour drops a good file, one with rejects, one that is rejected whole and one that is the first again.
func dropFour(w *world) {
	w.drop("a.csv", "id,amount,note\n1,1.10,x\n2,2.20,y\n3,3.30,x\n")
	w.drop("b.csv", "id,amount,note\n4,4.40,x\n5,bad,y\n6,6.60,\"z\nz\"\n")
	w.drop("c.csv", "nothing,of,this\n1,2,3\n")
	w.drop("d.csv", "id,amount,note\n1,1.10,x\n2,2.20,y\n3,3.30,x\n")
}

func wantFour(w *world) {
	w.t.Helper()
	w.wantSettled()
	w.wantRows("SELECT count(), sum(id), toInt64(sum(amount) * 100), uniqExact(note) FROM %t", "5 16 1760 3")
	w.wantFiles(
		"done/a.csv", "done/a.csv.log", "done/a.csv.report.json",
		"done/b.csv", "done/b.csv.log", "done/b.csv.report.json", "done/b.rejects.csv", "done/b.rejects.jsonl",
		"done/d.csv", "done/d.csv.log", "done/d.csv.report.json",
		"rejected/c.csv", "rejected/c.csv.log", "rejected/c.csv.report.json",
	)
}

// TestRestart kills the process behind every effect of a batch and goes on in a new process.
func TestRestart(t *testing.T) {
	for _, point := range killPoints {
		t.Run(strings.ReplaceAll(point.effect, " ", "_"), func(t *testing.T) {
			bothEngines(t, func(t *testing.T, w *world) {
				w.job(orders)
				dropFour(w)
				w.killedChild(point.effect, false)
				w.open()
				for _, v := range w.resumeAll() {
					if v.Outcome == connectors.Later && v.Run != 0 {
						t.Errorf("%s: %q waits: %v", point.finds, v.File.Name, v.Err)
					}
				}
				w.importAll() // what hadn't left the inbox
				wantFour(w)
			})
		})
	}
}
