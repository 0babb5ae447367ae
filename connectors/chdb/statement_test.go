package chdb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"chute/connectors"
	"chute/connectors/native"
)

// waitForStatement returns when the engine runs a statement whose mark ends in id.
func waitForStatement(t *testing.T, s connectors.Session, id string) {
	t.Helper()
	for deadline := time.Now().Add(50 * time.Second); time.Now().Before(deadline); {
		if rows(t, s, "SELECT count() FROM system.processes WHERE startsWith(Settings['log_comment'], ?)", id)[0] != "0" {
			return
		}
	}
	t.Fatalf("statement %q never ran", id)
}

const endless = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))"

// Cancelling reaches a SELECT that computes, one that streams, and one that is answered as a whole.
func TestCancelQuery(t *testing.T) {
	s, _ := openSession(t)
	statements := map[string]func(context.Context, connectors.Statement) error{
		endless: s.Exec,
		endless + " ": func(ctx context.Context, from connectors.Statement) error {
			return s.Query(ctx, from, func(*native.Block) error { return nil })
		},
		"SELECT number FROM numbers(1000000000000)": func(ctx context.Context, from connectors.Statement) error {
			return s.Query(ctx, from, func(*native.Block) error { return nil })
		},
		"CREATE TABLE t ENGINE = Memory AS " + endless: s.Exec,
	}
	gaveUp := errors.New("gave up")
	for sql, run := range statements {
		ctx, cancel := context.WithCancelCause(testContext(t))
		ended := make(chan error, 1)
		go func() { ended <- run(ctx, connectors.Statement{ID: "chute/long", SQL: sql}) }()
		waitForStatement(t, s, "chute/long")
		start := time.Now()
		cancel(gaveUp)
		if err := <-ended; !errors.Is(err, gaveUp) {
			t.Errorf("%s: %v", sql, err)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s: cancelling took %s", sql, took)
		}
	}
	wantRows(t, s, "SELECT count() FROM system.processes WHERE Settings['log_comment'] LIKE 'chute/long%'", "0")
}

func TestContextEndedBefore(t *testing.T) {
	s, _ := openSession(t)
	gaveUp := errors.New("gave up")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gaveUp)
	_, insertErr := s.Insert(ctx, connectors.Statement{SQL: "t"}, numbers(t, "n", 0, 0).Columns)
	for name, err := range map[string]error{
		"exec":   s.Exec(ctx, connectors.Statement{SQL: "SELECT 1"}),
		"query":  s.Query(ctx, connectors.Statement{SQL: "SELECT 1"}, nil),
		"insert": insertErr,
		"sync":   s.Sync(ctx),
	} {
		if !errors.Is(err, gaveUp) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKill(t *testing.T) {
	s, ctx := openSession(t)
	ended := map[string]chan error{"chute/1/7/a": nil, "chute/1/7/b": nil, "chute/1/70": nil}
	for id := range ended {
		done := make(chan error, 1)
		ended[id] = done
		go func() { done <- s.Exec(ctx, connectors.Statement{ID: id, SQL: endless}) }()
	}
	for id := range ended {
		waitForStatement(t, s, id)
	}
	if err := s.Kill(ctx, "chute/1/7/"); err != nil {
		t.Fatal(err)
	}
	wantRows(t, s, "SELECT count() FROM system.processes WHERE query LIKE 'SELECT count() FROM numbers%'", "1")
	for _, id := range []string{"chute/1/7/a", "chute/1/7/b"} {
		var own *connectors.DatabaseError
		if err := <-ended[id]; !errors.As(err, &own) || own.Code != wasCancelled {
			t.Errorf("%s: %v", id, err)
		}
	}
	if err := s.Kill(ctx, "chute/1/70"); err != nil {
		t.Error(err)
	}
	if err := <-ended["chute/1/70"]; err == nil {
		t.Error("the last one wasn't killed")
	}
	if err := s.Kill(ctx, "chute/nothing"); err != nil {
		t.Errorf("nothing to kill: %v", err)
	}
	if err := s.Kill(ctx, ""); err == nil {
		t.Error("an empty prefix is taken")
	}
}

func TestCloseEndsStatements(t *testing.T) {
	d := openTest(t, t.TempDir())
	table := createNumbers(t, d.session)
	i, err := d.session.Insert(testContext(t), table, numbers(t, "n?", 0, 0).Columns)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- d.session.Exec(context.WithoutCancel(t.Context()), connectors.Statement{ID: "x", SQL: endless})
	}()
	waitForStatement(t, d.session, "x")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, connectors.ErrUnavailable) {
		t.Errorf("query: %v", err)
	}
	if err := i.Commit(); !errors.Is(err, connectors.ErrUnavailable) {
		t.Errorf("insert: %v", err)
	}
}

