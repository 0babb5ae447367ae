package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/pipeline/report"
)

// way is how a run comes to a step that not every run has.
type way struct {
	earlier   string                 // a file of the same name was loaded before, and its rows are to leave
	breakOff  string                 // effect behind which an earlier try broke off
	meanwhile func(w *faultWorld)    // what happened between the two
	on        func(faultTarget) bool // the kinds of tables that have the step; nil: all
	far       bool                   // the store's files are fetched
	left      string                 // they stay in their inbox, and in the end this is done with them
	another   bool                   // another file that looks the same takes the place of one before that
}

var (
	onward  = &way{}
	changed = &way{breakOff: "rename", meanwhile: func(w *faultWorld) {
		if err := os.Chtimes(w.claimed(), time.Time{}, time.Now().Add(time.Hour)); err != nil {
			w.t.Fatal(err)
		}
	}}
	// Of an attach in one step nothing is left in part, so somebody has to take a part away.
	inPart = &way{breakOff: "attach", on: func(t faultTarget) bool { return t.parts }, meanwhile: func(w *faultWorld) {
		if w.Engine == "chdb" {
			w.exec("ALTER TABLE %t DROP PARTITION 1")
		}
	}}
	stageGone = &way{breakOff: "publishing", meanwhile: func(w *faultWorld) {
		for _, name := range w.stages() {
			w.exec("DROP TABLE %d." + name)
		}
	}}
	resumed    = &way{breakOff: "publishing"}
	untold     = &way{on: func(t faultTarget) bool { return t.blind }}
	newer      = &way{earlier: "id,amount,note\n4,1.00,old\n9,1.00,old\n", on: func(t faultTarget) bool { return t.deletes }}
	far        = &way{far: true}
	left       = &way{far: true, left: "delete"}
	leftToMove = &way{far: true, left: "move"}
	leftNear   = &way{left: "move"}
	leftOther  = &way{far: true, left: "delete", breakOff: "publishing", another: true, meanwhile: func(w *faultWorld) {
		name := filepath.Join(w.Dir, "store/in/d.csv")
		info, err := os.Stat(name)
		if err != nil {
			w.t.Fatal(err)
		}
		w.write("store/in/d.csv", anotherFile)
		if err := os.Chtimes(name, time.Time{}, info.ModTime()); err != nil {
			w.t.Fatal(err)
		}
	}}
	nameTaken = &way{breakOff: "published", meanwhile: func(w *faultWorld) {
		if err := os.MkdirAll(filepath.Join(w.Dir, "store/done"), 0o755); err != nil {
			w.t.Fatal(err)
		}
		w.write("store/done/d.csv.log", "somebody else's")
	}}
)

// anotherFile is as long as d.csv, and none of its records is any good: it is rejected.
const anotherFile = "id,amount,note\n4,badd,x\n5,bad,y\n6,badd,\"z\nz\"\n"

func (y *way) fits(t faultTarget) bool { return y.on == nil || y.on(t) }

// faultWorld is the world of one cell.
type faultWorld struct {
	*world
	cell faultCell
}

func (w *faultWorld) play() {
	w.prepare()
	c, resume := w.cell, false
	if c.step.way.breakOff != "" {
		w.stop(c.step.way.breakOff, false, false, false)
		if w.im == nil {
			w.open()
		}
		if c.step.way.meanwhile != nil {
			c.step.way.meanwhile(w)
		}
		resume = true
	}
	w.stop(c.step.effect, c.fault.before, resume, true)
	if w.im == nil {
		w.open()
	}
	w.goOn()
	if interrupted(c.step.effect, c.fault, c.target.blind) {
		w.decideInterrupted()
		w.goOn()
	}
	w.judge()
}

// stop has a run, or several, fail or be killed at an effect: once, or for the rest of the try.
func (w *faultWorld) stop(effect string, before, resume, once bool) {
	w.t.Helper()
	if w.cell.fault.kill {
		w.close()
		if before {
			effect = "-" + effect
		}
		w.killedChild(effect, resume) // fails the test unless it died there
		return
	}
	if w.im == nil {
		w.open()
	}
	reached := w.failOnce(effect, before)
	if !once {
		reached = w.failFrom(effect, before)
	}
	try := w.importNew
	if resume {
		try = w.resumeAll
	}
	verdicts := try()
	wantLater(w.t, verdicts)
	if !*reached {
		w.t.Fatalf("the effect %q wasn't reached: %+v", effect, verdicts)
	}
	w.im.Fault = nil
}

// goOn is what happens when everything is right again: what was begun is gone on with, and what is in the inbox is taken, as often as something may wait
// for something else.
func (w *world) goOn() {
	for range 3 {
		w.resumeAll()
		w.importNew()
	}
	if err := w.im.Sweep(w.ctx); err != nil { // as the next start would
		w.t.Fatal(err)
	}
}

