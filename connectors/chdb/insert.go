package chdb

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"chute/connectors"
	"chute/connectors/native"
)

// pipeSize is how far the writer may be ahead of the engine.
const pipeSize = 1 << 20

// halfBlock is a block's beginning that no block can have: the engine's error for it is what undoes an insert.
var halfBlock = []byte{0x02, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

var errAborted = errors.New("insert aborted")

// Insert starts an insert: a statement that reads a pipe, in a goroutine that ends with it.
func (s *Session) Insert(ctx context.Context, from connectors.Statement, columns []native.Column) (connectors.Inserter, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("insert: %w", err)
	}
	// A small pipe is only slower, so a refusal (the user's pipes are too many) changes nothing.
	_, _ = unix.FcntlInt(reader.Fd(), unix.F_SETPIPE_SZ, pipeSize)
	table := from.SQL
	if from.SQL, err = insertStatement(table, columns, reader.Fd()); err != nil {
		return nil, errors.Join(err, reader.Close(), writer.Close())
	}
	st, err := s.database.begin(ctx, from)
	if err != nil {
		return nil, errors.Join(err, reader.Close(), writer.Close())
	}
	i := &inserter{statement: st, columns: columns, heads: heads(columns), pipe: writer, finished: make(chan struct{})}
	st.unblock = i.poison
	st.watch()
	if err := st.checkColumns(table, columns); err != nil {
		i.closePipe()
		_ = reader.Close() // nothing was written to it
		return nil, st.end(err)
	}
	go i.run(reader)
	return i, nil
}

// insertStatement names the columns on both sides: their order in a block is free, and one that is missing there would be filled with blanks.
func insertStatement(table string, columns []native.Column, fd uintptr) (string, error) {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = native.Identifier(c.Name)
	}
	list := strings.Join(names, ", ")
	structure, err := native.Bind("?", native.Structure(columns))
	if err != nil {
		return "", fmt.Errorf("insert: %w", err)
	}
	return fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM file('/proc/self/fd/%d', 'Native', %s)", table, list, list, fd, structure), nil
}

// checkColumns compares the columns with the table's: between others the engine would cast, which turns 300 into 44 and -1 into 4294967295.
func (s *statement) checkColumns(table string, columns []native.Column) error {
	own, err := s.connection.describe("DESCRIBE TABLE " + table)
	if err != nil {
		return err
	}
	types := map[string]*native.Type{}
	for _, c := range own.Columns {
		types[c.Name] = c.Type.Plain()
	}
	for _, c := range columns {
		want, known := types[c.Name]
		if !known {
			return fmt.Errorf("insert into %s: it has no column %s, or it was announced twice", table, native.Identifier(c.Name))
		}
		if !fits(c.Type.Plain(), want) {
			return fmt.Errorf("insert into %s: column %s is %s, announced was %s", table, native.Identifier(c.Name), want, c.Type)
		}
		delete(types, c.Name)
	}
	return nil
}

// fits tells whether every value of a type is the same value of the table's; text for what only the engine can read, as JSON, is judged by the engine.
func fits(announced, own *native.Type) bool {
	switch own.Kind {
	case native.JSON, native.Other:
		return announced.Kind == native.String || announced.Equal(own)
	case native.Nullable:
		return announced.Equal(own) || fits(announced, own.Elems[0]) || announced.Kind == native.Nullable && fits(announced.Elems[0], own.Elems[0])
	}
	return announced.Equal(own)
}

// inserter is a running insert.
type inserter struct {
	statement *statement
	columns   []native.Column
	heads     [][]byte // for each column what stands before its data in every block
	buffer    []byte
	unsynced  int            // bytes sent since the last early sync began
	early     sync.WaitGroup // that sync
	refused   error          // a block that wasn't like columns: such an insert can't be committed

	mutex sync.Mutex // held while the pipe is written or closed
	pipe  *os.File   // nil once closed

	finished chan struct{} // closed when the engine has ended the statement
	err      error         // then: how
}

var _ connectors.Inserter = (*inserter)(nil)

// run executes the statement. When the engine has ended it, closing the reading end frees a blocked Write.
func (i *inserter) run(reader *os.File) {
	err := i.statement.connection.exec(i.statement.sql)
	_ = reader.Close() // nothing was written to it
	i.err = i.statement.end(err)
	close(i.finished)
}

