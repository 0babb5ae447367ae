package pipeline

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
)

var wholeTable = flag.Bool("whole", false, "run the whole fault table, not a selection of its cells")

// faultStep is an effect of a run, and how a run comes to it.
type faultStep struct {
	effect string
	finds  string // what is there when the process has ended behind it
	way    *way
}

// faultSteps are all effects there are, in their order.
var faultSteps = []faultStep{
	{"claiming", "claiming, the file in its inbox", onward},
	{"rename", "claiming, the file in the work folder", onward},
	{"give back", "claiming, the file in its inbox again", changed},
	{"sync back", "the same", changed},
	{"claim.json", "claiming, claim.json beside the file", onward},
	{"sync claim", "the same", onward},
	{"claimed", "claimed", onward},
	{"fetch", "claimed, the file copied from its server", far},
	{"create table", "claimed, the table made", onward},
	{"staging", "staging, without a stage", onward},
	{"stage", "staging, the stage empty", onward},
	{"insert", "staging, the stage in part", onward},
	{"commit", "staging, the stage whole", onward},
	{"sidecars", "staging, judged, sidecars written", onward},
	{"sync stage", "the same", onward},
	{"publishing", "publishing", onward},
	{"renaming", "publishing, the stage's next name written down", resumed},
	{"fresh stage", "publishing, the stage under its next name", resumed},
	{"take out", "publishing, what a broken try had attached taken out", inPart},
	{"withdrawn", "claimed, to be staged again", stageGone},
	{"trying", "interrupted, nothing attached", untold},
	{"attach", "publishing, rows (on old servers of the first partition) in the target", onward},
	{"sync target", "publishing, all rows in the target", onward},
	{"published", "published", onward},
	{"replace", "published, the old rows gone", newer},
	{"sync replaced", "the same", newer},
	{"replaced", "published, replaced", newer},
	{"drop", "published, the stage dropped", onward},
	{"move", "published, the first sidecar moved", onward},
	{"new name", "published, another name chosen for a sidecar", nameTaken},
	{"move file", "published, the file moved", onward},
	{"take left", "published, a file that stayed in its inbox in the work folder", left},
	{"delete", "published, that file deleted", left},
	{"put away", "published, that file under its final name", leftToMove},
	{"move left", "the same", leftNear},
	{"other left", "published, it is known that the file in the work folder is another one", leftOther},
	{"put back", "published, the other file in the inbox", leftOther},
	{"sync folders", "published, everything moved", onward},
	{"settled", "settled", onward},
}

// fault is what happens at a step: an error or the death of the process, before the effect or behind it.
type fault struct {
	name         string
	kill, before bool
}

var faults = []fault{
	{"error before", false, true}, {"error after", false, false}, {"kill before", true, true}, {"kill after", true, false},
}

// faultTarget is a kind of table that the promise speaks of. One without a definition is made by the job.
type faultTarget struct {
	name, create string
	blind        bool // it can't tell what became of a run
	embedded     bool // servers of 2018 don't have it
	bare         bool // without columns of lineage
	parts        bool // has partitions, and what is there in part is taken out
	deletes      bool // rows of one file can be deleted
}

var faultTargets = []faultTarget{
	{name: "made by the job", parts: true, deletes: true},
	{name: "MergeTree", create: "ENGINE = MergeTree ORDER BY id", deletes: true},
	{name: "MergeTree with a TTL", create: "ENGINE = MergeTree PARTITION BY id % 3 ORDER BY id TTL toDate('2100-01-01') + toIntervalDay(id)", embedded: true,
		parts: true, deletes: true},
	{name: "ReplacingMergeTree", create: "ENGINE = ReplacingMergeTree PARTITION BY id % 3 ORDER BY id", parts: true},
	{name: "SummingMergeTree", create: "ENGINE = SummingMergeTree(amount) ORDER BY id", blind: true},
	{name: "AggregatingMergeTree", create: "ENGINE = AggregatingMergeTree ORDER BY id", blind: true},
	{name: "CollapsingMergeTree", create: "ENGINE = CollapsingMergeTree(sign) ORDER BY id", blind: true},
	{name: "materialized view", create: "ENGINE = MergeTree ORDER BY id"},
	{name: "Log", create: "ENGINE = Log", blind: true},
	{name: "without lineage", create: "ENGINE = MergeTree ORDER BY id", blind: true, bare: true},
}

