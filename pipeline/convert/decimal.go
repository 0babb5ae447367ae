package convert

import (
	"bytes"
	"fmt"

	"chute/connectors/native"
)

// decimal returns the conversion to Decimal(precision, scale), exact for all of them: no float is on the way.
func decimal(precision, scale int) conversion {
	limits := fmt.Sprintf("up to %d digits before the point", precision-scale)
	if precision <= 18 {
		return shortDecimal(precision, scale, limits)
	}
	size := 2
	if precision > 38 {
		size = 4
	}
	return conversion{limits: limits, append: func(b *native.Builder, text []byte) string {
		whole, fraction, negative, code := splitDecimal(text, precision, scale)
		if code != "" {
			return code
		}
		// At most 76 digits, which always fit 256 bits; what precision bounds fits its width.
		var w words
		w.addDigits(whole)
		w.addDigits(fraction)
		for missing := scale - len(fraction); missing > 0; missing-- {
			w.mulAdd(10, 0)
		}
		if negative {
			w.negate()
		}
		b.AppendWords(w[:size]...)
		return ""
	}}
}

// shortDecimal is decimal where the number fits one word.
func shortDecimal(precision, scale int, limits string) conversion {
	width := 8
	if precision <= 9 {
		width = 4
	}
	return scalar(width, limits, func(text []byte) (uint64, string) {
		digits, negative := sign(text)
		whole, fraction := digits, []byte(nil)
		if point := len(digits) - 1 - scale; point >= 0 && scale > 0 && digits[point] == '.' { // as most write it
			whole, fraction = digits[:point], digits[point+1:]
		}
		n, ok := parseDigits(whole)
		parts, rightly := parseDigits(fraction)
		if !ok || !rightly || len(whole) > precision-scale || len(digits) == 0 {
			var code string
			if whole, fraction, negative, code = splitDecimal(text, precision, scale); code != "" {
				return 0, code
			}
			n, _ = parseDigits(whole)
			parts, _ = parseDigits(fraction)
		}
		n = (n*powers[len(fraction)] + parts) * powers[scale-len(fraction)]
		if negative {
			n = -n
		}
		return n, ""
	})
}

// powers are those of ten that fit a word.
var powers = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

// splitDecimal checks the text and returns its digits before the point, without leading zeros, and those behind it, at most scale.
func splitDecimal(text []byte, precision, scale int) (whole, fraction []byte, negative bool, code string) {
	digits, negative := sign(text)
	whole = digits
	if point := bytes.IndexByte(digits, '.'); point >= 0 {
		whole, fraction = digits[:point], digits[point+1:]
	}
	if len(whole)+len(fraction) == 0 || !allDigits(whole) || !allDigits(fraction) {
		return nil, nil, false, NotANumber
	}
	for len(whole) > 0 && whole[0] == '0' {
		whole = whole[1:]
	}
	if len(whole) > precision-scale {
		return nil, nil, false, OutOfRange
	}
	if len(fraction) > scale {
		for _, c := range fraction[scale:] {
			if c != '0' {
				return nil, nil, false, Scale
			}
		}
		fraction = fraction[:scale]
	}
	return whole, fraction, negative, ""
}
