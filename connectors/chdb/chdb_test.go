package chdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chute/connectors"
	"chute/connectors/native"
)

func TestMain(m *testing.M) {
	if path := os.Getenv("CHDB_TEST_SECOND"); path != "" {
		os.Exit(second(path))
	}
	if path := os.Getenv("CHDB_TEST_INSERT"); path != "" {
		os.Exit(endlessInsert(path))
	}
	if path := os.Getenv("CHDB_TEST_START"); path != "" {
		os.Exit(startToBeKilled(path))
	}
	if path := os.Getenv("CHDB_TEST_CRASH"); path != "" {
		os.Exit(startToCrash(path))
	}
	if _, err := Find(""); err != nil {
		fmt.Fprintln(os.Stderr, "these tests run the real engine:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// testContext ends before the test binary would be killed, so that a hanging statement shows where.
func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func openTest(t *testing.T, path string) *Database {
	t.Helper()
	d, err := Open(testContext(t), Config{Path: path, Memory: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// openSession opens the engine on a fresh folder.
func openSession(t *testing.T) (*Session, context.Context) {
	t.Helper()
	return openTest(t, t.TempDir()).session, testContext(t)
}

func execute(t *testing.T, s connectors.Session, sql string, args ...any) {
	t.Helper()
	if err := s.Exec(testContext(t), connectors.Statement{SQL: sql, Args: args}); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// rows returns a result's values, one string for each row, with a tab between columns.
func rows(t *testing.T, s connectors.Session, sql string, args ...any) []string {
	t.Helper()
	var all []string
	err := s.Query(testContext(t), connectors.Statement{SQL: sql, Args: args}, func(b *native.Block) error {
		lines := make([]string, b.Rows)
		for i, c := range b.Columns {
			values, err := native.Values(c, b.Data[i], b.Rows)
			if err != nil {
				return err
			}
			for n, v := range values {
				if i > 0 {
					lines[n] += "\t"
				}
				lines[n] += fmt.Sprint(v)
			}
		}
		all = append(all, lines...)
		return nil
	})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return all
}

func wantRows(t *testing.T, s connectors.Session, sql string, want ...string) {
	t.Helper()
	if got := rows(t, s, sql); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s:\n%q, want\n%q", sql, got, want)
	}
}

func column(t *testing.T, name, typ string) native.Column {
	t.Helper()
	parsed, err := native.ParseType(typ)
	if err != nil {
		t.Fatal(err)
	}
	return native.Column{Name: name, Type: parsed}
}

func TestReopen(t *testing.T) {
	first, other := t.TempDir(), t.TempDir()
	for round, path := range []string{first, other, first} {
		d, err := Open(testContext(t), Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		if round < 2 {
			execute(t, d.session, "CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n")
			execute(t, d.session, "INSERT INTO t VALUES (?)", round)
		} else {
			wantRows(t, d.session, "SELECT n FROM t", "0")
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Errorf("closing again: %v", err)
		}
		if _, err := d.Session(testContext(t), ""); !errors.Is(err, connectors.ErrUnavailable) {
			t.Errorf("session of a closed database: %v", err)
		}
		if err := d.session.Exec(testContext(t), connectors.Statement{SQL: "SELECT 1"}); !errors.Is(err, connectors.ErrUnavailable) {
			t.Errorf("statement of a closed database: %v", err)
		}
	}
}

func TestSecondOpenInProcess(t *testing.T) {
	d := openTest(t, t.TempDir())
	_, err := Open(testContext(t), Config{Path: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), d.path) {
		t.Errorf("error %v, want one that names %s", err, d.path)
	}
	wantRows(t, d.session, "SELECT 1", "1")
}

func TestServer(t *testing.T) {
	d := openTest(t, t.TempDir())
	s, err := d.Session(testContext(t), "")
	if err != nil {
		t.Fatal(err)
	}
	server := s.Server()
	if want := "embedded:" + d.path; server.Address != want || !server.Embedded {
		t.Errorf("address %q, embedded %t, want %q", server.Address, server.Embedded, want)
	}
	if !strings.HasPrefix(server.Version, "26.5.") {
		t.Errorf("version %q", server.Version)
	}
	a := server.Abilities
	if !a.AttachAll || !a.LightweightDelete || !a.FsyncSettings || !a.SkipIndexes || !a.MutationsSync || !a.SyncsAll {
		t.Errorf("abilities: %+v", a)
	}
	if !a.Settings["max_memory_usage"] || !a.MergeTreeSettings["parts_to_throw_insert"] || !a.Types["DateTime64"] || a.Types["NoSuch"] {
		t.Errorf("settings, MergeTree settings, types: %d, %d, %d", len(a.Settings), len(a.MergeTreeSettings), len(a.Types))
	}
	wantRows(t, s, "SELECT count() FROM system.databases WHERE name LIKE '%chute%'", "0")
	if _, err := d.Session(testContext(t), server.Address); err != nil {
		t.Error(err)
	}
	if _, err := d.Session(testContext(t), "embedded:/elsewhere"); !errors.Is(err, connectors.ErrUnavailable) {
		t.Errorf("session of another address: %v", err)
	}
}

func TestFind(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lib.so")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(Variable, file+".missing")
	if got, err := Find(file); got != file || err != nil {
		t.Errorf("setting: %q, %v", got, err)
	}
	if _, err := Find(file + ".missing"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "setting") {
		t.Errorf("missing setting: %v", err)
	}
	if _, err := Find(""); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), Variable) {
		t.Errorf("missing variable: %v", err)
	}
	t.Setenv(Variable, file)
	if got, err := Find(""); got != file || err != nil {
		t.Errorf("variable: %q, %v", got, err)
	}
	t.Setenv(Variable, "")
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	cached := filepath.Join(cache, "chute", "libchdb-"+Version+".so")
	if err := os.MkdirAll(filepath.Dir(cached), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cached, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Find(""); got != cached || err != nil {
		t.Errorf("cache: %q, %v", got, err)
	}
}

// TestLeavesNothing: opening an engine and closing it again leaves no file, folder or table that wasn't there, also when a killed process had left
// its scratch tables.
func TestLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "it's [odd]*")
	openAndClose := func() {
		t.Helper()
		d, err := Open(testContext(t), Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	openAndClose()
	before := names(t, path)
	left := filepath.Join(path, "data", scratch, "a", "detached")
	if err := os.MkdirAll(left, 0o755); err != nil {
		t.Fatal(err)
	}
	openAndClose()
	if after := names(t, path); !slices.Equal(before, after) {
		t.Errorf("before:\n%s\nafter:\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
}

func names(t *testing.T, root string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, _ fs.DirEntry, err error) error {
		all = append(all, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestLoads: the library that the tests use is loaded already; another one can't be any more.
func TestLoads(t *testing.T) {
	path, err := Find("")
	if err != nil {
		t.Fatal(err)
	}
	if err := Loads(path); err != nil {
		t.Error(err)
	}
	if err := Loads(filepath.Join(t.TempDir(), "libchdb.so")); err == nil {
		t.Error("a second library was loaded")
	}
}
