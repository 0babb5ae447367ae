package native

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
)

// Limits of ParseType. The longest honest types are Enum16 with thousands of names.
const (
	maxTypeText  = 1 << 20
	maxTypeDepth = 40
	maxFixed     = 0xFFFFFF // ClickHouse's own limit for FixedString
)

// ParseType reads a type as ClickHouse writes it and as an operator may write it: blanks are free, Decimal32(S) and its likes are
// understood, Enum numbers may be left out. An unknown name is an error.
func ParseType(s string) (*Type, error) {
	if len(s) > maxTypeText {
		return nil, fmt.Errorf("type is longer than %d bytes", maxTypeText)
	}
	p := &typeParser{s: s}
	t, err := p.parse(0)
	if err == nil {
		if p.space(); p.i < len(s) {
			err = fmt.Errorf("%q is left over", cut(s[p.i:]))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot understand type %q: %w", cut(s), err)
	}
	return t, nil
}

// cut bounds what an error repeats of its input.
func cut(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}

// typeParser goes over s once, i is the next byte.
type typeParser struct {
	s string
	i int
}

func (p *typeParser) space() {
	for p.i < len(p.s) && strings.IndexByte(" \t\r\n", p.s[p.i]) >= 0 {
		p.i++
	}
}

// accept takes c when it is next, after blanks.
func (p *typeParser) accept(c byte) bool {
	p.space()
	if p.i < len(p.s) && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *typeParser) expect(c byte) error {
	if p.accept(c) {
		return nil
	}
	if p.i == len(p.s) {
		return fmt.Errorf("it ends where %q is needed", string(c))
	}
	return fmt.Errorf("%q stands where %q is needed", cut(p.s[p.i:]), string(c))
}

func (p *typeParser) word() string {
	p.space()
	start := p.i
	for p.i < len(p.s) && isWordByte(p.s[p.i]) {
		p.i++
	}
	return p.s[start:p.i]
}

func (p *typeParser) parse(depth int) (*Type, error) {
	if depth > maxTypeDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxTypeDepth)
	}
	name := p.word()
	if name == "DateTime" {
		return p.dateTime()
	}
	if k, ok := plainKinds[name]; ok {
		return &Type{Kind: k}, nil
	}
	if unit, ok := strings.CutPrefix(name, "Interval"); ok && intervalUnits[unit] {
		return &Type{Kind: Interval, Text: unit}, nil
	}
	if name == "JSON" || otherNames[name] {
		return p.unread(name)
	}
	read := map[string]func(*typeParser, string, int) (*Type, error){
		"Nullable": (*typeParser).wrapper, "LowCardinality": (*typeParser).wrapper, "Array": (*typeParser).wrapper,
		"Map": (*typeParser).mapType, "Tuple": (*typeParser).tuple, "Nested": (*typeParser).tuple,
		"SimpleAggregateFunction": (*typeParser).simpleAggregate,
		"Decimal":                 (*typeParser).decimal, "Decimal32": (*typeParser).decimal, "Decimal64": (*typeParser).decimal,
		"Decimal128": (*typeParser).decimal, "Decimal256": (*typeParser).decimal,
		"FixedString": (*typeParser).fixedString, "DateTime64": (*typeParser).time64, "Time64": (*typeParser).time64,
		"Enum": (*typeParser).enum, "Enum8": (*typeParser).enum, "Enum16": (*typeParser).enum,
	}[name]
	if read == nil {
		return nil, fmt.Errorf("unknown type %q", cut(name))
	}
	return read(p, name, depth)
}

// number reads an integer from low to high.
func (p *typeParser) number(what string, low, high int) (int, error) {
	p.space()
	start := p.i
	if p.i < len(p.s) && p.s[p.i] == '-' {
		p.i++
	}
	for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
		p.i++
	}
	n, err := strconv.Atoi(p.s[start:p.i])
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("%s %q is not a number from %d to %d", what, cut(p.s[start:p.i]), low, high)
	}
	return n, nil
}

