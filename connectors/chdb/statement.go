package chdb

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"chute/connectors"
	"chute/connectors/native"
)

// connection is a line into the engine with its own settings. One call at a time.
type connection struct {
	library *library
	handle  *uintptr
}

// run executes a statement and hands its result, in the engine's memory, to use.
func (c *connection) run(sql, format string, use func([]byte) error) error {
	query, length := text(sql)
	name, nameLength := text(format)
	result := c.library.query(*c.handle, query, length, name, nameLength)
	if result == 0 {
		return parseError("")
	}
	defer c.library.resultDestroy(result)
	if said := c.library.resultError(result); said != "" {
		return parseError(said)
	}
	if use == nil {
		return nil
	}
	return use(c.library.bytes(result))
}

func (c *connection) exec(sql string) error { return c.run(sql, "Null", nil) }

func (c *connection) close() { c.library.disconnect(c.handle) }

// statement is a statement in the engine, from its connection's first moment to its last.
type statement struct {
	id         string
	mark       string // its log_comment: no other statement of this process has it
	sql        string // bound
	set        string // the SET of its connection
	database   *Database
	connection *connection
	ctx        context.Context // the caller's, and ended by Kill and Close too
	cancel     context.CancelCauseFunc
	unblock    func()        // called between the KILLs: frees an insert that waits for its pipe; may be nil
	over       chan struct{} // closed when the engine has answered
	stopped    func() bool   // of the context's AfterFunc
	killed     chan struct{} // closed when kill has returned
	gone       chan struct{} // closed when nothing of the statement is left in the engine
}

var marks atomic.Uint64

// begin makes a statement's connection and sets it up. Every statement begun is ended by end.
func (d *Database) begin(ctx context.Context, from connectors.Statement) (*statement, error) {
	if ctx.Err() != nil {
		return nil, fmt.Errorf("statement not begun: %w", context.Cause(ctx))
	}
	sql, err := native.Bind(from.SQL, from.Args...)
	if err != nil {
		return nil, err
	}
	s := &statement{id: from.ID, sql: sql, database: d, over: make(chan struct{}), killed: make(chan struct{}), gone: make(chan struct{})}
	s.mark = from.ID + " (statement " + strconv.FormatUint(marks.Add(1), 10) + ")"
	if s.set, err = setStatement(d.base, from.Settings, s.mark); err != nil {
		return nil, err
	}
	if s.connection, err = s.connect(); err != nil {
		return nil, err
	}
	if err := s.enter(ctx); err != nil {
		s.connection.close()
		return nil, err
	}
	return s, nil
}

// connect makes a connection with the statement's settings and mark.
func (s *statement) connect() (*connection, error) {
	c, err := s.database.connect()
	if err != nil {
		return nil, err
	}
	if err := c.exec(s.set); err != nil {
		c.close()
		return nil, fmt.Errorf("settings of the statement: %w", err)
	}
	return c, nil
}

// enter makes the statement known, so that Kill and Close find it.
func (s *statement) enter(ctx context.Context) error {
	s.database.mutex.Lock()
	defer s.database.mutex.Unlock()
	if s.database.closed {
		return fmt.Errorf("engine on %s: closed: %w", s.database.path, connectors.ErrUnavailable)
	}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	s.database.running[s] = struct{}{}
	return nil
}

// watch begins to kill the statement as soon as its context ends. Called when it is about to run.
func (s *statement) watch() {
	s.stopped = context.AfterFunc(s.ctx, func() {
		defer close(s.killed)
		s.kill()
	})
}

// end says that the engine is done with the statement, and returns its error: the context's cause where that ended it.
func (s *statement) end(err error) error {
	close(s.over)
	if !s.stopped() {
		<-s.killed
	}
	s.connection.close()
	s.database.mutex.Lock()
	delete(s.database.running, s)
	s.database.mutex.Unlock()
	close(s.gone)
	if err != nil && s.ctx.Err() != nil {
		err = fmt.Errorf("statement killed: %w", context.Cause(s.ctx))
	}
	s.cancel(nil)
	return err
}

// kill asks the engine to end the statement until it has. Once isn't enough: the engine may not know it yet. It never waits
// for the engine's answer (SYNC), which doesn't come.
func (s *statement) kill() {
	quoted, err := native.Bind("KILL QUERY WHERE Settings['"+markSetting+"'] = ? ASYNC", s.mark)
	if err != nil {
		return // unreachable: a mark can always be quoted
	}
	pause := time.NewTimer(0)
	defer pause.Stop()
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 200*time.Millisecond) {
		select {
		case <-s.over:
			return
		case <-pause.C:
		}
		s.database.useSpare(quoted)
		if s.unblock != nil {
			s.unblock()
		}
		pause.Reset(wait)
	}
}

// useSpare runs a KILL. Its error is of no interest: it is said again until the statement has ended.
func (d *Database) useSpare(sql string) {
	d.spareMutex.Lock()
	defer d.spareMutex.Unlock()
	_ = d.spare.exec(sql)
}
