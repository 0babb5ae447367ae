package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"chute/config"
	"chute/connectors"
	"chute/connectors/chdb"
	"chute/connectors/clickhouse"
	"chute/connectors/connectortest"
	"chute/connectors/connectortest/wire"
	"chute/connectors/local"
	"chute/pipeline/ledger"
	"chute/pipeline/reconcile"
)

// server is Debian's ClickHouse, one for all tests of the package.
var server *connectortest.Server

// childTask, in the environment, makes the test binary a child that imports with a fault and is killed by it.
const childTask = "CHUTE_PIPELINE_TEST_CHILD"

func TestMain(m *testing.M) {
	if task := os.Getenv(childTask); task != "" {
		if err := runChild(task); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(9) // a child that isn't killed has failed
		}
		// os.Exit would, with the race detector, have the engine's library tidied up while its threads run.
		syscall.Exit(0)
	}
	wire.Serve()
	os.Exit(withServer(m.Run))
}

func withServer(run func() int) int {
	dir, err := os.MkdirTemp("", "chute-pipeline-")
	if err == nil {
		defer os.RemoveAll(dir)
		server, err = connectortest.LaunchServer(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer server.Close()
	defer stopModern()
	defer stopSSHD()
	return run()
}

// bothEngines runs a test on the embedded engine and on the server.
func bothEngines(t *testing.T, test func(t *testing.T, w *world)) {
	for _, engine := range []string{"chdb", "clickhouse"} {
		t.Run(engine, func(t *testing.T) { test(t, newWorld(t, engine)) })
	}
}

// eitherEngine runs a test with the engine whose turn it is, or with both when every one is asked for: what a restart mends is the same with both,
// and starting the embedded engine for each of many deaths is slow.
func eitherEngine(t *testing.T, turn int, test func(t *testing.T, w *world)) {
	if *everyCall {
		bothEngines(t, test)
		return
	}
	engine := []string{"chdb", "clickhouse", "clickhouse"}[turn%3]
	t.Run(engine, func(t *testing.T) { test(t, newWorld(t, engine)) })
}

// world is everything around one job: a store, a state, an engine.
type world struct {
	World
	t   testing.TB
	ctx context.Context
	im  *Importer
	db  connectors.Database
}

// World is what a child needs to enter the same world.
type World struct {
	Dir, Engine, Database string
	Address               []string
	Kill                  string // effect behind (or with a "-" before it) which the child is killed; "": it imports and ends
	Resume                bool   // the child goes on with what is unsettled instead of importing
	Calls                 bool   // the child hands its system calls to its parent behind "publishing"
	Far                   bool   // the store's files are fetched before they are read
	SFTP                  *SFTP  // the store is reached through this; nil: it is a local folder
	EngineMemory          int64  // of a statement of the embedded engine, and of one of an export; 0: no limit
	Export                bool   // the child exports; Resume says for a moment of its schedule
	Memory                int64  // not 0: the child isn't killed, but imports within so much memory and prints how much it took
}

// worlds counts them: names of tests may differ in nothing that a database's name can hold.
var worlds atomic.Int64

func newWorld(t *testing.T, engine string) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, World: World{Dir: t.TempDir(), Engine: engine, Address: []string{server.Address}}}
	if engine == "wire" {
		w.Address = []string{startModern(t).Address}
	}
	name := regexp.MustCompile("[^a-z0-9]+").ReplaceAllString(strings.ToLower(t.Name()), "_")
	w.Database = fmt.Sprintf("t%d_%s", worlds.Add(1), name)
	for _, dir := range []string{"store/in", "state", "jobs.d"} {
		if err := os.MkdirAll(filepath.Join(w.Dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(w.close)
	return w
}

// job writes the job file; the table is d.t in a database of this test's own.
func (w *world) job(text string) {
	w.t.Helper()
	text = strings.ReplaceAll(text, "%t", w.Database+".t")
	w.write("jobs.d/orders.toml", `
kind = "import"
store = "s"
inbox = "in"
match = "*"
`+text)
	w.write("chute.toml", fmt.Sprintf("[state]\ndir = %q\n[jobs]\ndir = %q\n[[store]]\nname = \"s\"\npath = %q\n",
		w.Dir+"/state", w.Dir+"/jobs.d", w.Dir+"/store"))
}

// orders is a job that makes its table; dirty files have bad numbers in them.
const orders = `
[target]
table = "%t"
create = true
order_by = ["id"]
partition_by = "id % 3"
[errors]
max_reject_percent = 50
[[column]]
name = "id"
type = "UInt64"
[[column]]
name = "amount"
type = "Decimal(12, 2)"
[[column]]
name = "note"
type = "LowCardinality(String)"
`

func (w *world) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.Dir, name), []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// open joins the parts, as the daemon does.
func (w *world) open() *Importer {
	w.t.Helper()
	im, db, err := w.enter(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	w.im, w.db = im, db
	if err := im.Sweep(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	return im
}

func (w World) enter(ctx context.Context) (*Importer, connectors.Database, error) {
	c, jobs, err := config.Load(filepath.Join(w.Dir, "chute.toml"))
	if err != nil {
		return nil, nil, err
	}
	l, err := ledger.Open(ctx, filepath.Join(c.State.Dir, "ledger.db"))
	if err != nil {
		return nil, nil, err
	}
	near, err := local.Open(c.Stores[0].Path, c.Stores[0].Work)
	if err != nil {
		return nil, nil, err
	}
	state, err := local.Open(c.State.Dir, "remembered")
	if err != nil {
		return nil, nil, err
	}
	spool := &Spool{Dir: filepath.Join(c.State.Dir, "spool")}
	if err := errors.Join(spool.Open(), spool.Sweep(ctx, l)); err != nil {
		return nil, nil, err
	}
	var store connectors.Folder = near
	if w.Far {
		store = &farFolder{Folder: near}
	}
	if w.SFTP != nil {
		if store, err = w.SFTP.open(c.Stores[0].Path, c.Stores[0].Work); err != nil {
			return nil, nil, err
		}
	}
	var db connectors.Database = clickhouse.Open(clickhouse.Config{Address: w.Address, DialTimeout: time.Minute})
	if w.Engine == "chdb" {
		if db, err = chdb.Open(ctx, chdb.Config{Path: filepath.Join(w.Dir, "chdb"), Memory: w.EngineMemory}); err != nil {
			return nil, nil, err
		}
	}
	return &Importer{
		Job: jobs[0], Inbox: store, Store: store, Work: c.Stores[0].Work, Database: db, Ledger: l,
		RunsDir: filepath.Join(c.State.Dir, "runs"), Cores: 2, Log: zerolog.Nop(),
		Spool: spool, State: state, StateWork: "remembered",
		EngineMemory: 1 << 30, Connections: 2,
	}, db, nil
}

func (w *world) close() {
	if w.im == nil {
		return
	}
	err := errors.Join(w.db.Close(), w.im.Ledger.Close())
	if far, ok := w.im.Store.(io.Closer); ok {
		err = errors.Join(err, far.Close())
	}
	if err != nil {
		w.t.Error(err)
	}
	w.im = nil
}

// drop puts a file into the inbox.
func (w *world) drop(name, text string) { w.write("store/in/"+name, text) }

// waiting lists the inbox in order.
func (w World) waiting(ctx context.Context, im *Importer) ([]connectors.File, error) {
	files, err := im.Inbox.List(ctx, "in")
	slices.SortFunc(files, func(a, b connectors.File) int { return strings.Compare(a.Name, b.Name) })
	return files, err
}

// importAll imports everything in the inbox together.
func (w *world) importAll() []connectors.Verdict {
	w.t.Helper()
	files, err := w.waiting(w.ctx, w.im)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.im.Import(w.ctx, files)
}

// resumeAll goes on with what is unsettled, as at a start.
func (w *world) resumeAll() []connectors.Verdict {
	w.t.Helper()
	return w.im.Resume(w.ctx, w.unsettled())
}

func (w *world) unsettled() []uint64 {
	w.t.Helper()
	runs, err := w.im.Ledger.Unsettled(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	var ids []uint64
	for _, r := range runs {
		ids = append(ids, r.ID)
	}
	return ids
}

// rows asks the engine; the result's rows are printed with blanks between values.
func (w *world) rows(sql string) []string {
	w.t.Helper()
	session, err := w.db.Session(w.ctx, "")
	if err != nil {
		w.t.Fatal(err)
	}
	rows, err := reconcile.Rows(w.ctx, session, connectors.Statement{SQL: strings.ReplaceAll(sql, "%t", w.Database+".t")})
	if err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	var lines []string
	for _, r := range rows {
		lines = append(lines, strings.Trim(fmt.Sprint(r), "[]"))
	}
	return lines
}

func (w *world) exec(statements ...string) {
	w.t.Helper()
	session, err := w.db.Session(w.ctx, "")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, sql := range statements {
		sql = strings.NewReplacer("%t", w.Database+".t", "%d", w.Database).Replace(sql)
		if err := session.Exec(w.ctx, connectors.Statement{SQL: sql}); err != nil {
			w.t.Fatalf("%s: %v", sql, err)
		}
	}
}

func (w *world) wantRows(sql string, want ...string) {
	w.t.Helper()
	if got := w.rows(sql); !slices.Equal(got, want) {
		w.t.Errorf("%s:\n got %q\nwant %q", sql, got, want)
	}
}

// tree lists the store's files, folders with a slash behind them.
func (w *world) tree() []string {
	w.t.Helper()
	var names []string
	root := w.Dir + "/store/." // which may be a link
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if d.IsDir() {
			rel += "/"
		}
		names = append(names, rel)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return names
}

// wantSettled checks that nothing is left of any run: no work folder, no stage, nothing unsettled.
func (w *world) wantSettled() {
	w.t.Helper()
	if left := w.unsettled(); len(left) > 0 {
		runs, _ := w.im.Ledger.Unsettled(w.ctx)
		w.t.Errorf("unsettled: %+v", runs)
	}
	for _, name := range w.tree() {
		if strings.HasPrefix(name, ".chute/") && strings.Count(name, "/") > 2 {
			w.t.Errorf("left in the work folder: %s", name)
		}
	}
	if stages := w.stages(); len(stages) > 0 {
		w.t.Errorf("stages left: %v", stages)
	}
}

// stages are the names of the ledger's staging tables.
func (w *world) stages() []string {
	w.t.Helper()
	return w.rows("SELECT name FROM system.tables WHERE name LIKE 'chute_stage_" + w.im.Ledger.ID() + "%'")
}

func (w *world) wantFiles(want ...string) {
	w.t.Helper()
	var got []string
	for _, name := range w.tree() {
		if !strings.HasSuffix(name, "/") {
			got = append(got, name)
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.t.Errorf("files of the store:\n got %q\nwant %q", got, want)
	}
}

func wantOutcomes(t testing.TB, verdicts []connectors.Verdict, want map[string]connectors.Outcome) {
	t.Helper()
	got := map[string]connectors.Outcome{}
	for _, v := range verdicts {
		got[v.File.Name] = v.Outcome
	}
	if !maps.Equal(got, want) {
		t.Errorf("verdicts: got %v, want %v", got, want)
		for _, v := range verdicts {
			if v.Err != nil {
				t.Logf("%s: %v", v.File.Name, v.Err)
			}
		}
	}
}

// killedChild runs a child that is killed at a point and makes sure that it was.
func (w *world) killedChild(kill string, resume bool) {
	w.t.Helper()
	task := w.World
	task.Kill, task.Resume = kill, resume
	text, err := json.Marshal(task)
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.CommandContext(w.ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childTask+"="+string(text))
	out, err := cmd.CombinedOutput()
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		w.t.Fatalf("the child wasn't killed at %q: %v\n%s", kill, err, out)
	}
}

// runChild imports, or resumes, and kills its own process at the point that was asked for.
func runChild(task string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var w World
	if err := json.Unmarshal([]byte(task), &w); err != nil {
		return err
	}
	if w.Export {
		return exportChild(ctx, w)
	}
	sayEffect("enter")
	im, _, err := w.enter(ctx)
	if err != nil {
		return err
	}
	if w.Memory > 0 {
		return measureChild(ctx, w, im)
	}
	if w.Kill == "" {
		return importChild(ctx, w, im)
	}
	point, before := strings.CutPrefix(w.Kill, "-")
	im.Fault = func(effect string, early bool) error {
		if effect == point && early == before {
			return syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		return nil
	}
	if w.Resume {
		runs, err := im.Ledger.Unsettled(ctx)
		if err != nil {
			return err
		}
		var ids []uint64
		for _, r := range runs {
			ids = append(ids, r.ID)
		}
		im.Resume(ctx, ids)
		return fmt.Errorf("resuming wasn't killed at %s", w.Kill)
	}
	files, err := w.waiting(ctx, im)
	if err != nil {
		return err
	}
	return fmt.Errorf("importing wasn't killed at %s: %+v", w.Kill, im.Import(ctx, files))
}
