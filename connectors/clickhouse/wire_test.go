package clickhouse

import (
	"fmt"
	"testing"

	"chute/connectors"
	"chute/connectors/connectortest"
	"chute/connectors/connectortest/wire"
	"chute/connectors/native"
)

// TestDatabaseOfToday is TestDatabase with a server of today, in compressed blocks. The race detector, which makes the engine slow, has seen
// the same code with the other server.
func TestDatabaseOfToday(t *testing.T) {
	if testing.Short() {
		return
	}
	modern := wire.Start(t)
	noLeaks(t)
	connectortest.Database(t, func(*testing.T) connectors.Database {
		return Open(Config{Address: []string{modern.Address}, Compression: "always"})
	})
}

// TestLineLost has the server die, or drop the connection, before a statement is executed and after it. Both are an outage for the caller, who
// can't know which it was; the table does.
func TestLineLost(t *testing.T) {
	modern := wire.Start(t)
	s := sessionOf(t, Config{Address: []string{modern.Address}})
	ctx := testContext(t)
	statements := map[string]func(id string) error{
		"Exec": func(id string) error {
			return s.Exec(ctx, connectors.Statement{ID: id, SQL: "INSERT INTO lost SELECT 1"})
		},
		"Insert": func(id string) error {
			i, err := s.Insert(ctx, connectors.Statement{ID: id, SQL: "lost"}, numberColumn)
			if err != nil {
				return err
			}
			defer i.Abort()
			if err := i.Write(numberBlock(1)); err != nil {
				return err
			}
			return i.Commit()
		},
	}
	for _, c := range []struct {
		statement string
		at        wire.Moment
		rows      uint64
	}{
		{"Exec", wire.Before, 0}, {"Exec", wire.After, 1}, {"Insert", wire.Before, 0}, {"Insert", wire.During, 0}, {"Insert", wire.After, 1},
	} {
		for _, die := range []bool{false, true} {
			what := fmt.Sprintf("%s, moment %d, die %t", c.statement, c.at, die)
			for _, sql := range []string{"DROP TABLE IF EXISTS lost", "CREATE TABLE lost (n UInt64) ENGINE = MergeTree ORDER BY n"} {
				if err := s.Exec(ctx, connectors.Statement{SQL: sql}); err != nil {
					t.Fatal(err)
				}
			}
			if err := modern.Arm(wire.Fault{SQL: "INSERT INTO lost", At: c.at, Die: die}); err != nil {
				t.Fatal(err)
			}
			unavailable(t, what, statements[c.statement]("lost/"))
			if die {
				<-modern.Exited()
				if err := modern.Start(); err != nil {
					t.Fatal(err)
				}
			} else if happened, err := modern.Happened(); !happened || err != nil {
				t.Errorf("%s: the fault has happened: %t, %v", what, happened, err)
			}
			if err := s.Kill(ctx, "lost/"); err != nil {
				t.Errorf("%s: Kill of what may be left: %v", what, err)
			}
			if rows := countOf(t, s, "lost"); rows != c.rows {
				t.Errorf("%s: %d rows in the table, want %d", what, rows, c.rows)
			}
		}
	}
}

func countOf(t *testing.T, s connectors.Session, table string) uint64 {
	t.Helper()
	var count uint64
	err := s.Query(testContext(t), connectors.Statement{SQL: "SELECT count() FROM " + table}, func(b *native.Block) error {
		if b.Rows == 0 {
			return nil
		}
		values, err := native.Values(b.Columns[0], b.Data[0], b.Rows)
		if err == nil {
			count = values[0].(uint64)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return count
}
