package convert

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"chute/config"
	"chute/connectors/native"
)

// Writing is how values of a column are written where that isn't as their type is. The zero Writing with Decimals -1 changes nothing.
type Writing struct {
	Format     config.TimeFormat // of dates and times
	Decimal    string            // before the fraction of a number; "": a point
	Thousands  string            // between groups of three digits; "": nothing
	Decimals   int               // digits of a fraction, if only zeros are in the way; -1: as they come
	True       string            // with False: words for Bool
	False      string
	Labels     map[string]string // instead of values
	Unlabelled string            // "fail": a value without a label is a mistake
}

// ErrUnlabelled: a value has no label.
var ErrUnlabelled = errors.New("a value has no label, and unlabelled is \"fail\"")

// Write changes how column i is written. It is called before the first block.
func (p *Printer) Write(i int, how Writing) error {
	c := &p.columns[i]
	t := c.column.Type.Base()
	switch {
	case len(how.Labels) > 0:
		return p.label(c, t, how)
	case t.Kind == native.Bool && how.True+how.False != "":
		yes, no := how.True, how.False
		c.finish = func(dst []byte, start int) []byte {
			if dst[start] == 't' {
				return append(dst[:start], yes...)
			}
			return append(dst[:start], no...)
		}
		c.form = Free
	case isNumber(t) && (how.Decimal != "" && how.Decimal != "." || how.Thousands != "" || how.Decimals >= 0):
		c.finish, c.styled = how.number, true
	case !how.Format.IsZero() && isTime(t):
		c.judged = how.Format.Has("HI") && !how.Format.Has("zs")
		put, err := p.times(c, t, how.Format)
		if err != nil {
			return fmt.Errorf("%w %q of type %s: %w", ErrUnprinted, c.column.Name, c.column.Type, err)
		}
		width, _ := t.Width()
		c.values, c.styled = &fixed{width: width, put: place{style: p.style}.word(put)}, true
	}
	return nil
}

func isTime(t *native.Type) bool { return t.Kind >= native.Date && t.Kind <= native.DateTime64 }

func isNumber(t *native.Type) bool {
	return t.Kind >= native.Int8 && t.Kind <= native.UInt256 || t.Kind == native.BFloat16 || t.Kind == native.Float32 || t.Kind == native.Float64 || t.Kind == native.Decimal
}

// label has texts written in place of values.
func (p *Printer) label(c *printed, t *native.Type, how Writing) error {
	plain := t.Kind >= native.Int8 && t.Kind <= native.UInt256 || t.Kind == native.Bool
	if enum := t.Kind == native.Enum8 || t.Kind == native.Enum16; !plain && !enum && t.Kind != native.String {
		return fmt.Errorf("%w %q of type %s: labels are for enums, texts, whole numbers and Bool", ErrUnprinted, c.column.Name, c.column.Type)
	} else if enum {
		for _, value := range slices.Sorted(maps.Keys(how.Labels)) {
			if !slices.ContainsFunc(t.Enum, func(v native.EnumValue) bool { return v.Name == value }) {
				return fmt.Errorf("%w %q of type %s: labels has %q, which the type lacks", ErrUnprinted, c.column.Name, c.column.Type, value)
			}
		}
	}
	shown := func(text string) string {
		if p.style == PrintJSON {
			return string(appendJSONString(nil, []byte(text)))
		}
		return text
	}
	labels := make(map[string]string, len(how.Labels))
	for value, label := range how.Labels {
		if !plain {
			value = shown(value)
		}
		labels[value] = shown(label)
	}
	strict := how.Unlabelled == "fail"
	c.form = Free
	c.finish = func(dst []byte, start int) []byte {
		label, known := labels[string(dst[start:])]
		if known {
			return append(dst[:start], label...)
		}
		if strict && p.err == nil {
			p.err = fmt.Errorf("column %q: %w", c.column.Name, ErrUnlabelled)
		}
		return dst
	}
	return nil
}

// Err tells of a value that couldn't be written as it should.
func (p *Printer) Err() error { return p.err }

// Number writes the text of a number so.
func (how Writing) Number(text []byte) []byte { return how.number(text, 0) }

// number writes the number that begins at dst[start] anew. It is made behind the text, and takes its place.
func (how Writing) number(dst []byte, start int) []byte {
	whole, end := start, len(dst)
	if whole < end && dst[whole] == '-' {
		whole++
	}
	point := digitsEnd(dst, whole)
	if point == whole {
		return dst // nan, inf
	}
	fraction, behind := point, point
	if point < end && dst[point] == '.' {
		fraction = point + 1
		behind = digitsEnd(dst, fraction)
	}
	shown, zeros := behind-fraction, 0
	if behind == end && how.Decimals >= 0 { // no exponent
		for shown > how.Decimals && dst[fraction+shown-1] == '0' {
			shown--
		}
		zeros = max(how.Decimals-shown, 0)
	}
	dst = append(dst, dst[start:whole]...)
	for i := whole; i < point; i++ {
		if i > whole && (point-i)%3 == 0 {
			dst = append(dst, how.Thousands...)
		}
		dst = append(dst, dst[i])
	}
	if shown+zeros > 0 {
		if how.Decimal == "" {
			dst = append(dst, '.')
		}
		dst = append(append(dst, how.Decimal...), dst[fraction:fraction+shown]...)
		for range zeros {
			dst = append(dst, '0')
		}
	}
	dst = append(dst, dst[behind:end]...)
	return dst[:start+copy(dst[start:], dst[end:])]
}

func digitsEnd(text []byte, at int) int {
	for at < len(text) && text[at] >= '0' && text[at] <= '9' {
		at++
	}
	return at
}
