package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/netresearch/go-cron"
)

// descriptors are the words that stand for five fields.
var descriptors = []string{"@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"}

// scheduleField is one of the fields: what people call it, and what may stand in it.
type scheduleField struct {
	name  string
	takes string
	words []string
}

var scheduleFields = []scheduleField{
	{"second", "0 to 59", nil},
	{"minute", "0 to 59", nil},
	{"hour", "0 to 23", nil},
	{"day", "1 to 31, L for the last one, 15W for the working day nearest to the 15th", []string{"L", "LW"}},
	{"month", "1 to 12, Jan to Dec", []string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}},
	{"weekday", "0 to 7 (0 and 7 are Sunday), Sun to Sat, Fri#2 for the second Friday, Fri#L for the last one", []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}},
}

// parseSchedule reads a schedule. What is wrong is said of the field that it stands in. The library gets small letters, for it takes the H of THU for something else.
func parseSchedule(spec string) (cron.Schedule, error) {
	if strings.HasPrefix(spec, "@") {
		if !slices.Contains(descriptors, strings.ToLower(spec)) {
			return nil, fmt.Errorf("%.60q isn't known; there are %s%s", spec, strings.Join(descriptors, ", "), Meant(spec, descriptors))
		}
		return schedules.Parse(strings.ToLower(spec))
	}
	fields := strings.Fields(spec)
	if len(fields) < 5 || len(fields) > 6 {
		return nil, fmt.Errorf("not a schedule: it has %d fields, and there are five, minute, hour, day, month and weekday, perhaps with the second before them", len(fields))
	}
	for i, field := range scheduleFields[6-len(fields):] {
		alone := slices.Repeat([]string{"*"}, len(fields))
		alone[i] = strings.ToLower(fields[i])
		if err := field.judge(fields[i], strings.Join(alone, " ")); err != nil {
			return nil, err
		}
	}
	return schedules.Parse(strings.ToLower(spec))
}

// judge finds out what is wrong with a field; alone is a schedule in which only it says something.
func (f scheduleField) judge(text, alone string) error {
	if slices.Contains(strings.Split(text, ","), "") {
		return fmt.Errorf("not a schedule: the %s, %.60q, has a comma with nothing before or behind it", f.name, text)
	}
	_, err := schedules.Parse(alone)
	if err == nil {
		return nil
	}
	if said := new(strconv.NumError); errors.As(err, &said) { // the library takes what it doesn't know for a number
		return fmt.Errorf("not a schedule: the %s can't be %.60q; it is %s, or *, and lists, ranges and steps of them%s", f.name, text, f.takes, f.meant(text))
	}
	return fmt.Errorf("not a schedule: the %s, %.60q: %w; it is %s", f.name, text, err, f.takes)
}

var (
	lastWeekday = regexp.MustCompile(`(?i)^([0-7]|sun|mon|tue|wed|thu|fri|sat)l$`)
	pieceOf     = regexp.MustCompile(`[a-z]+`)
)

// meant ends a message about an unknown word of the field with one that is like it.
func (f scheduleField) meant(text string) string {
	if last := lastWeekday.FindStringSubmatch(text); last != nil && f.name == "weekday" {
		return fmt.Sprintf("; did you mean %q?", last[1]+"#L")
	}
	for _, word := range pieceOf.FindAllString(strings.ToLower(text), -1) {
		for _, known := range f.words {
			if small := strings.ToLower(known); len(small) > 2 && strings.HasPrefix(word, small) && word != small {
				return fmt.Sprintf("; did you mean %q?", known)
			}
		}
	}
	return ""
}
