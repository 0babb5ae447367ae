package pipeline

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"chute/connectors"
	"chute/connectors/local"
)

// again makes an importer that loads the file of a run once more, from where it lies in done, as `chute replay` does.
func (w *world) again(run uint64, at string) *Importer {
	w.t.Helper()
	state := filepath.Join(w.Dir, "state")
	folder, err := local.Open(state, "hand")
	if err != nil {
		w.t.Fatal(err)
	}
	im := *w.im
	im.InPlace, im.Dir, im.At, im.Again, im.Fault = true, "done", at, run, nil
	im.Store, im.Work, im.Place = folder, "hand", state
	im.Out = func(run uint64) string { return "runs/" + strconv.FormatUint(run, 10) }
	return &im
}

// replay loads one file again and says what came of it.
func (w *world) replay(im *Importer, name string) connectors.Verdict {
	w.t.Helper()
	f, err := im.Inbox.Open(w.ctx, "done/"+im.At)
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close()
	file, err := f.Stat()
	if err != nil {
		w.t.Fatal(err)
	}
	file.Name = name
	return im.Import(w.ctx, []connectors.File{file})[0]
}

// replayEffects are the effects of loading a file again behind which the ledger knows what is to leave, and some before.
var replayEffects = []string{"staging", "publishing", "attach", "published", "replace", "replaced", "settled"}

// TestReplay loads a file again, which lies in done under another name than it came with. Each of its effects fails, once not done and once done; what the next start does then, or a second
// call where nothing was announced, ends with the new rows there once and the old ones gone.
func TestReplay(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job(orders)
		w.open()
		w.load("a.csv", prices("1", "1", "2", "3"))
		w.load("a.csv", prices("10", "1", "2")) // it goes to done/a.2.csv
		last := uint64(2)
		for i, effect := range replayEffects {
			for _, before := range []bool{true, false} {
				if w.Engine == "chdb" && !*everyCall && before == (i%2 == 0) {
					continue // half of them: the embedded engine replaces slowly
				}
				im := w.again(last, "a.2.csv")
				reached := false
				im.Fault = func(at string, early bool) error {
					if at != effect || early != before || reached {
						return nil
					}
					reached = true
					return errFault
				}
				v := w.replay(im, "a.csv")
				if !reached {
					t.Fatalf("the effect %q wasn't reached", effect)
				}
				for _, id := range w.unsettled() {
					run, err := w.im.Ledger.Run(w.ctx, id)
					if err != nil {
						t.Fatal(err)
					}
					if err := w.again(0, "").EndByHand(w.ctx, run); err != nil {
						t.Errorf("%s: %v", effect, err)
					}
				}
				if run, err := w.im.Ledger.Run(w.ctx, max(v.Run, last)); err == nil && run.State == "withdrawn" || v.Run == 0 {
					v = w.replay(w.again(last, "a.2.csv"), "a.csv")
				}
				w.wantRows(sums, "5 23 2")
				w.wantRows("SELECT count() FROM %t WHERE _chute_run % 1000000000000 = "+strconv.FormatUint(v.Run, 10), "2")
				if left, err := w.im.Ledger.Replacements(w.ctx, v.Run); err != nil || len(left) != 1 || left[0].Earlier != last || left[0].Gone.IsZero() {
					t.Errorf("%s: replacements of run %d: %+v (%v)", effect, v.Run, left, err)
				}
				last = v.Run
			}
		}
		if v := w.replay(w.again(2, "a.2.csv"), "a.csv"); v.Outcome != connectors.Later || !strings.Contains(v.Err.Error(), "isn't through yet") {
			t.Errorf("a run that was replayed is replayed again: %+v", v)
		}
		w.wantRows(sums, "5 23 2")
		w.load("a.csv", prices("100", "1")) // what was replayed is no other than before to what comes
		w.wantRows(sums, "6 123 3")
	})
}

// TestReplayRefused: where the old rows couldn't leave, nothing is loaded; where they are gone already, as after a restore, it is.
func TestReplayRefused(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job(strings.Replace(orders, "create = true\norder_by = [\"id\"]\npartition_by = \"id % 3\"\n", "", 1))
		w.open()
		w.exec("CREATE DATABASE IF NOT EXISTS %d",
			"CREATE TABLE %t (id UInt64, amount Decimal(12, 2), note String, _chute_run UInt64, _chute_record UInt64) ENGINE = ReplacingMergeTree ORDER BY id")
		w.load("a.csv", prices("1", "1", "2"))
		v := w.replay(w.again(1, "a.csv"), "a.csv")
		if v.Outcome != connectors.Later || !strings.Contains(v.Err.Error(), "the rows of run 1, which it would replace, can't be taken out of") {
			t.Errorf("%+v", v)
		}
		w.wantRows(sums, "2 2 1")
		if err := w.again(0, "").GiveUp(w.ctx, v.Run); err != nil {
			t.Error(err)
		}
		w.exec("TRUNCATE TABLE %t")
		if v := w.replay(w.again(1, "a.csv"), "a.csv"); v.Outcome != connectors.Done {
			t.Errorf("%+v", v)
		}
		w.wantRows(sums, "2 2 1")
		w.wantSettled()
	})
}
