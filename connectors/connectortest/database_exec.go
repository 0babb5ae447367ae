package connectortest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"chute/connectors"
	"chute/connectors/native"
)

func testServer(t *testing.T, s *databaseSuite) {
	server := s.Server()
	if server.Address == "" || server.Version == "" {
		t.Errorf("the server is %q of version %q", server.Address, server.Version)
	}
	if got := s.value(t, "SELECT version()"); got != server.Version {
		t.Errorf("the version is %v, Server says %s", got, server.Version)
	}
	again, err := s.db.Session(suiteContext(t), server.Address)
	if err != nil {
		t.Fatal(err)
	}
	if got := again.Server().Address; got != server.Address {
		t.Errorf("the session of %s is that of %s", server.Address, got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Exec(ctx, connectors.Statement{SQL: "SELECT 1"}); !errors.Is(err, context.Canceled) {
		t.Errorf("a statement of a context that has ended: %v", err)
	}
}

// testProbe holds the abilities against what happens when they are used.
func testProbe(t *testing.T, s *databaseSuite) {
	a := s.Server().Abilities
	if !a.Settings["max_memory_usage"] || !a.MergeTreeSettings["index_granularity"] || !a.Types["UInt64"] || !a.Types["Nullable"] {
		t.Error("settings and types that every server has are missing")
	}
	if a.Settings["no_such_setting"] || a.MergeTreeSettings["no_such_setting"] || a.Types["NoSuchType"] {
		t.Error("settings and types are known that no server has")
	}
	if a.MutationsSync != a.Settings["mutations_sync"] {
		t.Error("MutationsSync isn't what the settings say")
	}
	if last := s.value(t, "SELECT toString(toDate(65535))"); a.LateDates != (last == "2149-06-06") {
		t.Errorf("LateDates is %v, but the last date is %s", a.LateDates, last)
	}
	table := s.table(t, "(n UInt64) ENGINE = MergeTree ORDER BY n")
	stage := s.table(t, "(n UInt64) ENGINE = MergeTree ORDER BY n")
	for name, c := range map[string]struct {
		able bool
		sql  string
	}{
		"AttachAll":         {a.AttachAll, "ALTER TABLE " + table + " ATTACH PARTITION ALL FROM " + stage},
		"LightweightDelete": {a.LightweightDelete, "DELETE FROM " + table + " WHERE n = 1"},
		"SkipIndexes":       {a.SkipIndexes, "CREATE TABLE " + table[:len(table)-1] + "i` (n UInt64, INDEX i n TYPE minmax GRANULARITY 1) ENGINE = MergeTree ORDER BY n"},
		"FsyncSettings":     {a.FsyncSettings, "CREATE TABLE " + table[:len(table)-1] + "f` (n UInt64) ENGINE = MergeTree ORDER BY n SETTINGS fsync_after_insert = 1, fsync_part_directory = 1"},
	} {
		err := s.Exec(suiteContext(t), connectors.Statement{SQL: c.sql})
		if c.able != (err == nil) || err != nil && code(err) == 0 {
			t.Errorf("%s is %v, but using it gives %v", name, c.able, err)
		}
	}
	s.exec(t, "DROP TABLE IF EXISTS "+table[:len(table)-1]+"i`")
	s.exec(t, "DROP TABLE IF EXISTS "+table[:len(table)-1]+"f`")
	if left := s.value(t, "SELECT count() FROM system.tables WHERE startsWith(name, 'chute_probe')"); left != uint64(0) {
		t.Errorf("%v tables of the probe are left", left)
	}
}

func testExec(t *testing.T, s *databaseSuite) {
	table := s.table(t, "(n UInt64) ENGINE = MergeTree ORDER BY n")
	s.exec(t, "INSERT INTO "+table+" SELECT number FROM numbers(100000)")
	if n := s.count(t, table); n != 100000 {
		t.Errorf("%d rows after INSERT … SELECT of 100000", n)
	}
	s.exec(t, "SELECT n FROM "+table) // a result that nobody wants
	s.exec(t, "DROP TABLE "+table)
}

func testErrors(t *testing.T, s *databaseSuite) {
	for _, c := range []struct {
		sql  string
		code int
		name string
	}{
		{"SELECT * FROM suite_no_such_table", 60, "UNKNOWN_TABLE"},
		{"SELEC 1", 62, "SYNTAX_ERROR"},
		{"SELECT intDiv(1, 0)", 153, "ILLEGAL_DIVISION"},
		{"SELECT suite_no_such_function(1)", 46, "UNKNOWN_FUNCTION"},
	} {
		for kind, run := range map[string]func() error{
			"Exec":  func() error { return s.Exec(suiteContext(t), connectors.Statement{SQL: c.sql}) },
			"Query": func() error { _, err := s.collect(suiteContext(t), connectors.Statement{SQL: c.sql}); return err },
		} {
			err := run()
			var d *connectors.DatabaseError
			if !errors.As(err, &d) || d.Code != c.code || d.Message == "" || d.Name != "" && d.Name != c.name {
				t.Errorf("%s of %s: %#v (%v), want code %d", kind, c.sql, d, err, c.code)
			}
			if errors.Is(err, connectors.ErrUnavailable) {
				t.Errorf("%s of %s: taken for an outage: %v", kind, c.sql, err)
			}
		}
	}
	if got := s.value(t, "SELECT toUInt64(7)"); got != uint64(7) {
		t.Errorf("after errors 7 is %v", got)
	}
}

func testSettings(t *testing.T, s *databaseSuite) {
	const sql = "SELECT value FROM system.settings WHERE name = 'max_block_size'"
	before := s.value(t, sql)
	rows, err := s.collect(suiteContext(t), connectors.Statement{SQL: sql, Settings: map[string]string{"max_block_size": "1234"}})
	if err != nil || len(rows) != 1 || rows[0][0] != "1234" {
		t.Errorf("with max_block_size = 1234 the setting is %v (%v)", rows, err)
	}
	if after := s.value(t, sql); after != before {
		t.Errorf("the setting of one statement is %v for the next, it was %v", after, before)
	}
	err = s.Exec(suiteContext(t), connectors.Statement{SQL: "SELECT 1", Settings: map[string]string{"suite_no_such_setting": "1"}})
	if err == nil {
		t.Error("a setting that the server doesn't have was accepted")
	}
	table := s.table(t, "(n UInt64) ENGINE = MergeTree ORDER BY n")
	st := connectors.Statement{SQL: table, Settings: map[string]string{"suite_no_such_setting": "1"}}
	if i, err := s.Insert(suiteContext(t), st, numbers(0, 1).Columns); err == nil {
		err = errors.Join(i.Write(numbers(0, 1)), i.Commit())
		if i.Abort(); err == nil {
			t.Error("a setting that the server doesn't have was accepted in an insert")
		}
	}
}

func testHostileArguments(t *testing.T, s *databaseSuite) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for _, text := range []string{
		"", "?", "'", `\`, `\'`, `''; DROP TABLE x; --`, "a\x00b", "\r\n\t", "{x:String}", "$$", "/*", "--", "\u2028é𝄞", string(all), strings.Repeat("'\\", 5000),
	} {
		rows := s.rows(t, "SELECT ? /* ? */, length(?), '?'", text, text)
		if len(rows) != 1 || rows[0][0] != text || rows[0][1] != uint64(len(text)) || rows[0][2] != "?" {
			t.Errorf("%.40q came back as %.80q", text, rows)
		}
	}
	rows := s.rows(t, "SELECT toInt64(?), toUInt64(?), toString('b' IN ?)", int64(-9223372036854775808), uint64(18446744073709551615), []string{"a'", "b"})
	if got := fmt.Sprint(rows); got != "[[-9223372036854775808 18446744073709551615 1]]" {
		t.Errorf("numbers and a list came back as %s", got)
	}
	if err := s.Exec(suiteContext(t), connectors.Statement{SQL: "SELECT ?"}); err == nil {
		t.Error("a statement with fewer arguments than ? was accepted")
	}
}

func testStatementID(t *testing.T, s *databaseSuite) {
	id := statementID()
	st := connectors.Statement{ID: id + "step", SQL: "SELECT query_id FROM system.processes WHERE startsWith(query_id, ?)", Args: []any{id}}
	var wg sync.WaitGroup
	for range 4 { // the same ID at once
		wg.Go(func() {
			rows, err := s.collect(suiteContext(t), st)
			if err != nil {
				t.Error(err)
			}
			if len(rows) == 0 {
				t.Errorf("a statement with ID %sstep doesn't find itself", id)
			}
			for _, row := range rows {
				if !strings.HasPrefix(row[0].(string), id+"step") {
					t.Errorf("the statement's id is %v", row[0])
				}
			}
		})
	}
	wg.Wait()
}

func testConcurrency(t *testing.T, s *databaseSuite) {
	var wg sync.WaitGroup
	for worker := range 8 {
		table := s.table(t, "(n UInt64) ENGINE = MergeTree ORDER BY n")
		wg.Go(func() {
			if err := s.work(suiteContext(t), table, worker); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// work inserts into a table and reads it, several times.
func (s *databaseSuite) work(ctx context.Context, table string, worker int) error {
	for round := range 5 {
		i, err := s.Insert(ctx, connectors.Statement{SQL: table}, numbers(0, 0).Columns)
		if err != nil {
			return err
		}
		for n := range 3 {
			if err := i.Write(numbers(worker*1000+n*10, 10)); err != nil {
				return errors.Join(err, i.Abort())
			}
		}
		if err := i.Commit(); err != nil {
			return err
		}
		rows, seen := 0, uint64(0)
		err = s.Query(ctx, connectors.Statement{SQL: "SELECT n FROM " + table}, func(b *native.Block) error {
			values, err := native.Values(b.Columns[0], b.Data[0], b.Rows)
			for _, v := range values {
				rows, seen = rows+1, seen+v.(uint64)
			}
			return err
		})
		if err != nil {
			return err
		}
		if want := uint64((round + 1) * (30*worker*1000 + 435)); rows != 30*(round+1) || seen != want {
			return fmt.Errorf("worker %d reads %d rows of sum %d, want %d", worker, rows, seen, want)
		}
	}
	return nil
}
