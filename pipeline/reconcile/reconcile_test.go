package reconcile

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chute/config"
	"chute/connectors"
	"chute/connectors/chdb"
	"chute/connectors/clickhouse"
	"chute/connectors/connectortest"
	"chute/connectors/connectortest/wire"
	"chute/connectors/native"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sessions are the engines that every test runs on: the embedded one and Debian's server of 2018; and a server of today once a test wants it.
var sessions = map[string]connectors.Session{}

// server is the second one's process, today the third one's.
var (
	server *connectortest.Server
	today  *wire.Server
)

const testDeadline = 5 * time.Minute

// limitedUsers, in the environment, makes the test binary a child whose embedded engine has the users of that file: there is one engine for each process.
const limitedUsers = "CHUTE_RECONCILE_TEST_USERS"

func TestMain(m *testing.M) {
	wire.Serve()
	flag.Parse()
	os.Exit(withEngines(m.Run))
}

func withEngines(run func() int) int {
	dir, err := os.MkdirTemp("", "chute-reconcile-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), testDeadline)
	defer cancel()
	users := os.Getenv(limitedUsers)
	embedded, err := chdb.Open(ctx, chdb.Config{Path: filepath.Join(dir, "embedded"), Memory: 1 << 30, Users: users})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer embedded.Close()
	if users != "" {
		if sessions["embedded"], err = embedded.Session(ctx, ""); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return run()
	}
	if server, err = connectortest.LaunchServer(filepath.Join(dir, "server")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer server.Close()
	defer func() {
		if today != nil {
			today.Kill()
		}
	}()
	remote := clickhouse.Open(clickhouse.Config{Address: []string{server.Address}})
	defer remote.Close()
	for name, db := range map[string]connectors.Database{"embedded": embedded, "server": remote} {
		if sessions[name], err = db.Session(ctx, ""); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return run()
}

// engine is one of them, with a database for one test.
type engine struct {
	connectors.Session
	t    *testing.T
	ctx  context.Context
	name string
	db   string
}

// bothEngines runs a test on both at once, in a database of its own.
func bothEngines(t *testing.T, test func(t *testing.T, e *engine)) {
	for _, name := range []string{"embedded", "server"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, openEngine(t, name))
		})
	}
}

// allEngines does the same with the server of today as well, but for the race detector.
func allEngines(t *testing.T, test func(t *testing.T, e *engine)) {
	if !testing.Short() {
		if sessions["wire"] == nil {
			today, sessions["wire"] = startModern(t, filepath.Join(server.Dir, "modern"), "")
		}
		t.Run("wire", func(t *testing.T) {
			t.Parallel()
			test(t, openEngine(t, "wire"))
		})
	}
	bothEngines(t, test)
}

// startModern starts a server of today.
func startModern(t *testing.T, dir, users string) (*wire.Server, connectors.Session) {
	t.Helper()
	modern, err := wire.Launch(dir, users)
	if err != nil {
		t.Fatal(err)
	}
	s, err := clickhouse.Open(clickhouse.Config{Address: []string{modern.Address}}).Session(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return modern, s
}

func openEngine(t *testing.T, name string) *engine {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testDeadline)
	e := &engine{Session: sessions[name], t: t, ctx: ctx, name: name}
	e.db = strings.NewReplacer("/", " ", "#", "?").Replace(t.Name()) + " `\\'\"é."
	e.exec("CREATE DATABASE " + native.Identifier(e.db))
	t.Cleanup(func() {
		defer cancel()
		err := e.Exec(context.WithoutCancel(ctx), connectors.Statement{SQL: "DROP DATABASE " + native.Identifier(e.db)})
		if err != nil {
			t.Error(err)
		}
	})
	return e
}

// old tells whether it is the server of 2018.
func (e *engine) old() bool { return e.name == "server" }

func (e *engine) can() connectors.Abilities { return e.Server().Abilities }

func (e *engine) table(name string) config.TableName {
	return config.TableName{Database: e.db, Table: name}
}

