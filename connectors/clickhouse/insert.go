package clickhouse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	chproto "github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"

	"chute/connectors"
	"chute/connectors/native"
)

// target is a column as the server calls it, and where in the blocks that are written it comes from.
type target struct {
	name, text string
	typ        *native.Type
	index      int
	plain      bool   // blocks have the server's layout already
	wrapped    []byte // memory for the server's layout
}

// data returns the column of b in the server's layout.
func (t *target) data(b *native.Block) ([]byte, error) {
	if t.plain {
		return b.Data[t.index], nil
	}
	var err error
	t.wrapped, err = native.AppendPrefixed(t.wrapped[:0], t.typ, b.Data[t.index], b.Rows)
	return t.wrapped, err
}

// inserter is a running insert. While blocks are sent a goroutine of its own reads what the server says, so that an error of the server is
// known when it happens; it ends with the statement, whoever ends that.
type inserter struct {
	x       *statement
	columns []native.Column
	targets []*target
	answer  chan error                  // one value: how the statement ended; except after a success the statement is over then
	stopped atomic.Pointer[callerError] // why we ended it
	ended   bool
	err     error // what every call says once the insert has ended
}

// answerTimeout is how long the server's reason for a broken line is waited for.
const answerTimeout = 5 * time.Second

// insertBlock is how many bytes of rows servers make a part of. By themselves they would gather 256 MiB, for which the kernel has to give and clear new
// memory each time: that is a sixth of their work. An insert takes a few times so much of memory, so one with little of it has smaller parts.
const insertBlock = 64 << 20

var errInsertEnded = errors.New("the insert has ended already")

func (s *session) Insert(ctx context.Context, st connectors.Statement, columns []native.Column) (connectors.Inserter, error) {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = native.Identifier(c.Name)
	}
	if s.Server().Abilities.Settings["async_insert"] {
		st.Settings = withDefault(st.Settings, "async_insert", "0") // or Commit would return before the rows are in the table
	}
	if s.Server().Abilities.Settings["min_insert_block_size_bytes"] {
		block := int64(insertBlock)
		if m := s.memory(st.Settings); m > 0 {
			block = min(block, m/8)
		}
		st.Settings = withDefault(st.Settings, "min_insert_block_size_bytes", strconv.FormatInt(block, 10))
	}
	x, err := s.begin(ctx, st, "INSERT INTO "+st.SQL+" ("+strings.Join(names, ", ")+") FORMAT Native")
	if err != nil {
		return nil, err
	}
	x.insert = true
	i := &inserter{x: x, columns: columns, answer: make(chan error, 1)}
	if err := i.header(); err != nil {
		return nil, x.end(err)
	}
	s.remember(i)
	go i.listen()
	return i, nil
}

// header waits for the server's description of the rows and fits our columns to it.
func (i *inserter) header() error {
	for {
		packet, err := i.x.conn.receive()
		switch {
		case err != nil:
			return err
		case packet == proto.ServerEndOfStream:
			return errors.New("the server ended the insert before it began")
		case packet != proto.ServerData:
			continue
		}
		if i.targets, err = i.x.conn.readHeader(); err != nil {
			return err
		}
		if err := i.fit(); err != nil {
			return callerError{err}
		}
		return nil
	}
}

// fit finds for each column that the server expects ours, by name, and insists on the same type.
func (i *inserter) fit() error {
	ours := make(map[string]int, len(i.columns))
	for n, c := range i.columns {
		ours[c.Name] = n
	}
	if len(ours) != len(i.columns) || len(i.targets) != len(i.columns) {
		return fmt.Errorf("the server expects %d columns, the insert has %d", len(i.targets), len(i.columns))
	}
	for _, t := range i.targets {
		n, ok := ours[t.name]
		if !ok {
			return fmt.Errorf("the server expects a column %s, which the insert doesn't have", native.Identifier(t.name))
		}
		written := t.typ.Written()
		if !i.columns[n].Type.Plain().Equal(written) {
			return fmt.Errorf("column %s is %s in the table and %s in the insert", native.Identifier(t.name), t.text, i.columns[n].Type)
		}
		t.index, t.plain = n, written == t.typ
	}
	return nil
}

