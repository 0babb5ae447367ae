package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"chute/connectors"
	"chute/pipeline/ledger"
)

// orphans are those of a ledger in the world's store.
func (w *world) orphans(of string) *Orphans {
	base := *w.im
	base.Job = nil
	o := &Orphans{Base: &base, Importers: []*Importer{w.im}, Ledger: of}
	if of == w.im.Ledger.ID() {
		o.Known = func(ctx context.Context, batch uint64) (bool, error) {
			_, err := w.im.Ledger.Run(ctx, batch)
			if errors.Is(err, ledger.ErrNoRun) {
				return false, nil
			}
			return true, err
		}
	}
	return o
}

func (w *world) decideOrphans(o *Orphans) map[string]Ending {
	w.t.Helper()
	fates := map[string]Ending{}
	err := o.Decide(w.ctx, func(f Fate) {
		fates[f.File] = f.Ending
		if f.Why != "" {
			w.t.Logf("%s %s: %s", f.File, f.Ending, f.Why)
		}
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return fates
}

// loseLedger takes the ledger away and tells its id.
func (w *world) loseLedger() (old string) {
	w.t.Helper()
	l, err := ledger.Open(w.ctx, filepath.Join(w.Dir, "state", "ledger.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	old = l.ID()
	if err := l.Close(); err != nil {
		w.t.Fatal(err)
	}
	for _, name := range []string{"ledger.db", "ledger.db-wal", "ledger.db-shm"} {
		if err := os.RemoveAll(filepath.Join(w.Dir, "state", name)); err != nil {
			w.t.Fatal(err)
		}
	}
	return old
}

// keepLedger copies the ledger, and returns what puts the copy in its place.
func (w *world) keepLedger() (restore func()) {
	w.t.Helper()
	name := filepath.Join(w.Dir, "state", "ledger.db")
	old, err := os.ReadFile(name)
	if err != nil {
		w.t.Fatal(err)
	}
	return func() {
		w.t.Helper()
		w.loseLedger()
		if err := os.WriteFile(name, old, 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
}

// orphanPoints are effects behind which a process is killed whose ledger is lost then, and whether the embedded engine takes part: it does where the engine makes a difference.
var orphanPoints = []struct {
	effect string
	both   bool
}{
	{"rename", false}, {"claimed", false}, {"insert", true}, {"sidecars", false}, {"publishing", false}, {"attach", true}, {"-published", false},
	{"move", true}, {"settled", false},
}

// TestOrphans kills a process, takes its ledger away, and has another one decide about its files: each is loaded once at the end, and everything lies where it would
// lie otherwise. Deciding fails before and behind each of its effects, and is repeated.
func TestOrphans(t *testing.T) {
	for _, point := range orphanPoints {
		t.Run(point.effect, func(t *testing.T) {
			test := func(t *testing.T, w *world) {
				w.job(orders)
				dropFour(w)
				w.killedChild(point.effect, false)
				old := w.loseLedger()
				w.open()
				w.decideBroken(w.orphans(old))
				w.importAll()
				w.wantNothingOf(old)
				wantFour(w)
			}
			if point.both && !testing.Short() {
				bothEngines(t, test)
			} else {
				test(t, newWorld(t, "clickhouse"))
			}
		})
	}
}

// decideBroken has deciding fail at each effect that it comes to, once not done and once done, until it comes through.
func (w *world) decideBroken(o *Orphans) {
	w.t.Helper()
	failed := map[string]bool{}
	fault := func(effect string, before bool) error {
		at := effect + map[bool]string{true: " not done", false: " done"}[before]
		if failed[at] {
			return nil
		}
		failed[at] = true
		return errors.New("a fault that the test made")
	}
	o.Base.Fault, w.im.Fault = fault, fault
	for try := 0; ; try++ {
		fates := w.decideOrphans(o)
		waiting := false
		for name, ending := range fates {
			waiting = waiting || ending == EndedWaiting
			if ending == EndedOpen {
				w.t.Errorf("%s is left to a person", name)
			}
		}
		if !waiting {
			break
		}
		if try > 30 {
			w.t.Fatalf("still waiting: %v", fates)
		}
	}
	w.im.Fault = nil
}

func (w *world) wantNothingOf(old string) {
	w.t.Helper()
	for _, name := range w.tree() {
		if mark := ".chute/" + old + "/"; strings.HasPrefix(name, mark) && name != mark {
			w.t.Errorf("left of the ledger that is lost: %s", name)
		}
	}
	if stages := w.rows("SELECT name FROM system.tables WHERE name LIKE 'chute_stage_" + old + "%'"); len(stages) > 0 {
		w.t.Errorf("stages left: %v", stages)
	}
}

// TestOldLedger puts a copy of the ledger back that is older than files under way: no number is given again, and what the copy doesn't know is decided about.
func TestOldLedger(t *testing.T) {
	points := []string{"claimed", "-published"}
	if testing.Short() {
		points = points[1:]
	}
	for _, point := range points {
		t.Run(point, func(t *testing.T) {
			bothEngines(t, func(t *testing.T, w *world) {
				w.job(orders)
				w.open()
				w.load("before.csv", lines(10))
				w.close()
				restore := w.keepLedger()
				w.open()
				w.load("since.csv", lines(20))
				w.close()
				dropFour(w)
				w.killedChild(point, false)
				restore()
				w.open()
				highest, err := (&Numbers{Ledger: w.im.Ledger, Database: w.db, Importers: []*Importer{w.im}}).Highest(w.ctx)
				if want := uint64(6); err != nil || highest != want {
					t.Errorf("the highest number seen is %d (%v), want %d", highest, err, want)
				}
				last, err := w.im.Ledger.Leap(w.ctx, highest)
				if err != nil || last < 1_000_000 {
					t.Errorf("leapt to %d (%v)", last, err)
				}
				w.decideOrphans(w.orphans(w.im.Ledger.ID()))
				w.importAll()
				w.wantSettled()
				w.wantRows("SELECT count(), uniqExact(_chute_run) FROM %t", "35 4")
			})
		})
	}
}

// TestNumbers finds what an old ledger has forgotten in each of the places by itself.
func TestNumbers(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job(orders)
		w.open()
		w.load("a.csv", lines(3))
		n := &Numbers{Ledger: w.im.Ledger, Database: w.db, Importers: []*Importer{w.im}, RunsDir: w.im.RunsDir}
		want := func(highest uint64) {
			t.Helper()
			if found, err := n.Highest(w.ctx); err != nil || found != highest {
				t.Errorf("found %d (%v), want %d", found, err, highest)
			}
		}
		want(0)
		for _, dir := range []string{filepath.Join("state/runs", "7"), filepath.Join("store/.chute", w.im.Ledger.ID(), "9")} {
			if err := os.MkdirAll(filepath.Join(w.Dir, dir), 0o755); err != nil {
				t.Fatal(err)
			}
			want(map[bool]uint64{true: 7, false: 9}[strings.HasSuffix(dir, "7")])
		}
		w.exec("CREATE TABLE %d.chute_stage_" + w.im.Ledger.ID() + "_11 (x UInt8) ENGINE = MergeTree ORDER BY x")
		want(11)
		w.exec("INSERT INTO %t (id, _chute_run, _chute_record) SELECT 1, _chute_run + 12, 1 FROM %t LIMIT 1")
		want(13)
		w.exec("INSERT INTO %t (id, _chute_run, _chute_record) SELECT 1, _chute_run + 1000000000000, 1 FROM %t LIMIT 1") // another ledger's
		want(13)
	})
}

// TestNumbersUntold: a table that its server doesn't let us look into is named, and doesn't keep the others from being looked into.
func TestNumbersUntold(t *testing.T) {
	w := newWorld(t, "clickhouse")
	w.job(orders)
	w.open()
	w.load("a.csv", lines(3))
	w.exec("INSERT INTO %t (id, _chute_run, _chute_record) SELECT 1, _chute_run + 12, 1 FROM %t LIMIT 1",
		"CREATE TABLE %d.torn (_chute_run UInt64, _chute_record UInt64) ENGINE = Merge('nowhere', 'x')")
	job := *w.im.Job
	job.Target.Table.Table = "torn"
	torn := *w.im
	torn.Job = &job
	n := &Numbers{Ledger: w.im.Ledger, Database: w.db, Importers: []*Importer{&torn, w.im}, RunsDir: w.im.RunsDir}
	if _, err := n.Highest(w.ctx); err == nil {
		t.Error("a table that can't be read wasn't said")
	}
	var untold []string
	n.Untold = func(table string, err error) { untold = append(untold, table) }
	if found, err := n.Highest(w.ctx); err != nil || found != 13 || len(untold) != 1 || untold[0] != job.Target.Table.String() {
		t.Errorf("found %d (%v), untold %q; want 13 and %s", found, err, untold, job.Target.Table)
	}

	// Runs that begin during the look leave traces that mean nothing.
	busy := *w.im
	busy.Store = &busyFolder{w.im.Store, func() {
		runs := make([]ledger.Run, 20)
		for i := range runs {
			runs[i] = ledger.Run{Kind: ledger.Export, Job: "busy", Store: "acme", File: connectors.File{Name: "b.csv"}}
		}
		err := w.im.Ledger.Begin(w.ctx, runs)
		if err = errors.Join(err, os.MkdirAll(filepath.Join(w.im.RunsDir, fmt.Sprint(runs[19].ID)), 0o700)); err != nil {
			t.Error(err)
		}
	}}
	n.Importers = []*Importer{&torn, &busy}
	torn.Store = busy.Store
	if found, err := n.Highest(w.ctx); err != nil || found != 0 {
		t.Errorf("found %d (%v) of what began meanwhile; want nothing", found, err)
	}
}

// busyFolder is a store in which something happens whenever it is looked at.
type busyFolder struct {
	connectors.Folder
	happens func()
}

func (f *busyFolder) List(ctx context.Context, dir string) ([]connectors.File, error) {
	f.happens()
	return f.Folder.List(ctx, dir)
}

// lateFolder is a store that doesn't answer before all others have been asked too.
type lateFolder struct {
	connectors.Folder
	asked *sync.WaitGroup
	times atomic.Int64
}

func (f *lateFolder) List(context.Context, string) ([]connectors.File, error) {
	if f.times.Add(1) == 1 {
		f.asked.Done()
	}
	f.asked.Wait()
	return nil, fmt.Errorf("the store is %w", connectors.ErrUnavailable)
}

// TestNumbersInStores: stores that don't answer are asked once each, however many jobs they have, and none waits for another.
func TestNumbersInStores(t *testing.T) {
	l, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var asked sync.WaitGroup
	n, stores := &Numbers{Ledger: l}, []*lateFolder{{asked: &asked}, {asked: &asked}, {asked: &asked}}
	asked.Add(len(stores))
	for i := range 3 * len(stores) {
		n.Importers = append(n.Importers, &Importer{Store: stores[i%len(stores)], Work: ".chute"})
	}
	if found, err := n.inStores(t.Context(), 0); found != 0 || err != nil {
		t.Errorf("found %d, %v", found, err)
	}
	for i, store := range stores {
		if times := store.times.Load(); times != 1 {
			t.Errorf("store %d was asked %d times", i, times)
		}
	}
}

// TestOrphanLate has the gone process's statement that publishes reach its server late, after the rows were counted: nothing is done about the file then, and
// the next look finds it loaded.
func TestOrphanLate(t *testing.T) {
	w := newWorld(t, "chdb")
	w.job(orders)
	w.drop("a.csv", lines(5))
	w.killedChild("publishing", false)
	old := w.loseLedger()
	w.open()
	o := w.orphans(old)
	o.Base.Fault = func(effect string, before bool) error {
		if effect == "orphan drop" && before {
			w.exec("ALTER TABLE %t ATTACH PARTITION ALL FROM %d.chute_stage_" + old + "_1")
		}
		return nil
	}
	if fates := w.decideOrphans(o); fates["a.csv"] != EndedWaiting {
		t.Errorf("%v, want it to wait", fates)
	}
	if fates := w.decideOrphans(o); fates["a.csv"] != EndedLoaded {
		t.Errorf("%v, want it loaded", fates)
	}
	w.wantRows("SELECT count() FROM %t", "5")
	w.wantNothingOf(old)
}

// TestOrphanUndecided: a table that doesn't tell whose its rows are leaves files to a person once they may be in it, and only then.
func TestOrphanUndecided(t *testing.T) {
	for point, want := range map[string]Ending{"insert": EndedReturned, "sidecars": EndedOpen, "-published": EndedOpen} {
		t.Run(point, func(t *testing.T) {
			w := newWorld(t, "chdb")
			w.job(strings.Replace(orders, "create = true\n", "create = true\nlineage = false\n", 1))
			w.drop("a.csv", lines(5))
			w.killedChild(point, false)
			old := w.loseLedger()
			w.open()
			before := w.tree()
			if fates := w.decideOrphans(w.orphans(old)); fates["a.csv"] != want || len(fates) != 1 {
				t.Errorf("%v, want %s", fates, want)
			}
			if after := w.tree(); want == EndedOpen && !slices.Equal(before, after) {
				t.Errorf("it was touched:\n%q\n%q", before, after)
			}
		})
	}
}

// TestOrphanDatabase: where another database is at hand than the one that a claim names, nothing is decided, unless somebody says that both are one.
func TestOrphanDatabase(t *testing.T) {
	w := newWorld(t, "chdb")
	w.job(orders)
	w.drop("a.csv", lines(5))
	w.open()
	w.im.DatabaseAt = &DatabaseMark{Host: "old", Address: []string{"db1:9000"}, Database: "sales"}
	w.im.Fault = func(effect string, before bool) error {
		if effect == "insert" && before {
			return errors.New("a fault that the test made")
		}
		return nil
	}
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Later})
	w.close()
	old := w.loseLedger()
	w.open()
	o := w.orphans(old)
	o.Base.DatabaseAt = &DatabaseMark{Host: "new", Path: "/var/lib/chute/chdb"}
	before := w.tree()
	err := o.Decide(w.ctx, func(f Fate) {
		if want := `its chute loaded into another database than the one here: into "sales" at "db1:9000", as machine "old" calls it; here is the embedded engine's in "/var/lib/chute/chdb"` +
			` on machine "new". Adopt it`; f.Ending != EndedWaiting || !strings.HasPrefix(f.Why, want) {
			t.Errorf("%+v", f)
		}
	})
	if after := w.tree(); err != nil || !slices.Equal(before, after) {
		t.Errorf("it was touched: %v\n%q\n%q", err, before, after)
	}
	o.SameDatabase = true
	if fates := w.decideOrphans(o); fates["a.csv"] != EndedReturned {
		t.Errorf("%v", fates)
	}
	w.wantNothingOf(old)
}

func TestDatabaseMarkSame(t *testing.T) {
	cluster := DatabaseMark{Host: "a", Address: []string{"db1:9000", "db2:9000"}, Database: "sales"}
	own := DatabaseMark{Host: "a", Address: []string{"127.0.0.1:9000"}, Database: "sales"}
	embedded := DatabaseMark{Host: "a", Path: "/data/chdb", Database: "sales"}
	for _, c := range []struct {
		what string
		one  DatabaseMark
		two  DatabaseMark
		same bool
	}{
		{"itself", cluster, cluster, true},
		{"one server more, from elsewhere", cluster, DatabaseMark{Host: "b", Address: []string{"db3:9000", "db2:9000"}, Database: "sales"}, true},
		{"other servers", cluster, DatabaseMark{Host: "a", Address: []string{"db1:9001"}, Database: "sales"}, false},
		{"another database of theirs", cluster, DatabaseMark{Host: "a", Address: cluster.Address, Database: "test"}, false},
		{"the machine's own server", own, own, true},
		{"another machine's own server", own, DatabaseMark{Host: "b", Address: own.Address, Database: "sales"}, false},
		{"by its name", DatabaseMark{Host: "a", Address: []string{"localhost:9000"}}, DatabaseMark{Host: "b", Address: []string{"localhost:9000"}}, false},
		{"the embedded engine's", embedded, embedded, true},
		{"on another machine", embedded, DatabaseMark{Host: "b", Path: embedded.Path, Database: "sales"}, false},
		{"in another folder", embedded, DatabaseMark{Host: "a", Path: "/data/old", Database: "sales"}, false},
		{"embedded and not", embedded, own, false},
	} {
		if c.one.same(&c.two) != c.same || c.two.same(&c.one) != c.same {
			t.Errorf("%s: want %v", c.what, c.same)
		}
	}
}

// TestOrphanNameTaken: a file whose name is taken in its inbox stays where it is, and goes back when the name is free.
func TestOrphanNameTaken(t *testing.T) {
	w := newWorld(t, "chdb")
	w.job(orders)
	w.drop("a.csv", lines(5))
	w.killedChild("claimed", false)
	old := w.loseLedger()
	w.open()
	w.drop("a.csv", lines(7))
	if fates := w.decideOrphans(w.orphans(old)); fates["a.csv"] != EndedWaiting {
		t.Errorf("%v", fates)
	}
	left, err := Forsaken(w.ctx, w.im.Store, w.im.Work, w.im.Ledger.ID())
	if err != nil || left[old].Files != 1 || left[old].Newest.IsZero() {
		t.Errorf("forsaken: %+v (%v)", left, err)
	}
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
	if fates := w.decideOrphans(w.orphans(old)); fates["a.csv"] != EndedReturned {
		t.Errorf("%v", fates)
	}
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
	w.wantRows("SELECT count() FROM %t", "12")
	w.wantNothingOf(old)
	if !slices.Contains(w.tree(), ".chute/"+old+"/") {
		t.Error("the folder by which the other chute knows the store is gone")
	}
}
