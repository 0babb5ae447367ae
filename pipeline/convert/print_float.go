package convert

import (
	"encoding/binary"
	"math"
	"strconv"

	"chute/connectors/native"
)

// floats writes the shortest text that reads back as the same number.
func floats(kind native.Kind, at place) putter {
	null := at.style == PrintJSON && !at.key // JSON has neither NaN nor infinities
	tens := tensOf()
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
		return appendFloat(dst, f, bits, tens)
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

// appendFloat writes a number without an exponent, between a millionth and 10^21.
func appendFloat(dst []byte, f float64, bits int, tens *powersOfTen) []byte {
	if math.Signbit(f) {
		dst = append(dst, '-')
	}
	c, q, near := partsOf64(f)
	if bits == 32 {
		c, q, near = partsOf32(float32(f))
	}
	switch {
	case c == 0:
		return append(dst, '0')
	case q <= 0 && q > -53 && c&(1<<-q-1) == 0: // whole, and small
		return appendUint(dst, c>>-q)
	}
	digits, exponent := shortest(c, q, near, tens)
	for digits%10 == 0 {
		digits, exponent = digits/10, exponent+1
	}
	before := digitsOf(digits) + exponent // the point
	switch {
	case exponent >= 0:
		return append(appendUint(dst, digits), "000000000000000000000"[:exponent]...)
	case before > 0:
		whole := powers[-exponent]
		return appendDigits(append(appendUint(dst, digits/whole), '.'), digits%whole, -exponent)
	}
	return appendUint(append(dst, "0.00000"[:2-before]...), digits)
}
