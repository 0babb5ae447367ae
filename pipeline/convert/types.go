package convert

import (
	"fmt"
	"strings"

	"chute/connectors/native"
)

// conversion is how text becomes the values of a type.
type conversion struct {
	append appender
	bits   parser // the same for a type whose values have up to eight bytes; else nil
	limits string // what the type holds, for messages
}

// parser reads a text as a value of up to eight bytes, in the low bytes of a word, or returns the code of what is wrong with it.
type parser func(text []byte) (bits uint64, code string)

// scalar is the conversion to values of so many bytes.
func scalar(width int, limits string, parse parser) conversion {
	put := putters[width]
	return conversion{bits: parse, limits: limits, append: func(b *native.Builder, text []byte) string {
		bits, code := parse(text)
		if code == "" {
			put(b, bits)
		}
		return code
	}}
}

// putters append the low bytes of a number, by width.
var putters = [...]func(*native.Builder, uint64){
	1: func(b *native.Builder, n uint64) { b.AppendUint8(uint8(n)) },
	2: func(b *native.Builder, n uint64) { b.AppendUint16(uint16(n)) },
	4: func(b *native.Builder, n uint64) { b.AppendUint32(uint32(n)) },
	8: (*native.Builder).AppendUint64,
}

// forType returns the conversion to a type.
func forType(t *native.Type, local zoning) (conversion, error) {
	switch t.Kind {
	case native.Int8, native.Int16, native.Int32, native.Int64, native.Int128, native.Int256,
		native.UInt8, native.UInt16, native.UInt32, native.UInt64, native.UInt128, native.UInt256:
		return integer(t), nil
	case native.BFloat16:
		return scalar(2, "up to about 3.39e38, not closer to zero than 9.2e-41", toBFloat16), nil
	case native.Float32:
		return scalar(4, "up to about 3.4e38, not closer to zero than 1.4e-45", toFloat32), nil
	case native.Float64:
		return scalar(8, "up to about 1.8e308, not closer to zero than 4.9e-324", toFloat64), nil
	case native.Decimal:
		return decimal(t.Precision, t.Scale), nil
	case native.String:
		return conversion{append: toString}, nil
	case native.FixedString:
		return conversion{append: fixedString(t.Size)}, nil
	case native.Bool:
		return scalar(1, "", toBool), nil
	case native.Date, native.Date32:
		return calendarOf(t.Kind, local.early).conversion(), nil
	case native.DateTime, native.DateTime64:
		return forTime(t, local)
	case native.Time, native.Time64:
		return clockTime(t), nil
	case native.UUID:
		return conversion{append: toUUID}, nil
	case native.IPv4:
		return scalar(4, "", toIPv4), nil
	case native.IPv6:
		return conversion{append: toIPv6}, nil
	case native.Enum8, native.Enum16:
		return enum(t), nil
	}
	return conversion{}, fmt.Errorf("text can't be converted to this type")
}

func (c *column) isInteger() bool {
	switch c.Type.Base().Kind {
	case native.BFloat16, native.Float32, native.Float64, native.Decimal:
		return false
	}
	return true
}

// enumNames lists the names for a message, cut when there are many.
func enumNames(t *native.Type) string {
	var names []string
	for i, v := range t.Enum {
		if i == 10 {
			names = append(names, fmt.Sprintf("… (%d in all)", len(t.Enum)))
			break
		}
		names = append(names, show([]byte(v.Name)))
	}
	return strings.Join(names, ", ")
}
