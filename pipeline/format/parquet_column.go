package format

import (
	"encoding/binary"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"

	"chute/connectors/native"
)

// parquetColumn turns a column in Native layout into values of Parquet. One goroutine uses it.
type parquetColumn struct {
	name     string
	index    int
	out      *parquet.ColumnWriter
	nullable bool
	layout   *native.Type                             // of what may be NULL
	width    int                                      // of a value; 0: strings, with their lengths before them
	put      func(value []byte) (parquet.Value, bool) // false: too large
	printed  bool                                     // values are written as texts
	utf8     bool                                     // texts must be UTF-8
	replace  bool                                     // and are made it
	values   []parquet.Value
	memory   []byte // of the values at hand
}

// parquetRows is how many values are handed on at a time.
const parquetRows = 1024

func newParquetColumn(c native.Column, index int, replace bool) (*parquetColumn, parquet.Node, error) {
	t := c.Type.Plain()
	made := &parquetColumn{name: c.Name, index: index, nullable: t.Kind == native.Nullable, replace: replace}
	node := made.choose(t.Base())
	if made.nullable {
		node = parquet.Optional(node)
	}
	return made, node, nil
}

// choose finds the type that Parquet has for one of ClickHouse's. Without one values are texts.
func (c *parquetColumn) choose(t *native.Type) parquet.Node {
	c.layout = t
	c.width, _ = t.Width()
	if node := c.number(t); node != nil {
		return node
	}
	if node := c.moment(t); node != nil {
		return node
	}
	switch t.Kind {
	case native.String:
		c.width, c.utf8, c.put = 0, true, textOf
	case native.UUID:
		c.put = func(v []byte) (parquet.Value, bool) {
			start := len(c.memory)
			c.memory = append(c.memory, v...)
			made := c.memory[start:]
			slices.Reverse(made[:8]) // two little-endian words, the high one first
			slices.Reverse(made[8:])
			return parquet.FixedLenByteArrayValue(made), true
		}
		return parquet.UUID()
	default:
		c.width, c.utf8, c.printed, c.put = 0, true, true, textOf
	}
	return parquet.String()
}

func textOf(v []byte) (parquet.Value, bool) { return parquet.ByteArrayValue(v), true }

func int32Of(n int32) (parquet.Value, bool) { return parquet.Int32Value(n), true }
func int64Of(n int64) (parquet.Value, bool) { return parquet.Int64Value(n), true }

// number chooses for numbers, all but those of 16 and 32 bytes that aren't decimals.
func (c *parquetColumn) number(t *native.Type) parquet.Node {
	le := binary.LittleEndian
	switch t.Kind {
	case native.Int8:
		c.put = func(v []byte) (parquet.Value, bool) { return int32Of(int32(int8(v[0]))) }
		return parquet.Int(8)
	case native.Int16:
		c.put = func(v []byte) (parquet.Value, bool) { return int32Of(int32(int16(le.Uint16(v)))) }
		return parquet.Int(16)
	case native.UInt8:
		c.put = func(v []byte) (parquet.Value, bool) { return int32Of(int32(v[0])) }
		return parquet.Uint(8)
	case native.UInt16:
		c.put = func(v []byte) (parquet.Value, bool) { return int32Of(int32(le.Uint16(v))) }
		return parquet.Uint(16)
	case native.Int32, native.UInt32:
		c.put = func(v []byte) (parquet.Value, bool) { return int32Of(int32(le.Uint32(v))) }
		return map[bool]parquet.Node{true: parquet.Int(32), false: parquet.Uint(32)}[t.Kind == native.Int32]
	case native.Int64, native.UInt64:
		c.put = func(v []byte) (parquet.Value, bool) { return int64Of(int64(le.Uint64(v))) }
		return map[bool]parquet.Node{true: parquet.Int(64), false: parquet.Uint(64)}[t.Kind == native.Int64]
	case native.Float32:
		c.put = func(v []byte) (parquet.Value, bool) {
			return parquet.FloatValue(math.Float32frombits(le.Uint32(v))), true
		}
		return parquet.Leaf(parquet.FloatType)
	case native.Float64:
		c.put = func(v []byte) (parquet.Value, bool) {
			return parquet.DoubleValue(math.Float64frombits(le.Uint64(v))), true
		}
		return parquet.Leaf(parquet.DoubleType)
	case native.Bool:
		c.put = func(v []byte) (parquet.Value, bool) { return parquet.BooleanValue(v[0] != 0), true }
		return parquet.Leaf(parquet.BooleanType)
	case native.Decimal:
		return c.decimal(t)
	}
	return nil
}

