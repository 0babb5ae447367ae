package config

import (
	"errors"
	"time"
)

// Day is a day of the calendar, as "2026-01-31". The zero Day is none.
type Day struct {
	day time.Time // its midnight in UTC
}

// UnmarshalText parses a day.
func (d *Day) UnmarshalText(text []byte) error {
	day, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return errors.New(`not a day: write year, month and day, as in "2026-01-31"`)
	}
	d.day = day
	return nil
}

// IsZero tells whether there is no day.
func (d Day) IsZero() bool { return d.day.IsZero() }

// Begin is the first moment of the day where clocks are those of zone.
func (d Day) Begin(zone *time.Location) time.Time { return firstAt(d.day, zone) }

// End is the first moment of the day after it.
func (d Day) End(zone *time.Location) time.Time { return firstAt(d.day.AddDate(0, 0, 1), zone) }

func (d Day) String() string {
	if d.IsZero() {
		return ""
	}
	return d.day.Format(time.DateOnly)
}
