package convert

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"

	"chute/connectors/native"
)

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
		return appendFloat(dst, f, bits)
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

// appendFloat writes a number without an exponent. Its digits come from the other notation, which the library writes more quickly.
func appendFloat(dst []byte, f float64, bits int) []byte {
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'e', -1, bits)
	if dst[start] == '-' {
		start++
	}
	at := bytes.LastIndexByte(dst, 'e')
	exponent := 0
	for _, c := range dst[at+2:] {
		exponent = 10*exponent + int(c-'0')
	}
	negative := dst[at+1] == '-'
	dst = dst[:at]
	switch fraction := at - start - 2; {
	case exponent == 0:
	case negative: // 1.23e-2 is 0.0123
		if fraction > 0 {
			dst = append(dst[:start+1], dst[start+2:]...)
		}
		zeros := "0.00000"[:exponent+1]
		dst = append(dst, zeros...)
		copy(dst[start+len(zeros):], dst[start:])
		copy(dst[start:], zeros)
	case fraction > exponent: // 1.234e2 is 123.4
		copy(dst[start+1:], dst[start+2:start+2+exponent])
		dst[start+1+exponent] = '.'
	default: // 1.2e2 is 120
		if fraction > 0 {
			dst = append(dst[:start+1], dst[start+2:]...)
		}
		for range exponent - max(fraction, 0) {
			dst = append(dst, '0')
		}
	}
	return dst
}
