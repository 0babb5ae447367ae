package convert

import (
	"encoding/binary"
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
	case at.bare(t):
		return appendAll
	case at.style == PrintJSON:
		return appendJSONString
	}
	return putQuoted
}

// bare tells whether a text stands as its bytes are.
func (at place) bare(t *native.Type) bool {
	if at.style == PrintJSON {
		return t.Kind == native.JSON && !at.key
	}
	return !at.inside
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
			return appendInt(dst, int64(n))
		}
		return append(dst, names[i]...)
	}
}
