package convert

import (
	"bytes"
	"fmt"

	"chute/connectors/native"
)

// maxElements is how many elements one value may have, at all depths together: it bounds what a record of a few bytes can make.
const maxElements = 1_000_000

// element is a type inside of an array, tuple or map, or such a type itself, made ready.
type element struct {
	column            // how its own text is read and spoken of; only Type and what follows from it
	append   appender // nil: made of elems
	inQuotes bool     // its text stands in quotes
	elems    []*element
}

// newElement makes a type ready.
func newElement(t *native.Type, z zoning, secret bool) (*element, error) {
	base := t.Base()
	e := &element{column: column{Column: Column{Type: t, Zone: z.weak, Rules: Rules{TimeZone: z.strong, Secret: secret}}, nullable: t.Nullable()}}
	switch base.Kind {
	case native.Array, native.Map, native.Tuple, native.Nested:
		for _, inner := range base.Elems {
			made, err := newElement(inner, z, secret)
			if err != nil {
				return nil, err
			}
			e.elems = append(e.elems, made)
		}
		return e, nil
	case native.JSON:
		return nil, fmt.Errorf("%s inside of another type can't be loaded", t)
	}
	var err error
	e.append, e.limits, err = forType(base, z)
	switch k := base.Kind; {
	case k == native.String, k == native.FixedString, k == native.Enum8, k == native.Enum16, k == native.UUID, k == native.IPv4, k == native.IPv6,
		k >= native.Date && k <= native.Time64:
		e.inQuotes = true
	}
	return e, err
}

// fault says where in an array, tuple or map something is wrong.
type fault struct {
	element *element // whose text is refused; nil: the structure is wrong
	text    []byte   // of the element
	at      int      // byte of the value, from 1
	want    string   // what should be there when the structure is wrong
}

// literal reads arrays, tuples and maps in ClickHouse's own writing: [1,2], ['a','b'], (1,'x'), {'k':1}. It isn't shared.
type literal struct {
	text   []byte
	at     int
	count  int    // elements so far
	buffer []byte // an element's text without its escapes
	fault  *fault
}

// nested returns the conversion to a type that is made of others. It says in f what is wrong with a value.
func nested(e *element, f *fault) appender {
	p := &literal{fault: f}
	return func(b *native.Builder, text []byte) string {
		p.text, p.at, p.count = text, 0, 0
		*f = fault{}
		p.space()
		code := p.value(e, b)
		if code != "" {
			return code
		}
		p.space()
		if p.at < len(text) {
			return p.wants("the end")
		}
		return ""
	}
}

// wants notes what isn't there.
func (p *literal) wants(what string) (code string) {
	*p.fault = fault{at: p.at + 1, want: what}
	return BadStructure
}

func (p *literal) space() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t' || p.text[p.at] == '\n' || p.text[p.at] == '\r') {
		p.at++
	}
}

// accept takes a sign, and the blanks behind it, if it is there.
func (p *literal) accept(c byte) bool {
	if p.at == len(p.text) || p.text[p.at] != c {
		return false
	}
	p.at++
	p.space()
	return true
}

// value reads a value of any type.
func (p *literal) value(e *element, b *native.Builder) (code string) {
	if p.count++; p.count > maxElements {
		*p.fault = fault{at: p.at + 1}
		return TooMany
	}
	switch e.Type.Base().Kind {
	case native.Array:
		return p.list(b, '[', ']', func() string { return p.value(e.elems[0], b.Elems()[0]) })
	case native.Nested:
		return p.list(b, '[', ']', func() string { return p.fields(e, b) })
	case native.Map:
		return p.list(b, '{', '}', func() string { return p.pair(e, b) })
	case native.Tuple:
		if code := p.fields(e, b); code != "" {
			return code
		}
		b.EndRow()
		return ""
	}
	return p.leaf(e, b)
}

// list reads what stands between two brackets, with commas, and ends the row.
func (p *literal) list(b *native.Builder, open, end byte, each func() string) (code string) {
	if !p.accept(open) {
		return p.wants(string(open))
	}
	for first := true; !p.close(end); first = false {
		if !first && !p.accept(',') {
			return p.wants(", or " + string(end))
		}
		if code := each(); code != "" {
			return code
		}
		p.space()
	}
	b.EndRow()
	return ""
}

// close takes the closing bracket; the blanks behind it belong to whatever is around.
func (p *literal) close(end byte) bool {
	if p.at == len(p.text) || p.text[p.at] != end {
		return false
	}
	p.at++
	return true
}

// pair reads key and value of a map.
func (p *literal) pair(e *element, b *native.Builder) (code string) {
	if code := p.value(e.elems[0], b.Elems()[0]); code != "" {
		return code
	}
	p.space()
	if !p.accept(':') {
		return p.wants(":")
	}
	return p.value(e.elems[1], b.Elems()[1])
}

// fields reads a tuple; as ClickHouse prints it, one of a single element may have a comma behind it.
func (p *literal) fields(e *element, b *native.Builder) (code string) {
	if !p.accept('(') {
		return p.wants("(")
	}
	for i, inner := range e.elems {
		if i > 0 && !p.accept(',') {
			return p.wants(fmt.Sprintf(", and %d more", len(e.elems)-i))
		}
		if code := p.value(inner, b.Elems()[i]); code != "" {
			return code
		}
		p.space()
	}
	if len(e.elems) == 1 {
		p.accept(',')
	}
	if !p.close(')') {
		return p.wants(")")
	}
	return ""
}

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
		v = masked
	}
	switch {
	case f.element != nil:
		return fmt.Sprintf("%s (an element, at byte %d of the value)", f.element.message(code, f.text), f.at)
	case code == TooMany:
		return fmt.Sprintf("%s has more than %d elements", v, maxElements)
	}
	return fmt.Sprintf("%s is not written as %s: at byte %d there should be %s", v, c.Type, f.at, f.want)
}