func (p *typeParser) fixedString(string, int) (*Type, error) {
	n, err := p.oneNumber("length", 1, maxFixed)
	return &Type{Kind: FixedString, Size: n}, err
}

func (p *typeParser) oneNumber(what string, low, high int) (int, error) {
	if err := p.expect('('); err != nil {
		return 0, err
	}
	n, err := p.number(what, low, high)
	if err != nil {
		return 0, err
	}
	return n, p.expect(')')
}

func (p *typeParser) decimal(name string, _ int) (*Type, error) {
	if precision, ok := map[string]int{"Decimal32": 9, "Decimal64": 18, "Decimal128": 38, "Decimal256": 76}[name]; ok {
		s, err := p.oneNumber("scale", 0, precision)
		return &Type{Kind: Decimal, Precision: precision, Scale: s}, err
	}
	t := &Type{Kind: Decimal, Precision: 10}
	if !p.accept('(') {
		return t, nil
	}
	var err error
	if t.Precision, err = p.number("precision", 1, 76); err != nil {
		return nil, err
	}
	if p.accept(',') {
		if t.Scale, err = p.number("scale", 0, t.Precision); err != nil {
			return nil, err
		}
	}
	return t, p.expect(')')
}

func (p *typeParser) dateTime() (*Type, error) {
	t := &Type{Kind: DateTime}
	if !p.accept('(') {
		return t, nil
	}
	var err error
	if t.Zone, err = p.quoted('\''); err != nil {
		return nil, err
	}
	return t, p.expect(')')
}

func (p *typeParser) time64(name string, _ int) (*Type, error) {
	t := &Type{Kind: DateTime64, Scale: 3}
	if name == "Time64" {
		t.Kind = Time64
	}
	if !p.accept('(') {
		return t, nil
	}
	var err error
	if t.Scale, err = p.number("precision", 0, 9); err != nil {
		return nil, err
	}
	if t.Kind == DateTime64 && p.accept(',') {
		if t.Zone, err = p.quoted('\''); err != nil {
			return nil, err
		}
	}
	return t, p.expect(')')
}

func (p *typeParser) enum(name string, _ int) (*Type, error) {
	t := &Type{Kind: Enum8}
	if err := p.expect('('); err != nil {
		return nil, err
	}
	for next := 1; ; next++ {
		label, err := p.quoted('\'')
		if err != nil {
			return nil, err
		}
		if p.accept('=') {
			if next, err = p.number("enum number", math.MinInt16, math.MaxInt16); err != nil {
				return nil, err
			}
		} else if next > math.MaxInt16 {
			return nil, fmt.Errorf("more enum names than numbers")
		}
		t.Enum = append(t.Enum, EnumValue{label, int16(next)})
		if !p.accept(',') {
			break
		}
	}
	if err := p.expect(')'); err != nil {
		return nil, err
	}
	return t, t.finishEnum(name)
}

// finishEnum sorts the values, refuses doubles and decides the width.
func (t *Type) finishEnum(name string) error {
	sort.SliceStable(t.Enum, func(i, j int) bool { return t.Enum[i].Value < t.Enum[j].Value })
	names := make(map[string]bool, len(t.Enum))
	for i, v := range t.Enum {
		if names[v.Name] || i > 0 && t.Enum[i-1].Value == v.Value {
			return fmt.Errorf("enum name %q or its number %d stands twice", cut(v.Name), v.Value)
		}
		names[v.Name] = true
	}
	wide := t.Enum[0].Value < math.MinInt8 || t.Enum[len(t.Enum)-1].Value > math.MaxInt8
	if wide && name == "Enum8" {
		return fmt.Errorf("enum numbers don't fit Enum8")
	}
	if wide || name == "Enum16" {
		t.Kind = Enum16
	}
	return nil
}
