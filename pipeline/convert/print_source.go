package convert

import (
	"encoding/binary"
	"fmt"
	"time"

	"chute/connectors/native"
)

// source is the data of a column, or of a part of one, from which values are taken one after the other. What begin gets has been measured: it is
// whole.
type source interface {
	// begin takes the data of rows values off the beginning of data.
	begin(data []byte, rows int) (rest []byte)
	// append appends the text of the next value.
	append(dst []byte) []byte
	// skip passes over n values.
	skip(n int)
}

// putter appends the text of one value, given in Native layout; of a String without its length.
type putter func(dst, value []byte) []byte

// place is where a value's text stands, which decides about quotes around it.
type place struct {
	style  Style
	inside bool // of an array, tuple or map
	key    bool // of a map
	zone   *time.Location
}

func sourceOf(t *native.Type, at place) (source, error) {
	switch t.Kind {
	case native.Nullable:
		inner, err := sourceOf(t.Elems[0], at)
		return &maybe{values: inner, null: at.null()}, err
	case native.Array:
		item, err := sourceOf(t.Elems[0], at.in())
		return &lists{items: item, open: '[', shut: ']'}, err
	case native.Map:
		return mapOf(t, at)
	case native.Nested:
		item, err := tupleOf(t, at.in())
		return &lists{items: item, open: '[', shut: ']'}, err
	case native.Tuple:
		return tupleOf(t, at.in())
	case native.String, native.JSON:
		return &texts{put: at.text(t), bare: at.bare(t)}, nil
	}
	width, known := t.Width()
	if !known {
		return nil, fmt.Errorf("values of this type aren't printed: select them as a string")
	}
	put, err := putterOf(t, at)
	return &fixed{width: width, put: put}, err
}

func (at place) in() place {
	at.inside, at.key = true, false
	return at
}

func (at place) null() string {
	if at.style == PrintJSON {
		return "null"
	}
	return "NULL"
}

// fixed are values of one width.
type fixed struct {
	width int
	put   putter
	data  []byte
}

func (s *fixed) begin(data []byte, rows int) []byte {
	n := s.width * rows
	s.data = data[:n]
	return data[n:]
}

func (s *fixed) append(dst []byte) []byte {
	value := s.data[:s.width]
	s.data = s.data[s.width:]
	return s.put(dst, value)
}

func (s *fixed) skip(n int) { s.data = s.data[n*s.width:] }

// texts are Strings: each has its length before it.
type texts struct {
	put  putter
	bare bool // a value's text is the value
	data []byte
}

func (s *texts) begin(data []byte, rows int) []byte {
	s.data = data
	s.skip(rows)
	rest := s.data
	s.data = data[:len(data)-len(rest)]
	return rest
}

func (s *texts) next() (value []byte) {
	if n := s.data[0]; n < 0x80 {
		value, s.data = s.data[1:1+n], s.data[1+n:]
		return value
	}
	n, used := binary.Uvarint(s.data)
	value, s.data = s.data[used:used+int(n)], s.data[used+int(n):]
	return value
}

func (s *texts) append(dst []byte) []byte { return s.put(dst, s.next()) }

func (s *texts) skip(n int) {
	for range n {
		s.next()
	}
}

// maybe are values that may be NULL, inside of others.
type maybe struct {
	values source
	nulls  []byte
	null   string
}

func (s *maybe) begin(data []byte, rows int) []byte {
	s.nulls = data[:rows]
	return s.values.begin(data[rows:], rows)
}

func (s *maybe) append(dst []byte) []byte {
	null := s.nulls[0] != 0
	s.nulls = s.nulls[1:]
	if null {
		s.values.skip(1)
		return append(dst, s.null...)
	}
	return s.values.append(dst)
}

func (s *maybe) skip(n int) {
	s.nulls = s.nulls[n:]
	s.values.skip(n)
}
