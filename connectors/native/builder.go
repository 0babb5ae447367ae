package native

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Builder gathers the values of one column in Native layout. Nothing is boxed, and once the memory
// has grown nothing is allocated. The caller appends what fits the type: a builder of UInt16 gets AppendUint16 and nothing else.
//
// An array, map, nested or tuple has a builder for each of its elements: the caller appends to these, and ends the row with EndRow.
type Builder struct {
	nullable bool
	width    int    // of a value; 0: String
	empty    []byte // the bytes of a default value, which also stand where the value is NULL
	data     []byte
	nulls    []byte // with nullable one byte a row, 1 for NULL
	rows     int
	last     int // where the last String's bytes begin
	elems    []*Builder
	offsets  bool // Array, Map, Nested: data holds where the elements of each row end
}

// NewBuilder returns an empty builder for values of t, taken without LowCardinality and SimpleAggregateFunction.
func NewBuilder(t *Type) (*Builder, error) {
	plain := t.Plain()
	b := &Builder{nullable: plain.Kind == Nullable}
	base := plain.Base()
	if isNested(base.Kind) && !b.nullable {
		return b, b.nest(base)
	}
	width, fixed := base.Width()
	switch {
	case base.Kind == String:
		b.empty = []byte{0}
	case fixed:
		b.width, b.empty = width, make([]byte, width)
	default:
		return nil, fmt.Errorf("columns of type %s cannot be built value by value", t)
	}
	switch base.Kind {
	case Enum8:
		b.empty[0] = byte(base.Enum[0].Value)
	case Enum16:
		binary.LittleEndian.PutUint16(b.empty, uint16(base.Enum[0].Value))
	}
	return b, nil
}

// Len returns the number of rows.
func (b *Builder) Len() int { return b.rows }

// Bytes returns the size of what AppendTo would append.
func (b *Builder) Bytes() int {
	n := len(b.data) + len(b.nulls)
	for _, e := range b.elems {
		n += e.Bytes()
	}
	return n
}

// Reset removes all rows and keeps the memory.
func (b *Builder) Reset() {
	b.data, b.nulls, b.rows = b.data[:0], b.nulls[:0], 0
	for _, e := range b.elems {
		e.Reset()
	}
}

// Mark is a state of a builder to go back to.
type Mark struct {
	rows, data int
	elems      []Mark
}

// Mark returns the state as it is now.
func (b *Builder) Mark() (m Mark) {
	b.MarkTo(&m)
	return m
}

// MarkTo sets m to the state as it is now, in the memory that m has.
func (b *Builder) MarkTo(m *Mark) {
	m.rows, m.data = b.rows, len(b.data)
	if b.elems != nil {
		b.markElems(m)
	}
}

// Last returns the last value as the layout has it, of a String without its length. It is valid until the builder changes.
func (b *Builder) Last() []byte {
	if b.width > 0 {
		return b.data[len(b.data)-b.width:]
	}
	return b.data[b.last:]
}

// Rollback takes back all values that came after the mark.
func (b *Builder) Rollback(m Mark) {
	b.rows, b.data = m.rows, b.data[:m.data]
	if b.nullable {
		b.nulls = b.nulls[:m.rows]
	}
	for i, e := range b.elems {
		e.Rollback(m.elems[i])
	}
}

// row counts a value that isn't NULL.
func (b *Builder) row() {
	b.rows++
	if b.nullable {
		b.nulls = append(b.nulls, 0)
	}
}

// AppendNull appends NULL; the type must be Nullable.
func (b *Builder) AppendNull() {
	b.rows++
	b.nulls = append(b.nulls, 1)
	b.data = append(b.data, b.empty...)
}

// AppendDefault appends the type's default: NULL, 0, the empty string, the first value of an Enum, the empty array, a tuple of defaults.
func (b *Builder) AppendDefault() {
	if b.nullable {
		b.AppendNull()
		return
	}
	if b.elems != nil {
		b.appendEmpty()
		return
	}
	b.row()
	b.data = append(b.data, b.empty...)
}

// AppendUint8 appends a value of one byte: UInt8, Int8, Bool, Enum8.
func (b *Builder) AppendUint8(v uint8) {
	b.row()
	b.data = append(b.data, v)
}

// AppendUint16 appends a value of two bytes: UInt16, Int16, Date, Enum16.
func (b *Builder) AppendUint16(v uint16) {
	b.row()
	b.data = binary.LittleEndian.AppendUint16(b.data, v)
}

// AppendUint32 appends a value of four bytes: UInt32, Int32, Date32, DateTime, IPv4, a small Decimal.
func (b *Builder) AppendUint32(v uint32) {
	b.row()
	b.data = binary.LittleEndian.AppendUint32(b.data, v)
}

// AppendUint64 appends a value of eight bytes: UInt64, Int64, DateTime64, Decimal of 10 to 18 digits.
func (b *Builder) AppendUint64(v uint64) {
	b.row()
	b.data = binary.LittleEndian.AppendUint64(b.data, v)
}

// AppendFloat32 appends a Float32.
func (b *Builder) AppendFloat32(v float32) { b.AppendUint32(math.Float32bits(v)) }

// AppendFloat64 appends a Float64.
func (b *Builder) AppendFloat64(v float64) { b.AppendUint64(math.Float64bits(v)) }

// AppendWords appends a wide integer or Decimal of eight bytes a word, the lowest word first: two words for 128 bits, four for 256.
func (b *Builder) AppendWords(words ...uint64) {
	b.row()
	for _, w := range words {
		b.data = binary.LittleEndian.AppendUint64(b.data, w)
	}
}

// AppendBytes appends a String, or the bytes of a fixed-width value in layout order. Of a fixed-width value what is missing is filled with
// zeros, as ClickHouse does for FixedString; more bytes than the width would break the layout and panic.
func (b *Builder) AppendBytes(v []byte) {
	if b.width == 0 {
		b.data = binary.AppendUvarint(b.data, uint64(len(v)))
		b.last = len(b.data)
		b.data = append(b.data, v...)
		b.row()
		return
	}
	missing := b.width - len(v)
	if missing < 0 {
		panic(fmt.Sprintf("native: %d bytes appended to a column of width %d", len(v), b.width))
	}
	b.row()
	b.data = append(b.data, v...)
	for ; missing > 0; missing-- {
		b.data = append(b.data, 0)
	}
}

// AppendTo appends the column to dst in Native layout, the null map of a Nullable first.
func (b *Builder) AppendTo(dst []byte) []byte {
	dst = append(dst, b.nulls...)
	dst = append(dst, b.data...)
	for _, e := range b.elems {
		dst = e.AppendTo(dst)
	}
	return dst
}
