package status

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// named at most in the line; the others are counted.
const findingsInLine = 4

// Line is one line by the convention of monitoring plugins: the level, what is wrong, and performance data.
func Line(s Snapshot, findings []Finding, now time.Time) string {
	text := "CHUTE " + Sentence(s, findings)
	if s.Daemon.Schema == 0 { // there is nothing to measure
		return text
	}
	return text + " | " + strings.Join(performance(s, now), " ")
}

// Sentence is what of the line is for people: the level and what is wrong.
func Sentence(s Snapshot, findings []Finding) string {
	var said []string
	for _, f := range findings[:min(len(findings), findingsInLine)] {
		said = append(said, f.Text)
	}
	if more := len(findings) - findingsInLine; more > 0 {
		said = append(said, fmt.Sprintf("and %d more", more))
	}
	q := s.Daemon.Queue
	if len(findings) == 0 {
		said = append(said, fmt.Sprintf("%s, %s, %d running", count(len(s.Jobs), "job", "jobs"), count(q.Waiting, "file waits", "files wait"), q.Running))
	}
	return Worst(findings).String() + " - " + oneLine(strings.Join(said, "; "))
}

// Worst is the level of all findings together.
func Worst(findings []Finding) Level {
	if len(findings) == 0 {
		return OK
	}
	return findings[0].Level
}

// oneLine takes out what has a meaning of its own in a plugin's line or on a terminal. Names of files are escaped already; an error's text may repeat one.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '|':
			return '/'
		case !unicode.IsPrint(r):
			return ' '
		}
		return r
	}, text)
}

// performance is what a monitoring system draws curves of: name=value, unit, warning and critical bounds, minimum.
func performance(s Snapshot, now time.Time) []string {
	q, d := s.Daemon.Queue, s.Daemon
	oldest := int64(0)
	for _, job := range s.Jobs {
		if !job.Oldest.IsZero() {
			oldest = max(oldest, int64(now.Sub(job.Oldest).Seconds()))
		}
	}
	all := []string{
		fmt.Sprintf("heartbeat_age=%ds;;%d;0", int64(now.Sub(d.Heartbeat).Seconds()), d.StaleAfter),
		fmt.Sprintf("waiting=%d;;;0", q.Waiting), fmt.Sprintf("queued=%d;;;0", q.Queued), fmt.Sprintf("running=%d;;;0", q.Running),
		fmt.Sprintf("retrying=%d;;;0", q.Retrying), fmt.Sprintf("stuck=%d;;0;0", q.Stuck), fmt.Sprintf("interrupted=%d;;0;0", q.Interrupted),
		fmt.Sprintf("held=%d;0;;0", q.Held), fmt.Sprintf("unwanted=%d;;;0", q.Unwanted), fmt.Sprintf("oldest=%ds;;;0", oldest),
	}
	for _, k := range d.Disks {
		if k.Known {
			all = append(all, fmt.Sprintf("'free_%s'=%dB;;%d:;0", strings.NewReplacer("'", "_", "=", "_").Replace(oneLine(k.Place)), k.Free, k.MinFree))
		}
	}
	return all
}