func TestSettings(t *testing.T) {
	s, ctx := openSession(t)
	value := "SELECT value FROM system.settings WHERE name = 'max_block_size'"
	var got []string
	err := s.Query(ctx, connectors.Statement{SQL: value, Settings: map[string]string{"max_block_size": "4321"}}, func(b *native.Block) error {
		texts, err := texts(b, 0)
		got = append(got, texts...)
		return err
	})
	if err != nil || len(got) != 1 || got[0] != "4321" {
		t.Errorf("with the setting: %q, %v", got, err)
	}
	if rows(t, s, value)[0] == "4321" {
		t.Error("the setting has leaked into the next statement")
	}
	wantRows(t, s, "SELECT name, value FROM system.settings WHERE name IN ('async_insert', 'max_memory_usage', 'max_insert_threads') ORDER BY name",
		"async_insert\t0", "max_insert_threads\t1", fmt.Sprintf("max_memory_usage\t%d", 1<<30))

	var own *connectors.DatabaseError
	if err := s.Exec(ctx, connectors.Statement{SQL: "SELECT 1", Settings: map[string]string{"no_such_setting": "1"}}); !errors.As(err, &own) || own.Name != "UNKNOWN_SETTING" {
		t.Errorf("unknown setting: %v", err)
	}
	if err := s.Exec(ctx, connectors.Statement{SQL: "SELECT 1", Settings: map[string]string{markSetting: "mine"}}); err == nil {
		t.Error("chute's own setting can be set")
	}
	if err := s.Exec(ctx, connectors.Statement{SQL: "CREATE TABLE t (n UInt8) ENGINE = Memory", Settings: map[string]string{"readonly": "1"}}); !errors.As(err, &own) || own.Name != "READONLY" {
		t.Errorf("read-only: %v", err)
	}
	if err := s.Query(ctx, connectors.Statement{SQL: "SELECT number FROM numbers(3)", Settings: map[string]string{"readonly": "1"}}, func(*native.Block) error { return nil }); err != nil {
		t.Errorf("reading read-only: %v", err)
	}
}

func TestMemoryLimit(t *testing.T) {
	s, ctx := openSession(t)
	var own *connectors.DatabaseError
	err := s.Exec(ctx, connectors.Statement{SQL: "SELECT groupArray(number) FROM numbers(100000000)", Settings: map[string]string{"max_memory_usage": "50000000"}})
	if !errors.As(err, &own) || own.Name != "MEMORY_LIMIT_EXCEEDED" {
		t.Errorf("error %v", err)
	}
}

func TestQueryErrors(t *testing.T) {
	s, ctx := openSession(t)
	for sql, want := range map[string]string{
		"SELECT * FROM missing":   "UNKNOWN_TABLE",
		"SELEC 1":                 "SYNTAX_ERROR",
		"SHOW TABLES FROM nobody": "UNKNOWN_DATABASE",
		"SELECT throwIf(number = 500000, '(NOT_MY_NAME)\n') FROM numbers(1000000)": "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO",
	} {
		err := s.Query(ctx, connectors.Statement{SQL: sql}, func(*native.Block) error { return nil })
		var own *connectors.DatabaseError
		if !errors.As(err, &own) || own.Name != want || own.Code == 0 {
			t.Errorf("%s: %#v, want %s", sql, err, want)
		}
	}
	if err := s.Exec(ctx, connectors.Statement{SQL: "SELECT ?"}); err == nil {
		t.Error("a missing argument is no error")
	}
}