// listen reads until the insert ends. When that isn't by its success, nothing more can be sent.
func (i *inserter) listen() {
	err := i.x.results(nil)
	if stopped := i.stopped.Load(); stopped != nil {
		err = *stopped
	}
	if err != nil {
		i.x.conn.interrupt()
		err = i.x.end(err)
	}
	i.x.session.forget(i)
	i.answer <- err
}

// stop ends the insert from our side because of err.
func (i *inserter) stop(err error) {
	i.stopped.CompareAndSwap(nil, &callerError{err})
	i.x.conn.interrupt()
}

func (i *inserter) Write(b *native.Block) error {
	if i.ended {
		return i.outcome()
	}
	if err := i.check(b); err != nil || b.Rows == 0 {
		return err
	}
	if err := i.early(); err != nil {
		return err
	}
	if err := i.x.conn.sendBlock(i.targets, b); err != nil {
		return i.fail(err)
	}
	return nil
}

// early ends the insert when the server has ended it already.
func (i *inserter) early() error {
	select {
	case err := <-i.answer:
		if err == nil {
			err = i.x.end(errors.New("the server ended the insert before its rows were sent"))
		}
		return i.finish(err)
	default:
		return nil
	}
}

// check refuses a block that isn't what was announced. A fixed width gives a wrong length away; a wrong length of the others
// leads the server astray, which it notices.
func (i *inserter) check(b *native.Block) error {
	if len(b.Columns) != len(i.columns) || len(b.Data) != len(i.columns) {
		return fmt.Errorf("block of %d columns for an insert of %d", len(b.Columns), len(i.columns))
	}
	for n, c := range i.columns {
		if b.Columns[n].Name != c.Name || !b.Columns[n].Type.Equal(c.Type) {
			return fmt.Errorf("column %d of the block is %s %s, the insert's is %s %s", n+1, native.Identifier(b.Columns[n].Name), b.Columns[n].Type,
				native.Identifier(c.Name), c.Type)
		}
		if w, ok := c.Type.Plain().Width(); ok && len(b.Data[n]) != w*b.Rows {
			return fmt.Errorf("column %s of the block has %d bytes for %d rows of %s", native.Identifier(c.Name), len(b.Data[n]), b.Rows, c.Type)
		}
	}
	return nil
}

// fail ends the insert after our sending failed with err. The server may have said why.
func (i *inserter) fail(err error) error {
	i.x.conn.patience(answerTimeout, i.x.conn.net.SetReadDeadline)
	answer := <-i.answer
	var database *connectors.DatabaseError
	if answer == nil {
		i.x.conn.close()
	} else if errors.As(answer, &database) || i.x.ctx.Err() != nil {
		err = answer
	}
	return i.finish(explain(i.x.session.address, err))
}

func (i *inserter) Commit() error {
	if i.ended {
		return i.outcome()
	}
	if err := i.early(); err != nil {
		return err
	}
	err := i.x.conn.sendBlock(nil, nil)
	if err == nil {
		err = i.x.conn.out.Flush()
	}
	if err != nil {
		return i.fail(err)
	}
	if err := <-i.answer; err != nil {
		return i.finish(err)
	}
	return i.finish(i.x.end(nil))
}

func (i *inserter) Abort() error {
	if i.ended {
		return nil
	}
	i.stop(errInsertEnded)
	answer := <-i.answer
	if answer == nil {
		answer = i.x.end(callerError{errInsertEnded}) // the server was quicker
	}
	i.finish(errInsertEnded)
	if answer != errInsertEnded && errors.Is(answer, errInsertEnded) {
		return answer // it may be running still
	}
	return nil
}

// finish remembers how the insert ended.
func (i *inserter) finish(err error) error {
	i.ended, i.err = true, err
	return err
}

// outcome is the answer to calls after the end.
func (i *inserter) outcome() error { return cmp.Or(i.err, errInsertEnded) }

func (s *session) remember(i *inserter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inserts[i] = struct{}{}
}

func (s *session) forget(i *inserter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.inserts, i)
}

// stopInserts ends our own inserts whose ID begins with idPrefix: one that waits for its next block doesn't hear of a KILL.
func (s *session) stopInserts(idPrefix string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.inserts {
		if strings.HasPrefix(i.x.id, idPrefix) {
			i.stop(&connectors.DatabaseError{
				Code: int(chproto.ErrQueryWasCancelled), Name: chproto.ErrQueryWasCancelled.String(), Message: "insert " + i.x.id + " was killed",
			})
		}
	}
}
