package convert

import (
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
	made, err := forType(base, z)
	e.append, e.limits = made.append, made.limits
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
