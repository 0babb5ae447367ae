package convert

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"math/bits"

	"chute/connectors/native"
)

// Sum adds up a column of whole numbers or decimals, exactly: its total has room for 2⁶⁰ values of 256 bits.
type Sum struct {
	width    int
	scale    int
	signed   bool
	nullable bool
	total    [5]uint64 // two's complement, the lowest word first
}

// NewSum begins with zero.
func NewSum(c native.Column) (*Sum, error) {
	t := c.Type.Plain()
	inner := t.Base()
	width, _ := inner.Width()
	s := &Sum{width: width, scale: inner.Scale, nullable: t.Kind == native.Nullable}
	switch inner.Kind {
	case native.UInt8, native.UInt16, native.UInt32, native.UInt64, native.UInt128, native.UInt256:
	case native.Int8, native.Int16, native.Int32, native.Int64, native.Int128, native.Int256, native.Decimal:
		s.signed = true
	default:
		return nil, fmt.Errorf("column %q is %s, which has no exact sum: whole numbers and decimals have", c.Name, c.Type)
	}
	return s, nil
}

// Add adds the values of the rows from and before to, of a block's column with so many rows. NULL counts for nothing.
func (s *Sum) Add(data []byte, rows, from, to int) {
	var nulls []byte
	if s.nullable {
		nulls, data = data[:rows], data[rows:]
	}
	for i := from; i < to; i++ {
		if nulls == nil || nulls[i] == 0 {
			s.add(data[i*s.width:][:s.width])
		}
	}
}

func (s *Sum) add(value []byte) {
	var word, carry uint64
	last := value[len(value)-1]
	for i := range s.total {
		switch rest := value[min(8*i, len(value)):]; {
		case len(rest) >= 8:
			word = binary.LittleEndian.Uint64(rest)
		case len(rest) > 0:
			word = small(rest, s.signed)
		case s.signed && last >= 0x80:
			word = ^uint64(0)
		default:
			word = 0
		}
		s.total[i], carry = bits.Add64(s.total[i], word, carry)
	}
}

// small is a number of one, two or four bytes as one of eight.
func small(value []byte, signed bool) uint64 {
	var n uint64
	switch len(value) {
	case 1:
		n = uint64(value[0])
	case 2:
		n = uint64(binary.LittleEndian.Uint16(value))
	default:
		n = uint64(binary.LittleEndian.Uint32(value))
	}
	if unused := 64 - 8*len(value); signed {
		return uint64(int64(n<<unused) >> unused)
	}
	return n
}

// Reset begins again with zero.
func (s *Sum) Reset() { s.total = [5]uint64{} }

// Append appends the total, with all digits of the column's scale.
func (s *Sum) Append(dst []byte) []byte {
	total := s.total
	negative := s.signed && int64(total[4]) < 0
	if negative {
		carry := uint64(1)
		for i := range total {
			total[i], carry = bits.Add64(^total[i], 0, carry)
		}
		dst = append(dst, '-')
	}
	var whole big.Int
	for i := len(total) - 1; i >= 0; i-- {
		whole.Lsh(&whole, 64).Or(&whole, new(big.Int).SetUint64(total[i]))
	}
	start := len(dst)
	dst = whole.Append(dst, 10)
	if missing := s.scale + 1 - (len(dst) - start); missing > 0 {
		digits := whole.String()
		dst = dst[:start]
		for range missing {
			dst = append(dst, '0')
		}
		dst = append(dst, digits...)
	}
	return addPoint(dst, s.scale)
}
