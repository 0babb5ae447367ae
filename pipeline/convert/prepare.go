package convert

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"chute/connectors/native"
)

// next is what comes after the rules before the reading.
type next int

const (
	readIt    next = iota
	isBlank        // nothing is there to read
	unmapped       // nothing is left: the map has nothing for it, which isn't an empty text, even if the value was quoted
	takeStand      // Default stands in
	refuse
)

// prepare applies the rules that come before the reading. With refuse, code says what is wrong.
func (c *cell) prepare(text []byte, quoted bool) (out []byte, then next, code string) {
	if c.Trim != TrimNone {
		text = trim(text, c.Trim)
	}
	if len(text) == 0 || c.Null != nil && !quoted && c.isNull(text) {
		return text, isBlank, ""
	}
	if !c.ruled {
		return text, readIt, ""
	}
	if c.Case != KeepCase {
		c.letters = changeCase(c.letters[:0], text, c.Case)
		text = c.letters
	}
	if c.Map != nil {
		if text, then, code = c.lookUp(text); then != readIt {
			return text, then, code
		}
	}
	switch {
	case c.MaxLength > 0 && len(text) > c.MaxLength && utf8.RuneCount(text) > c.MaxLength:
		return text, refuse, TooLong
	case c.Pattern != nil && !c.Pattern.Match(text):
		return text, refuse, Pattern
	}
	return text, readIt, ""
}

// lookUp takes another value for one that the map has.
func (c *cell) lookUp(text []byte) (out []byte, then next, code string) {
	mapped, ok := c.Map[string(text)]
	switch {
	case ok && mapped == "":
		return nil, unmapped, ""
	case ok:
		c.mapped = append(c.mapped[:0], mapped...)
		return c.mapped, readIt, ""
	case c.MapMissing == Reject:
		return text, refuse, NotInMap
	case c.MapMissing == UseDefault:
		return text, takeStand, ""
	case c.MapMissing == Warn:
		c.odd = NotInMap
	}
	return text, readIt, ""
}

func (c *column) isNull(text []byte) bool {
	for _, word := range c.Null {
		if bytes.Equal(word, text) {
			return true
		}
	}
	return false
}

// trim takes off what Unicode calls white space. Bytes that aren't UTF-8 are no blanks.
func trim(text []byte, side Side) []byte {
	for side&TrimLeft != 0 && len(text) > 0 {
		r, width := rune(text[0]), 1
		if r >= utf8.RuneSelf {
			r, width = utf8.DecodeRune(text)
		}
		if !unicode.IsSpace(r) {
			break
		}
		text = text[width:]
	}
	for side&TrimRight != 0 && len(text) > 0 {
		r, width := rune(text[len(text)-1]), 1
		if r >= utf8.RuneSelf {
			r, width = utf8.DecodeLastRune(text)
		}
		if !unicode.IsSpace(r) {
			break
		}
		text = text[:len(text)-width]
	}
	return text
}

// changeCase appends the text with its letters changed, one by one: no letter becomes two. Bytes that aren't UTF-8 stay.
func changeCase(dst, text []byte, how Case) []byte {
	first := true // no letter yet
	for len(text) > 0 {
		r, width := utf8.DecodeRune(text)
		if r == utf8.RuneError && width == 1 {
			dst, text = append(dst, text[0]), text[1:]
			continue
		}
		text = text[width:]
		switch {
		case how == UpperCase, how == FirstUpper && first:
			first = first && !unicode.IsLetter(r)
			r = unicode.ToUpper(r)
		default:
			r = unicode.ToLower(r)
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// separated puts another writing of numbers before a conversion: digits with the thousands between groups of three, and the decimal before the
// fraction, become what the conversion reads.
func separated(usual appender, decimal, thousands string) appender {
	if decimal == "" {
		decimal = "."
	}
	point, group := []byte(decimal), []byte(thousands)
	var buffer []byte
	return func(b *native.Builder, text []byte) string {
		var ok bool
		if buffer, ok = usualNumber(buffer[:0], text, point, group); !ok {
			return NotANumber
		}
		return usual(b, buffer)
	}
}

// usualNumber appends the number without groups and with a point. It refuses wrong groups and a point that isn't the decimal; all else is left
// to who reads the result.
func usualNumber(dst, text, point, group []byte) ([]byte, bool) {
	if len(text) > 0 && (text[0] == '+' || text[0] == '-') {
		dst, text = append(dst, text[0]), text[1:]
	}
	digits, grouped := 0, false // digits since the last group sign
	for len(text) > 0 {
		switch {
		case text[0]-'0' <= 9:
			dst, text = append(dst, text[0]), text[1:]
			digits++
		case len(group) > 0 && bytes.HasPrefix(text, group):
			if digits == 0 || digits > 3 || grouped && digits != 3 {
				return dst, false
			}
			digits, grouped = 0, true
			text = text[len(group):]
		default:
			return usualRest(dst, text, point, !grouped || digits == 3)
		}
	}
	return dst, !grouped || digits == 3
}

// usualRest goes on behind the whole number.
func usualRest(dst, text, point []byte, whole bool) ([]byte, bool) {
	if bytes.HasPrefix(text, point) {
		dst, text = append(dst, '.'), text[len(point):]
	}
	if bytes.IndexByte(text, '.') >= 0 {
		return dst, false
	}
	return append(dst, text...), whole
}