// Write sends a block. An error means that the insert has failed; it is the engine's own, or the context's cause.
func (i *inserter) Write(b *native.Block) error {
	if i.refused = errors.Join(i.refused, i.check(b)); i.refused != nil {
		return i.refused
	}
	if i.send(b) != nil {
		return i.failure()
	}
	i.sent(b.Size())
	return nil
}

// gathered is up to which size pieces of a block go into the pipe together.
const gathered = 64 << 10

// send writes the block into the pipe, large columns straight from where they are.
func (i *inserter) send(b *native.Block) error {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if i.pipe == nil {
		return os.ErrClosed
	}
	i.buffer = binary.AppendUvarint(i.buffer[:0], uint64(len(b.Columns)))
	i.buffer = binary.AppendUvarint(i.buffer, uint64(b.Rows))
	for n, data := range b.Data {
		i.buffer = append(i.buffer, i.heads[n]...)
		if len(i.buffer)+len(data) <= gathered {
			i.buffer = append(i.buffer, data...)
			continue
		}
		if _, err := i.pipe.Write(i.buffer); err != nil {
			return err
		}
		i.buffer = i.buffer[:0]
		if _, err := i.pipe.Write(data); err != nil {
			return err
		}
	}
	_, err := i.pipe.Write(i.buffer)
	return err
}

// heads are the names and types of the columns as they stand in a block.
func heads(columns []native.Column) [][]byte {
	all := make([][]byte, len(columns))
	for i, c := range columns {
		for _, text := range []string{c.Name, c.Type.Plain().String()} {
			all[i] = append(binary.AppendUvarint(all[i], uint64(len(text))), text...)
		}
	}
	return all
}

// failure is why the pipe doesn't take any more.
func (i *inserter) failure() error {
	<-i.finished
	if i.err != nil {
		return i.err
	}
	return errors.New("the insert has ended already")
}

// check compares a block with the insert's columns: the engine would drop or fill in columns without a word.
func (i *inserter) check(b *native.Block) error {
	if len(b.Columns) != len(i.columns) || len(b.Data) != len(i.columns) {
		return fmt.Errorf("insert: a block of %d columns where %d were announced", len(b.Columns), len(i.columns))
	}
	for n, c := range b.Columns {
		want := i.columns[n]
		if c.Name != want.Name || c.Type != want.Type && !c.Type.Plain().Equal(want.Type.Plain()) {
			return fmt.Errorf("insert: column %d of a block is %s %s, announced was %s %s", n+1, native.Identifier(c.Name), c.Type, native.Identifier(want.Name), want.Type)
		}
		if size, fixed := dataSize(want.Type.Plain(), b.Rows); fixed && size != len(b.Data[n]) {
			return fmt.Errorf("insert: column %s of a block of %d rows has %d bytes instead of %d", native.Identifier(c.Name), b.Rows, len(b.Data[n]), size)
		}
	}
	return nil
}

// dataSize is how many bytes a column has, where its type alone tells.
func dataSize(t *native.Type, rows int) (size int, fixed bool) {
	if t.Kind == native.Nullable {
		size, t = rows, t.Base()
	}
	width, fixed := t.Width()
	return size + width*rows, fixed
}

// Commit closes the pipe at the border of a block, which is success for the engine, and waits for it.
func (i *inserter) Commit() error {
	if i.refused != nil {
		return errors.Join(i.refused, i.Abort())
	}
	i.closePipe()
	<-i.finished
	i.early.Wait()
	return i.err
}

func (i *inserter) closePipe() {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if i.pipe != nil {
		_ = i.pipe.Close() // a pipe has nothing left to fail with
		i.pipe = nil
	}
}

// Abort makes the statement fail and waits for it.
func (i *inserter) Abort() error {
	i.statement.cancel(errAborted)
	<-i.finished
	i.early.Wait()
	return nil
}

// poison closes the pipe in the middle of a block. It never waits: while a Write is on its way, or the pipe is full, the
// engine is reading and sees the KILL; it is called again until the engine has ended the statement.
func (i *inserter) poison() {
	if !i.mutex.TryLock() {
		return
	}
	defer i.mutex.Unlock()
	if i.pipe == nil {
		return
	}
	if err := i.pipe.SetWriteDeadline(time.Now().Add(time.Millisecond)); err != nil {
		return
	}
	// So few bytes go into a pipe as a whole or not at all.
	if _, err := i.pipe.Write(halfBlock); errors.Is(err, os.ErrDeadlineExceeded) {
		return
	}
	_ = i.pipe.Close()
	i.pipe = nil
}
