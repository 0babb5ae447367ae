package convert

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"chute/connectors/native"
)

// timesOf returns how values of the types of dates and times are written.
func timesOf(t *native.Type, zone *time.Location) (putter, error) {
	le := binary.LittleEndian
	switch t.Kind {
	case native.Date:
		known := newDays()
		return func(dst, v []byte) []byte { return known.append(dst, int64(le.Uint16(v))) }, nil
	case native.Date32:
		known := newDays()
		return func(dst, v []byte) []byte { return known.append(dst, int64(int32(le.Uint32(v)))) }, nil
	case native.Time:
		return func(dst, v []byte) []byte { return appendClock(dst, int64(int32(le.Uint32(v))), 0, 1) }, nil
	case native.Time64:
		unit := powerOfTen(t.Scale)
		return func(dst, v []byte) []byte { return appendClock(dst, int64(le.Uint64(v)), t.Scale, unit) }, nil
	case native.DateTime, native.DateTime64:
		return instantsAt(t, zone)
	}
	return nil, fmt.Errorf("values of this type aren't printed: select them as a string")
}

// instantsAt writes instants as the clocks of the type's zone show them, or else those of zone. Where clocks show a time twice, its distance from UTC follows.
func instantsAt(t *native.Type, zone *time.Location) (putter, error) {
	clocks, _, err := clocksOf(t, zone)
	if err != nil {
		return nil, err
	}
	known, clock := newDays(), &wallClock{zone: clocks, near: clocks.spans[0]}
	if t.Kind == native.DateTime {
		return func(dst, v []byte) []byte {
			seconds := int64(binary.LittleEndian.Uint32(v))
			offset, twice := clock.offset(seconds)
			if !twice {
				return known.appendLocal(dst, seconds+offset)
			}
			offset = wholeMinutes(offset)
			return appendOffset(known.appendLocal(dst, seconds+offset), offset)
		}, nil
	}
	scale, unit := t.Scale, powerOfTen(t.Scale)
	return func(dst, v []byte) []byte {
		ticks := int64(binary.LittleEndian.Uint64(v))
		seconds, parts := ticks/unit, ticks%unit
		if parts < 0 {
			seconds, parts = seconds-1, parts+unit
		}
		offset, twice := clock.offset(seconds)
		if twice {
			offset = wholeMinutes(offset)
		}
		if dst = known.appendLocal(dst, seconds+offset); scale > 0 {
			dst = appendDigits(append(dst, '.'), uint64(parts), scale)
		}
		if twice {
			dst = appendOffset(dst, offset)
		}
		return dst
	}, nil
}

// wallClock is a zone's clocks and the span that was asked for last: most instants of a column are in the same half of a year.
type wallClock struct {
	zone *zone
	near span
}

// offset returns what the clocks are ahead of UTC at an instant. twice tells that they show the same time at another instant as well.
func (c *wallClock) offset(seconds int64) (offset int64, twice bool) {
	if seconds >= c.near.from && seconds < c.near.till {
		return c.near.offset, false
	}
	s := &c.zone.spans[c.zone.find(seconds)]
	if twice = seconds < s.from || seconds >= s.till; !twice {
		c.near = *s
	}
	return s.offset, twice
}

// wholeMinutes makes an offset one that can be written. Those of the time before clocks agreed have seconds: with a local time that goes by whole minutes the
// instant is the same.
func wholeMinutes(offset int64) int64 { return offset - offset%60 }

// clocksOf finds the clocks of a type's zone, or else those of zone, and its name.
func clocksOf(t *native.Type, here *time.Location) (clocks *zone, name string, err error) {
	if t.Zone == "" {
		return zoneFor(here, here), here.String(), nil
	}
	named, err := time.LoadLocation(t.Zone)
	if err != nil || t.Zone == "Local" {
		return clocks, "", fmt.Errorf("the time zone %q isn't known on this machine: select the column as a string", t.Zone)
	}
	return zoneFor(t.Zone, named), t.Zone, nil
}

// appendDay writes a day, given as days since 1970-01-01.
func appendDay(dst []byte, day int64) []byte {
	year, month, dom := civil(day)
	if year < 0 || year > 9999 {
		return fmt.Appendf(dst, "%04d-%02d-%02d", year, month, dom) // no type of ClickHouse means such a day
	}
	dst = appendTwo(appendTwo(dst, year/100), year%100)
	dst = append(appendTwo(append(dst, '-'), month), '-')
	return appendTwo(dst, dom)
}

// civil is civilDay backwards.
func civil(day int64) (year, month, dom int64) {
	day += 719468 + 146097 // since 1 March of the year -400: 400 years are 146097 days
	era := day / 146097
	if day < 0 {
		era = (day - 146096) / 146097
	}
	ofEra := day - era*146097
	year = (ofEra - ofEra/1460 + ofEra/36524 - ofEra/146096) / 365
	ofYear := ofEra - (365*year + year/4 - year/100)
	month = (5*ofYear + 2) / 153
	dom = ofYear - (153*month+2)/5 + 1
	year += (era - 1) * 400
	if month += 3; month > 12 {
		month, year = month-12, year+1
	}
	return year, month, dom
}

func appendTwo(dst []byte, n int64) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }

// appendClock writes a Time: hours of at least two digits, minutes, seconds, and the fraction.
func appendClock(dst []byte, ticks int64, scale int, unit int64) []byte {
	n := uint64(ticks)
	if ticks < 0 {
		dst, n = append(dst, '-'), -n
	}
	seconds := n / uint64(unit)
	if hours := seconds / 3600; hours < 100 {
		dst = appendTwo(dst, int64(hours))
	} else {
		dst = strconv.AppendUint(dst, hours, 10)
	}
	dst = append(appendTwo(append(dst, ':'), int64(seconds/60%60)), ':')
	dst = appendTwo(dst, int64(seconds%60))
	if scale == 0 {
		return dst
	}
	return appendDigits(append(dst, '.'), n%uint64(unit), scale)
}

func powerOfTen(n int) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}
