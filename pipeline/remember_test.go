package pipeline

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chute/connectors"
)

// remembering makes a world whose job leaves files in their inbox.
func rememberingWorld(t *testing.T, far bool, whenDone string) *world {
	w := newWorld(t, "chdb")
	w.Far = far
	w.job("claim = \"remember\"\nwhen_done = \"" + whenDone + "\"\n" + orders)
	return w
}

// importNew imports what the job, if it leaves files in their inbox, hasn't taken yet, as the watcher does.
func (w *world) importNew() []connectors.Verdict {
	w.t.Helper()
	files, err := w.waiting(w.ctx, w.im)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.im.Job.Claim != "remember" {
		return w.im.Import(w.ctx, files)
	}
	seen, err := Seen(w.ctx, w.im.Ledger, "s", "in", "orders", files)
	if err != nil {
		w.t.Fatal(err)
	}
	var fresh []connectors.File
	for i, f := range files {
		if !seen[i] {
			fresh = append(fresh, f)
		}
	}
	return w.im.Import(w.ctx, fresh)
}

// wantStateFiles checks what lies in the state's folder for a run, besides the operators' report.
func (w *world) wantStateFiles(run string, want ...string) {
	w.t.Helper()
	entries, err := os.ReadDir(filepath.Join(w.Dir, "state/runs", run))
	if err != nil {
		w.t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		if e.Name() != "log" && e.Name() != "report.json" {
			got = append(got, e.Name())
		}
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("in the state for run %s: %q, want %q", run, got, want)
	}
}

// TestRemember: files are loaded once and end as the job says; what comes out of them is in the state's folder.
func TestRemember(t *testing.T) {
	for _, far := range []bool{false, true} {
		for whenDone, left := range map[string][]string{
			"leave":  {"in/a.csv", "in/b.csv", "in/c.csv", "in/d.csv"},
			"move":   {"rejected/a.csv", "done/b.csv", "done/c.csv", "done/d.csv"},
			"delete": {"in/a.csv"},
		} {
			t.Run(whenDone+map[bool]string{true: "/far", false: "/near"}[far], func(t *testing.T) {
				w := rememberingWorld(t, far, whenDone)
				dropFour(w)
				w.open()
				wantOutcomes(t, w.importNew(), map[string]connectors.Outcome{
					"a.csv": connectors.Rejected, "b.csv": connectors.Done, "c.csv": connectors.Done, "d.csv": connectors.Done})
				w.wantFiles(left...)
				w.wantRows("SELECT count(), sum(id) FROM %t", "5 16")
				w.wantSettled()
				w.wantSpoolEmpty()
				w.wantStateFiles("1", "a.csv.log", "a.csv.report.json")
				w.wantStateFiles("4", "d.csv.log", "d.csv.report.json", "d.rejects.csv", "d.rejects.jsonl")
				if again := w.importNew(); len(again) > 0 {
					t.Errorf("taken again: %v", again)
				}
				w.close()
				w.open()
				if again := w.importNew(); len(again) > 0 {
					t.Errorf("taken again after a restart: %v", again)
				}
			})
		}
	}
}

// TestRememberChanged: a file that changed is delivered again, and the job's policy decides; one that was only touched isn't loaded twice.
func TestRememberChanged(t *testing.T) {
	w := rememberingWorld(t, true, "leave")
	w.open()
	w.drop("b.csv", lines(20))
	w.importNew()
	w.drop("b.csv", lines(25))
	wantOutcomes(t, w.importNew(), map[string]connectors.Outcome{"b.csv": connectors.Done})
	w.wantRows("SELECT count(), uniqExact(_chute_run) FROM %t", "45 2")
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(w.Dir, "store/in/b.csv"), later, later); err != nil {
		t.Fatal(err)
	}
	wantOutcomes(t, w.importNew(), map[string]connectors.Outcome{"b.csv": connectors.Done})
	w.wantRows("SELECT count(), uniqExact(_chute_run) FROM %t", "45 2")
	w.wantFiles("in/b.csv")
}

// TestRememberReplaced: a new delivery that gets the name of a loaded file before that one is moved or deleted stays where it is, and is loaded.
func TestRememberReplaced(t *testing.T) {
	for _, whenDone := range []string{"move", "delete"} {
		t.Run(whenDone, func(t *testing.T) {
			w := rememberingWorld(t, true, whenDone)
			w.open()
			w.drop("b.csv", lines(20))
			w.im.Fault = func(effect string, before bool) error {
				if effect == "publishing" && before {
					w.drop("b.csv", lines(7))
				}
				return nil
			}
			wantOutcomes(t, w.importNew(), map[string]connectors.Outcome{"b.csv": connectors.Done})
			w.im.Fault = nil
			w.wantFiles("in/b.csv")
			wantOutcomes(t, w.importNew(), map[string]connectors.Outcome{"b.csv": connectors.Done})
			w.wantRows("SELECT count(), uniqExact(_chute_run) FROM %t", "27 2")
			w.wantFiles(map[string][]string{"move": {"done/b.csv"}, "delete": nil}[whenDone]...)
			w.wantSettled()
		})
	}
}

