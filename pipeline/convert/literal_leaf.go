package convert

import (
	"bytes"
	"fmt"

	"chute/connectors/native"
)

var null = []byte("NULL")

// leaf reads a value that isn't made of others.
func (p *literal) leaf(e *element, b *native.Builder) (code string) {
	start := p.at
	if p.at < len(p.text) && p.text[p.at] == '\'' {
		if !e.inQuotes {
			return p.wants("a value without quotes")
		}
		text, code := p.quoted()
		if code != "" {
			return code
		}
		return p.convert(e, b, text, start)
	}
	for p.at < len(p.text) && bytes.IndexByte(endsBare, p.text[p.at]) < 0 {
		p.at++
	}
	text := p.text[start:p.at]
	switch {
	case e.nullable && bytes.Equal(text, null):
		b.AppendNull()
		return ""
	case e.inQuotes:
		p.at = start
		return p.wants("'")
	case len(text) == 0:
		return p.wants("a value")
	}
	return p.convert(e, b, text, start)
}

// endsBare are the bytes that a value without quotes can't have.
var endsBare = []byte(" \t\r\n,:[](){}'\"")

func (p *literal) convert(e *element, b *native.Builder, text []byte, start int) (code string) {
	if code = e.append(b, text); code != "" {
		*p.fault = fault{element: e, text: text, at: start + 1}
	}
	return code
}

// quoted reads a text in single quotes and returns it without escapes; it is valid until the next one.
func (p *literal) quoted() (text []byte, code string) {
	p.at++
	start := p.at
	for p.at < len(p.text) && p.text[p.at] != '\'' && p.text[p.at] != '\\' {
		p.at++
	}
	if p.at < len(p.text) && p.text[p.at] == '\'' && (p.at+1 == len(p.text) || p.text[p.at+1] != '\'') {
		p.at++
		return p.text[start : p.at-1], ""
	}
	p.buffer = append(p.buffer[:0], p.text[start:p.at]...)
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch {
		case c == '\\':
			if !p.escape() {
				return nil, p.wants(`one of \\ \' \" \b \f \n \r \t \0 \a \v \xHH`)
			}
			continue
		case c == '\'' && p.at < len(p.text) && p.text[p.at] == '\'':
			p.at++
		case c == '\'':
			return p.buffer, ""
		}
		p.buffer = append(p.buffer, c)
	}
	return nil, p.wants("the closing '")
}

// plainEscapes are letters behind a backslash, each followed by what it stands for.
const plainEscapes = `\\''""` + "``//==b\bf\fn\nr\rt\t0\x00a\av\v"

// escape reads what stands behind a backslash.
func (p *literal) escape() bool {
	if p.at == len(p.text) {
		return false
	}
	c := p.text[p.at]
	if c == 'x' && p.at+2 < len(p.text) {
		high, low := hexDigit(p.text[p.at+1]), hexDigit(p.text[p.at+2])
		if high > 15 || low > 15 {
			return false
		}
		p.buffer = append(p.buffer, high<<4|low)
		p.at += 3
		return true
	}
	for i := 0; i < len(plainEscapes); i += 2 {
		if plainEscapes[i] == c {
			p.buffer = append(p.buffer, plainEscapes[i+1])
			p.at++
			return true
		}
	}
	return false
}

// faultMessage says what is wrong inside of a value.
func (c *column) faultMessage(code string, text []byte, f *fault) string {
	v := show(text)
	if c.Secret {
		v = Masked
	}
	switch {
	case f.element != nil:
		return fmt.Sprintf("%s (an element, at byte %d of the value)", f.element.message(code, f.text), f.at)
	case code == TooMany:
		return fmt.Sprintf("%s has more than %d elements", v, maxElements)
	}
	return fmt.Sprintf("%s is not written as %s: at byte %d there should be %s", v, c.Type.Base(), f.at, f.want)
}