// prepare makes the table and drops the files.
func (w *faultWorld) prepare() {
	c := w.cell
	text := orders
	if c.target.create != "" {
		text = fmt.Sprintf("%slineage = %t\n[errors]\nmax_reject_percent = 50\n", plain, !c.target.bare)
	}
	if w.Far = c.step.way.far && !c.sftp; c.sftp {
		w.overSFTP()
	}
	if c.step.way.left != "" {
		text = "claim = \"remember\"\nwhen_done = \"" + c.step.way.left + "\"\n" + text
	}
	earlier := c.step.way.earlier
	if earlier != "" {
		text += "[redelivery]\nchanged = \"replace\"\n"
	}
	w.job(text)
	if c.target.create != "" {
		w.makeTable()
	}
	if earlier != "" {
		if w.im == nil {
			w.open()
		}
		w.load("d.csv", earlier)
		if err := os.RemoveAll(filepath.Join(w.Dir, "store/done")); err != nil { // somebody has cleared away
			w.t.Fatal(err)
		}
	}
	if c.batch {
		dropFour(w.world)
		return
	}
	w.drop("d.csv", "id,amount,note\n4,4.40,x\n5,bad,y\n6,6.60,\"z\nz\"\n")
}

func (w *faultWorld) makeTable() {
	c, columns := w.cell, "id UInt64, amount Decimal(12, 2), note String"
	if !c.target.bare {
		columns += ", _chute_run UInt64, _chute_record UInt64"
	}
	if strings.Contains(c.target.create, "sign") {
		columns += ", sign Int8 DEFAULT 1"
	}
	w.open()
	w.exec("CREATE DATABASE %d", "CREATE TABLE %t ("+columns+") "+c.target.create)
	if c.target.name == "materialized view" {
		w.exec("CREATE MATERIALIZED VIEW %d.v ENGINE = MergeTree ORDER BY id AS SELECT id FROM %t")
	}
}

// rowsOf are count, sum of ids, sum of amounts and notes of what is loaded, or of nothing.
func (w *faultWorld) rowsOf(loaded bool) string {
	switch {
	case !loaded:
		return "0 0 0 0"
	case w.cell.batch:
		return "5 16 1760 3"
	}
	return "2 10 1100 2"
}

const faultSums = "SELECT count(), sum(id), toInt64(sum(amount) * 100), uniqExact(note) FROM %t"

