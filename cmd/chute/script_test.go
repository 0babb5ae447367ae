package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"chute/connectors"
	"chute/connectors/chdb"
	"chute/connectors/connectortest"
	"chute/connectors/connectortest/sshd"
	"chute/pipeline/reconcile"
)

// The scripts in testdata/script run the program as people do: as a process, on real files, with a real engine.
//
//	both/              on each engine
//	either/            on the server, and with -every on each engine: what the engines do there is tested with both in pipeline
//	server/            where the engine makes no difference, or the script needs a server to stop and start
//	commands/both/     what people call beside the daemon: many short processes with little that runs at once, and
//	commands/server/   the same with the server only
//	heavy/both/        crashes, crowds, large files, and
//	heavy/server/      outages
//
// With -short, which is for the race detector, only server/ runs.
//
// Numbers in them were computed by other programs: testdata/files/figures.py for the real files, a sum in a comment for made ones.

// patience is the deadline of every wait in a script: for a loaded machine, not for a good one.
const patience = 2 * time.Minute

// commandTime is how long a command may take: the demo is to be through within a minute.
const commandTime = time.Minute

var everyEngine = flag.Bool("every", false, "run scripts on both engines where one is enough")

// server is the package's ClickHouse server; scripts have databases of their own on it.
var server *connectortest.Server

// library is the embedded engine's. Scripts don't see this user's cache.
var library string

type suite struct{ m *testing.M }

func TestMain(m *testing.M) {
	testscript.Main(suite{m}, map[string]func(){"chute": main, "chdbquery": chdbQuery})
}

