package chdb

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chute/connectors"
	"chute/connectors/native"
)

func TestParseError(t *testing.T) {
	for said, want := range map[string]connectors.DatabaseError{
		"Code: 60. DB::Exception: Unknown table. (UNKNOWN_TABLE)":                                        {Code: 60, Name: "UNKNOWN_TABLE"},
		"Code: 33. DB::Exception: (NOT_THIS) Code: 32. DB::Exception: x (OTHER): y\n. (CANNOT_READ_ALL)": {Code: 33, Name: "CANNOT_READ_ALL"},
		"Code: 999. DB::NetException: refused":                                                           {Code: 999},
		"Error (HERE) without a code":                                                                    {},
	} {
		got := *parseError(said)
		if got.Code != want.Code || got.Name != want.Name || got.Error() != said {
			t.Errorf("%q: %+v", said, got)
		}
	}
	if parseError("").Message == "" {
		t.Error("no reason isn't said")
	}
}

// The engine's fsync settings need an absolute path, whatever was configured.
func TestRelativePath(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	d := openTest(t, "data/chdb")
	if want := "embedded:" + filepath.Join(folder, "data/chdb"); d.session.server.Address != want {
		t.Errorf("address %s, want %s", d.session.server.Address, want)
	}
	execute(t, d.session, "CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n SETTINGS fsync_after_insert = 1, fsync_part_directory = 1")
	execute(t, d.session, "INSERT INTO t VALUES (1)")
	wantRows(t, d.session, "SELECT n FROM t", "1")
}

// Stages are dropped all the time: their data must not stay for the eight minutes that the engine would give for an UNDROP.
func TestDroppedDataGo(t *testing.T) {
	s, ctx := openSession(t)
	execute(t, s, "CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n")
	execute(t, s, "INSERT INTO t VALUES (1)")
	path := strings.Trim(rows(t, s, "SELECT data_paths[1] FROM system.tables WHERE name = 't'")[0], "[]")
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	execute(t, s, "DROP TABLE t")
	for {
		if _, err := os.Stat(path); os.IsNotExist(err) {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("%s is still there", path)
		}
		execute(t, s, "SELECT sleep(0.05)")
	}
}

// Sorting more than a statement's memory goes to the disk, and what a killed process left there doesn't stay.
func TestSpill(t *testing.T) {
	path := t.TempDir()
	temp := filepath.Join(path, "tmp")
	left := filepath.Join(temp, "tmp0c6a01a6-1a1c-4b7c-9d0c-8d9f3c1e5b0a")
	if err := os.Mkdir(temp, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(left, []byte("of a sort"), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Open(testContext(t), Config{Path: path, Memory: 100 << 20, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("what was left is still there: %v", err)
	}
	wantRows(t, d.session, "SELECT value FROM system.settings WHERE name = 'max_threads'", "1")
	const want = 2_000_000
	got, spilled := 0, 0
	sql := "SELECT number, toString(number) AS s FROM numbers(?) ORDER BY sipHash64(number)"
	err = d.session.Query(testContext(t), connectors.Statement{SQL: sql, Args: []any{want}}, func(b *native.Block) error {
		entries, err := os.ReadDir(temp)
		spilled = max(spilled, len(entries))
		got += b.Rows
		return err
	})
	if err != nil || got != want || spilled == 0 {
		t.Errorf("%d rows of %d, %d files spilled, %v", got, want, spilled, err)
	}
}
