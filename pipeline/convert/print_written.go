package convert

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

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
		put, err := writtenTimes(t, how.Format, p.zone, p.style)
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

// wall is what a clock and a calendar on a wall show.
type wall struct {
	day      int64 // since 1970-01-01
	second   int64 // of the day
	fraction uint64
	scale    int   // digits of the fraction
	offset   int64 // from UTC, seconds
	unix     int64
}

// writtenTimes returns how dates and times are written in a format.
func writtenTimes(t *native.Type, format config.TimeFormat, zone *time.Location, style Style) (putter, error) {
	words := slices.Clone(format.Words())
	if style == PrintJSON {
		for i, w := range words {
			quoted := appendJSONString(nil, []byte(w.Literal))
			words[i].Literal = string(quoted[1 : len(quoted)-1])
		}
	}
	le := binary.LittleEndian
	if t.Kind == native.Date || t.Kind == native.Date32 {
		if format.Has("HIMSfpzZs") {
			return nil, fmt.Errorf("the format %q has words for a time of day, and the column has none", format)
		}
		if t.Kind == native.Date {
			return func(dst, v []byte) []byte { return appendWall(dst, words, wall{day: int64(le.Uint16(v))}) }, nil
		}
		return func(dst, v []byte) []byte { return appendWall(dst, words, wall{day: int64(int32(le.Uint32(v)))}) }, nil
	}
	clocks, name, err := clocksOf(t, zone)
	if err != nil {
		return nil, err
	}
	if format.Has("Z") && name != "UTC" {
		return nil, fmt.Errorf("%%Z is for UTC, and the column's zone is %s: %%z writes the distance", name)
	}
	scale, unit := t.Scale, powerOfTen(t.Scale)
	return func(dst, v []byte) []byte {
		w := wall{scale: scale}
		if len(v) == 4 {
			w.unix = int64(le.Uint32(v))
		} else {
			ticks := int64(le.Uint64(v))
			parts := (ticks%unit + unit) % unit
			w.unix, w.fraction = (ticks-parts)/unit, uint64(parts)
		}
		w.offset = clocks.offset(w.unix)
		local := w.unix + w.offset
		w.second = (local%daySeconds + daySeconds) % daySeconds
		w.day = (local - w.second) / daySeconds
		return appendWall(dst, words, w)
	}, nil
}

// appendWall appends a moment word by word.
func appendWall(dst []byte, words []config.TimeWord, w wall) []byte {
	year, month, dom := civil(w.day)
	for i := range words {
		dst = appendWord(dst, &words[i], &w, year, month, dom)
	}
	return dst
}

func appendWord(dst []byte, word *config.TimeWord, w *wall, year, month, dom int64) []byte {
	hour := w.second / 3600
	switch word.Letter {
	case 0:
		return append(dst, word.Literal...)
	case 'Y':
		return appendTwo(appendTwo(dst, year/100), year%100)
	case 'y':
		return appendTwo(dst, year%100)
	case 'm':
		return appendShort(dst, month, word.Loose)
	case 'd':
		return appendShort(dst, dom, word.Loose)
	case 'e':
		if dom < 10 {
			dst = append(dst, ' ')
		}
		return strconv.AppendInt(dst, dom, 10)
	case 'j':
		return appendDigits(dst, uint64(w.day-int64(civilDay(int(year), 1, 1))+1), 3)
	case 'b':
		return appendName(dst, monthNames[month-1][:3])
	case 'B':
		return appendName(dst, monthNames[month-1])
	case 'a':
		return appendName(dst, dayNames[weekday(w.day)][:3])
	case 'A':
		return appendName(dst, dayNames[weekday(w.day)])
	case 'H':
		return appendShort(dst, hour, word.Loose)
	case 'I':
		return appendShort(dst, (hour+11)%12+1, word.Loose)
	case 'p':
		return append(dst, "AP"[hour/12], 'M')
	case 'M':
		return appendShort(dst, w.second/60%60, word.Loose)
	case 'S':
		return appendShort(dst, w.second%60, word.Loose)
	case 'f':
		return appendDigits(dst, w.fraction, max(w.scale, 1))
	case 'z':
		return appendOffset(dst, w.offset)
	case 'Z':
		return append(dst, "UTC"...)
	}
	return strconv.AppendInt(dst, w.unix, 10) // 's'
}

// weekday counts from Monday; 1970-01-01 was a Thursday.
func weekday(day int64) int64 { return ((day+3)%7 + 7) % 7 }

func appendShort(dst []byte, n int64, loose bool) []byte {
	if loose {
		return strconv.AppendInt(dst, n, 10)
	}
	return appendTwo(dst, n)
}

// appendName appends a name with a capital letter.
func appendName(dst []byte, name string) []byte {
	return append(append(dst, name[0]-'a'+'A'), name[1:]...)
}

func appendOffset(dst []byte, seconds int64) []byte {
	sign := byte('+')
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	dst = appendTwo(append(dst, sign), seconds/3600)
	return appendTwo(append(dst, ':'), seconds/60%60)
}
