package connectortest

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"chute/connectors"
	"chute/connectors/native"
)

// databaseDeadline ends a statement of the suite that hangs.
const databaseDeadline = 60 * time.Second

// Database checks that what open returns keeps the promises of connectors.Database, Session and Inserter. The suite
// makes tables of its own names in the default database, drops them, and closes the database. open is called once.
func Database(t *testing.T, open func(t *testing.T) connectors.Database) {
	db := open(t)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("closing the database: %v", err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), databaseDeadline)
	defer cancel()
	session, err := db.Session(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	s := &databaseSuite{db: db, Session: session}
	for _, test := range []struct {
		name string
		run  func(*testing.T, *databaseSuite)
	}{
		{"Server", testServer}, {"Probe", testProbe},
		{"Exec", testExec}, {"Errors", testErrors}, {"Settings", testSettings}, {"HostileArguments", testHostileArguments}, {"StatementID", testStatementID},
		{"Query", testQuery}, {"QueryWithoutRows", testQueryWithoutRows}, {"QueryFails", testQueryFails}, {"QueryStopped", testQueryStopped},
		{"Types", testTypes}, {"LowCardinality", testLowCardinality}, {"JSON", testJSON},
		{"Insert", testInsert}, {"InsertByName", testInsertByName}, {"InsertNothing", testInsertNothing}, {"InsertSmallBlocks", testInsertSmallBlocks},
		{"InsertAbort", testInsertAbort}, {"InsertRefused", testInsertRefused}, {"InsertFails", testInsertFails},
		{"CancelExec", testCancelExec}, {"CancelQuery", testCancelQuery}, {"CancelInsert", testCancelInsert},
		{"Kill", testKill}, {"KillInsert", testKillInsert}, {"Concurrency", testConcurrency},
		{"Attach", testAttach}, {"AttachAfterAlter", testAttachAfterAlter},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, s) })
	}
}

// databaseSuite is a session with the steps that the tests are made of. The steps end the test when they fail.
type databaseSuite struct {
	db connectors.Database
	connectors.Session
}

func suiteContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), databaseDeadline)
	t.Cleanup(cancel)
	return ctx
}

// table makes a table of a fresh name, which rest describes, and returns the name, quoted. It is dropped at the test's end.
func (s *databaseSuite) table(t *testing.T, rest string, settings ...string) string {
	t.Helper()
	table := native.Identifier("suite `" + rand.Text()[:8])
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), databaseDeadline)
		defer cancel()
		if err := s.Exec(ctx, connectors.Statement{SQL: "DROP TABLE IF EXISTS " + table}); err != nil {
			t.Errorf("dropping a table: %v", err)
		}
	})
	st := connectors.Statement{SQL: "CREATE TABLE " + table + " " + rest, Settings: map[string]string{}}
	for _, name := range settings {
		st.Settings[name] = "1"
	}
	if err := s.Exec(suiteContext(t), st); err != nil {
		t.Fatal(err)
	}
	return table
}

func (s *databaseSuite) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if err := s.Exec(suiteContext(t), connectors.Statement{SQL: sql, Args: args}); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// rows returns the result of a query, row by row.
func (s *databaseSuite) rows(t *testing.T, sql string, args ...any) [][]any {
	t.Helper()
	rows, err := s.collect(suiteContext(t), connectors.Statement{SQL: sql, Args: args})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return rows
}

func (s *databaseSuite) collect(ctx context.Context, st connectors.Statement) ([][]any, error) {
	var rows [][]any
	err := s.Query(ctx, st, func(b *native.Block) error {
		start := len(rows)
		for range b.Rows {
			rows = append(rows, make([]any, len(b.Columns)))
		}
		for i, c := range b.Columns {
			values, err := native.Values(c, b.Data[i], b.Rows)
			if err != nil {
				return err
			}
			for n, v := range values {
				rows[start+n][i] = v
			}
		}
		return nil
	})
	return rows, err
}

// value returns the only value of a result.
func (s *databaseSuite) value(t *testing.T, sql string, args ...any) any {
	t.Helper()
	rows := s.rows(t, sql, args...)
	if len(rows) != 1 || len(rows[0]) != 1 {
		t.Fatalf("%s: %d rows instead of one value", sql, len(rows))
	}
	return rows[0][0]
}

func (s *databaseSuite) count(t *testing.T, table string) uint64 {
	t.Helper()
	n, ok := s.value(t, "SELECT count() FROM "+table).(uint64)
	if !ok {
		t.Fatal("count() isn't a UInt64")
	}
	return n
}

// insert puts blocks into a table.
func (s *databaseSuite) insert(t *testing.T, table string, blocks ...*native.Block) {
	t.Helper()
	i, err := s.Insert(suiteContext(t), connectors.Statement{SQL: table}, blocks[0].Columns)
	if err != nil {
		t.Fatal(err)
	}
	defer i.Abort()
	for _, b := range blocks {
		if err := i.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := i.Commit(); err != nil {
		t.Fatal(err)
	}
}

// running returns how many statements whose ID begins with prefix are on the server.
func (s *databaseSuite) running(t *testing.T, prefix string) uint64 {
	t.Helper()
	n, _ := s.value(t, "SELECT count() FROM system.processes WHERE startsWith(query_id, ?)", prefix).(uint64)
	return n
}

// awaitRunning returns when a statement whose ID begins with prefix is on the server.
func (s *databaseSuite) awaitRunning(t *testing.T, prefix string) {
	t.Helper()
	s.await(t, "no statement "+prefix+" came to the server", func() bool { return s.running(t, prefix) > 0 })
}

func (s *databaseSuite) await(t *testing.T, failure string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(databaseDeadline)
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(failure)
		}
	}
}

// awaitGone returns when no statement whose ID begins with prefix is on the server: one that failed by itself tells so before it has cleaned up.
func (s *databaseSuite) awaitGone(t *testing.T, prefix string) {
	t.Helper()
	s.await(t, "the failed statement "+prefix+" doesn't go away", func() bool { return s.running(t, prefix) == 0 })
}

// statementID is an ID that no other test has.
func statementID() string { return "suite/" + rand.Text()[:8] + "/" }

// endless is a query that doesn't end by itself while anybody waits.
const endless = "SELECT sum(cityHash64(number)) FROM numbers(1000000000000)"

func column(name, typ string) native.Column {
	t, err := native.ParseType(typ)
	if err != nil {
		panic(err)
	}
	return native.Column{Name: name, Type: t}
}

// numbers is a block of one UInt64 column n that counts from first.
func numbers(first, rows int) *native.Block {
	data := make([]byte, 0, 8*rows)
	for n := range rows {
		data = little(data, 8, uint64(first+n))
	}
	return &native.Block{Columns: []native.Column{column("n", "UInt64")}, Data: [][]byte{data}, Rows: rows}
}

// little appends the lowest width bytes of each value, little endian.
func little(dst []byte, width int, values ...uint64) []byte {
	for _, v := range values {
		for i := range width {
			dst = append(dst, byte(v>>(8*i)))
		}
	}
	return dst
}

// code is the number of the server's error, 0 for others.
func code(err error) int {
	var d *connectors.DatabaseError
	if errors.As(err, &d) {
		return d.Code
	}
	return 0
}
