package chdb

import (
	"context"
	"strings"
	"testing"

	"chute/connectors"
	"chute/connectors/connectortest"
	"chute/connectors/native"
)

func TestConformance(t *testing.T) {
	connectortest.Database(t, func(t *testing.T) connectors.Database {
		d, err := Open(testContext(t), Config{Path: t.TempDir(), Memory: 1 << 30})
		if err != nil {
			t.Fatal(err)
		}
		return suiteDatabase{d, t}
	})
}

// suiteDatabase shows the suite where a statement's ID is in this engine, which gives query ids of its own: in the log_comment.
type suiteDatabase struct {
	*Database
	t *testing.T
}

func (d suiteDatabase) Session(ctx context.Context, address string) (connectors.Session, error) {
	s, err := d.Database.Session(ctx, address)
	return suiteSession{s, d.t}, err
}

type suiteSession struct {
	connectors.Session
	t *testing.T
}

func (s suiteSession) Query(ctx context.Context, from connectors.Statement, each func(*native.Block) error) error {
	from.SQL = strings.ReplaceAll(from.SQL, "query_id", "Settings['log_comment']")
	return s.Session.Query(ctx, from, each)
}

// Insert returns when the engine shows the statement, as a server does by itself.
func (s suiteSession) Insert(ctx context.Context, from connectors.Statement, columns []native.Column) (connectors.Inserter, error) {
	i, err := s.Session.Insert(ctx, from, columns)
	if err == nil && from.ID != "" {
		waitForInsert(s.t, s.Session, i.(*inserter), from.ID)
	}
	return i, err
}

func waitForInsert(t *testing.T, s connectors.Session, i *inserter, id string) {
	t.Helper()
	for {
		select {
		case <-i.finished:
			return
		case <-t.Context().Done():
			t.Errorf("insert %s never ran", id)
			return
		default:
		}
		if rows(t, s, "SELECT count() FROM system.processes WHERE startsWith(Settings['log_comment'], ?)", id)[0] != "0" {
			return
		}
	}
}
