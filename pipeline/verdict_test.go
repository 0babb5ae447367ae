package pipeline

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"chute/connectors"
	"chute/connectors/connectortest"
	"chute/pipeline/ledger"
)

func TestOutcomeOf(t *testing.T) {
	rejection := &connectors.Rejection{Code: "empty", Message: "The file holds no records."}
	for _, c := range []struct {
		err  error
		want connectors.Outcome
	}{
		{nil, connectors.Done},
		{rejection, connectors.Rejected},
		{fmt.Errorf("wrapped: %w", rejection), connectors.Rejected},
		{errors.New("never seen before"), connectors.Later},
		{&connectors.DatabaseError{Code: 516, Message: "wrong password"}, connectors.Later},
		{connectors.ErrUnavailable, connectors.Later},
		{connectors.ErrNoTable, connectors.Later},
		{os.ErrPermission, connectors.Later},
	} {
		if got := outcomeOf(c.err); got != c.want {
			t.Errorf("%v: %v, want %v", c.err, got, c.want)
		}
	}
}

// TestStuck: after as many tries as the job allows the run is given up on until a person says so. Not reaching the database isn't counted.
func TestStuck(t *testing.T) {
	w := newWorld(t, "chdb")
	w.job(strings.Replace(orders, "[target]", "[retry]\nattempts = 3\n[target]", 1))
	w.open()
	w.drop("a.csv", lines(3))
	fail := fmt.Errorf("the database is away: %w", connectors.ErrUnavailable)
	w.im.Fault = func(at string, before bool) error {
		if at == "stage" && before {
			return fail
		}
		return nil
	}
	v := w.importAll()
	for range 5 {
		if v = w.resumeAll(); v[0].Outcome != connectors.Later || v[0].Stuck {
			t.Fatalf("database away: %+v, want later and not stuck", v[0])
		}
	}
	fail = errors.New("something else")
	for try := 1; try <= 3; try++ {
		v = w.resumeAll()
		if v[0].Stuck != (try == 3) {
			t.Errorf("try %d: stuck is %t", try, v[0].Stuck)
		}
	}
	run, err := w.im.Ledger.Run(w.ctx, v[0].Run)
	if err != nil || run.Status != ledger.Stuck || !strings.Contains(run.Error, "something else") {
		t.Errorf("run %+v (%v)", run, err)
	}
	w.im.Fault = nil
	wantOutcomes(t, w.resumeAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
	w.wantSettled()
}

// TestFileGrows: a file that changes while it is read goes back into its inbox, and nothing of it stays; later it loads whole.
func TestFileGrows(t *testing.T) {
	w := newWorld(t, "chdb")
	w.job(orders)
	w.open()
	w.drop("a.csv", lines(1000))
	once := false
	w.im.Fault = func(at string, before bool) error {
		if at == "stage" && before && !once { // made when the first block is there
			once = true
			return appendTo(filepath.Join(w.Dir, "store/.chute", w.im.Ledger.ID(), "1/a.csv"), "1001,1.00,x\n")
		}
		return nil
	}
	v := w.importAll()
	if !once || v[0].Outcome != connectors.Later || v[0].Run != 0 {
		t.Fatalf("reached %t, verdict %+v, want later without a run", once, v[0])
	}
	w.wantFiles("in/a.csv")
	w.wantRows("SELECT count() FROM %t", "0")
	w.wantSettled()
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
	w.wantRows("SELECT count() FROM %t", "1001")
	w.wantSettled()
}

// TestGiveBackFails: a file that changed while it was read can't be put back into its inbox, or is there and that can't be made durable. It is in one place,
// and the next try ends it.
func TestGiveBackFails(t *testing.T) {
	for _, effect := range []string{"give back", "sync back"} {
		for _, before := range []bool{true, false} {
			t.Run(effect+map[bool]string{true: "/not done", false: "/done"}[before], func(t *testing.T) {
				w := newWorld(t, "clickhouse")
				w.job(orders)
				w.open()
				w.drop("a.csv", lines(10))
				failed := false
				w.im.Fault = func(at string, early bool) error {
					if at == "stage" && early && !failed {
						return appendTo(filepath.Join(w.Dir, "store/.chute", w.im.Ledger.ID(), "1/a.csv"), "11,1.00,x\n")
					}
					if at == effect && early == before && !failed {
						failed = true
						return errFault
					}
					return nil
				}
				wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Later})
				if !failed {
					t.Fatalf("the effect %q wasn't reached", effect)
				}
				w.wantOnce("a.csv")
				w.resumeAll()
				w.importAll()
				w.wantSettled()
				w.wantFiles("done/a.csv", "done/a.csv.log", "done/a.csv.report.json")
				w.wantRows("SELECT count(), uniqExact(id) FROM %t", "11 11")
			})
		}
	}
}

