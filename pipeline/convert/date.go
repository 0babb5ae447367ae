package convert

import (
	"encoding/binary"
	"math"

	"chute/connectors/native"
)

// Days since 1970-01-01 that bound Date32.
const (
	firstDate32 = -25567 // 1900-01-01
	lastDate32  = 120529 // 2299-12-31

	lastEarlyDate = 49672 // 2105-12-31: see Column.EarlyDates
)

// calendar is what a type for dates holds.
type calendar struct {
	first, last int // days since 1970-01-01
	width       int
	limits      string
}

// calendarOf is that of Date or Date32; early is Column.EarlyDates.
func calendarOf(k native.Kind, early bool) calendar {
	switch {
	case k == native.Date32:
		return calendar{firstDate32, lastDate32, 4, "1900-01-01 to 2299-12-31"}
	case early:
		return calendar{0, lastEarlyDate, 2, "1970-01-01 to 2105-12-31"}
	}
	return calendar{0, math.MaxUint16, 2, "1970-01-01 to 2149-06-06"}
}

// conversion is that of texts like 2006-01-02.
func (c calendar) conversion() conversion {
	return scalar(c.width, c.limits, func(text []byte) (uint64, string) {
		day, code := wholeDate(text)
		if code == "" && (day < c.first || day > c.last) {
			code = OutOfRange
		}
		return uint64(day), code
	})
}

func wholeDate(text []byte) (day int, code string) {
	if len(text) != 10 {
		return 0, NotADate
	}
	day, ok := parseDate(text)
	if !ok {
		return 0, NotADate
	}
	return day, ""
}

// twoDigits reads two digits; anything else gives a number above 99.
func twoDigits(text []byte) int {
	high, low := text[0]-'0', text[1]-'0'
	if high > 9 || low > 9 {
		return 100
	}
	return int(high)*10 + int(low)
}

var monthDays = [...]int{1: 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// parseDate reads the ten bytes of YYYY-MM-DD at the beginning of text and returns the days since 1970-01-01, if there is such a day.
func parseDate(text []byte) (day int, ok bool) {
	_ = text[9]
	pairs, ok := parsePairs(binary.LittleEndian.Uint64(text), dashed)
	dom := twoDigits(text[8:])
	if !ok {
		return 0, false
	}
	year, month := int(pairs&0xFF)*100+int(pairs>>16&0xFF), int(pairs>>40&0xFF)
	if month < 1 || month > 12 || dom < 1 {
		return 0, false
	}
	if dom > 28 && dom > lastOf(year, month) {
		return 0, false
	}
	return civilDay(year, month, dom), true
}

// lastOf is the last day of a month.
func lastOf(year, month int) int {
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		return 29
	}
	return monthDays[month]
}

// layout is how digits and signs follow each other in eight bytes.
type layout struct {
	base  uint64 // the signs, and '0' for digits
	above uint64 // for each byte what makes 0x80 of the first value that it can't have
}

var (
	dashed  = layout{0x2D30302D30303030, 0x7F76767F76767676} // 0000-00-
	colonic = layout{0x30303A30303A3030, 0x76767F76767F7676} // 00:00:00
)

// parsePairs reads eight bytes, the first in the lowest, of such a layout. Where two digits begin, the byte of the result is their number.
func parsePairs(word uint64, l layout) (pairs uint64, ok bool) {
	word ^= l.base
	return word*10 + word>>8, (word|(word+l.above))&0x8080808080808080 == 0
}

// civilDay counts the days since 1970-01-01 in the Gregorian calendar. Years are taken to begin in March, so that the odd day comes last.
func civilDay(year, month, dom int) int {
	if month <= 2 {
		year, month = year-1, month+12
	}
	year += 400 // so that divisions are of positive numbers; 400 years are 146097 days
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + dom - 1 - 719468 - 146097
}
