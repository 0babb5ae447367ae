package convert

import (
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
	century, year := twoDigits(text), twoDigits(text[2:])
	month, dom := twoDigits(text[5:]), twoDigits(text[8:])
	if century > 99 || year > 99 || text[4] != '-' || text[7] != '-' || month < 1 || month > 12 || dom < 1 {
		return 0, false
	}
	year += 100 * century
	last := monthDays[month]
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		last = 29
	}
	if dom > last {
		return 0, false
	}
	return civilDay(year, month, dom), true
}

// civilDay counts the days since 1970-01-01 in the Gregorian calendar. Years are taken to begin in March, so that the odd day comes last.
func civilDay(year, month, dom int) int {
	if month <= 2 {
		year, month = year-1, month+12
	}
	year += 400 // so that divisions are of positive numbers; 400 years are 146097 days
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + dom - 1 - 719468 - 146097
}
