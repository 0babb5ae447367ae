package query

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chute/connectors"
	"chute/connectors/chdb"
	"chute/connectors/clickhouse"
	"chute/connectors/connectortest"
	"chute/connectors/native"
)

// engines are the two, started when a test first asks for them: fuzzing has no need of them.
var engines struct {
	once     sync.Once
	sessions map[string]connectors.Session
	err      error
	close    []func()
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, f := range slices.Backward(engines.close) {
		f()
	}
	os.Exit(code)
}

// sessions returns a line to each engine. Both have the table t.
func sessions(t *testing.T) map[string]connectors.Session {
	t.Helper()
	engines.once.Do(func() { engines.err = startEngines() })
	if engines.err != nil {
		t.Fatal(engines.err)
	}
	return engines.sessions
}

func startEngines() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "chute-query-")
	if err != nil {
		return err
	}
	engines.close = append(engines.close, func() { os.RemoveAll(dir) })
	embedded, err := chdb.Open(ctx, chdb.Config{Path: filepath.Join(dir, "embedded"), Memory: 1 << 30})
	if err != nil {
		return err
	}
	engines.close = append(engines.close, func() { embedded.Close() })
	server, err := connectortest.LaunchServer(filepath.Join(dir, "server"))
	if err != nil {
		return err
	}
	engines.close = append(engines.close, func() { server.Close() })
	remote := clickhouse.Open(clickhouse.Config{Address: []string{server.Address}})
	engines.close = append(engines.close, func() { remote.Close() })
	engines.sessions = map[string]connectors.Session{}
	for name, db := range map[string]connectors.Database{"embedded": embedded, "server": remote} {
		s, err := db.Session(ctx, "")
		if err != nil {
			return err
		}
		engines.sessions[name] = s
		for _, sql := range []string{"CREATE TABLE t (n UInt64, s String) ENGINE = MergeTree ORDER BY n", "INSERT INTO t SELECT number, toString(number) FROM numbers(10)"} {
			if err := s.Exec(ctx, connectors.Statement{SQL: sql}); err != nil {
				return err
			}
		}
	}
	return nil
}

// outside is what no question may reach: two services in the network, a file to read, a script to run and a place to write to.
type outside struct {
	t                       *testing.T
	http, tcp               string
	secret, script, written string
	reached                 atomic.Int64
}

func newOutside(t *testing.T) *outside {
	o := &outside{t: t}
	dir := t.TempDir()
	o.secret, o.script, o.written = filepath.Join(dir, "secret.csv"), filepath.Join(dir, "script.sh"), filepath.Join(dir, "written")
	if err := errors.Join(os.WriteFile(o.secret, []byte("SECRET\n"), 0o644), os.WriteFile(o.script, []byte("#!/bin/sh\ntouch "+o.written+"\n"), 0o755)); err != nil {
		t.Fatal(err)
	}
	o.http = o.listen(func(l net.Listener) {
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			o.reached.Add(1)
			fmt.Fprintln(w, "1")
		}))
	})
	o.tcp = o.listen(func(l net.Listener) {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			o.reached.Add(1)
			c.Close()
		}
	})
	return o
}

func (o *outside) listen(serve func(net.Listener)) (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		o.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); serve(l) }()
	o.t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

func (o *outside) fill(sql string) string {
	return strings.NewReplacer("$HTTP", o.http, "$TCP", o.tcp, "$SECRET", o.secret, "$SCRIPT", o.script, "$WRITTEN", o.written).Replace(sql)
}

// touched tells what was reached since the last time.
func (o *outside) touched(answer string) string {
	var what []string
	if o.reached.Swap(0) > 0 {
		what = append(what, "the network")
	}
	if os.Remove(o.written) == nil {
		what = append(what, "a file written")
	}
	if strings.Contains(answer, "SECRET") {
		what = append(what, "a file read")
	}
	return strings.Join(what, ", ")
}

// ask runs a question and returns the answer as text.
func ask(t *testing.T, run func(ctx context.Context, each func(*native.Block) error) error) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var answer []string
	err := run(ctx, func(b *native.Block) error {
		for i, c := range b.Columns {
			values, err := native.Values(c, b.Data[i], b.Rows)
			if err != nil {
				return err
			}
			for _, v := range values {
				answer = append(answer, fmt.Sprint(v))
			}
		}
		return nil
	})
	return strings.Join(answer, " "), err
}

func question(t *testing.T, s connectors.Session, sql string) (string, error) {
	t.Helper()
	return ask(t, func(ctx context.Context, each func(*native.Block) error) error { return Run(ctx, s, sql, each) })
}

// TestAttacks: none of these reaches anything, on either engine, and each is refused with a sentence that says why.
func TestAttacks(t *testing.T) {
	o := newOutside(t)
	for name, s := range sessions(t) {
		for _, a := range attacks {
			answer, err := question(t, s, o.fill(a.sql))
			if touched := o.touched(answer); touched != "" {
				t.Errorf("%s: %s: reached: %s", name, a.sql, touched)
			}
			var why *Refused
			if !errors.As(err, &why) || !strings.Contains(why.Why, a.why) {
				t.Errorf("%s: %s: answers %.100q, %v; it should be refused for %q", name, a.sql, answer, err, a.why)
			}
		}
		if answer, err := question(t, s, "SELECT count(), sum(n) FROM t"); err != nil || answer != "10 45" {
			t.Errorf("%s: afterwards the table has %s (%v)", name, answer, err)
		}
	}
}