// decideInterrupted: the records are in the table once or not at all, never in part and never twice, and the run is left to a person, who decides.
func (w *faultWorld) decideInterrupted() {
	w.t.Helper()
	effect := w.cell.step.effect
	loaded := effect != "trying" && !(effect == "attach" && w.cell.fault.before)
	w.wantRows(faultSums, w.rowsOf(loaded))
	runs, err := w.im.Ledger.Unsettled(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range runs {
		if r.File.Name == "d.csv" && r.Status == ledger.Interrupted && r.State == ledger.Publishing {
			w.wantOnce("d.csv")
			if _, err := w.im.Ledger.Decide(w.ctx, r.ID, loaded); err != nil {
				w.t.Fatal(err)
			}
			return
		}
	}
	w.t.Fatalf("runs %+v, want that of d.csv interrupted", runs)
}

// judge looks at the whole world.
func (w *faultWorld) judge() {
	w.t.Helper()
	files := []string{"done/d.csv", "done/d.csv.log", "done/d.csv.report.json", "done/d.rejects.csv", "done/d.rejects.jsonl"}
	run := 1
	if w.cell.batch {
		files, run = fourFiles(), 4
	}
	if w.cell.step.way == nameTaken {
		files = append(files, fmt.Sprintf("done/d.csv.%d.log", run))
		if text, err := os.ReadFile(filepath.Join(w.Dir, "store/done/d.csv.log")); string(text) != "somebody else's" {
			w.t.Errorf("somebody else's file is %q now (%v)", text, err)
		}
	}
	if w.cell.step.way.left != "" {
		files = w.leftFiles()
	}
	w.wantFiles(files...)
	w.wantStoreClean()
	w.wantSettled()
	if w.cell.step.way.left == "" {
		w.wantMoved(files)
	}
	w.wantSpoolEmpty()
	w.wantRows(faultSums, w.rowsOf(true))
	count, _, _ := strings.Cut(w.rowsOf(true), " ")
	if !w.cell.target.bare {
		w.wantRows("SELECT uniqExact(_chute_run, _chute_record) FROM %t", count)
	}
	if w.cell.target.name == "materialized view" {
		w.wantRows("SELECT count(), sum(id) FROM "+w.Database+".v", map[bool]string{true: "5 16", false: "2 10"}[w.cell.batch])
	}
	if w.cell.step.way.left != "" {
		return // the reports are in the state's folder
	}
	w.wantReport("done/d.csv", report.LoadedWithRejects, 2, 1)
	if w.cell.batch {
		w.wantReport("rejected/a.csv", report.Rejected, 0, 0)
		first, second := w.twins()
		w.wantReport(first, report.Loaded, 3, 0)
		w.wantReport(second, report.Skipped, 0, 0)
	}
}

// leftFiles are where the files are that stayed in their inbox at first. A rejected one isn't deleted. Another one than was loaded was tried by itself.
func (w *faultWorld) leftFiles() (files []string) {
	w.t.Helper()
	if w.cell.step.way.left == "move" {
		return map[bool][]string{true: {"rejected/a.csv", "done/b.csv", "done/c.csv", "done/d.csv"}, false: {"done/d.csv"}}[w.cell.batch]
	}
	if w.cell.batch {
		files = append(files, "in/a.csv")
	}
	if !w.cell.step.way.another {
		return files
	}
	if text, err := os.ReadFile(filepath.Join(w.Dir, "store/in/d.csv")); string(text) != anotherFile {
		w.t.Errorf("the other file is %q now (%v)", text, err)
	}
	runs, err := w.im.Ledger.Runs(w.ctx, ledger.Filter{Statuses: []ledger.Status{ledger.Rejected}})
	if of := slices.DeleteFunc(runs, func(r ledger.Run) bool { return r.File.Name != "d.csv" }); err != nil || len(of) != 1 {
		w.t.Errorf("runs of the other file: %+v (%v)", of, err)
	}
	return append(files, "in/d.csv")
}

// twins are the two equal files of a batch, the one that is loaded first. Several are fetched at a time, and the fault meets one of them: if that is the
// first, the second is loaded in its place.
func (w *faultWorld) twins() (first, second string) {
	first, second = "done/b.csv", "done/c.csv"
	if got, err := w.reportOf(first); w.cell.step.effect == "fetch" && err == nil && got.Result == report.Skipped {
		return second, first
	}
	return first, second
}

// wantMoved checks that the ledger knows where everything is: all of the files but somebody else's.
func (w *faultWorld) wantMoved(files []string) {
	w.t.Helper()
	last, err := w.im.Ledger.Last(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	var moved []string
	for id := range last {
		run, err := w.im.Ledger.Run(w.ctx, id+1)
		if errors.Is(err, ledger.ErrNoRun) {
			continue // it claimed nothing
		}
		if err != nil {
			w.t.Fatal(err)
		}
		for _, m := range run.Moves {
			moved = append(moved, m.To)
		}
	}
	for _, name := range files {
		known := slices.Contains(moved, name)
		if theirs := w.cell.step.way == nameTaken && name == "done/d.csv.log"; known == theirs {
			w.t.Errorf("%s is in the store, and the ledger has moved %q", name, moved)
		}
	}
}

// claimed is the one file in the work folder.
func (w *faultWorld) claimed() string {
	w.t.Helper()
	for _, name := range w.tree() {
		if strings.HasPrefix(name, ".chute/") && strings.HasSuffix(name, ".csv") {
			return filepath.Join(w.Dir, "store", name)
		}
	}
	w.t.Fatalf("no claimed file in %q", w.tree())
	return ""
}

// wantOnce checks that a file is in exactly one place of the store.
func (w *world) wantOnce(name string) {
	w.t.Helper()
	var places []string
	for _, place := range w.tree() {
		if path.Base(place) == name {
			places = append(places, place)
		}
	}
	if len(places) != 1 {
		w.t.Errorf("%s is in %q, want it in one place", name, places)
	}
}

// wantReport checks what a file's report says became of its records.
func (w *world) wantReport(file string, result report.Result, success, rejects uint64) {
	w.t.Helper()
	got, err := w.reportOf(file)
	if err != nil {
		w.t.Errorf("report of %s: %v", file, err)
		return
	}
	if got.Result != result || got.Counts.Success != success || got.Counts.Rejects != rejects || string(got.File.Name) != path.Base(file) {
		w.t.Errorf("report of %s: %q says %q with %+v, want %q, %d and %d rejected", file, got.File.Name, got.Result, got.Counts, result, success, rejects)
	}
}

func (w *world) reportOf(file string) (got report.Partner, err error) {
	text, err := os.ReadFile(filepath.Join(w.Dir, "store", file+".report.json"))
	return got, errors.Join(err, json.Unmarshal(text, &got))
}

var errFault = errors.New("a fault that the test made")

// failOnce makes an effect fail the next time.
func (w *world) failOnce(effect string, before bool) (reached *bool) {
	reached = new(bool)
	var mu sync.Mutex
	w.im.Fault = func(at string, early bool) error {
		mu.Lock()
		defer mu.Unlock()
		if at != effect || early != before || *reached {
			return nil
		}
		*reached = true
		return errFault
	}
	return reached
}

// failFrom makes an effect fail, and everything behind it.
func (w *world) failFrom(effect string, before bool) (reached *bool) {
	reached = new(bool)
	var mu sync.Mutex
	w.im.Fault = func(at string, early bool) error {
		mu.Lock()
		defer mu.Unlock()
		*reached = *reached || at == effect && early == before
		if *reached {
			return errFault
		}
		return nil
	}
	return reached
}

// wantLater checks that a technical error never rejects a file, nor calls it done, unless it came after everything was in place.
func wantLater(t testing.TB, verdicts []connectors.Verdict) {
	t.Helper()
	for _, v := range verdicts {
		if v.Outcome == connectors.Later && v.Err == nil {
			t.Errorf("%q waits, and nobody knows why", v.File.Name)
		}
		if v.Outcome == connectors.Rejected && v.File.Name != "a.csv" {
			t.Errorf("%q was rejected by a fault that isn't its own: %v", v.File.Name, v.Err)
		}
	}
}
