package convert

import (
	"bytes"
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"unsafe"
)

func toFloat64(text []byte) (uint64, string) {
	if v, ok := plainFloat(text); ok {
		return math.Float64bits(v), ""
	}
	v, code := parseFloat(text, 64)
	return math.Float64bits(v), code
}

func toFloat32(text []byte) (uint64, string) {
	v, code := parseFloat(text, 32)
	return uint64(math.Float32bits(float32(v))), code
}

// toBFloat16 takes the nearest number whose bits are the upper half of a Float32's.
func toBFloat16(text []byte) (uint64, string) {
	v, code := parseFloat(text, 32)
	if code != "" {
		return 0, code
	}
	bits := math.Float32bits(float32(v))
	low := bits & 0xffff
	up := low > 0x8000 || low == 0x8000 && halfWay(text, v, bits>>16&1 == 1)
	bits >>= 16
	if up {
		bits++ // into the exponent if need be: the next number
	}
	if bits&0x7fff == 0x7f80 || bits&0x7fff == 0 && v != 0 {
		return 0, OutOfRange
	}
	return uint64(bits), ""
}

// halfWay tells whether a number that is, as a Float32, in the middle between two is rounded away from zero: the text may be a little to one
// side of it, which the first rounding took away; in the very middle the even one is taken.
func halfWay(text []byte, middle float64, odd bool) bool {
	exact, ok := new(big.Rat).SetString(string(text))
	if !ok {
		return odd // unreachable: the text has been read as a number
	}
	switch exact.Abs(exact).Cmp(new(big.Rat).SetFloat64(math.Abs(middle))) {
	case 1:
		return true
	case -1:
		return false
	}
	return odd
}

// parseFloat reads a number in decimal writing. strconv takes more (hexadecimal, underscores, inf) and so comes second.
func parseFloat(text []byte, size int) (float64, string) {
	zero, ok := checkFloat(text)
	if !ok {
		return 0, NotANumber
	}
	// ParseFloat keeps nothing of its argument: its error has a copy.
	v, err := strconv.ParseFloat(unsafe.String(unsafe.SliceData(text), len(text)), size)
	if err != nil || math.IsInf(v, 0) || v == 0 && !zero {
		return 0, OutOfRange
	}
	return v, ""
}

// checkFloat checks the writing: sign, digits with at most one point, exponent. zero tells that all digits are zeros.
func checkFloat(text []byte) (zero, ok bool) {
	rest, _ := sign(text)
	zero = true
	digits, points := 0, 0
	for ; len(rest) > 0; rest = rest[1:] {
		switch c := rest[0]; {
		case c-'0' <= 9:
			digits++
			zero = zero && c == '0'
			continue
		case c == '.':
			points++
			continue
		}
		break
	}
	if digits == 0 || points > 1 {
		return false, false
	}
	if len(rest) == 0 {
		return zero, true
	}
	if rest[0] != 'e' && rest[0] != 'E' {
		return false, false
	}
	exponent, _ := sign(rest[1:])
	return zero, len(exponent) > 0 && allDigits(exponent)
}

// plainFloat reads a number of up to 19 digits without exponent, which nearly all are. It rounds as strconv does, to the nearest, in a third of
// the time. ok is false for all others, and for what isn't a number.
func plainFloat(text []byte) (v float64, ok bool) {
	digits, negative := sign(text)
	whole, fraction := digits, []byte(nil)
	if point := bytes.IndexByte(digits, '.'); point >= 0 {
		whole, fraction = digits[:point], digits[point+1:]
	}
	if n := len(whole) + len(fraction); n == 0 || n > 19 {
		return 0, false
	}
	n, ok1 := parseDigits(whole)
	parts, ok2 := parseDigits(fraction)
	if !ok1 || !ok2 {
		return 0, false
	}
	v = quotient(n*powers[len(fraction)]+parts, powers[len(fraction)])
	if negative {
		v = -v
	}
	return v, true
}

// quotient returns the float that is nearest to n/d, the even one of two that are equally near. d is a power of ten.
func quotient(n, d uint64) float64 {
	if n <= 1<<53 {
		return float64(n) / float64(d) // both are exact, so the division rounds rightly
	}
	// All bits of n/d that fit 64, then one that says whether any more follow: rounding to 53 bits needs to know no more.
	up, down := bits.LeadingZeros64(n), bits.LeadingZeros64(d)
	n <<= uint(up)
	q, rest := bits.Div64(n>>1, n<<63, d<<uint(down))
	if rest != 0 {
		q |= 1
	}
	return float64(q) * math.Float64frombits(uint64(1023+down-up-63)<<52)
}