func (c *parquetColumn) decimal(t *native.Type) parquet.Node {
	switch c.width {
	case 4:
		c.put = func(v []byte) (parquet.Value, bool) { return int32Of(int32(binary.LittleEndian.Uint32(v))) }
		return parquet.Decimal(t.Scale, t.Precision, parquet.Int32Type)
	case 8:
		c.put = func(v []byte) (parquet.Value, bool) { return int64Of(int64(binary.LittleEndian.Uint64(v))) }
		return parquet.Decimal(t.Scale, t.Precision, parquet.Int64Type)
	}
	c.put = func(v []byte) (parquet.Value, bool) {
		start := len(c.memory)
		c.memory = append(c.memory, v...)
		slices.Reverse(c.memory[start:])
		return parquet.FixedLenByteArrayValue(c.memory[start:]), true
	}
	return parquet.Decimal(t.Scale, t.Precision, parquet.FixedLenByteArrayType(c.width))
}

// moment chooses for days and instants. An instant is one, in whichever zone it is shown.
func (c *parquetColumn) moment(t *native.Type) parquet.Node {
	le := binary.LittleEndian
	switch t.Kind {
	case native.Date:
		c.put = func(v []byte) (parquet.Value, bool) { return int32Of(int32(le.Uint16(v))) }
		return parquet.Date()
	case native.Date32:
		c.put = func(v []byte) (parquet.Value, bool) { return int32Of(int32(le.Uint32(v))) }
		return parquet.Date()
	case native.DateTime:
		c.put = func(v []byte) (parquet.Value, bool) { return int64Of(1000 * int64(le.Uint32(v))) }
		return parquet.TimestampAdjusted(parquet.Millisecond, true)
	case native.DateTime64:
		unit, digits := parquet.Millisecond, 3
		if t.Scale > 6 {
			unit, digits = parquet.Nanosecond, 9
		} else if t.Scale > 3 {
			unit, digits = parquet.Microsecond, 6
		}
		factor := int64(1)
		for range digits - t.Scale {
			factor *= 10
		}
		c.put = func(v []byte) (parquet.Value, bool) {
			n := int64(le.Uint64(v))
			return parquet.Int64Value(n * factor), n*factor/factor == n
		}
		return parquet.TimestampAdjusted(unit, true)
	}
	return nil
}

// write writes values.
func (c *parquetColumn) write(data, nulls []byte, rows int) error {
	for row := 0; row < rows; {
		c.values, c.memory = c.values[:0], c.memory[:0]
		for range min(rows-row, parquetRows) {
			var value []byte
			value, data = c.next(data)
			v, err := c.value(value, c.nullable && nulls[row] != 0)
			if err != nil {
				return err
			}
			c.values = append(c.values, v)
			row++
		}
		if _, err := c.out.WriteRowValues(c.values); err != nil {
			return err
		}
	}
	return nil
}

func (c *parquetColumn) next(data []byte) (value, rest []byte) {
	if c.width > 0 {
		return data[:c.width], data[c.width:]
	}
	n, used := binary.Uvarint(data)
	return data[used : used+int(n)], data[used+int(n):]
}

// value makes a value, with its level.
func (c *parquetColumn) value(bytes []byte, null bool) (parquet.Value, error) {
	if null {
		return parquet.NullValue().Level(0, 0, c.index), nil
	}
	if c.utf8 && !utf8.Valid(bytes) {
		if !c.replace {
			return parquet.Value{}, unfit("unmappable", "column %q has a text that isn't UTF-8, and Parquet's texts are: mend it in the query, or choose unmappable = \"replace\"", c.name)
		}
		start := len(c.memory)
		c.memory = appendValid(c.memory, bytes)
		bytes = c.memory[start:]
	}
	v, fits := c.put(bytes)
	if !fits {
		return v, unfit("too_large", "column %q has a time that Parquet has no room for with so many digits of the second: give it fewer in the query", c.name)
	}
	if c.nullable {
		return v.Level(0, 1, c.index), nil
	}
	return v.Level(0, 0, c.index), nil
}

// appendValid appends a text with ? for each byte that isn't UTF-8.
func appendValid(dst, text []byte) []byte {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, '?')
		} else {
			dst = append(dst, text[:size]...)
		}
		text = text[size:]
	}
	return dst
}
