package pipeline

import (
	"fmt"
	"time"

	"chute/config"
	"chute/connectors/native"
	"chute/pipeline/convert"
)

// Foretold is what is wrong with a job some day, though its answer can be written today: with times that clocks show twice. Its texts are for people.
func Foretold(job *config.Export, columns []native.Column) (warnings []string) {
	ex := &Exporter{Job: job}
	how, err := ex.writings(columns)
	if err != nil || job.Format.Binary() {
		return nil
	}
	for i, c := range columns {
		t := c.Type.Plain().Base()
		if t.Kind != native.DateTime && t.Kind != native.DateTime64 || !setBack(zoneOf(t, job), now()) {
			continue
		}
		format, wide := how[i].Format, dayWidth(t)+len("+01:00")
		switch {
		case format.Has("HI") && !format.Has("zs"):
			warnings = append(warnings, fmt.Sprintf("column %q: its format has no %%z, so a time that clocks of its zone show twice, when they are set back, fails the run (ambiguous_time): add %%z, write %%s, or make a text of it with formatDateTime", c.Name))
		case format.IsZero() && job.Format.Type == "fixed" && job.Format.Widths[i] < wide:
			warnings = append(warnings, fmt.Sprintf("column %q has %d characters in format.widths, and a time that clocks of its zone show twice, when they are set back, has %d, with its distance from UTC: give it as many, or make a text of it with formatDateTime", c.Name, job.Format.Widths[i], wide))
		}
	}
	return warnings
}

// zoneOf is the zone whose clocks a column of times goes by; nil if it isn't known.
func zoneOf(t *native.Type, job *config.Export) *time.Location {
	if t.Zone == "" {
		return job.Timezone.Location()
	}
	zone, err := time.LoadLocation(t.Zone)
	if err != nil {
		return nil
	}
	return zone
}

// setBack tells whether clocks are set back in the year that begins now.
func setBack(zone *time.Location, at time.Time) bool {
	if zone == nil {
		return false
	}
	_, last := at.In(zone).Zone()
	for week := range 53 {
		_, offset := at.AddDate(0, 0, 7*(week+1)).In(zone).Zone()
		if offset < last {
			return true
		}
		last = offset
	}
	return false
}

// dayWidth is how many characters every value of a type of dates or times has, if it has no format; 0 for other types.
func dayWidth(t *native.Type) int {
	switch {
	case t.Kind == native.Date || t.Kind == native.Date32:
		return len(time.DateOnly)
	case t.Kind == native.DateTime64 && t.Scale > 0:
		return len(time.DateTime) + 1 + t.Scale
	case t.Kind == native.DateTime || t.Kind == native.DateTime64:
		return len(time.DateTime)
	}
	return 0
}

// roomy refuses widths that no value of its column fits into.
func roomy(f *config.ExportFormat, columns []native.Column, how []convert.Writing) error {
	if f.Type != "fixed" || len(f.Widths) != len(columns) {
		return nil
	}
	for i, c := range columns {
		if wide := dayWidth(c.Type.Plain().Base()); how[i].Format.IsZero() && f.Widths[i] < wide {
			return refuse("too_wide", "column %q has %d characters in format.widths, and every value of it has %d: give it as many, or a shorter format", c.Name, f.Widths[i], wide)
		}
	}
	return nil
}