// Run prepares what the scripts share, in the process of the tests only, not in those that are chute.
func (s suite) Run() int {
	if err := s.prepare(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := flag.Set("test.parallel", "4"); err != nil { // scripts wait more than they work
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := s.m.Run()
	server.Kill()
	os.RemoveAll(server.Dir)
	return code
}

func (s suite) prepare() (err error) {
	if library, err = chdb.Find(""); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "chute-server-")
	if err != nil {
		return err
	}
	if server, err = connectortest.LaunchServer(dir); err != nil {
		os.RemoveAll(dir)
	}
	return err
}

// chdbQuery prints the result of a query on an embedded database that nobody has open: chdbquery PATH SQL. A statement without a
// result prints nothing.
func chdbQuery() {
	err := func() error {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		db, err := chdb.Open(ctx, chdb.Config{Library: os.Getenv(chdb.Variable), Path: os.Args[1]})
		if err != nil {
			return err
		}
		defer db.Close()
		session, err := db.Session(ctx, "")
		if err != nil {
			return err
		}
		if sql := os.Args[2]; !regexp.MustCompile(`^(SELECT|SHOW) `).MatchString(sql) {
			return session.Exec(ctx, connectors.Statement{SQL: sql})
		}
		rows, err := reconcile.Rows(ctx, session, connectors.Statement{SQL: os.Args[2]})
		for _, r := range rows {
			fmt.Println(strings.TrimSuffix(fmt.Sprintln(r...), "\n"))
		}
		return err
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func TestScripts(t *testing.T) {
	folders := map[string][]string{"clickhouse": {"server"}}
	if !testing.Short() {
		folders["chdb"] = []string{"both", "commands/both", "heavy/both"}
		if *everyEngine {
			folders["chdb"] = append(folders["chdb"], "either")
		}
		folders["clickhouse"] = append(folders["clickhouse"], "both", "either", "commands/both", "commands/server", "heavy/both", "heavy/server")
	}
	for engine, dirs := range folders {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			var files []string
			for _, dir := range dirs {
				found, err := filepath.Glob(filepath.Join("testdata", "script", dir, "*.txtar"))
				if err != nil || len(found) == 0 {
					t.Fatalf("no scripts in %s (%v)", dir, err)
				}
				files = append(files, found...)
			}
			testscript.Run(t, testscript.Params{
				Files: files, Cmds: commands, RequireExplicitExec: true, RequireUniqueNames: true, UpdateScripts: os.Getenv("CHUTE_UPDATE") != "",
				Setup: func(env *testscript.Env) error { return newWorld(env, engine) },
				Condition: func(condition string) (bool, error) {
					switch condition {
					case "root":
						return os.Getuid() == 0, nil
					case "chdb", "clickhouse":
						return condition == engine, nil
					}
					return false, fmt.Errorf("no such condition: %s", condition)
				},
			})
		})
	}
}

// embeddedAtOnce keeps the embedded engines that run at a time to two: each takes some 400 MB.
var embeddedAtOnce = make(chan bool, 2)

// world is one script's installation: a configuration, a state, a store, a database.
type world struct {
	dir      string
	engine   string
	database string
	server   *connectortest.Server // the package's, or the script's own
	sshd     *sshd.Server          // the script's own; nil without one
	daemon   *process              // nil when it isn't running
	feeder   *feeder
	partners *partners         // nil without any
	photo    map[string]string // what everything was like
}

const defaultConfig = `[database]
$DATABASE

[state]
dir = "$WORK/state"

[jobs]
dir = "jobs.d"

[limits]
min_free = "16MiB"

[[store]]
name = "acme"
path = "$WORK/store"
`

// newWorld makes the installation around the files of a script. Files chute*.toml of the script may use $WORK and $DATABASE, or else the database's $NAME and
// the server's ports, $PLAIN and $SECURE, with the certificate of the latter, $AUTHORITY.
func newWorld(env *testscript.Env, engine string) error {
	w := &world{dir: env.WorkDir, engine: engine, database: "default", server: server}
	env.Values["world"] = w
	env.Defer(func() { w.close(env) })
	if engine == "chdb" {
		embeddedAtOnce <- true
		env.Defer(func() { <-embeddedAtOnce })
	} else {
		w.database = "s_" + regexp.MustCompile(`\W+`).ReplaceAllString(strings.TrimPrefix(filepath.Base(env.WorkDir), "script-"), "_")
		if err := w.serverQuery(new(bytes.Buffer), "CREATE DATABASE "+w.database); err != nil {
			return err
		}
	}
	for _, dir := range []string{"jobs.d", "store/in", "cache/chute"} {
		if err := os.MkdirAll(filepath.Join(w.dir, dir), 0o755); err != nil {
			return err
		}
	}
	if err := os.Symlink(library, filepath.Join(w.dir, "cache/chute/libchdb-"+chdb.Version+".so")); err != nil {
		return err
	}
	files, err := filepath.Abs("testdata/files")
	if err != nil {
		return err
	}
	env.Setenv("FILES", files)
	env.Setenv("ENGINE", engine)
	env.Setenv("ADDRESS", server.Address)
	env.Setenv("LIBRARY", library)
	env.Setenv("XDG_CACHE_HOME", filepath.Join(w.dir, "cache"))
	env.Setenv(chdb.Variable, library)
	env.Setenv("IN", filepath.Join(w.dir, "store/in"))
	return w.configure()
}

// configure writes chute.toml where the script brings none, and fills in what the script can't know.
func (w *world) configure() error {
	name := filepath.Join(w.dir, "chute.toml")
	if _, err := os.Stat(name); os.IsNotExist(err) {
		if err := os.WriteFile(name, []byte(defaultConfig), 0o644); err != nil {
			return err
		}
	}
	return w.fill("$WORK", w.dir, "$DATABASE", w.databaseKeys(), "$NAME", w.database,
		"$PLAIN", w.server.Address, "$SECURE", w.server.TLSAddress, "$AUTHORITY", w.server.CAFile)
}

// fill puts values into the configurations.
func (w *world) fill(pairs ...string) error {
	configs, err := filepath.Glob(filepath.Join(w.dir, "chute*.toml"))
	if err != nil {
		return err
	}
	for _, name := range configs {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(strings.NewReplacer(pairs...).Replace(string(text))), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) databaseKeys() string {
	if w.engine == "chdb" {
		return `engine = "chdb"`
	}
	return fmt.Sprintf("engine = \"clickhouse\"\naddress = [%q]\ndatabase = %q", w.server.Address, w.database)
}

// close ends what the script left running and shows the daemon's log of one that failed.
func (w *world) close(env *testscript.Env) {
	if w.feeder != nil {
		w.feeder.stop()
	}
	if w.daemon != nil {
		w.daemon.kill()
	}
	if w.sshd != nil {
		w.sshd.Kill()
		if failed(env) {
			env.T().Log("end of sshd's log:\n" + w.sshd.LogTail())
		}
		os.RemoveAll(w.sshd.Dir)
	}
	if w.partners != nil {
		if err := w.partners.close(); err != nil {
			env.T().Fatal(err)
		}
	}
	if w.server != server {
		w.server.Kill()
		os.RemoveAll(w.server.Dir)
		w.server = server
	}
	if w.engine == "clickhouse" {
		_ = w.serverQuery(new(bytes.Buffer), "DROP DATABASE "+w.database) // a server of a test: nobody misses it
	}
	if failed(env) {
		env.T().Log("end of the daemon's log:\n" + w.logTail())
	}
}

func failed(env *testscript.Env) bool {
	t, ok := env.T().(interface{ Failed() bool })
	return ok && t.Failed()
}

func (w *world) logTail() string {
	text, err := os.ReadFile(filepath.Join(w.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-6000):])
}

// serverQuery asks the server by its own client: nothing of chute's has a part in the answer.
func (w *world) serverQuery(out *bytes.Buffer, sql string) error {
	host, port, _ := strings.Cut(w.server.Address, ":")
	c := exec.Command("clickhouse-client", "--host", host, "--port", port, "--query", sql)
	if !strings.HasPrefix(sql, "CREATE DATABASE") && !strings.HasPrefix(sql, "DROP DATABASE") {
		c.Args = append(c.Args, "--database", w.database)
	}
	var said bytes.Buffer
	c.Stdout, c.Stderr = out, &said
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", sql, err, said.String())
	}
	return nil
}
