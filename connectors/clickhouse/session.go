package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	chproto "github.com/ClickHouse/ch-go/proto"

	"chute/connectors"
	"chute/connectors/native"
)

const (
	maxIdle     = 8               // connections kept for each address
	pingTimeout = 2 * time.Second // for a connection that was idle; a slower one is replaced
	killPause   = 5 * time.Millisecond
	killTimeout = 10 * time.Second // for ending a statement on the server after its context has ended
)

// session is the line to one address: idle connections and what is known of the server.
type session struct {
	config  *Config
	address string

	waking sync.Mutex // one probe at a time

	mu      sync.Mutex
	idle    []*conn
	inserts map[*inserter]struct{} // under way
	closed  bool
	server  connectors.Server
	json    bool   // JSON is read as text: the server knows the setting for it, and lets us set it
	probed  string // the hello of the server that was probed, "" before; also guarded by waking
}

var _ connectors.Session = (*session)(nil)

func (s *session) Server() connectors.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.server
}

// awake returns nil when the server answers and is known.
func (s *session) awake(ctx context.Context) error {
	s.waking.Lock()
	defer s.waking.Unlock()
	c, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	hello := c.server.String()
	s.release(c)
	if hello == s.probed {
		return nil
	}
	server, err := s.probe(ctx)
	json := false
	if err == nil && server.Abilities.Settings[jsonAsText] {
		json, err = s.understands(ctx, "SELECT 1 SETTINGS "+jsonAsText+" = 1")
	}
	if err != nil {
		return fmt.Errorf("cannot find out what the server can do: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.server, s.json, s.probed = server, json, hello
	return nil
}

// acquire returns a connection that answered a moment ago.
func (s *session) acquire(ctx context.Context) (*conn, error) {
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		c := s.takeIdle()
		if c == nil {
			break
		}
		if c.ping(pingTimeout) == nil {
			return c, nil
		}
		c.close() // the server may have been restarted meanwhile
	}
	c, err := dial(ctx, s.address, s.config)
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("cannot connect to ClickHouse server %s: %w", s.address, context.Cause(ctx))
	}
	return c, explain(s.address, err)
}

func (s *session) takeIdle() *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.idle)
	if n == 0 {
		return nil
	}
	c := s.idle[n-1]
	s.idle = s.idle[:n-1]
	return c
}

// release keeps a connection on which nothing is under way.
func (s *session) release(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.idle) == maxIdle {
		c.close()
		return
	}
	s.idle = append(s.idle, c)
}

func (s *session) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, c := range s.idle {
		c.close()
	}
	s.idle = nil
}

func (s *session) Exec(ctx context.Context, st connectors.Statement) error {
	x, err := s.begin(ctx, st, st.SQL)
	if err != nil {
		return err
	}
	return x.end(x.results(func(*native.Block) error {
		if isInsert(st.SQL) {
			return errors.New("the server wants the rows of this INSERT from us: use Session.Insert, or INSERT … SELECT")
		}
		return nil
	}))
}

func isInsert(sql string) bool {
	sql = strings.TrimSpace(sql)
	return len(sql) >= 6 && strings.EqualFold(sql[:6], "insert")
}

func (s *session) Query(ctx context.Context, st connectors.Statement, each func(*native.Block) error) error {
	x, err := s.begin(ctx, st, st.SQL)
	if err != nil {
		return err
	}
	return x.end(x.results(each))
}

// Kill asks again and again, because a statement may come to the point where it listens only later.
func (s *session) Kill(ctx context.Context, idPrefix string) error {
	if idPrefix == "" {
		return errors.New("refusing to kill all statements of the server: the id's prefix is empty")
	}
	s.stopInserts(idPrefix)
	return s.kill(ctx, "startsWith(query_id, ?)", idPrefix)
}

// kill ends the statements that where finds and returns when they are gone.
func (s *session) kill(ctx context.Context, where, id string) error {
	pause := killPause
	for {
		left, err := s.killOnce(ctx, where, id)
		if err != nil || left == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("statements %s of ClickHouse server %s don't end: %w", id, s.address, context.Cause(ctx))
		case <-time.After(pause):
			pause = min(2*pause, 200*time.Millisecond)
		}
	}
}

// killOnce tells the statements that where finds to end, and returns how many there were.
func (s *session) killOnce(ctx context.Context, where, id string) (uint64, error) {
	var left uint64
	err := s.own(ctx, "SELECT count() FROM system.processes WHERE "+where, id, func(b *native.Block) error {
		if b.Rows == 0 {
			return nil
		}
		values, err := native.Values(b.Columns[0], b.Data[0], b.Rows)
		if err == nil {
			left = values[0].(uint64)
		}
		return err
	})
	if err != nil || left == 0 {
		return 0, err
	}
	err = s.own(ctx, "KILL QUERY WHERE "+where+" ASYNC", id, nil)
	// A statement that is in a stage in which it doesn't listen comes out of it.
	var refused *connectors.DatabaseError
	if errors.As(err, &refused) && refused.Code == int(chproto.ErrCannotKill) {
		err = nil
	}
	return left, err
}

// own runs a statement of this package's own. It is not killed when ctx ends, or killing would need killing.
func (s *session) own(ctx context.Context, sql, id string, each func(*native.Block) error) error {
	x, err := s.begin(ctx, connectors.Statement{Args: []any{id}}, sql)
	if err != nil {
		return err
	}
	x.spare = true
	return x.end(x.results(each))
}

// Sync does nothing: servers have settings of their own for that (fsync_after_insert), which stages and tables are made with.
func (s *session) Sync(context.Context) error { return nil }
