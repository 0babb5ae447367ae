package convert

import (
	"math/big"
	"math/bits"

	"chute/connectors/native"
)

// words is an unsigned number of 256 bits, lowest word first.
type words [4]uint64

// mulAdd makes w = w*m + a and tells whether it fits.
func (w *words) mulAdd(m, a uint64) bool {
	for i := range w {
		high, low := bits.Mul64(w[i], m)
		sum, carry := bits.Add64(low, a, 0)
		w[i], a = sum, high+carry // high is at most 2^64-2, so this doesn't wrap
	}
	return a == 0
}

// negate makes the two's complement.
func (w *words) negate() {
	carry := uint64(1)
	for i := range w {
		w[i], carry = bits.Add64(^w[i], 0, carry)
	}
}

// addDigits appends decimal digits to the number, which have been checked to be digits, and tells whether it still fits.
func (w *words) addDigits(digits []byte) bool {
	for len(digits) > 0 {
		n := min(len(digits), 19)
		part, scale := uint64(0), uint64(1)
		for _, c := range digits[:n] {
			part = part*10 + uint64(c-'0')
			scale *= 10
		}
		if !w.mulAdd(scale, part) {
			return false
		}
		digits = digits[n:]
	}
	return true
}

// fits tells whether the number, negative if so, fits size words.
func (w *words) fits(size int, signed, negative bool) bool {
	for _, high := range w[size:] {
		if high != 0 {
			return false
		}
	}
	top := w[size-1]
	switch {
	case !signed:
		return !negative || *w == words{}
	case top < 1<<63:
		return true
	case top > 1<<63 || !negative:
		return false
	}
	for _, low := range w[:size-1] {
		if low != 0 {
			return false
		}
	}
	return true // the least number: 2^(bits-1) below zero
}

// allDigits tells whether text consists of digits, which may be none.
func allDigits(text []byte) bool {
	for _, c := range text {
		if c-'0' > 9 {
			return false
		}
	}
	return true
}

func wideInteger(size int, signed bool) appender {
	return func(b *native.Builder, text []byte) string {
		digits, negative := sign(text)
		if len(digits) == 0 || !allDigits(digits) {
			return NotANumber
		}
		var w words
		if !w.addDigits(digits) || !w.fits(size, signed, negative) {
			return OutOfRange
		}
		if negative {
			w.negate()
		}
		b.AppendWords(w[:size]...)
		return ""
	}
}

func wideLimits(width int, signed bool) string {
	one := big.NewInt(1)
	if !signed {
		return "0 to " + new(big.Int).Sub(new(big.Int).Lsh(one, uint(width)), one).String()
	}
	half := new(big.Int).Lsh(one, uint(width-1))
	return "-" + half.String() + " to " + new(big.Int).Sub(half, one).String()
}