// TestRememberOther: on a store that tells a file from another by size and time alone, one that takes the place of a loaded file is told by its bytes: it
// goes back and is loaded as well. While they can't be read nothing is moved or deleted.
func TestRememberOther(t *testing.T) {
	for whenDone, end := range map[string][]string{"move": {"done/b.csv"}, "delete": nil} {
		t.Run(whenDone, func(t *testing.T) {
			w := rememberingWorld(t, true, whenDone)
			w.open()
			first, second := "id,amount,note\n1,1.00,x\n", "id,amount,note\n2,2.00,y\n"
			at := time.Unix(1e9, 0)
			drop := func(text string) {
				w.drop("b.csv", text)
				if err := os.Chtimes(filepath.Join(w.Dir, "store/in/b.csv"), at, at); err != nil {
					t.Fatal(err)
				}
			}
			drop(first)
			w.im.Fault = func(effect string, before bool) error {
				if effect == "publishing" && before {
					drop(second)
				}
				return nil
			}
			broken := true
			w.server().opening = func(name string) error {
				if broken && strings.HasPrefix(name, ".chute/") {
					return connectors.ErrUnavailable
				}
				return nil
			}
			wantOutcomes(t, w.importNew(), map[string]connectors.Outcome{"b.csv": connectors.Later})
			w.wantOnce("b.csv")
			broken, w.im.Fault = false, nil
			w.resumeAll()
			w.wantFiles("in/b.csv")
			wantOutcomes(t, w.importNew(), map[string]connectors.Outcome{"b.csv": connectors.Done})
			w.wantRows("SELECT sum(id), uniqExact(_chute_run) FROM %t", "3 2")
			w.wantFiles(end...)
			w.wantSettled()
		})
	}
}

// TestRememberThird: another file that was taken for the loaded one doesn't replace a third that has its name by then.
func TestRememberThird(t *testing.T) {
	w := rememberingWorld(t, true, "delete")
	w.open()
	at := time.Unix(1e9, 0)
	w.drop("b.csv", "id,amount,note\n1,1.00,x\n")
	w.im.Fault = func(effect string, before bool) error {
		switch {
		case effect == "publishing" && before:
			w.drop("b.csv", "id,amount,note\n2,2.00,y\n")
		case effect == "other left" && !before:
			w.drop("b.csv", "id,amount,note\n4,4.00,y\n")
		default:
			return nil
		}
		return os.Chtimes(filepath.Join(w.Dir, "store/in/b.csv"), at, at)
	}
	if err := os.Chtimes(filepath.Join(w.Dir, "store/in/b.csv"), at, at); err != nil {
		t.Fatal(err)
	}
	w.importNew()
	w.im.Fault = nil
	w.wantFiles("in/b.1.csv", "in/b.csv")
	wantOutcomes(t, w.importNew(), map[string]connectors.Outcome{"b.1.csv": connectors.Done, "b.csv": connectors.Done})
	w.wantRows("SELECT sum(id), uniqExact(_chute_run) FROM %t", "7 3")
	w.wantFiles()
	w.wantSettled()
}

// TestRememberGone: a file that its owner takes back before it was read is nobody's any more.
func TestRememberGone(t *testing.T) {
	w := rememberingWorld(t, true, "leave")
	w.open()
	w.drop("b.csv", lines(20))
	w.im.Store.(*farFolder).fetching = func(string) error {
		return os.Remove(filepath.Join(w.Dir, "store/in/b.csv"))
	}
	wantOutcomes(t, w.importNew(), map[string]connectors.Outcome{"b.csv": connectors.Later})
	w.wantSettled()
	w.wantSpoolEmpty()
}

// TestRememberKilled: a run of a remembered file is gone on with after any death, also when the job claims in the other way by then.
func TestRememberKilled(t *testing.T) {
	for i, point := range []string{"claiming", "claimed", "fetch", "stage", "sidecars", "publishing", "attach", "move", "settled", "delete"} {
		if !*everyCall && i%2 == 1 {
			continue // as with others, these are in .ci/long
		}
		t.Run(point, func(t *testing.T) {
			w := rememberingWorld(t, true, "delete")
			w.drop("b.csv", lines(20))
			w.killedChild(point, false)
			if point != "claiming" && point != "settled" {
				w.job(orders) // claim = "rename"
			}
			w.open()
			for _, v := range w.resumeAll() {
				if v.Outcome == connectors.Later && v.Run != 0 {
					t.Errorf("%+v", v)
				}
			}
			if strings.Contains("claiming settled", point) {
				w.importNew()
			}
			if err := w.im.Sweep(w.ctx); err != nil {
				t.Fatal(err)
			}
			w.wantSettled()
			w.wantRows("SELECT count(), uniqExact(_chute_run) FROM %t", "20 1")
			if slices.Contains([]string{"claimed", "fetch", "stage", "sidecars"}, point) {
				w.wantFiles("done/b.csv") // how the job has it by then
			} else {
				w.wantFiles()
			}
			w.wantSpoolEmpty()
		})
	}
}
