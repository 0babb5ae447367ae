package convert

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"chute/config"
	"chute/connectors/native"
)

// wall is what a clock and a calendar on a wall show.
type wall struct {
	day      int64 // since 1970-01-01
	second   int64 // of the day
	fraction uint64
	scale    int   // digits of the fraction
	offset   int64 // from UTC, seconds
	unix     int64
	past     bool // unix and fraction count back from 1970
}

// ErrTwice: the clocks show a time twice, and its format doesn't tell which is meant.
var ErrTwice = errors.New("a time comes twice, when clocks are set back, and its format has no %z to tell which is meant: add %z, write %s, or have the question make a text of it, with formatDateTime")

// times returns how dates and times are written in a format.
func (p *Printer) times(c *printed, t *native.Type, format config.TimeFormat) (putter, error) {
	words := slices.Clone(format.Words())
	if p.style == PrintJSON {
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
	return p.instants(c, t, words, format)
}

func (p *Printer) instants(c *printed, t *native.Type, words []config.TimeWord, format config.TimeFormat) (putter, error) {
	le := binary.LittleEndian
	clocks, name, err := clocksOf(t, p.zone)
	if err != nil {
		return nil, err
	}
	if format.Has("Z") && name != "UTC" {
		return nil, fmt.Errorf("%%Z is for UTC, and the column's zone is %s: %%z writes the distance", name)
	}
	far, counted := format.Has("z"), format.Has("s") && format.Has("f")
	scale, unit, clock := t.Scale, powerOfTen(t.Scale), &wallClock{zone: clocks, near: clocks.spans[0]}
	return func(dst, v []byte) []byte {
		w := wall{scale: scale}
		if len(v) == 4 {
			w.unix = int64(le.Uint32(v))
		} else {
			ticks := int64(le.Uint64(v))
			parts := (ticks%unit + unit) % unit
			w.unix, w.fraction = (ticks-parts)/unit, uint64(parts)
		}
		var twice bool
		if w.offset, twice = clock.offset(w.unix); far {
			w.offset = wholeMinutes(w.offset)
		} else if twice && c.judged && p.err == nil {
			p.err = fmt.Errorf("column %q: %w", c.column.Name, ErrTwice)
		}
		local := w.unix + w.offset
		w.second = (local%daySeconds + daySeconds) % daySeconds
		w.day = (local - w.second) / daySeconds
		if counted && w.unix < 0 && w.fraction > 0 {
			w.past, w.unix, w.fraction = true, -w.unix-1, uint64(unit)-w.fraction
		}
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
	if w.past {
		dst = append(dst, '-')
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
