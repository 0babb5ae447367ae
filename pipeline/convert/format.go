package convert

import (
	"fmt"

	"chute/config"
	"chute/connectors/native"
)

// moment is what a text says by a format. What isn't said is as at the beginning of a day.
type moment struct {
	year, month, dom   int
	yearday            int // 0: not given
	weekday            int // 0: not given; Monday is 1
	hour, minute, secs int
	half               int    // 0: not given, 1: AM, 2: PM
	fraction           []byte // digits
	offset             int64
	hasOffset          bool
	unix               int64
	hasUnix, negative  bool
}

// formatted returns the conversion to a date or time that is written by a format.
func formatted(t *native.Type, z zoning, f config.TimeFormat) (conversion, error) {
	if t.Kind == native.DateTime || t.Kind == native.DateTime64 {
		c, limits, err := instantsOf(t, z)
		if err != nil {
			return conversion{}, err
		}
		return scalar(c.width(), limits, func(text []byte) (uint64, string) { return c.formatted(text, f.Words()) }), nil
	}
	if f.Has("zZ") {
		return conversion{}, fmt.Errorf("%s has a distance from UTC, which says nothing for %s", f, t)
	}
	calendar := calendarOf(t.Kind, z.early)
	return scalar(calendar.width, calendar.limits, func(text []byte) (uint64, string) {
		shown, digits, ok := shownAt(text, f.Words())
		switch {
		case !ok:
			return 0, NotADate
		case shown%daySeconds != 0 || !allZeros(digits):
			return 0, Scale
		case shown < int64(calendar.first)*daySeconds || shown > int64(calendar.last)*daySeconds:
			return 0, OutOfRange
		}
		return uint64(shown / daySeconds), ""
	}), nil
}

// shownAt reads a text that has no distance from UTC.
func shownAt(text []byte, words []config.TimeWord) (seconds int64, digits []byte, ok bool) {
	m := moment{}
	if !m.parse(text, words) {
		return 0, nil, false
	}
	if m.hasUnix {
		return m.unix, m.fraction, true
	}
	seconds, ok = m.clock()
	return seconds, m.fraction, ok
}

func (c *instants) formatted(text []byte, words []config.TimeWord) (bits uint64, code string) {
	m := moment{}
	if !m.parse(text, words) {
		return 0, NotATime
	}
	if m.hasUnix {
		return c.unix(&m)
	}
	seconds, ok := m.clock()
	switch {
	case !ok:
		return 0, NotATime
	case m.hasOffset:
		return c.elsewhere(seconds-m.offset, m.fraction)
	}
	return c.local(seconds, m.fraction)
}

// unix is an instant given in seconds since 1970. Before that a fraction leads further back.
func (c *instants) unix(m *moment) (bits uint64, code string) {
	if !m.negative || allZeros(m.fraction) {
		return c.elsewhere(m.unix, m.fraction)
	}
	parts, lost := fraction(m.fraction, c.scale)
	if lost {
		return 0, Scale
	}
	before := m.unix - 1 // the whole second in which it is
	if before < c.first || before+c.shows.offset(before) < c.first {
		return 0, OutOfRange
	}
	return uint64(m.unix*c.unit - parts), ""
}

func allZeros(digits []byte) bool {
	for _, d := range digits {
		if d != '0' {
			return false
		}
	}
	return true
}

// clock checks that there is such a day and time, and returns its seconds since 1970 as if it were UTC.
func (m *moment) clock() (seconds int64, ok bool) {
	leap := m.year%4 == 0 && (m.year%100 != 0 || m.year%400 == 0)
	var day int
	if m.yearday > 0 {
		if m.yearday > 365 && (!leap || m.yearday > 366) {
			return 0, false
		}
		day = civilDay(m.year, 1, 1) + m.yearday - 1
	} else {
		if m.dom > lastOf(m.year, m.month) {
			return 0, false
		}
		day = civilDay(m.year, m.month, m.dom)
	}
	if m.weekday > 0 && ((day+3)%7+7)%7+1 != m.weekday { // day 0 was a Thursday
		return 0, false
	}
	hour := m.hour
	if m.half > 0 {
		hour = hour%12 + 12*(m.half-1)
	}
	return int64(day)*daySeconds + int64(hour*3600+m.minute*60+m.secs), true
}
