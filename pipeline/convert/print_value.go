package convert

import (
	"encoding/binary"
	"math"
	"net/netip"
	"sort"
	"strconv"

	"chute/connectors/native"
)

// formOf says what may stand in the texts of a type, at the outermost level.
func formOf(t *native.Type) Form {
	switch t.Kind {
	case native.String, native.FixedString, native.Enum8, native.Enum16, native.JSON:
		return Free
	case native.Array, native.Map, native.Nested, native.Tuple:
		return Literal
	}
	return Bare
}

// putterOf returns how values of a type of fixed width are written at a place.
func putterOf(t *native.Type, at place) (putter, error) {
	switch t.Kind {
	case native.FixedString:
		return at.text(t), nil
	case native.Enum8, native.Enum16:
		return enumNamesAt(t, at), nil
	case native.Float32, native.Float64, native.BFloat16:
		return at.number(floats(t.Kind, at)), nil
	case native.Bool:
		return at.number(func(dst, v []byte) []byte { return strconv.AppendBool(dst, v[0] != 0) }), nil
	case native.Nothing:
		return func(dst, _ []byte) []byte { return append(dst, at.null()...) }, nil
	case native.Decimal:
		return at.number(decimals(t)), nil
	case native.UUID:
		return at.word(appendUUID), nil
	case native.IPv4:
		return at.word(func(dst, v []byte) []byte { return netip.AddrFrom4([4]byte{v[3], v[2], v[1], v[0]}).AppendTo(dst) }), nil
	case native.IPv6:
		return at.word(func(dst, v []byte) []byte { return netip.AddrFrom16([16]byte(v)).AppendTo(dst) }), nil
	}
	if put := integersOf(t); put != nil {
		return at.number(put), nil
	}
	put, err := timesOf(t, at.zone)
	return at.word(put), err
}

// number is for what stands without quotes everywhere but as a key of JSON.
func (at place) number(put putter) putter {
	if at.key && at.style == PrintJSON {
		return around('"', put)
	}
	return put
}

// word is for what needs quotes but no escapes.
func (at place) word(put putter) putter {
	switch {
	case at.style == PrintJSON:
		return around('"', put)
	case at.inside:
		return around('\'', put)
	}
	return put
}

// text is for what may be any bytes. JSON is text in the layout, and stands in JSON as it is.
func (at place) text(t *native.Type) putter {
	switch {
	case t.Kind == native.JSON && at.style == PrintJSON && !at.key:
		return appendAll
	case at.style == PrintJSON:
		return appendJSONString
	case at.inside:
		return putQuoted
	}
	return appendAll
}

func appendAll(dst, value []byte) []byte { return append(dst, value...) }

func around(quote byte, put putter) putter {
	return func(dst, value []byte) []byte { return append(put(append(dst, quote), value), quote) }
}

// putQuoted writes a text in single quotes, with ClickHouse's escapes.
func putQuoted(dst, value []byte) []byte {
	dst = append(dst, '\'')
	start := 0
	for i, c := range value {
		if c >= ' ' && c != '\'' && c != '\\' {
			continue
		}
		if e := quotedEscape(c); e != 0 {
			dst = append(append(dst, value[start:i]...), '\\', e)
			start = i + 1
		}
	}
	return append(append(dst, value[start:]...), '\'')
}

func quotedEscape(c byte) byte {
	switch c {
	case '\'', '\\':
		return c
	case 0:
		return '0'
	case '\b':
		return 'b'
	case '\t':
		return 't'
	case '\n':
		return 'n'
	case '\f':
		return 'f'
	case '\r':
		return 'r'
	}
	return 0
}

// enumNamesAt writes the names of an Enum; a number that the type doesn't have is written as such.
func enumNamesAt(t *native.Type, at place) putter {
	put := at.text(t)
	names := make([][]byte, len(t.Enum))
	for i, v := range t.Enum {
		names[i] = put(nil, []byte(v.Name))
	}
	return func(dst, value []byte) []byte {
		n := int16(int8(value[0]))
		if len(value) == 2 {
			n = int16(binary.LittleEndian.Uint16(value))
		}
		i := sort.Search(len(t.Enum), func(i int) bool { return t.Enum[i].Value >= n })
		if i == len(t.Enum) || t.Enum[i].Value != n {
			return strconv.AppendInt(dst, int64(n), 10)
		}
		return append(dst, names[i]...)
	}
}

// floats writes the shortest text that reads back as the same number.
func floats(kind native.Kind, at place) putter {
	null := at.style == PrintJSON && !at.key // JSON has neither NaN nor infinities
	return func(dst, value []byte) []byte {
		var f float64
		bits := 32
		switch kind {
		case native.BFloat16:
			f = float64(math.Float32frombits(uint32(binary.LittleEndian.Uint16(value)) << 16))
		case native.Float32:
			f = float64(math.Float32frombits(binary.LittleEndian.Uint32(value)))
		default:
			f, bits = math.Float64frombits(binary.LittleEndian.Uint64(value)), 64
		}
		switch {
		case math.IsNaN(f) || math.IsInf(f, 0):
			return appendNoNumber(dst, f, null)
		case bits == 64 && farFromOne(f), bits == 32 && farFromOne(float32(f)):
			return appendScientific(dst, f, bits)
		}
		return strconv.AppendFloat(dst, f, 'f', -1, bits)
	}
}

// farFromOne tells numbers that are written with an exponent. The bounds are those of the number's own type.
func farFromOne[T float32 | float64](f T) bool {
	return f != 0 && f < 1e-6 && f > -1e-6 || f >= 1e21 || f <= -1e21
}

func appendNoNumber(dst []byte, f float64, null bool) []byte {
	switch {
	case null:
		return append(dst, "null"...)
	case math.IsNaN(f):
		return append(dst, "nan"...)
	case f < 0:
		return append(dst, "-inf"...)
	}
	return append(dst, "inf"...)
}

// appendScientific writes 1e-7 and 1e21, without the plus and the zero of Go's 1e-07 and 1e+21.
func appendScientific(dst []byte, f float64, bits int) []byte {
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'e', -1, bits)
	for i := len(dst) - 1; i > start; i-- {
		if dst[i] != 'e' {
			continue
		}
		to, from := i+1, i+1
		if dst[from] == '-' {
			to++
		}
		for from++; from < len(dst)-1 && dst[from] == '0'; from++ {
		}
		return append(dst[:to], dst[from:]...)
	}
	return dst
}
