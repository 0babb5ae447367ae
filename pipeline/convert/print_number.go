package convert

import (
	"encoding/binary"
	"encoding/hex"
	"math/bits"

	"chute/connectors/native"
)

// integersOf returns how whole numbers of a type are written; nil for other types.
func integersOf(t *native.Type) putter {
	le := binary.LittleEndian
	switch t.Kind {
	case native.Int8:
		return func(dst, v []byte) []byte { return appendInt(dst, int64(int8(v[0]))) }
	case native.Int16:
		return func(dst, v []byte) []byte { return appendInt(dst, int64(int16(le.Uint16(v)))) }
	case native.Int32:
		return func(dst, v []byte) []byte { return appendInt(dst, int64(int32(le.Uint32(v)))) }
	case native.Int64, native.Interval:
		return func(dst, v []byte) []byte { return appendInt(dst, int64(le.Uint64(v))) }
	case native.UInt8:
		return func(dst, v []byte) []byte { return appendUint(dst, uint64(v[0])) }
	case native.UInt16:
		return func(dst, v []byte) []byte { return appendUint(dst, uint64(le.Uint16(v))) }
	case native.UInt32:
		return func(dst, v []byte) []byte { return appendUint(dst, uint64(le.Uint32(v))) }
	case native.UInt64:
		return func(dst, v []byte) []byte { return appendUint(dst, le.Uint64(v)) }
	case native.Int128, native.Int256:
		return func(dst, v []byte) []byte { return appendWide(dst, v, true) }
	case native.UInt128, native.UInt256:
		return func(dst, v []byte) []byte { return appendWide(dst, v, false) }
	}
	return nil
}

// appendWide writes a whole number of 16 or 32 bytes.
func appendWide(dst, value []byte, signed bool) []byte {
	w, negative := wordsOf(value, signed)
	if negative {
		dst = append(dst, '-')
	}
	return w.append(dst, 1)
}

// wordsOf reads a little-endian number and returns how large it is, and its sign.
func wordsOf(value []byte, signed bool) (w words, negative bool) {
	for i := range len(value) / 8 {
		w[i] = binary.LittleEndian.Uint64(value[8*i:])
	}
	if !signed || value[len(value)-1] < 0x80 {
		return w, false
	}
	for i := len(value) / 8; i < len(w); i++ {
		w[i] = ^uint64(0)
	}
	w.negate()
	return w, true
}

// append writes the number in decimal, with zeros in front up to at least least digits.
func (w words) append(dst []byte, least int) []byte {
	const chunk, digits = 1e19, 19
	var parts [5]uint64 // 78 digits, 19 to a part
	n := 0
	for n == 0 || w != (words{}) {
		parts[n] = w.divide(chunk)
		n++
	}
	start := len(dst)
	dst = appendUint(dst, parts[n-1])
	for n--; n > 0; n-- {
		dst = appendDigits(dst, parts[n-1], digits)
	}
	if missing := least - (len(dst) - start); missing > 0 {
		for range missing {
			dst = append(dst, '0')
		}
		copy(dst[start+missing:], dst[start:len(dst)-missing])
		for i := range missing {
			dst[start+i] = '0'
		}
	}
	return dst
}

// divide makes w = w/by and returns the rest.
func (w *words) divide(by uint64) (rest uint64) {
	for i := len(w) - 1; i >= 0; i-- {
		w[i], rest = bits.Div64(rest, w[i], by)
	}
	return rest
}

// decimals writes all digits of the scale.
func decimals(t *native.Type) putter {
	scale, unit := t.Scale, uint64(powerOfTen(t.Scale))
	return func(dst, value []byte) []byte {
		var n uint64
		negative := value[len(value)-1] >= 0x80
		switch len(value) {
		case 4:
			n = uint64(int64(int32(binary.LittleEndian.Uint32(value))))
		case 8:
			n = binary.LittleEndian.Uint64(value)
		default:
			return appendWideDecimal(dst, value, scale)
		}
		if negative {
			dst, n = append(dst, '-'), -n
		}
		if scale == 0 {
			return appendUint(dst, n)
		}
		return appendDigits(append(appendUint(dst, n/unit), '.'), n%unit, scale)
	}
}

func appendWideDecimal(dst, value []byte, scale int) []byte {
	w, negative := wordsOf(value, true)
	if negative {
		dst = append(dst, '-')
	}
	return addPoint(w.append(dst, scale+1), scale)
}

// addPoint puts the point before the last scale digits.
func addPoint(dst []byte, scale int) []byte {
	if scale == 0 {
		return dst
	}
	dst = append(dst, 0)
	at := len(dst) - scale - 1
	copy(dst[at+1:], dst[at:])
	dst[at] = '.'
	return dst
}

// appendUUID undoes ClickHouse's layout: two little-endian words, the high one first.
func appendUUID(dst, value []byte) []byte {
	var u [16]byte
	for i := range 8 {
		u[7-i], u[15-i] = value[i], value[8+i]
	}
	from := 0
	for _, to := range [...]int{4, 6, 8, 10, 16} {
		if from > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, u[from:to])
		from = to
	}
	return dst
}
