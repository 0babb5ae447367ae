package agenda

import (
	"fmt"
	"strings"
	"time"

	"chute/config"
)

// rule is when an export is due.
type rule struct {
	schedule    config.Schedule
	zone        *time.Location
	from, until time.Time // it holds from the first moment until before the second; zero: without an end
	catchUp     string
}

func ruleOf(c *config.Export) rule {
	if !c.Enabled {
		return rule{}
	}
	r := rule{schedule: c.Schedule, zone: c.Timezone.Location(), catchUp: c.CatchUp}
	if !c.ValidFrom.IsZero() {
		r.from = c.ValidFrom.Begin(r.zone)
	}
	if !c.ValidUntil.IsZero() {
		r.until = c.ValidUntil.End(r.zone)
	}
	return r
}

// text is what a plan remembers of the rule of a job. With another one a job begins anew: what a schedule would have wanted that nobody had written yet isn't
// made up for.
func text(c *config.Export) string {
	if !c.Enabled {
		return "disabled"
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s", c.Schedule, c.Timezone) + " after " + strings.Join(c.After, " "))
}

// holds tells whether the rule is valid at a moment.
func (r rule) holds(at time.Time) bool {
	return !at.Before(r.from) && (r.until.IsZero() || at.Before(r.until))
}

// Next returns the next moments behind after at which an export is due by its schedule, at most n; those of a draft too.
func Next(c *config.Export, after time.Time, n int) (moments []time.Time) {
	enabled := *c
	enabled.Enabled = true
	r := ruleOf(&enabled)
	for len(moments) < n {
		if after = r.next(after); after.IsZero() {
			break
		}
		moments = append(moments, after)
	}
	return moments
}

// next is the first moment behind after that is due, the zero time for none.
func (r rule) next(after time.Time) time.Time {
	if after.Before(r.from) {
		after = r.from.Add(-time.Nanosecond)
	}
	at := r.schedule.Next(after, r.zone)
	if !r.until.IsZero() && !at.Before(r.until) {
		return time.Time{}
	}
	return at
}

// due is the moment to be dealt with now, when last was the last one; the zero time for none. Unless all are wanted it is the last that has passed.
func (r rule) due(last, now time.Time) time.Time {
	first := r.next(last)
	if first.IsZero() || first.After(now) {
		return time.Time{}
	}
	if r.catchUp == "all" {
		return first
	}
	return r.latest(last, now)
}

// latest is the last moment up to now, and behind last, which has one behind it. After a year there may be millions: they are looked at from the end.
func (r rule) latest(last, now time.Time) (at time.Time) {
	for span := time.Minute; at.IsZero(); span *= 4 {
		from := now.Add(-span)
		if from.Before(last) {
			from = last
		}
		for next := r.next(from); !next.IsZero() && !next.After(now); next = r.next(next) {
			at = next
		}
	}
	return at
}
