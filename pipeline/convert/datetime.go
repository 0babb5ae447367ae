package convert

import (
	"fmt"
	"math"
	"time"

	"chute/connectors/native"
)

const daySeconds = 86400

// instants is the conversion to one DateTime or DateTime64.
type instants struct {
	zone        *zone // of texts without an offset
	scale       int
	unit        int64 // 10 to the scale
	first, last int64 // seconds since 1970 that the type holds
	long        bool  // DateTime64
}

func forTime(t *native.Type, local *time.Location) (appender, string, error) {
	if local == nil {
		local = time.UTC
	}
	key := any(local)
	if t.Zone != "" {
		named, err := time.LoadLocation(t.Zone)
		if err != nil || t.Zone == "Local" {
			return nil, "", fmt.Errorf("the time zone %q isn't known on this machine", t.Zone)
		}
		local, key = named, t.Zone
	}
	c := &instants{zone: zoneFor(key, local), unit: 1, last: math.MaxUint32}
	limits := "1970-01-01 00:00:00 to 2106-02-07 06:28:15 UTC"
	if t.Kind == native.DateTime64 {
		c.long, c.scale = true, t.Scale
		for range t.Scale {
			c.unit *= 10
		}
		c.first, c.last = firstDate32*daySeconds, (lastDate32+1)*daySeconds-1
		limits = "1900-01-01 to 2299-12-31"
		if c.scale == 9 {
			c.last = math.MaxInt64/c.unit - 1
			limits = "1900-01-01 to 2262-04-11 23:47:15 UTC"
		}
	}
	return c.append, limits, nil
}

func (c *instants) append(b *native.Builder, text []byte) string {
	seconds, rest, ok := parseClock(text)
	if !ok {
		return NotATime
	}
	parts, rest, code := c.fraction(rest)
	if code != "" {
		return code
	}
	var shown int64 // as a clock in the column's zone shows it
	if len(rest) > 0 {
		offset, ok := parseOffset(rest)
		if !ok {
			return NotATime
		}
		seconds -= offset
		shown = seconds + c.zone.offset(seconds)
	} else {
		shown = seconds
		if seconds, code = c.zone.instant(seconds); code != "" {
			return code
		}
	}
	if seconds < c.first || seconds > c.last {
		return OutOfRange
	}
	if !c.long {
		b.AppendUint32(uint32(seconds))
		return ""
	}
	// The engine counts the days of DateTime64 on the local calendar, which has the same bounds.
	if shown < c.first || shown > (lastDate32+1)*daySeconds-1 {
		return OutOfRange
	}
	b.AppendUint64(uint64(seconds*c.unit + parts))
	return ""
}

// parseClock reads YYYY-MM-DD hh:mm:ss, or with T, and returns the seconds as if it were UTC.
func parseClock(text []byte) (seconds int64, rest []byte, ok bool) {
	if len(text) < 19 || text[10] != ' ' && text[10] != 'T' || text[13] != ':' || text[16] != ':' {
		return 0, nil, false
	}
	day, ok := parseDate(text)
	h, m, s := twoDigits(text[11:]), twoDigits(text[14:]), twoDigits(text[17:])
	if !ok || h > 23 || m > 59 || s > 59 {
		return 0, nil, false
	}
	return int64(day)*daySeconds + int64(h*3600+m*60+s), text[19:], true
}

// fraction reads the part of a second behind a point, in units of the scale. Digits beyond it must be zeros.
func (c *instants) fraction(text []byte) (parts int64, rest []byte, code string) {
	if len(text) == 0 || text[0] != '.' {
		return 0, text, ""
	}
	n := 1
	lost := false
	for ; n < len(text) && text[n]-'0' <= 9; n++ {
		if n <= c.scale {
			parts = parts*10 + int64(text[n]-'0')
		} else if text[n] != '0' {
			lost = true
		}
	}
	if n == 1 {
		return 0, nil, NotATime
	}
	for i := n; i <= c.scale; i++ {
		parts *= 10
	}
	if lost {
		return 0, nil, Scale
	}
	return parts, text[n:], ""
}

// parseOffset reads Z, ±hh, ±hhmm or ±hh:mm, in seconds east of Greenwich.
func parseOffset(text []byte) (offset int64, ok bool) {
	if len(text) == 1 && text[0] == 'Z' {
		return 0, true
	}
	if len(text) < 3 || text[0] != '+' && text[0] != '-' {
		return 0, false
	}
	h, m := twoDigits(text[1:]), 0
	switch rest := text[3:]; {
	case len(rest) == 2:
		m = twoDigits(rest)
	case len(rest) == 3 && rest[0] == ':':
		m = twoDigits(rest[1:])
	case len(rest) != 0:
		return 0, false
	}
	if h > 15 || m > 59 {
		return 0, false
	}
	offset = int64(h*3600 + m*60)
	if text[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// zoneName is the name of the zone that local times of the column are in, for messages.
func (c *column) zoneName() string {
	if name := c.Type.Base().Zone; name != "" {
		return name
	}
	if c.Zone != nil {
		return c.Zone.String()
	}
	return "UTC"
}
