package convert

import "chute/connectors/native"

const clockLimits = "-999:59:59 to 999:59:59"

// clockTime returns the conversion to Time or Time64: hours of one to three digits, minutes, seconds, and a fraction, with an optional sign.
func clockTime(t *native.Type) conversion {
	scale, unit, width := t.Scale, int64(1), 4
	if t.Kind == native.Time64 {
		width = 8
	}
	for range scale {
		unit *= 10
	}
	return scalar(width, clockLimits, func(text []byte) (uint64, string) {
		seconds, parts, negative, code := parseClockTime(text, scale)
		v := seconds*unit + parts
		if negative {
			v = -v
		}
		return uint64(v), code
	})
}

func parseClockTime(text []byte, scale int) (seconds, parts int64, negative bool, code string) {
	rest, negative := sign(text)
	hours, rest := digits(rest)
	if len(hours) == 0 || len(rest) < 6 || rest[0] != ':' || rest[3] != ':' {
		return 0, 0, false, NotATime
	}
	m, s := twoDigits(rest[1:]), twoDigits(rest[4:])
	rest = rest[6:]
	var behind []byte
	if len(rest) > 0 {
		if behind, rest = digits(rest[1:]); len(behind) == 0 || len(rest) > 0 || text[len(text)-len(behind)-1] != '.' {
			return 0, 0, false, NotATime
		}
	}
	if m > 59 || s > 59 {
		return 0, 0, false, NotATime
	}
	if len(hours) > 3 {
		return 0, 0, false, OutOfRange
	}
	h := int64(0)
	for _, d := range hours {
		h = h*10 + int64(d-'0')
	}
	parts, lost := fraction(behind, scale)
	if lost {
		return 0, 0, false, Scale
	}
	return h*3600 + int64(m*60+s), parts, negative, ""
}