// TestReadOnlyModeIsTheSecondLock: what isn't refused before is refused by the engine.
func TestReadOnlyModeIsTheSecondLock(t *testing.T) {
	for name, s := range sessions(t) {
		for _, sql := range []string{"WITH 1 AS x INSERT INTO t SELECT x, 'x'", "SELECT * FROM input('n UInt8')", "EXPLAIN INSERT INTO t VALUES (1, 'x')"} {
			if answer, err := question(t, s, sql); err == nil && !strings.HasPrefix(sql, "EXPLAIN") {
				t.Errorf("%s: %s: answers %s", name, sql, answer)
			}
		}
		var own *connectors.DatabaseError
		err := s.Exec(t.Context(), connectors.Statement{SQL: "INSERT INTO t SELECT 1, ''", Settings: map[string]string{"readonly": "1"}})
		if !errors.As(err, &own) || own.Code != 164 {
			t.Errorf("%s: an insert in read-only mode: %v", name, err)
		}
	}
}

// TestEngineAloneIsNotEnough shows why the rules are needed, and that the other tests would see it if something was reached.
func TestEngineAloneIsNotEnough(t *testing.T) {
	o, s := newOutside(t), sessions(t)["embedded"]
	for sql, want := range map[string]string{
		"DESCRIBE url('http://$HTTP/a', CSV)":                                                      "the network",
		"SELECT file('$SECRET')":                                                                   "a file read",
		"SELECT arrayMap(file, ['$SECRET'])":                                                       "a file read",
		"SELECT * APPLY file FROM (SELECT '$SECRET')":                                              "a file read",
		"SHOW TABLES INTO OUTFILE '$WRITTEN'":                                                      "a file written",
		"SELECT hasColumnInTable('$TCP', 'u', 'p', 'd', 't', 'c')":                                 "the network",
		"SELECT * FROM (SELECT * FROM url('http://$HTTP/a', CSV, 'n Int8') SETTINGS readonly = 0)": "the network",
	} {
		answer, _ := ask(t, func(ctx context.Context, each func(*native.Block) error) error {
			return s.Query(ctx, connectors.Statement{SQL: o.fill(sql), Settings: map[string]string{"readonly": "1"}}, each)
		})
		if touched := o.touched(answer); touched != want {
			t.Errorf("%s in read-only mode reaches %q, expected is %q", sql, touched, want)
		}
	}
}

// TestQuestions: what people ask is answered, the same by both engines where both have it.
func TestQuestions(t *testing.T) {
	for _, q := range []struct{ sql, want, engine string }{
		{"SELECT count(), sum(n) FROM t", "10 45", ""},
		{"select n from t where s = '3';", "3", ""},
		{"SELECT n FROM t -- a comment; DROP TABLE t\nWHERE n = 4 /* SETTINGS readonly = 0 */ ;", "4", ""},
		{"(SELECT 1)", "1", ""},
		{"SELECT 'it''s; -- no /* comment', 'a\\'b;'", "it's; -- no /* comment a'b;", "embedded"},
		{"SELECT `n` FROM \"t\" WHERE n = 5", "5", ""},
		{"SELECT t.n AS `file` FROM t WHERE n = 6", "", "refused"},
		{"SELECT x.file FROM (SELECT n AS n FROM t) AS x", "", "error"},
		{"SELECT format, x.settings FROM (SELECT 'f' AS format, 'g' AS `settings`) AS x", "f g", ""},
		{"SELECT name FROM system.settings WHERE name = 'readonly'", "readonly", ""},
		{"SELECT format FROM (SELECT 'f' AS format) ORDER BY format DESC", "f", ""},
		{"SELECT 1.5, -2, 1e3, 0xFF", "1.5 -2 1000 255", ""},
		{"SELECT n FROM t ORDER BY n DESC LIMIT 1", "9", ""},
		{"SELECT name, type FROM system.columns WHERE table = 't' AND name = 'n'", "n UInt64", ""},
		{"DESCRIBE TABLE t", "", ""},
		{"SHOW TABLES", "t", ""},
		{"SHOW CREATE TABLE t", "", ""},
		{"WITH x AS (SELECT max(n) AS m FROM t) SELECT m FROM x", "9", "embedded"},
		{"FROM t SELECT n LIMIT 1", "0", "embedded"},
		{"SELECT count() FROM numbers(7)", "7", "embedded"},
		{"SELECT * FROM values('a UInt8, b String', (1, 'x'))", "1 x", "embedded"},
		{"SELECT count() FROM merge('default', '^t$')", "10", "embedded"},
		{"SELECT format('{}-{}', 'a', 'b')", "a-b", "embedded"},
		{"EXPLAIN SELECT 1", "", "embedded"},
	} {
		for name, s := range sessions(t) {
			if q.engine != "" && q.engine != name && (q.engine == "embedded" || q.engine == "server") {
				continue
			}
			answer, err := question(t, s, q.sql)
			var why *Refused
			switch isRefused := errors.As(err, &why); {
			case q.engine == "refused" && isRefused, q.engine == "error" && err != nil && !isRefused:
			case err != nil || q.want != "" && answer != q.want:
				t.Errorf("%s: %s: answers %q, %v; expected is %q", name, q.sql, answer, err, q.want)
			}
		}
	}
}

func TestZone(t *testing.T) {
	for name, s := range sessions(t) {
		if zone, err := Zone(t.Context(), s); err != nil || zone == nil {
			t.Errorf("%s: %v, %v", name, zone, err)
		}
	}
}
