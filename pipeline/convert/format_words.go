package convert

import (
	"bytes"

	"chute/config"
)

// Names as %b, %B, %a and %A have them, in small letters.
var (
	monthNames = [...]string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}
	dayNames   = [...]string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
	halfNames  = [...]string{"am", "pm"}
)

// parse reads the whole text by the words, each within its bounds; what only makes sense together is clock's business.
func (m *moment) parse(text []byte, words []config.TimeWord) bool {
	for i := range words {
		w := &words[i]
		if w.Letter == 0 {
			if len(text) < len(w.Literal) || string(text[:len(w.Literal)]) != w.Literal {
				return false
			}
			text = text[len(w.Literal):]
			continue
		}
		rest, ok := m.word(text, w)
		if !ok {
			return false
		}
		text = rest
	}
	return len(text) == 0
}

// word reads one word off the beginning of the text.
func (m *moment) word(text []byte, w *config.TimeWord) (rest []byte, ok bool) {
	switch w.Letter {
	case 'Y':
		return number(text, 4, 4, 0, 9999, &m.year)
	case 'y':
		rest, ok = number(text, 2, 2, 0, 99, &m.year)
		if m.year += 1900; m.year < 1969 {
			m.year += 100
		}
		return rest, ok
	case 'j':
		return number(text, 3, 3, 1, 366, &m.yearday)
	case 'b':
		return name(text, monthNames[:], 3, &m.month)
	case 'B':
		return name(text, monthNames[:], 0, &m.month)
	case 'a':
		return name(text, dayNames[:], 3, &m.weekday)
	case 'A':
		return name(text, dayNames[:], 0, &m.weekday)
	case 'p':
		return name(text, halfNames[:], 0, &m.half)
	case 'f':
		m.fraction, rest = digits(text)
		return rest, len(m.fraction) > 0
	case 'z', 'Z':
		return m.distance(text, w.Letter == 'Z')
	case 's':
		return m.sinceEpoch(text)
	}
	return m.twoDigits(text, w)
}

// twoDigits reads the words that have two digits, or one where the format says so.
func (m *moment) twoDigits(text []byte, w *config.TimeWord) (rest []byte, ok bool) {
	least := 2
	if w.Loose {
		least = 1
	}
	switch w.Letter {
	case 'm':
		return number(text, least, 2, 1, 12, &m.month)
	case 'd':
		return number(text, least, 2, 1, 31, &m.dom)
	case 'e':
		if len(text) > 0 && text[0] == ' ' {
			return number(text[1:], 1, 1, 1, 9, &m.dom)
		}
		return number(text, 1, 2, 1, 31, &m.dom)
	case 'H':
		return number(text, least, 2, 0, 23, &m.hour)
	case 'I':
		return number(text, least, 2, 1, 12, &m.hour)
	case 'M':
		return number(text, least, 2, 0, 59, &m.minute)
	}
	return number(text, least, 2, 0, 59, &m.secs)
}

// number reads as many digits as there are, at most most of them.
func number(text []byte, least, most, low, high int, into *int) (rest []byte, ok bool) {
	n, v := 0, 0
	for n < len(text) && n < most && text[n]-'0' <= 9 {
		v = v*10 + int(text[n]-'0')
		n++
	}
	*into = v
	return text[n:], n >= least && v >= low && v <= high
}

// digits splits digits off the beginning.
func digits(text []byte) (digits, rest []byte) {
	n := 0
	for n < len(text) && text[n]-'0' <= 9 {
		n++
	}
	return text[:n], text[n:]
}

// name reads one of the names, or its first letters where short says how many, and gives its place from 1.
func name(text []byte, names []string, short int, into *int) (rest []byte, ok bool) {
	for i, n := range names {
		if short > 0 {
			n = n[:short]
		}
		if len(text) >= len(n) && foldedEqual(text[:len(n)], n) {
			*into = i + 1
			return text[len(n):], true
		}
	}
	return text, false
}

// foldedEqual compares ASCII letters without case.
func foldedEqual(text []byte, small string) bool {
	for i, c := range text {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != small[i] {
			return false
		}
	}
	return true
}

var zoneNames = [][]byte{[]byte("UTC"), []byte("GMT"), []byte("Z")}

// offsetLengths are how long offsets may be, the longest first.
var offsetLengths = [...]int{6, 5, 3, 1}

// distance reads %z, or %Z, whose other names mean several zones each.
func (m *moment) distance(text []byte, named bool) (rest []byte, ok bool) {
	m.hasOffset = true
	if named {
		for _, name := range zoneNames {
			if rest, ok := bytes.CutPrefix(text, name); ok {
				return rest, true
			}
		}
		return text, false
	}
	for _, n := range offsetLengths {
		if n <= len(text) {
			if m.offset, ok = parseOffset(text[:n]); ok {
				return text[n:], true
			}
		}
	}
	return text, false
}

// sinceEpoch reads %s: at most twelve digits, more than any of the types holds.
func (m *moment) sinceEpoch(text []byte) (rest []byte, ok bool) {
	unsigned, negative := text, len(text) > 0 && text[0] == '-'
	if negative {
		unsigned = text[1:]
	}
	found, rest := digits(unsigned)
	if len(found) == 0 || len(found) > 12 {
		return text, false
	}
	for _, d := range found {
		m.unix = m.unix*10 + int64(d-'0')
	}
	m.hasUnix, m.negative = true, negative
	if negative {
		m.unix = -m.unix
	}
	return rest, true
}