func (e *engine) exec(sql string, args ...any) {
	e.t.Helper()
	e.run(connectors.Statement{SQL: sql, Args: args, Settings: permissive(e.can())})
}

func (e *engine) run(statements ...connectors.Statement) {
	e.t.Helper()
	for _, st := range statements {
		if err := e.Exec(e.ctx, st); err != nil {
			e.t.Fatalf("%s: %v", st.SQL, err)
		}
	}
}

// rows prints a result: a blank between columns, a bar between rows.
func (e *engine) rows(sql string, args ...any) string {
	e.t.Helper()
	rows, err := Rows(e.ctx, e, connectors.Statement{SQL: sql, Args: args})
	if err != nil {
		e.t.Fatalf("%s: %v", sql, err)
	}
	var lines []string
	for _, r := range rows {
		lines = append(lines, strings.Trim(fmt.Sprint(r), "[]"))
	}
	return strings.Join(lines, "|")
}

func (e *engine) want(want, sql string, args ...any) {
	e.t.Helper()
	if got := e.rows(sql, args...); got != want {
		e.t.Errorf("%s:\n%s, want\n%s", sql, got, want)
	}
}

var lineage = Lineage{Run: "_chute_run", Record: "_chute_record"}

func (e *engine) describe(name string) *Target {
	e.t.Helper()
	target, err := Describe(e.ctx, e, e.table(name), lineage)
	if err != nil {
		e.t.Fatal(err)
	}
	return target
}

// stage makes an empty stage for a target.
func (e *engine) stage(t *Target, name string) string {
	e.t.Helper()
	stage := quoted(e.table(name))
	e.run(CreateStage(stage, t, e.can())...)
	return stage
}

// fill puts rows of one run into a stage: ids repeat, days are consecutive, records count from 1.
func (e *engine) fill(stage string, run uint64, rows, days int) {
	e.t.Helper()
	e.run(connectors.Statement{
		SQL: "INSERT INTO " + stage + " (id, d, s, _chute_run, _chute_record)" +
			" SELECT number % 50 + 1, toDate('2020-01-01') + number % ?, 'x', toUInt64(?), number + 1 FROM numbers(?)",
		Args:     []any{days, run, rows},
		Settings: Pinned(e.can()),
	})
}

// attach publishes a stage.
func (e *engine) attach(t *Target, stage string, runs ...uint64) error {
	statements, err := Attach(e.ctx, e, t, e.table(stage), runs, "")
	for _, st := range statements {
		if err == nil {
			err = e.Exec(e.ctx, st)
		}
	}
	return err
}

func (e *engine) mustAttach(t *Target, stage string, runs ...uint64) {
	e.t.Helper()
	if err := e.attach(t, stage, runs...); err != nil {
		e.t.Fatal(err)
	}
}

// takeOut deletes runs and waits until they are gone.
func (e *engine) takeOut(t *Target, runs ...uint64) {
	e.t.Helper()
	st, asynchronous := Delete(t, e.can(), runs, "")
	e.run(st)
	for asynchronous {
		gone, err := Gone(e.ctx, e, t, runs, "")
		if err != nil {
			e.t.Fatal(err)
		}
		asynchronous = !gone
	}
}

func (e *engine) wantCount(t *Target, want map[uint64]uint64) {
	e.t.Helper()
	got, err := Count(e.ctx, e, t.Table(), t.Lineage, "", []uint64{1, 2, 3})
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		e.t.Errorf("rows of runs in %s: %v, %v, want %v", t.Name, got, err, want)
	}
}

func (e *engine) wantAll(table string, want uint64) {
	e.t.Helper()
	if got, err := CountAll(e.ctx, e, table, ""); err != nil || got != want {
		e.t.Errorf("%s has %d rows, %v, want %d", table, got, err, want)
	}
}

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; see what it should be, then -update:\n%s", path, got)
	}
}

func code(err error) int {
	var answer *connectors.DatabaseError
	if errors.As(err, &answer) {
		return answer.Code
	}
	return 0
}

func statement(sql string) connectors.Statement { return connectors.Statement{SQL: sql} }