// TestGiveBackSurvives: a file that was given back is in its inbox, and only there, after a power cut as well: its run is over.
func TestGiveBackSurvives(t *testing.T) {
	w := newWorld(t, "clickhouse")
	w.job(orders)
	w.open()
	store := connectortest.NewMemory(w.im.Work)
	store.Put("in/a.csv", []byte(lines(10)))
	w.im.Inbox, w.im.Store = store, store
	w.im.Fault = func(at string, before bool) error {
		if at == "claimed" && before {
			store.SetWriting(Claimed(w.im.Work, w.im.Ledger.ID(), ledger.Run{Batch: 1, File: connectors.File{Name: "a.csv"}}), true)
		}
		return nil
	}
	if v := w.importAll(); len(v) != 1 || v[0].Outcome != connectors.Later || v[0].Run != 0 {
		t.Fatalf("verdicts %+v, want later without a run", v)
	}
	for seed := range uint64(50) {
		left := slices.Collect(maps.Keys(store.Crash(rand.New(rand.NewPCG(seed, 0))).Tree()))
		left = slices.DeleteFunc(left, func(name string) bool { return filepath.Base(name) == claimFile }) // the next start removes it
		if !slices.Equal(left, []string{"in/a.csv"}) {
			t.Fatalf("a power cut leaves %q", left)
		}
	}
}

// TestStillWritten: while somebody has the file open for writing it isn't read, although it has been claimed.
func TestStillWritten(t *testing.T) {
	w := newWorld(t, "chdb")
	w.job(orders)
	w.open()
	w.drop("a.csv", lines(10))
	writer, err := os.OpenFile(filepath.Join(w.Dir, "store/in/a.csv"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if v := w.importAll(); v[0].Outcome != connectors.Later || v[0].Run != 0 {
		t.Errorf("verdict %+v, want later without a run", v[0])
	}
	w.wantFiles("in/a.csv")
	writer.Close()
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
	w.wantSettled()
}

// TestLostRace: somebody else takes the file between the look and the claim.
func TestLostRace(t *testing.T) {
	w := newWorld(t, "chdb")
	w.job(orders)
	w.open()
	w.drop("a.csv", lines(10))
	w.im.Fault = func(at string, before bool) error {
		if at == "rename" && before {
			return os.Rename(filepath.Join(w.Dir, "store/in/a.csv"), filepath.Join(w.Dir, "taken.csv"))
		}
		return nil
	}
	if v := w.importAll(); v[0].Outcome != connectors.Later || v[0].Run != 0 || !errors.Is(v[0].Err, os.ErrNotExist) {
		t.Errorf("verdict %+v, want later without a run", v[0])
	}
	if run, err := w.im.Ledger.Run(w.ctx, 1); err != nil || run.State != ledger.Withdrawn || run.Status != ledger.Failed || run.Error == "" {
		t.Errorf("run %+v (%v), want it to have failed, with the reason", run, err)
	}
	w.wantSettled()
}

func appendTo(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// TestStoreAway: a run that was about to claim isn't taken for lost while its store isn't mounted.
func TestStoreAway(t *testing.T) {
	w := newWorld(t, "chdb")
	w.job(orders)
	w.drop("a.csv", lines(10))
	w.killedChild("rename", false)
	store := filepath.Join(w.Dir, "store")
	w.open()
	if err := os.Rename(store, store+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(store, 0o755); err != nil { // the mount point
		t.Fatal(err)
	}
	if v := w.resumeAll(); v[0].Outcome != connectors.Later || v[0].Run == 0 {
		t.Errorf("verdict %+v, want later with its run", v[0])
	}
	if err := errors.Join(os.Remove(store), os.Rename(store+".away", store)); err != nil {
		t.Fatal(err)
	}
	wantOutcomes(t, w.resumeAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
	w.wantRows("SELECT count() FROM %t", "10")
	w.wantSettled()
}
