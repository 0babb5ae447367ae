package clickhouse

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"

	"chute/connectors"
	"chute/connectors/native"
)

// statement is one statement under way and the connection that it has to itself.
type statement struct {
	session *session
	ctx     context.Context
	conn    *conn
	id      string
	spare   bool        // not worth killing when its context ends
	insert  bool        // it waits for us, and ends when the connection does
	begun   bool        // the server has said something about it
	unwatch func() bool // tells whether the context has left the connection alone
}

// callerError is an error of the caller's function, to be returned as it is.
type callerError struct{ error }

// begin sends a statement.
func (s *session) begin(ctx context.Context, st connectors.Statement, sql string) (*statement, error) {
	sql, err := native.Bind(sql, st.Args...)
	if err != nil {
		return nil, err
	}
	c, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	x := &statement{session: s, ctx: ctx, conn: c, id: uniqueID(st.ID)}
	x.unwatch = context.AfterFunc(ctx, c.interrupt)
	if err := c.sendQuery(x.id, sql, s.settings(st.Settings)); err != nil {
		x.spare = true // what arrived of it is no statement
		return nil, x.end(err)
	}
	return x, nil
}

// uniqueID makes a statement's id on the server: two of one id cannot run at once, and an id that is killed must mean one statement.
func uniqueID(id string) string {
	if id == "" {
		id = "chute-statement"
	}
	return id + "/" + rand.Text()[:12]
}

// jsonAsText is the setting with which servers send JSON as text; else it comes in parts that nobody here can put together. maxMemory is for what a
// statement may take.
const (
	jsonAsText = "output_format_native_write_json_as_string"
	maxMemory  = "max_memory_usage"
)

func (s *session) settings(asked map[string]string) map[string]string {
	s.mu.Lock()
	json, known := s.json, s.server.Abilities.Settings
	s.mu.Unlock()
	if json {
		asked = withDefault(asked, jsonAsText, "1")
	}
	memory := s.memory(asked)
	if memory <= 0 {
		return asked
	}
	asked = withDefault(asked, maxMemory, strconv.FormatInt(memory, 10))
	for _, spill := range spills {
		if known[spill.setting] {
			asked = withDefault(asked, spill.setting, strconv.FormatInt(memory/spill.part, 10))
		}
	}
	return asked
}

// spills are what has a statement go on with files of the server where it would take more than its memory: it would fail otherwise. A sort writes runs and merges
// them all at a time: few of them, and of each little in memory, where the server can be told so.
var spills = []struct {
	setting string
	part    int64 // of the memory
}{
	{"max_bytes_before_external_sort", 4},
	{"prefer_external_sort_block_bytes", 1024},
	{"max_bytes_before_external_group_by", 8},
}

// memory is what a statement with these settings may take; 0: what the server lets it.
func (s *session) memory(asked map[string]string) int64 {
	if own, err := strconv.ParseInt(asked[maxMemory], 10, 64); err == nil {
		return own
	}
	return s.config.MaxMemory
}

// withDefault adds a setting to a copy of settings unless they have it.
func withDefault(settings map[string]string, name, value string) map[string]string {
	if _, ok := settings[name]; ok {
		return settings
	}
	settings = maps.Clone(settings)
	if settings == nil {
		settings = map[string]string{}
	}
	settings[name] = value
	return settings
}

// results reads until the statement's end and hands over the blocks of its result, the first of which has no rows.
func (x *statement) results(each func(*native.Block) error) error {
	for {
		packet, err := x.conn.receive()
		if err != nil || packet == proto.ServerEndOfStream {
			return err
		}
		x.begun = true
		switch packet {
		case proto.ServerData, proto.ServerTotals, proto.ServerExtremes:
			block, err := x.conn.readBlock()
			if err != nil {
				return err
			}
			if packet != proto.ServerData || len(block.Columns) == 0 || each == nil {
				continue
			}
			if err := each(block); err != nil {
				return callerError{err}
			}
			if x.ctx.Err() != nil {
				return context.Cause(x.ctx)
			}
		}
	}
}

// end ends the statement, whose outcome so far is err: the connection goes back to the idle ones only when everything went well.
func (x *statement) end(err error) error {
	untouched := x.unwatch()
	if err == nil && untouched {
		x.session.release(x.conn)
		return nil
	}
	defer x.conn.close()
	if err == nil {
		return nil // the context ended just after the statement
	}
	var own callerError
	var database *connectors.DatabaseError
	switch {
	case errors.As(err, &own):
		err = own.error
	case errors.As(err, &database):
		return explain(x.session.address, err)
	case x.ctx.Err() != nil:
		err = fmt.Errorf("statement on ClickHouse server %s was ended: %w", x.session.address, context.Cause(x.ctx))
	default:
		// A broken line leaves the statement to itself: whoever comes back after an outage kills what is left.
		if err = explain(x.session.address, err); errors.Is(err, connectors.ErrUnavailable) {
			return err
		}
	}
	if stop := x.stop(); stop != nil {
		return errors.Join(err, stop)
	}
	return err
}

// stop ends the statement on the server, where it may be running still. The context of the statement may have ended already.
//
// A server that has said nothing yet may not even have read the statement, so that killing finds nothing to kill: then
// the statement is over when the server's answer to it is there.
func (x *statement) stop() error {
	if x.spare {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), killTimeout)
	defer cancel()
	var err error
	if !x.begun && !x.insert {
		err = x.outlast(ctx)
	}
	x.conn.close()
	if err == nil {
		err = x.session.kill(ctx, "query_id = ?", x.id)
	}
	if err != nil {
		return fmt.Errorf("cannot end statement %s, it may be running still: %w", x.id, err)
	}
	return nil
}

// outlast kills the statement again and again until the server answers it.
func (x *statement) outlast(ctx context.Context) error {
	x.conn.resume()
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = x.results(nil) // whatever the answer is: it is the end
	}()
	defer func() {
		x.conn.interrupt()
		<-over
	}()
	pause := time.NewTicker(4 * killPause)
	defer pause.Stop()
	for {
		if _, err := x.session.killOnce(ctx, "query_id = ?", x.id); err != nil {
			return err
		}
		select {
		case <-over:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-pause.C:
		}
	}
}
