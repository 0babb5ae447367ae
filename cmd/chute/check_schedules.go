package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"chute/config"
	"chute/watcher/agenda"
)

// schedules tells when the daemon is going to deliver by itself.
func (i *inspection) schedules(now time.Time) {
	for _, e := range i.config.Exports {
		if e.Schedule.IsZero() && len(e.After) == 0 {
			continue
		}
		f := finding{Level: levelWarning, Kind: "schedule", Subject: e.Name}
		for _, name := range e.After {
			if slices.ContainsFunc(i.jobs, func(j *config.Job) bool { return j.Name == name && !j.Enabled }) {
				f.Code, f.Text, f.Mend = "follows_draft", fmt.Sprintf("it follows job %s, which isn't enabled", name), "enable that job, or take it out of after"
				i.add(f)
			}
		}
		if !e.ValidUntil.IsZero() && !now.Before(e.ValidUntil.End(e.Timezone.Location())) {
			f.Code, f.Text = "schedule_over", fmt.Sprintf("its last day, valid_until = %s, is over: nothing is due any more", e.ValidUntil)
			f.Mend = "change valid_until, or set enabled = false"
			i.add(f)
			continue
		}
		i.fine(f.Kind, f.Subject, "%s", agendaText(e, now))
	}
}

// agendaText says when an export is due.
func agendaText(e *config.Export, now time.Time) string {
	var parts []string
	if !e.Schedule.IsZero() {
		text := fmt.Sprintf("%s, %s: ", e.Schedule, e.Timezone)
		var moments []string
		for _, at := range agenda.Next(e, now, 3) {
			moments = append(moments, at.Format("2006-01-02 15:04:05 -07:00"))
		}
		if len(moments) == 0 {
			text += "not due any more until its last day"
		} else {
			text += "next at " + strings.Join(moments, ", ")
		}
		parts = append(parts, text)
	}
	if len(e.After) > 0 {
		parts = append(parts, "after "+strings.Join(e.After, ", "))
	}
	if !e.ValidFrom.IsZero() {
		parts = append(parts, "valid_from "+e.ValidFrom.String())
	}
	if !e.ValidUntil.IsZero() {
		parts = append(parts, "valid_until "+e.ValidUntil.String())
	}
	if !e.Enabled {
		parts = append(parts, "not enabled")
	}
	return strings.Join(parts, "; ")
}
