package convert

import (
	"encoding/binary"

	"chute/connectors/native"
)

// lists are arrays of items. In the layout maps are arrays of pairs, and Nested are arrays of tuples.
type lists struct {
	items      source
	open, shut byte
	ends       []byte // where each row's items end, counted over all rows
	at         uint64 // items that are behind
}

func (s *lists) begin(data []byte, rows int) []byte {
	s.ends, s.at = data[:8*rows], 0
	count := uint64(0)
	if rows > 0 {
		count = binary.LittleEndian.Uint64(s.ends[8*(rows-1):])
	}
	return s.items.begin(data[8*rows:], int(count))
}

func (s *lists) append(dst []byte) []byte {
	end := binary.LittleEndian.Uint64(s.ends)
	s.ends = s.ends[8:]
	dst = append(dst, s.open)
	for first := true; s.at < end; s.at++ {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = s.items.append(dst)
	}
	return append(dst, s.shut)
}

func (s *lists) skip(n int) {
	if n == 0 {
		return
	}
	end := binary.LittleEndian.Uint64(s.ends[8*(n-1):])
	s.ends = s.ends[8*n:]
	s.items.skip(int(end - s.at))
	s.at = end
}

// tuples have the columns of their elements one behind the other.
type tuples struct {
	elems  []source
	before [][]byte // what stands before each element
	after  string
}

func tupleOf(t *native.Type, at place) (source, error) {
	s := &tuples{after: ")"}
	open := "("
	object := at.style == PrintJSON && t.Names != nil
	switch {
	case object:
		open, s.after = "{", "}"
	case at.style == PrintJSON:
		open, s.after = "[", "]"
	}
	for i, e := range t.Elems {
		elem, err := sourceOf(e, at)
		if err != nil {
			return nil, err
		}
		before := []byte(",")
		if i == 0 {
			before = []byte(open)
		}
		if object {
			before = append(appendJSONString(before, []byte(t.Names[i])), ':')
		}
		s.elems, s.before = append(s.elems, elem), append(s.before, before)
	}
	if len(t.Elems) == 0 {
		s.after = open + s.after
	}
	return s, nil
}

func mapOf(t *native.Type, at place) (source, error) {
	at = at.in()
	value, err := sourceOf(t.Elems[1], at)
	if err != nil {
		return nil, err
	}
	at.key = true
	key, err := sourceOf(t.Elems[0], at)
	if err != nil {
		return nil, err
	}
	return &lists{open: '{', shut: '}', items: &tuples{elems: []source{key, value}, before: [][]byte{nil, []byte(":")}}}, nil
}

func (s *tuples) begin(data []byte, rows int) []byte {
	if len(s.elems) == 0 {
		return data[rows:] // the empty tuple has a byte without a meaning
	}
	for _, e := range s.elems {
		data = e.begin(data, rows)
	}
	return data
}

func (s *tuples) append(dst []byte) []byte {
	for i, e := range s.elems {
		dst = append(dst, s.before[i]...)
		dst = e.append(dst)
	}
	return append(dst, s.after...)
}

func (s *tuples) skip(n int) {
	for _, e := range s.elems {
		e.skip(n)
	}
}
