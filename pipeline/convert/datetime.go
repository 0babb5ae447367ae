package convert

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"chute/connectors/native"
)

const daySeconds = 86400

// instants is the conversion to one DateTime or DateTime64.
type instants struct {
	zone        *zone // of texts without an offset
	shows       *zone // in which the table shows them
	scale       int
	unit        int64 // 10 to the scale
	first, last int64 // seconds since 1970 that the type holds
	long        bool  // DateTime64
}

func forTime(t *native.Type, z zoning) (conversion, error) {
	c, limits, err := instantsOf(t, z)
	if err != nil {
		return conversion{}, err
	}
	return scalar(c.width(), limits, c.parse), nil
}

// width is how many bytes a value has.
func (c *instants) width() int {
	if c.long {
		return 8
	}
	return 4
}

// zoning are the zones that times without an offset may be meant in, besides the type's own; nil: none. early is Column.EarlyDates.
type zoning struct {
	strong *time.Location // before the type's
	weak   *time.Location // behind the type's
	early  bool
}

func instantsOf(t *native.Type, z zoning) (*instants, string, error) {
	local := z.weak
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
	c := &instants{shows: zoneFor(key, local), unit: 1, last: math.MaxUint32}
	c.zone = c.shows
	if z.strong != nil {
		c.zone = zoneFor(z.strong, z.strong)
	}
	limits := "1970-01-01 00:00:00 to 2106-02-07 06:28:15 UTC"
	if z.early {
		c.first = max(0, -c.shows.offset(0))
		c.last, limits = (lastEarlyDate+1)*daySeconds-1, "1970-01-01 00:00:00 to 2105-12-31 23:59:59 UTC"
	}
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
	return c, limits, nil
}

func (c *instants) parse(text []byte) (bits uint64, code string) {
	seconds, rest, ok := parseClock(text)
	if !ok {
		return 0, NotATime
	}
	var digits []byte
	if len(rest) > 0 && rest[0] == '.' {
		n := 1
		for n < len(rest) && rest[n]-'0' <= 9 {
			n++
		}
		if digits, rest = rest[1:n], rest[n:]; len(digits) == 0 {
			return 0, NotATime
		}
	}
	if len(rest) == 0 {
		return c.local(seconds, digits)
	}
	offset, ok := parseOffset(rest)
	if !ok {
		return 0, NotATime
	}
	return c.elsewhere(seconds-offset, digits)
}

// local is the instant at which the zone's clocks show a time, given in seconds as if it were UTC. digits are the second's fraction.
func (c *instants) local(shown int64, digits []byte) (bits uint64, code string) {
	seconds, code := c.zone.instant(shown)
	if code != "" {
		return 0, code
	}
	if c.shows != c.zone {
		return c.elsewhere(seconds, digits)
	}
	return c.value(seconds, shown, digits)
}

// elsewhere is an instant that was written for another zone than that in which it is shown.
func (c *instants) elsewhere(seconds int64, digits []byte) (bits uint64, code string) {
	shown := seconds
	if c.long {
		shown += c.shows.offset(seconds)
	}
	return c.value(seconds, shown, digits)
}

// value is an instant as the type holds it; shown is what the clocks of the table's zone show then.
func (c *instants) value(seconds, shown int64, digits []byte) (bits uint64, code string) {
	parts, lost := fraction(digits, c.scale)
	if lost {
		return 0, Scale
	}
	if seconds < c.first || seconds > c.last {
		return 0, OutOfRange
	}
	if !c.long {
		return uint64(seconds), ""
	}
	// The engine counts the days of DateTime64 on the local calendar, which has the same bounds.
	if shown < c.first || shown > (lastDate32+1)*daySeconds-1 {
		return 0, OutOfRange
	}
	return uint64(seconds*c.unit + parts), ""
}

// parseClock reads YYYY-MM-DD hh:mm:ss, or with T, and returns the seconds as if it were UTC.
func parseClock(text []byte) (seconds int64, rest []byte, ok bool) {
	if len(text) < 19 || text[10] != ' ' && text[10] != 'T' {
		return 0, nil, false
	}
	day, ok := parseDate(text)
	pairs, timely := parsePairs(binary.LittleEndian.Uint64(text[11:]), colonic)
	h, m, s := int64(pairs&0xFF), int64(pairs>>24&0xFF), int64(pairs>>48&0xFF)
	if !ok || !timely || h > 23 || m > 59 || s > 59 {
		return 0, nil, false
	}
	return int64(day)*daySeconds + h*3600 + m*60 + s, text[19:], true
}

// fraction makes units of the scale of the digits behind the point. lost tells that there are more of them than zeros.
func fraction(digits []byte, scale int) (parts int64, lost bool) {
	for i, d := range digits {
		if i < scale {
			parts = parts*10 + int64(d-'0')
		} else if d != '0' {
			lost = true
		}
	}
	for i := len(digits); i < scale; i++ {
		parts *= 10
	}
	return parts, lost
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

func (c *column) zoning() zoning {
	return zoning{strong: c.TimeZone, weak: c.Zone, early: c.EarlyDates}
}

// zoneName is the name of the zone that local times of the column are in, for messages.
func (c *column) zoneName() string {
	name := c.Type.Base().Zone
	switch {
	case c.TimeZone != nil:
		return c.TimeZone.String()
	case name != "":
		return name
	case c.Zone != nil:
		return c.Zone.String()
	}
	return "UTC"
}
