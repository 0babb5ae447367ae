package convert

import (
	"bytes"

	"chute/connectors/native"
)

// decimal returns the conversion to Decimal(precision, scale), exact for all of them: no float is on the way.
func decimal(precision, scale int) appender {
	if precision <= 18 {
		return shortDecimal(precision, scale)
	}
	size := 2
	if precision > 38 {
		size = 4
	}
	return func(b *native.Builder, text []byte) string {
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
	}
}

// shortDecimal is decimal where the number fits one word.
func shortDecimal(precision, scale int) appender {
	put := putters[8]
	if precision <= 9 {
		put = putters[4]
	}
	return func(b *native.Builder, text []byte) string {
		whole, fraction, negative, code := splitDecimal(text, precision, scale)
		if code != "" {
			return code
		}
		n := uint64(0)
		for _, c := range whole {
			n = n*10 + uint64(c-'0')
		}
		for _, c := range fraction {
			n = n*10 + uint64(c-'0')
		}
		for missing := scale - len(fraction); missing > 0; missing-- {
			n *= 10
		}
		if negative {
			n = -n
		}
		put(b, n)
		return ""
	}
}

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