// faultCell is one cell of the table.
type faultCell struct {
	engine string
	step   faultStep
	target faultTarget
	fault  fault
	batch  bool
	sftp   bool // the store is behind a real sshd
}

func (c faultCell) name() string {
	name := fmt.Sprintf("engine=%s/target=%s/step=%s/fault=%s/files=%s", c.engine, c.target.name, c.step.effect, c.fault.name,
		map[bool]string{true: "batch", false: "single"}[c.batch])
	if c.sftp {
		name += "/store=sftp"
	}
	return strings.ReplaceAll(name, " ", "_")
}

// possible: not every table meets every effect, and not every server has every kind.
func (c faultCell) possible() bool {
	return (c.step.effect != "create table" || c.target.create == "") && (c.engine == "chdb" || !c.target.embedded) && c.step.way.fits(c.target)
}

// interrupted is the promise: a target that can't tell, and a fault between the moment before publishing and the record of it.
func interrupted(effect string, f fault, blind bool) bool {
	switch effect {
	case "attach", "sync target":
		return blind
	case "trying":
		return blind && f.kill && !f.before
	case "published":
		return blind && f.before
	}
	return false
}

// faultCells are all cells, or a selection that has every step with one error and one death, and lets engines, kinds of target, single files and
// batches take turns. With -short it has one error of each step, mostly on the server, which is there already.
func faultCells(whole, short bool) (cells []faultCell) {
	for s, step := range faultSteps {
		for f, fault := range faults {
			for e, engine := range []string{"chdb", "clickhouse"} {
				if !whole && !short && ((s+f)%2 != 0 || (s+s/2+f/2+e)%2 != 0) {
					continue
				}
				if !whole && short && (fault.kill || f != s/4%2 || (e == 0) != (s%4 == 0)) {
					continue
				}
				cells = append(cells, cellsOf(faultCell{engine: engine, step: step, fault: fault}, whole, 8*s+2*f+e, (s/2+f+e)%2 == 0)...)
			}
		}
	}
	return cells
}

// cellsOf are the cells of one step, fault and engine: all, or that of the turn.
func cellsOf(c faultCell, whole bool, turn int, batch bool) (cells []faultCell) {
	for _, c.target = range faultTargets {
		for _, c.batch = range []bool{false, true} {
			if c.possible() && (whole || c.batch == batch) {
				cells = append(cells, c)
			}
		}
	}
	if whole {
		return cells
	}
	return cells[turn%len(cells):][:1]
}

// TestFaultTable makes each step of a run fail or kills the process there, mends it, starts again, and looks at the whole world: it is as if
// nothing had happened, or, where the table can't tell, as the README's fault table says.
func TestFaultTable(t *testing.T) {
	cells := faultCells(*wholeTable, testing.Short())
	for _, c := range cells {
		t.Run(c.name(), func(t *testing.T) { (&faultWorld{newWorld(t, c.engine), c}).play() })
	}
	t.Logf("%d cells", len(cells))
}

// TestFaultSelection: what runs without -whole has each step with an error and a death, on both engines, and each kind of target and each fault often.
func TestFaultSelection(t *testing.T) {
	pairs, engines, kinds, often := map[string]bool{}, map[string]bool{}, map[string]int{}, map[string]int{}
	for _, c := range faultCells(false, false) {
		pairs[c.step.effect+fmt.Sprint(c.fault.kill)] = true
		often[c.fault.name]++
		engines[c.engine+c.step.effect] = true
		kinds[c.target.name]++
	}
	if want := 2 * len(faultSteps); len(pairs) != want {
		t.Errorf("%d of %d combinations of step and error or death", len(pairs), want)
	}
	if want := 2 * len(faultSteps); len(engines) != want {
		t.Errorf("%d of %d combinations of engine and step", len(engines), want)
	}
	for _, f := range faults {
		if often[f.name] < len(faultSteps)/3 {
			t.Errorf("the fault %q is in %d cells", f.name, often[f.name])
		}
	}
	for _, k := range faultTargets {
		if kinds[k.name] < 2 {
			t.Errorf("the kind %q is in %d cells", k.name, kinds[k.name])
		}
	}
}

// TestFaultSteps: the table has every effect that this package has, and no other.
func TestFaultSteps(t *testing.T) {
	var listed []string
	for _, s := range faultSteps {
		listed = append(listed, s.effect)
	}
	slices.Sort(listed)
	if named := effectNames(t); !slices.Equal(listed, named) {
		t.Errorf("the table has the effects\n%q, the code\n%q", listed, named)
	}
}
