package convert

import (
	"math"
	"math/bits"
	"strconv"

	"chute/connectors/native"
)

// integer returns the conversion to an integer type.
func integer(t *native.Type) conversion {
	width, _ := t.Width()
	signed := t.Kind <= native.Int256
	if width > 8 {
		return conversion{append: wideInteger(width/8, signed), limits: wideLimits(8*width, signed)}
	}
	most := uint64(math.MaxUint64) >> (64 - 8*width)
	least := uint64(0) // how far below zero
	limits := "0 to " + strconv.FormatUint(most, 10)
	if signed {
		least, most = most/2+1, most/2
		limits = "-" + strconv.FormatUint(least, 10) + " to " + strconv.FormatUint(most, 10)
	}
	return scalar(width, limits, func(text []byte) (uint64, string) {
		n, negative, code := parseInteger(text)
		if code != "" {
			return 0, code
		}
		if negative {
			if n > least {
				return 0, OutOfRange
			}
			n = -n
		} else if n > most {
			return 0, OutOfRange
		}
		return n, ""
	})
}

// sign takes the sign off.
func sign(text []byte) (digits []byte, negative bool) {
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		return text[1:], text[0] == '-'
	}
	return text, false
}

// parseInteger reads a sign and digits. What is written well but doesn't fit 64 bits is OutOfRange.
func parseInteger(text []byte) (n uint64, negative bool, code string) {
	digits, negative := sign(text)
	if len(digits) == 0 {
		return 0, false, NotANumber
	}
	if len(digits) > 19 {
		n, code = parseLong(digits)
		return n, negative, code
	}
	n, ok := parseDigits(digits)
	if !ok {
		return 0, false, NotANumber
	}
	return n, negative, ""
}

// parseLong reads digits that may be too many.
func parseLong(digits []byte) (n uint64, code string) {
	for _, c := range digits {
		if c-'0' > 9 {
			return 0, NotANumber
		}
	}
	for _, c := range digits {
		high, low := bits.Mul64(n, 10)
		sum, carry := bits.Add64(low, uint64(c-'0'), 0)
		if high != 0 || carry != 0 {
			return 0, OutOfRange
		}
		n = sum
	}
	return n, ""
}
