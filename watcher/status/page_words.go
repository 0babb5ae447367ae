package status

import (
	"fmt"
	"strings"
	"time"
)

// tone is how a level, state or status looks. The word stands beside the colour always.
func tone(word string) string {
	switch word {
	case "OK", "ok", "finished":
		return "good"
	case "WARNING", "finished-with-rejects", "retrying", Held, "paused", "gone", "rejected", "unreadable", "unknown", "UNKNOWN":
		return "warn"
	case "CRITICAL", "stuck", "interrupted", "failed", "failing", "down", "low":
		return "bad"
	case "running", "queued":
		return "busy"
	}
	return ""
}

// took writes a span of time in at most two units.
func took(d time.Duration) string {
	switch {
	case d <= 0:
		return "0 s"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
}

// surrounding is something outside of chute that it needs.
type surrounding struct{ Name, State, More string }

func surroundings(d Daemon) []surrounding {
	database := surrounding{"Database", "unknown", "it was not asked yet"}
	switch {
	case d.Database.Up:
		database.State, database.More = "ok", "it answers since "+stamp(d.Database.Since)
	case !d.Database.Since.IsZero():
		database.State, database.More = "down", "since "+stamp(d.Database.Since)+": "+d.Database.Reason
	}
	all := []surrounding{database}
	for _, s := range d.Stores {
		one := surrounding{"Inbox " + s.Inbox + " of store " + s.Store, "unknown", "it was not looked at yet"}
		switch {
		case s.Failing:
			one.State, one.More = "failing", "since "+stamp(s.Since)+": "+s.Reason
		case !s.Looked.IsZero():
			one.State, one.More = "ok", "looked at "+stamp(s.Looked)
		}
		all = append(all, one)
	}
	for _, k := range d.Disks {
		one := surrounding{"Room for " + k.Place, "unknown", strings.TrimSpace(k.Path + " " + k.Reason)}
		if k.Known {
			one.State, one.More = "ok", fmt.Sprintf("%s has %s left; new files are claimed down to %s", k.Path, room(k.Free), room(k.MinFree))
		}
		if k.Below {
			one.State = "low"
		}
		if k.Lost != "" {
			one.State, one.More = "failing", k.Lost
		}
		all = append(all, one)
	}
	return all
}

// room writes a number of bytes in a unit that fits.
func room(bytes int64) string {
	if bytes < 10<<30 {
		return fmt.Sprintf("%d MiB", bytes>>20)
	}
	return fmt.Sprintf("%d GiB", bytes>>30)
}
