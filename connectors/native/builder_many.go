package native

import (
	"encoding/binary"
	"slices"
)

// AppendMany appends values of up to eight bytes, each in the low bytes of a word. nulls has a 1 for each value that is NULL, and is nil when none is; the
// word of a NULL is its default.
func (b *Builder) AppendMany(values []uint64, nulls []byte) {
	n := len(b.data)
	b.data = slices.Grow(b.data, b.width*len(values))[:n+b.width*len(values)]
	data := b.data[n:]
	switch b.width {
	case 1:
		for i, v := range values {
			data[i] = byte(v)
		}
	case 2:
		for _, v := range values {
			binary.LittleEndian.PutUint16(data, uint16(v))
			data = data[2:]
		}
	case 4:
		for _, v := range values {
			binary.LittleEndian.PutUint32(data, uint32(v))
			data = data[4:]
		}
	case 8:
		for _, v := range values {
			binary.LittleEndian.PutUint64(data, v)
			data = data[8:]
		}
	}
	b.addRows(len(values), nulls)
}

// Lend gives a column of Strings to who appends to it himself: the column's bytes, with room for n more. After them Return is called.
func (b *Builder) Lend(n int) []byte { return slices.Grow(b.data, n) }

// Return takes back what Lend gave, with so many more rows in it: each is its length as a varint and its bytes; that of a NULL is empty. nulls is as with AppendMany.
func (b *Builder) Return(data []byte, rows int, nulls []byte) {
	b.data = data
	b.addRows(rows, nulls)
}

func (b *Builder) addRows(n int, nulls []byte) {
	b.rows += n
	switch {
	case !b.nullable:
	case nulls != nil:
		b.nulls = append(b.nulls, nulls[:n]...)
	default:
		have := len(b.nulls)
		b.nulls = slices.Grow(b.nulls, n)[:have+n]
		clear(b.nulls[have:])
	}
}

// Drop takes out rows that came after the mark, counted from it and in ascending order. The column mustn't be of a nested type.
func (b *Builder) Drop(m Mark, rows []int) {
	to, from := m.data, m.data // what is from there on is still to be moved
	at, end := 0, m.data       // the row that begins at end
	for _, row := range rows {
		begin := b.skip(end, row-at)
		at, end = row+1, b.skip(begin, 1)
		to += copy(b.data[to:], b.data[from:begin])
		from = end
	}
	b.data = b.data[:to+copy(b.data[to:], b.data[from:])]
	if b.nullable {
		nulls := Builder{width: 1, data: b.nulls}
		nulls.Drop(Mark{data: m.rows}, rows)
		b.nulls = nulls.data
	}
	b.rows -= len(rows)
}

// skip returns where the n-th value behind that at data[at:] begins.
func (b *Builder) skip(at, n int) int {
	if b.width > 0 {
		return at + n*b.width
	}
	for ; n > 0; n-- {
		if length := b.data[at]; length < 0x80 {
			at += 1 + int(length)
			continue
		}
		length, size := binary.Uvarint(b.data[at:])
		at += size + int(length)
	}
	return at
}

// View returns the column in Native layout. It is valid until the builder changes: where it can be, it is the builder's own memory. old is what the View
// before returned, whose memory is used again.
func (b *Builder) View(old []byte) []byte {
	if b.nullable || b.elems != nil {
		return b.AppendTo(old[:0])
	}
	return b.data
}
