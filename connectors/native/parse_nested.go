package native

import (
	"fmt"
	"strings"
)

// wrapper reads Nullable, LowCardinality and Array.
func (p *typeParser) wrapper(name string, depth int) (*Type, error) {
	t := &Type{Kind: map[string]Kind{"Nullable": Nullable, "LowCardinality": LowCardinality, "Array": Array}[name]}
	elems, err := p.types(depth)
	if err != nil {
		return nil, err
	}
	if len(elems) != 1 {
		return nil, fmt.Errorf("%s takes one type, not %d", name, len(elems))
	}
	t.Elems = elems
	return t, t.checkWrapped()
}

// checkWrapped refuses what has no layout: NULL of a NULL, a dictionary of arrays.
func (t *Type) checkWrapped() error {
	inner := t.Elems[0]
	switch t.Kind {
	case Nullable:
		switch inner.Kind {
		case Nullable, LowCardinality, Array, Map, Nested, SimpleAggregateFunction:
			return fmt.Errorf("%s cannot be inside Nullable", inner.Kind)
		}
	case LowCardinality:
		if inner.Kind == Nullable {
			inner = inner.Elems[0]
		}
		if _, fixed := inner.Width(); !fixed && inner.Kind != String || inner.Kind == Nothing {
			return fmt.Errorf("%s cannot be inside LowCardinality", inner.Kind)
		}
	}
	return nil
}

// types reads a list of types in parentheses, at least one.
func (p *typeParser) types(depth int) ([]*Type, error) {
	if err := p.expect('('); err != nil {
		return nil, err
	}
	var elems []*Type
	for {
		t, err := p.parse(depth + 1)
		if err != nil {
			return nil, err
		}
		elems = append(elems, t)
		if !p.accept(',') {
			return elems, p.expect(')')
		}
	}
}

func (p *typeParser) mapType(_ string, depth int) (*Type, error) {
	elems, err := p.types(depth)
	if err == nil && len(elems) != 2 {
		err = fmt.Errorf("type Map takes two types, not %d", len(elems))
	}
	return &Type{Kind: Map, Elems: elems}, err
}

// tuple reads Tuple, whose elements may all have names, and Nested, whose elements must.
func (p *typeParser) tuple(name string, depth int) (*Type, error) {
	t := &Type{Kind: Tuple}
	if name == "Nested" {
		t.Kind = Nested
	}
	if err := p.expect('('); err != nil {
		return nil, err
	}
	if t.Kind == Tuple && p.accept(')') {
		return t, nil
	}
	for {
		label, named, err := p.elementName()
		if err != nil {
			return nil, err
		}
		e, err := p.parse(depth + 1)
		if err != nil {
			return nil, err
		}
		if named {
			t.Names = append(t.Names, label)
		}
		if t.Elems = append(t.Elems, e); !p.accept(',') {
			break
		}
	}
	if n := len(t.Names); n != len(t.Elems) && (n > 0 || t.Kind == Nested) {
		return nil, fmt.Errorf("some elements of %s have names and some have not", name)
	}
	return t, p.expect(')')
}

// elementName reads the name before an element's type, if there is one: a quoted name, or a word that is followed by another.
func (p *typeParser) elementName() (name string, named bool, err error) {
	p.space()
	if p.i < len(p.s) && (p.s[p.i] == '`' || p.s[p.i] == '"') {
		name, err = p.quoted(p.s[p.i])
		return name, true, err
	}
	start := p.i
	name = p.word()
	end := p.i
	if name != "" && p.i < len(p.s) {
		if p.space(); p.i > end && p.i < len(p.s) && isWordByte(p.s[p.i]) {
			return name, true, nil
		}
	}
	p.i = start
	return "", false, nil
}

// simpleAggregate keeps the function as text: it says how rows are merged, not how values look.
func (p *typeParser) simpleAggregate(_ string, depth int) (*Type, error) {
	if err := p.expect('('); err != nil {
		return nil, err
	}
	p.space()
	start := p.i
	if p.word() == "" {
		return nil, fmt.Errorf("SimpleAggregateFunction without a function")
	}
	if p.space(); p.i < len(p.s) && p.s[p.i] == '(' {
		if err := p.skipParens(); err != nil {
			return nil, err
		}
	}
	t := &Type{Kind: SimpleAggregateFunction, Text: strings.TrimSpace(p.s[start:p.i])}
	if err := p.expect(','); err != nil {
		return nil, err
	}
	inner, err := p.parse(depth + 1)
	if err != nil {
		return nil, err
	}
	t.Elems = []*Type{inner}
	return t, p.expect(')')
}

// unread takes a type whose arguments, if any, are kept as they stand.
func (p *typeParser) unread(name string) (*Type, error) {
	start := p.i
	if p.space(); p.i < len(p.s) && p.s[p.i] == '(' {
		start = p.i
		if err := p.skipParens(); err != nil {
			return nil, err
		}
	} else {
		p.i = start
	}
	args := p.s[start:p.i]
	if name == "JSON" {
		return &Type{Kind: JSON, Text: strings.TrimSuffix(strings.TrimPrefix(args, "("), ")")}, nil
	}
	return &Type{Kind: Other, Text: name + args}, nil
}

// skipParens goes from an opening parenthesis behind the closing one, over quoted text.
func (p *typeParser) skipParens() error {
	depth := 0
	for p.i < len(p.s) {
		switch c := p.s[p.i]; c {
		case '\'', '`', '"':
			if _, err := p.quoted(c); err != nil {
				return err
			}
			continue
		case '(':
			depth++
		case ')':
			depth--
		}
		if p.i++; depth == 0 {
			return nil
		}
	}
	return fmt.Errorf("a parenthesis is not closed")
}

// quoted reads text in quotes with ClickHouse's escapes: a backslash, or the quote doubled.
func (p *typeParser) quoted(q byte) (string, error) {
	if err := p.expect(q); err != nil {
		return "", err
	}
	var b []byte
	for p.i < len(p.s) {
		c := p.s[p.i]
		p.i++
		switch {
		case c == q && p.i < len(p.s) && p.s[p.i] == q:
			p.i++
			b = append(b, q)
		case c == q:
			return string(b), nil
		case c == '\\' && p.i < len(p.s):
			b = p.escape(b)
		default:
			b = append(b, c)
		}
	}
	return "", fmt.Errorf("a quote %q is not closed", string(q))
}

// escape reads what follows a backslash. As in ClickHouse, a letter without a meaning keeps its backslash.
func (p *typeParser) escape(b []byte) []byte {
	c := p.s[p.i]
	p.i++
	if i := strings.IndexByte(`abefnrtv0`, c); i >= 0 {
		return append(b, "\a\b\x1b\f\n\r\t\v\x00"[i])
	}
	if c == 'x' && p.i+2 <= len(p.s) {
		high, low := unhex(p.s[p.i]), unhex(p.s[p.i+1])
		if high >= 0 && low >= 0 {
			p.i += 2
			return append(b, byte(high<<4|low))
		}
	}
	if strings.IndexByte("\\'\"`/=", c) < 0 {
		b = append(b, '\\')
	}
	return append(b, c)
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
