package chdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"chute/connectors"
	"chute/connectors/native"
)

// Query streams the result of a SELECT; whatever else answers, as SHOW does, comes as a whole. An empty result is one block without rows.
func (s *Session) Query(ctx context.Context, from connectors.Statement, each func(*native.Block) error) error {
	st, err := s.database.begin(ctx, from)
	if err != nil {
		return err
	}
	st.watch()
	q := &query{statement: st, each: each}
	ended := false
	defer func() {
		if !ended { // each has panicked
			_ = st.end(nil)
		}
	}()
	err = q.run()
	ended = true
	err = st.end(err)
	if q.refused != nil {
		return q.refused
	}
	return err
}

// query is a statement with a result.
type query struct {
	statement *statement
	each      func(*native.Block) error
	refused   error          // what each returned
	zones     []*native.Type // for each column its DateTime with the time zone, nil for other types
	blocks    int
}

func (q *query) run() error {
	if !streamable(q.statement.sql) {
		return q.statement.connection.run(q.statement.sql, "Native", func(result []byte) error { return q.decode(bytes.NewReader(result)) })
	}
	if err := q.stream(); err != nil {
		return err
	}
	if q.blocks > 0 {
		return nil
	}
	return q.header()
}

// stream lets the engine produce the result as it is consumed.
func (q *query) stream() error {
	c := q.statement.connection
	sql, length := text(q.statement.sql)
	format, formatLength := text("Native")
	handle := c.library.stream(*c.handle, sql, length, format, formatLength)
	if handle == 0 {
		return parseError("")
	}
	// A stream that is destroyed without being cancelled would make the connection answer nonsense.
	defer c.library.resultDestroy(handle)
	defer c.library.streamCancel(*c.handle, handle)
	if said := c.library.resultError(handle); said != "" {
		return parseError(said)
	}
	r := &streamReader{connection: c, stream: handle}
	defer r.release()
	return q.decode(r)
}

func (q *query) decode(r io.Reader) error {
	decoder := native.NewDecoder(r)
	for {
		b, err := decoder.Next()
		// A killed stream may look like one that has ended.
		if q.statement.ctx.Err() != nil {
			return context.Cause(q.statement.ctx)
		}
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return engineError(err)
		}
		if err := q.restoreZones(b); err != nil {
			return err
		}
		q.blocks++
		if q.refused = q.each(b); q.refused != nil {
			return q.refused
		}
	}
}

// engineError takes the engine's own error out of a decoder's, which only says where it was met.
func engineError(err error) error {
	var own *connectors.DatabaseError
	if errors.As(err, &own) {
		return own
	}
	return fmt.Errorf("read the engine's result: %w", err)
}

// header asks for the columns of an empty result, of which the stream says nothing.
func (q *query) header() error {
	b, err := q.statement.connection.describe(describeResult(q.statement.sql))
	if err != nil {
		return err
	}
	q.refused = q.each(b)
	return q.refused
}

// restoreZones gives the columns of type DateTime their time zones, which this format leaves out there, and only there. The engine is asked when
// the first block shows such a column, on another connection: this one has a stream.
func (q *query) restoreZones(b *native.Block) error {
	if q.blocks == 0 && slices.ContainsFunc(b.Columns, isDateTime) && streamable(q.statement.sql) {
		c, err := q.statement.connect()
		if err != nil {
			return err
		}
		defer c.close()
		described, err := c.describe(describeResult(q.statement.sql))
		if err != nil {
			return err
		}
		q.zones = make([]*native.Type, len(b.Columns))
		for i, c := range described.Columns {
			if i < len(q.zones) && isDateTime(c) {
				q.zones[i] = c.Type
			}
		}
	}
	for i, t := range q.zones {
		if t != nil && i < len(b.Columns) && isDateTime(b.Columns[i]) {
			b.Columns[i].Type = t
		}
	}
	return nil
}

func isDateTime(c native.Column) bool { return c.Type.Kind == native.DateTime }

// describeResult is the statement that describes a SELECT's result. The line's end is for a comment at the SELECT's.
func describeResult(sql string) string {
	return "DESCRIBE (" + strings.TrimRight(sql, "; \t\r\n") + "\n)"
}

// describe returns the columns that a DESCRIBE tells of, as a block without rows.
func (c *connection) describe(sql string) (*native.Block, error) {
	b := &native.Block{}
	err := c.run(sql, "Native", func(result []byte) error {
		decoder := native.NewDecoder(bytes.NewReader(result))
		for {
			described, err := decoder.Next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err == nil {
				err = appendColumns(b, described)
			}
			if err != nil {
				return fmt.Errorf("read the columns of a table or result: %w", err)
			}
		}
	})
	return b, err
}

// appendColumns reads DESCRIBE's first two columns: names and types.
func appendColumns(to, described *native.Block) error {
	names, err := texts(described, 0)
	if err != nil {
		return err
	}
	types, err := texts(described, 1)
	if err != nil {
		return err
	}
	for i, name := range names {
		t, err := native.ParseType(types[i])
		if err != nil {
			return err
		}
		to.Columns = append(to.Columns, native.Column{Name: name, Type: t.Plain()})
		to.Data = append(to.Data, nil)
	}
	return nil
}

// texts returns a column of type String.
func texts(b *native.Block, column int) ([]string, error) {
	values, err := native.Values(b.Columns[column], b.Data[column], b.Rows)
	if err != nil {
		return nil, err
	}
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = fmt.Sprint(v)
	}
	return list, nil
}

// streamReader is a running stream as a reader. Its chunks lie in the engine's memory.
type streamReader struct {
	connection *connection
	stream     uintptr
	chunk      uintptr // 0: none held
	rest       []byte  // of the chunk, not yet read
	err        error
}

func (r *streamReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		r.fetch()
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (r *streamReader) fetch() {
	r.release()
	l := r.connection.library
	r.chunk = l.streamFetch(*r.connection.handle, r.stream)
	if r.chunk == 0 {
		r.err = io.EOF
		return
	}
	if said := l.resultError(r.chunk); said != "" {
		r.err = parseError(said)
		return
	}
	if r.rest = l.bytes(r.chunk); len(r.rest) == 0 {
		r.err = io.EOF
	}
}

func (r *streamReader) release() {
	if r.chunk != 0 {
		r.connection.library.resultDestroy(r.chunk)
	}
	r.chunk, r.rest = 0, nil
}

// streamable tells whether the statement is a SELECT, the only kind that the engine can stream.
func streamable(sql string) bool {
	for {
		sql = strings.TrimLeft(sql, " \t\r\n\v\f(")
		end := ""
		switch {
		case strings.HasPrefix(sql, "--"), strings.HasPrefix(sql, "#"):
			end = "\n"
		case strings.HasPrefix(sql, "/*"):
			end = "*/"
		default:
			word := sql
			if n := strings.IndexFunc(sql, func(r rune) bool { return r|0x20 < 'a' || r|0x20 > 'z' }); n >= 0 {
				word = sql[:n]
			}
			switch strings.ToUpper(word) {
			case "SELECT", "WITH", "FROM":
				return true
			}
			return false
		}
		_, rest, found := strings.Cut(sql, end)
		if !found {
			return false
		}
		sql = rest
	}
}
