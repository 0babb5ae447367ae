package convert

import (
	"strconv"
	"unicode/utf8"
	"unsafe"
)

// number reads a number, which has to fit what the engine makes of it: 64 bits when it is whole, else a Float64.
func (p *jsonText) number() bool {
	start := p.at
	whole, negative := true, p.next('-')
	first := p.at
	p.digits()
	if p.at == first || p.text[first] == '0' && p.at > first+1 {
		return p.wants("a value")
	}
	if p.next('.') {
		whole = false
		if p.digits() == 0 {
			return p.wants("a digit")
		}
	}
	if p.next('e') || p.next('E') {
		whole = false
		if !p.next('-') {
			p.next('+')
		}
		if p.digits() == 0 {
			return p.wants("a digit")
		}
	}
	text := p.text[start:p.at]
	var err error
	if whole {
		n, _, code := parseInteger(text)
		if code != "" || negative && n > 1<<63 {
			err = strconv.ErrRange
		}
	} else {
		_, err = strconv.ParseFloat(unsafe.String(unsafe.SliceData(text), len(text)), 64)
	}
	if err != nil {
		p.at = start
		return p.wants("a number that fits 64 bits")
	}
	return true
}

func (p *jsonText) digits() (n int) {
	for p.at < len(p.text) && p.text[p.at]-'0' <= 9 {
		p.at++
		n++
	}
	return n
}

// string reads what is behind the opening quote, up to the closing one, into key.
func (p *jsonText) string() bool {
	p.key = p.key[:0]
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			return true
		case c == '\\':
			if !p.escape() {
				return p.wants("an escape that JSON has")
			}
		case c < ' ':
			return p.wants("an escape instead of a control character")
		case c < utf8.RuneSelf:
			p.key = append(p.key, c)
			p.at++
		default:
			r, width := utf8.DecodeRune(p.text[p.at:])
			if r == utf8.RuneError && width == 1 {
				return p.wants("UTF-8")
			}
			p.key = append(p.key, p.text[p.at:p.at+width]...)
			p.at += width
		}
	}
	return p.wants(`the closing "`)
}

// jsonEscapes are letters behind a backslash, each followed by what it stands for.
const jsonEscapes = `""\\//` + "b\bf\fn\nr\rt\t"

func (p *jsonText) escape() bool {
	if p.at+1 >= len(p.text) {
		return false
	}
	c := p.text[p.at+1]
	if c == 'u' {
		return p.unicode()
	}
	for i := 0; i < len(jsonEscapes); i += 2 {
		if jsonEscapes[i] == c {
			p.key = append(p.key, jsonEscapes[i+1])
			p.at += 2
			return true
		}
	}
	return false
}

// unicode reads \uHHHH, or two of them that are a pair of surrogates.
func (p *jsonText) unicode() bool {
	r, ok := p.hexRune()
	if !ok || r >= 0xdc00 && r < 0xe000 {
		return false
	}
	if r >= 0xd800 && r < 0xdc00 {
		low, ok := p.hexRune()
		if !ok || low < 0xdc00 || low >= 0xe000 {
			return false
		}
		r = 0x10000 + (r-0xd800)<<10 + (low - 0xdc00)
	}
	p.key = utf8.AppendRune(p.key, r)
	return true
}

func (p *jsonText) hexRune() (r rune, ok bool) {
	if len(p.text)-p.at < 6 || p.text[p.at] != '\\' || p.text[p.at+1] != 'u' {
		return 0, false
	}
	for _, c := range p.text[p.at+2 : p.at+6] {
		digit := hexDigit(c)
		if digit > 15 {
			return 0, false
		}
		r = r<<4 | rune(digit)
	}
	p.at += 6
	return r, true
}
