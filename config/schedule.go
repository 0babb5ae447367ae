package config

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/netresearch/go-cron"
)

// Schedule says by a clock on the wall when something is due: five fields as in crontab(5), "minute hour day month weekday", or six with seconds
// first, or @hourly, @daily, @weekly, @monthly, @yearly. The zero Schedule is never due.
//
// The library reads the fields and finds what fits them on a clock that is never put forward or back. What becomes of it where clocks are is decided
// here: left to itself the library runs twice what the clock shows twice, and goes wrong where the change isn't one whole hour.
type Schedule struct {
	text   string
	fields *cron.SpecSchedule
}

// allHours are the bits of an hour field that takes every hour.
const allHours = 1<<24 - 1

// schedules reads fields. Where both a day and a weekday are given, either will do, as crontab(5) has it. Many years are looked through: a 29 February
// that is a Monday comes once in 28 years, and in 40 around a year like 2100.
var schedules = cron.MustNewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor | cron.Extended | cron.DowOrDom).
	WithMaxSearchYears(41)

// UnmarshalText parses a schedule.
func (s *Schedule) UnmarshalText(text []byte) error {
	*s = Schedule{}
	spec := strings.TrimSpace(string(text))
	switch {
	case spec == "":
		return errors.New(`not a schedule: write for example "0 6 * * Mon-Fri" (minute, hour, day, month, weekday), or "@daily"`)
	case strings.Contains(spec, "TZ="):
		return errors.New("a schedule has no zone of its own: timezone says it")
	case strings.HasPrefix(strings.ToLower(spec), "@every"):
		return errors.New(`@every isn't a schedule: nothing says what it counts from; write for example "*/10 * * * *" for every ten minutes`)
	}
	parsed, err := parseSchedule(spec)
	if err != nil {
		return err
	}
	fields, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return errors.New("not a schedule of fields")
	}
	fields.Location = time.UTC
	if fields.Next(time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return errors.New("never comes: there is no such day")
	}
	*s = Schedule{text: string(text), fields: fields}
	return nil
}

// IsZero tells whether there is no schedule.
func (s Schedule) IsZero() bool { return s.fields == nil }

func (s Schedule) String() string { return s.text }

// Next is the first moment behind after at which the schedule is due where clocks are those of zone; the zero time is never.
//
// A schedule of certain hours is due once each time: what the clock leaps over when it is put forward is due at that moment, and what it shows twice
// when it is put back is due the first time. A schedule of every hour goes by the time that passes: it is due as often as the clock shows its minutes.
func (s Schedule) Next(after time.Time, zone *time.Location) time.Time {
	if s.fields == nil {
		return time.Time{}
	}
	after = after.In(zone)
	if s.fields.Hour&allHours == allHours {
		return s.nextPassing(after)
	}
	for wall := onWall(after); ; {
		if wall = s.fields.Next(wall); wall.IsZero() {
			return time.Time{}
		}
		if at := firstAt(wall, zone); at.After(after) {
			return at
		}
	}
}

// nextPassing is the next moment at which the clock shows what the schedule wants. Between two changes of it the wall's time and ours run alike.
func (s Schedule) nextPassing(after time.Time) time.Time {
	for {
		_, offset := after.Zone()
		wall := s.fields.Next(onWall(after))
		if wall.IsZero() {
			return time.Time{}
		}
		at := wall.Add(-time.Duration(offset) * time.Second).In(after.Location())
		_, change := after.ZoneBounds()
		switch {
		case change.IsZero() || at.Before(change):
			return at
		case s.fits(change):
			return change
		}
		after = change
	}
}

// fits tells whether the schedule is due at the moment itself.
func (s Schedule) fits(at time.Time) bool {
	wall := onWall(at)
	return s.fields.Next(wall.Add(-time.Nanosecond)).Equal(wall)
}

// onWall is what the clock shows, as a time of a zone without changes.
func onWall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// firstAt is the first moment at which the clocks of the zone show wall or, when they leap over it, the moment of the leap.
func firstAt(wall time.Time, zone *time.Location) time.Time {
	near := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), zone)
	begin, end := near.ZoneBounds() // of the time between two changes of the clock; the zero time: none
	var shown []time.Time
	for _, around := range []time.Time{near, begin.Add(-time.Second), end} {
		_, offset := around.In(zone).Zone()
		if at := wall.Add(-time.Duration(offset) * time.Second).In(zone); onWall(at).Equal(wall) {
			shown = append(shown, at)
		}
	}
	switch {
	case len(shown) > 0:
		return slices.MinFunc(shown, time.Time.Compare)
	case onWall(near).After(wall):
		return begin
	}
	return end
}
