package native

import (
	"strconv"
	"strings"
)

// Type is a ClickHouse type. It isn't changed once it is made, so that it can be shared.
type Type struct {
	Kind      Kind
	Elems     []*Type     // Nullable, LowCardinality, Array, SimpleAggregateFunction: one; Map: key and value; Tuple, Nested: any number
	Names     []string    // one for each of Elems in Nested and in a named Tuple, else nil
	Size      int         // FixedString: bytes
	Precision int         // Decimal: digits in all
	Scale     int         // Decimal: digits behind the point; DateTime64, Time64: digits of the second's fraction
	Zone      string      // DateTime, DateTime64: the zone they are shown in; empty: the server's
	Enum      []EnumValue // Enum8, Enum16: in the order of their values
	Text      string      // Interval: the unit; SimpleAggregateFunction: the function; JSON: the arguments; Other: the whole type
}

// EnumValue is one name of an Enum and the number that is stored for it.
type EnumValue struct {
	Name  string
	Value int16
}

// Elem returns the type inside Nullable, LowCardinality, Array or SimpleAggregateFunction, and nil for the others.
func (t *Type) Elem() *Type {
	switch t.Kind {
	case Nullable, LowCardinality, Array, SimpleAggregateFunction:
		return t.Elems[0]
	}
	return nil
}

// Base returns the type of the values that aren't NULL: t without Nullable, LowCardinality and SimpleAggregateFunction around it.
func (t *Type) Base() *Type {
	for t.Kind == Nullable || t.Kind == LowCardinality || t.Kind == SimpleAggregateFunction {
		t = t.Elems[0]
	}
	return t
}

// Nullable tells whether a value of the type can be NULL itself, also inside LowCardinality.
func (t *Type) Nullable() bool {
	for t.Kind == LowCardinality || t.Kind == SimpleAggregateFunction {
		t = t.Elems[0]
	}
	return t.Kind == Nullable
}

// Plain returns the type whose layout a Block carries: t without LowCardinality and SimpleAggregateFunction, which are matters of storage, at any depth.
// A type that has none of them is returned as it is.
func (t *Type) Plain() *Type {
	if t.Kind == LowCardinality || t.Kind == SimpleAggregateFunction {
		return t.Elems[0].Plain()
	}
	for i, e := range t.Elems {
		p := e.Plain()
		if p == e {
			continue
		}
		u := *t
		u.Elems = append([]*Type(nil), t.Elems...)
		for j := i; j < len(u.Elems); j++ {
			u.Elems[j] = u.Elems[j].Plain()
		}
		return &u
	}
	return t
}

// Written returns the type of which blocks that are written into a column of t are: Plain, with text for JSON, which only the engine can read.
func (t *Type) Written() *Type {
	switch t.Kind {
	case JSON:
		return &Type{Kind: String}
	case Nullable:
		if t.Elems[0].Kind == JSON {
			return &Type{Kind: Nullable, Elems: []*Type{{Kind: String}}}
		}
	}
	return t.Plain()
}

// Width returns the number of bytes of each value, and false for types whose values differ in length.
func (t *Type) Width() (int, bool) {
	switch t.Kind {
	case FixedString:
		return t.Size, true
	case Decimal:
		return decimalWidth(t.Precision), true
	case SimpleAggregateFunction:
		return t.Elems[0].Width()
	}
	w := kinds[t.Kind].width
	return w, w > 0
}

func decimalWidth(precision int) int {
	switch {
	case precision <= 9:
		return 4
	case precision <= 18:
		return 8
	case precision <= 38:
		return 16
	}
	return 32
}

// Equal tells whether both are the same type.
func (t *Type) Equal(u *Type) bool { return t == u || t.String() == u.String() }

// String returns the type as ClickHouse itself writes it, so that ParseType(t.String()) gives an equal type.
func (t *Type) String() string {
	var b strings.Builder
	t.print(&b)
	return b.String()
}

func (t *Type) print(b *strings.Builder) {
	switch t.Kind {
	case Other:
		b.WriteString(t.Text)
		return
	case Interval:
		b.WriteString("Interval" + t.Text)
		return
	}
	b.WriteString(kinds[t.Kind].name)
	switch t.Kind {
	case FixedString:
		b.WriteString("(" + strconv.Itoa(t.Size) + ")")
	case Decimal:
		b.WriteString("(" + strconv.Itoa(t.Precision) + ", " + strconv.Itoa(t.Scale) + ")")
	case DateTime, DateTime64, Time64:
		t.printTime(b)
	case Enum8, Enum16:
		t.printEnum(b)
	case Nullable, LowCardinality, Array, Map, Tuple, Nested, SimpleAggregateFunction:
		t.printElems(b)
	case JSON:
		if t.Text != "" {
			b.WriteString("(" + t.Text + ")")
		}
	}
}

func (t *Type) printTime(b *strings.Builder) {
	var args []string
	if t.Kind != DateTime {
		args = append(args, strconv.Itoa(t.Scale))
	}
	if t.Zone != "" {
		args = append(args, quote(t.Zone, '\''))
	}
	if len(args) > 0 {
		b.WriteString("(" + strings.Join(args, ", ") + ")")
	}
}

func (t *Type) printEnum(b *strings.Builder) {
	for i, v := range t.Enum {
		if i == 0 {
			b.WriteByte('(')
		} else {
			b.WriteString(", ")
		}
		b.WriteString(quote(v.Name, '\'') + " = " + strconv.Itoa(int(v.Value)))
	}
	b.WriteByte(')')
}

func (t *Type) printElems(b *strings.Builder) {
	b.WriteByte('(')
	if t.Kind == SimpleAggregateFunction {
		b.WriteString(t.Text + ", ")
	}
	for i, e := range t.Elems {
		if i > 0 {
			b.WriteString(", ")
		}
		if t.Names != nil {
			b.WriteString(elementName(t.Names[i]) + " ")
		}
		e.print(b)
	}
	b.WriteByte(')')
}

// elementName quotes a tuple element's name only where it is needed, as ClickHouse does.
func elementName(name string) string {
	if isWord(name) {
		return name
	}
	return Identifier(name)
}

func isWord(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isWordByte(s[i]) || i == 0 && s[0] >= '0' && s[0] <= '9' {
			return false
		}
	}
	return s != ""
}

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