func TestQueryStops(t *testing.T) {
	s, ctx := openSession(t)
	enough := errors.New("enough")
	blocks := 0
	err := s.Query(ctx, connectors.Statement{SQL: "SELECT number FROM numbers(100000000000)"}, func(*native.Block) error {
		if blocks++; blocks == 3 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || blocks != 3 {
		t.Errorf("%v after %d blocks", err, blocks)
	}
	func() {
		defer func() { _ = recover() }()
		_ = s.Query(ctx, connectors.Statement{ID: "panics", SQL: "SELECT number FROM numbers(100000000000)"}, func(*native.Block) error { panic("no") })
	}()
	wantRows(t, s, "SELECT count() FROM system.processes WHERE query LIKE '%100000000000)'", "0")
}

// An empty result still has columns, streamed or not.
func TestEmptyResult(t *testing.T) {
	s, ctx := openSession(t)
	for _, sql := range []string{"SELECT number AS a, toLowCardinality('x') AS b FROM numbers(3) WHERE number > 5", "WITH 5 AS c SELECT number AS a, 'x' AS b FROM numbers(3) WHERE number > c -- done\n;\n"} {
		blocks := 0
		err := s.Query(ctx, connectors.Statement{SQL: sql}, func(b *native.Block) error {
			blocks++
			if len(b.Columns) != 2 || b.Rows != 0 || b.Columns[0].Name != "a" || b.Columns[0].Type.String() != "UInt64" || b.Columns[1].Type.String() != "String" {
				t.Errorf("%s: %+v", sql, b)
			}
			return nil
		})
		if err != nil || blocks != 1 {
			t.Errorf("%s: %d blocks, %v", sql, blocks, err)
		}
	}
}

// What can't be streamed is answered all the same.
func TestQueryKinds(t *testing.T) {
	s, _ := openSession(t)
	execute(t, s, "CREATE TABLE t (n UInt8) ENGINE = Memory")
	for sql, want := range map[string]string{
		"SHOW TABLES":                        "t",
		"EXISTS TABLE t":                     "1",
		"(SELECT 1)":                         "1",
		"/* first */ -- second\n select 1":   "1",
		"FROM numbers(2) SELECT max(number)": "1",
		"WITH 1 AS a SELECT a":               "1",
		"(SELECT 1) UNION ALL (SELECT 1) ;":  "1\n1",
	} {
		if got := strings.Join(rows(t, s, sql), "\n"); got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
}

// Whatever bytes a value has, they come back; and they never end the literal.
func TestHostileArgs(t *testing.T) {
	s, _ := openSession(t)
	for _, text := range []string{
		"", "'", "''", `\`, `\\`, `\'`, `'; DROP TABLE t; --`, "\x00", "a\x00b", "\xff\xfe", "\xc3\x28", "`", `"`, "?", "-- x", "/* x", "*/", "$$", "$a$", "{a:String}", "\n\r\t\b", "\\x41", "\\N", "ü€😀", strings.Repeat("'\\", 5000),
	} {
		got := rows(t, s, "SELECT hex(?), length(?)", text, text)
		if want := fmt.Sprintf("%X\t%d", text, len(text)); len(got) != 1 || got[0] != want {
			t.Errorf("%q came back as %q", text, got)
		}
		name := native.Identifier("c" + text)
		if got := rows(t, s, "SELECT hex("+name+") FROM (SELECT ? AS "+name+")", text); len(got) != 1 || got[0] != fmt.Sprintf("%X", text) {
			t.Errorf("as a name, %q came back as %q", text, got)
		}
	}
}
