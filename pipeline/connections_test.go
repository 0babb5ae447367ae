package pipeline

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

// wide is a job whose records have many bytes, so that few of them are worth a second connection.
const wide = `
[target]
table = "%t"
[[column]]
name = "id"
[[column]]
name = "note"
`

const wideColumns = "id UInt64, note String, _chute_run UInt64, _chute_record UInt64"

// dropWide drops a file of 2·records records, each id twice: the note of the later one is one byte longer.
func (w *world) dropWide(records int) {
	var b strings.Builder
	b.WriteString("id,note\n")
	for i := range 2 * records {
		fmt.Fprintf(&b, "%d,%s\n", i%records, strings.Repeat("n", 200+i/records))
	}
	w.drop("wide.csv", b.String())
}

// wantWide checks that each record is there once.
func (w *world) wantWide(records int) {
	w.t.Helper()
	n := uint64(records)
	w.wantRows("SELECT count(), sum(id), sum(length(note)), uniqExact(_chute_record), max(_chute_record) FROM %t",
		fmt.Sprint(2*n, n*(n-1), n*401, 2*n, 2*n))
	w.wantSettled()
}

// counted counts how often an effect is begun, and lets fail make it fail.
func (w *world) counted(effect string, fail func(n int) error) *int {
	var mu sync.Mutex
	n := new(int)
	w.im.Fault = func(at string, before bool) error {
		if at != effect || !before {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		*n++
		return fail(*n)
	}
	return n
}

func noFault(int) error { return nil }

const manyWide = 2 * spread / 400 // twice as many records are more than one connection is for

// TestConnections: a large file goes to a server over several connections, and over one where that could decide which of two rows of a key stays, where
// it would only make more parts, where the file is small or the operator wants one.
func TestConnections(t *testing.T) {
	for name, c := range map[string]struct {
		keys        string
		records     int
		connections int
		want        int
	}{
		"large":       {"MergeTree ORDER BY id", manyWide, 2, 2},
		"small":       {"MergeTree ORDER BY id", 100, 2, 1},
		"one":         {"MergeTree ORDER BY id", manyWide, 1, 1},
		"partitioned": {"MergeTree PARTITION BY id % 7 ORDER BY id", manyWide, 2, 1},
		"log":         {"TinyLog", manyWide, 2, 2},
	} {
		if testing.Short() && name != "large" && name != "small" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "clickhouse")
			w.job(wide)
			w.open().Connections = c.connections
			w.exec("CREATE DATABASE %d", "CREATE TABLE %t ("+wideColumns+") ENGINE = "+c.keys)
			w.dropWide(c.records)
			n := w.counted("commit", noFault)
			wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"wide.csv": connectors.Done})
			if *n != c.want {
				t.Errorf("%d connections, want %d", *n, c.want)
			}
			w.wantWide(c.records)
		})
	}
}

// TestConnectionsKeepOrder: of two records of a key a table that replaces keeps the later one, however large the file is.
func TestConnectionsKeepOrder(t *testing.T) {
	w := newWorld(t, "clickhouse")
	w.job(wide)
	w.open()
	w.exec("CREATE DATABASE %d", "CREATE TABLE %t ("+wideColumns+") ENGINE = ReplacingMergeTree ORDER BY id")
	w.dropWide(manyWide)
	n := w.counted("commit", noFault)
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"wide.csv": connectors.Done})
	if *n != 1 {
		t.Errorf("%d connections", *n)
	}
	w.wantRows("SELECT count(), min(length(note)) FROM %t FINAL", fmt.Sprint(manyWide, 201))
	w.wantSettled()
}

// TestConnectionsEmbedded: the embedded engine has one pipe.
func TestConnectionsEmbedded(t *testing.T) {
	w := newWorld(t, "chdb")
	w.job(wide)
	w.open()
	w.exec("CREATE DATABASE %d", "CREATE TABLE %t ("+wideColumns+") ENGINE = MergeTree ORDER BY id")
	w.dropWide(manyWide)
	n := w.counted("commit", noFault)
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"wide.csv": connectors.Done})
	if *n != 1 {
		t.Errorf("%d inserts", *n)
	}
	w.wantWide(manyWide)
}

// TestConnectionsInPart: one connection's rows are in the stage and the other's aren't, because of a fault or a kill. The next try begins with a new stage.
func TestConnectionsInPart(t *testing.T) {
	prepare := func(t *testing.T) *world {
		w := newWorld(t, "clickhouse")
		w.job(wide)
		w.open()
		w.exec("CREATE DATABASE %d", "CREATE TABLE %t ("+wideColumns+") ENGINE = MergeTree ORDER BY id")
		w.dropWide(manyWide)
		return w
	}
	finish := func(w *world) {
		w.t.Helper()
		wantOutcomes(w.t, w.resumeAll(), map[string]connectors.Outcome{"wide.csv": connectors.Done})
		w.wantWide(manyWide)
	}
	for _, effect := range []string{"insert", "commit"} {
		t.Run(effect+" fails", func(t *testing.T) {
			w := prepare(t)
			n := w.counted(effect, func(n int) error {
				if n == 2 {
					return errors.New("a fault that the test made")
				}
				return nil
			})
			wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"wide.csv": connectors.Later})
			if *n < 2 {
				t.Errorf("%d times", *n)
			}
			finish(w)
		})
		if testing.Short() {
			return
		}
	}
	t.Run("killed", func(t *testing.T) {
		w := prepare(t)
		w.close()
		w.killedChild("commit", false)
		w.open()
		finish(w)
	})
}

// frugal is a server that lets nobody have a second connection.
type frugal struct{ connectors.Database }

type frugalSession struct {
	connectors.Session
	inserts int
}

func (f frugal) Session(ctx context.Context, address string) (connectors.Session, error) {
	session, err := f.Database.Session(ctx, address)
	return &frugalSession{Session: session}, err
}

func (s *frugalSession) Insert(ctx context.Context, st connectors.Statement, columns []native.Column) (connectors.Inserter, error) {
	if s.inserts++; s.inserts > 1 {
		return nil, fmt.Errorf("too many connections: %w", connectors.ErrUnavailable)
	}
	return s.Session.Insert(ctx, st, columns)
}

// TestConnectionsRefused: a server that has no further connection to give is loaded over the first.
func TestConnectionsRefused(t *testing.T) {
	w := newWorld(t, "clickhouse")
	w.job(wide)
	w.open()
	w.exec("CREATE DATABASE %d", "CREATE TABLE %t ("+wideColumns+") ENGINE = MergeTree ORDER BY id")
	w.dropWide(manyWide)
	w.im.Database = frugal{w.db}
	n := w.counted("commit", noFault)
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"wide.csv": connectors.Done})
	if *n != 1 {
		t.Errorf("%d connections", *n)
	}
	w.wantWide(manyWide)
}
