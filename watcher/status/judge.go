package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Level is how bad something is, as monitoring plugins count: it is the exit code too.
type Level int

// The levels.
const (
	OK Level = iota
	Warning
	Critical
	Unknown
)

func (l Level) String() string { return [...]string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}[l] }

// MarshalText gives the level's name in small letters.
func (l Level) MarshalText() ([]byte, error) { return []byte(strings.ToLower(l.String())), nil }

// Finding is something that a person has to look at.
type Finding struct {
	Level Level  `json:"level"`         // warning, critical; unknown when there is nothing to judge by
	Code  string `json:"code"`          // which of the states below
	Job   string `json:"job,omitempty"` // whose, where it is a job's
	Text  string `json:"text"`          // a sentence
}

// Codes are the states that aren't in order, each with its level. The README explains them.
var Codes = []struct {
	Code  string
	Level Level
}{
	{"no-status", Unknown},
	{"stopped", Critical},
	{"stale-heartbeat", Critical},
	{"database-down", Critical},
	{"nothing-loaded", Critical},
	{"store-failing", Critical},
	{"disk-low", Critical},
	{"run-interrupted", Critical},
	{"run-stuck", Critical},
	{"delivery-failed", Critical},
	{"reload-refused", Warning},
	{"job-held", Warning},
	{"job-gone", Warning},
	{"files-kept", Warning},
	{"file-late", Warning},
	{"delivery-late", Warning},
}

// judgement collects findings.
type judgement struct {
	now      time.Time
	findings []Finding
}

// Judge tells what is wrong at the moment now, the worst first.
func Judge(s Snapshot, now time.Time) []Finding {
	j := judgement{now: now}
	if !j.alive(s.Daemon) {
		return j.findings // what it said before it ended doesn't tell how things are now
	}
	j.surroundings(s.Daemon)
	j.failing(s)
	j.runs(s)
	for _, job := range s.Jobs {
		j.job(job)
	}
	slices.SortStableFunc(j.findings, func(a, b Finding) int { return cmp.Compare(b.Level, a.Level) })
	return j.findings
}

// CannotTell is the finding when the files can't be read.
func CannotTell(err error) []Finding { return []Finding{{Unknown, "no-status", "", err.Error()}} }

func (j *judgement) add(code, job, text string, args ...any) {
	i := slices.IndexFunc(Codes, func(c struct {
		Code  string
		Level Level
	}) bool {
		return c.Code == code
	})
	j.findings = append(j.findings, Finding{Codes[i].Level, code, job, fmt.Sprintf(text, args...)})
}

// alive tells whether somebody writes the files. A heartbeat that lies ahead of the clock by more than it may lag behind is no better than an old one.
func (j *judgement) alive(d Daemon) bool {
	age, most := j.now.Sub(d.Heartbeat), time.Duration(d.StaleAfter)*time.Second
	switch {
	case !d.Stopped.IsZero():
		j.add("stopped", "", "chute was stopped at %s", stamp(d.Stopped))
	case age > most:
		j.add("stale-heartbeat", "", "the last heartbeat is %v old: chute is dead or hangs (process %d)", age.Round(time.Second), d.Process)
	case age < -most:
		j.add("stale-heartbeat", "", "the last heartbeat lies %v ahead: a clock was set back", (-age).Round(time.Second))
	default:
		return true
	}
	return false
}

func (j *judgement) surroundings(d Daemon) {
	if !d.Database.Up && !d.Database.Since.IsZero() {
		j.add("database-down", "", "the database is down since %s: %s", stamp(d.Database.Since), d.Database.Reason)
	}
	full := slices.ContainsFunc(d.Disks, func(k Disk) bool { return k.Known && k.Below && k.Place == "state" }) // that is a finding of its own
	if b := d.Blocked; b.Reason != "" && d.Database.Up && !full {
		j.add("nothing-loaded", "", "no file can be loaded since %s, all wait in their inboxes: %s", stamp(b.Since), b.Reason)
	}
	if c := d.Configuration; !c.Refused.IsZero() {
		j.add("reload-refused", "", "the configuration was refused at %s, that of %s stays in effect: %s", stamp(c.Refused), stamp(c.Loaded), c.Problem)
	}
	for _, k := range d.Disks {
		if k.Lost != "" {
			j.add("store-failing", "", "store %s can't be used: %s", k.Place, k.Lost)
		}
		if k.Known && k.Below {
			j.add("disk-low", "", "%s (%s) has %d MiB left, less than limits.min_free = %d MiB: no new files are claimed", k.Path, k.Place, k.Free>>20, k.MinFree>>20)
		}
	}
}

// runs are counted over all jobs, also those that are gone.
func (j *judgement) runs(s Snapshot) {
	if n := s.Daemon.Queue.Interrupted; n > 0 {
		j.add("run-interrupted", "", "%s: a person has to decide%s", count(n, "run is interrupted", "runs are interrupted"), named(s.Jobs, "interrupted"))
	}
	if n := s.Daemon.Queue.Stuck; n > 0 {
		j.add("run-stuck", "", "%s after too many errors%s", count(n, "run is stuck", "runs are stuck"), named(s.Jobs, "stuck"))
	}
}

// named names the first run of that status.
func named(jobs []Job, status string) string {
	for _, job := range jobs {
		for _, run := range job.Runs {
			if run.Status == status {
				return fmt.Sprintf("; job %s, run %d, %s", job.Job, run.Run, run.File)
			}
		}
	}
	return ""
}

func (j *judgement) job(job Job) {
	j.delivery(job)
	if job.State == Held {
		j.add("job-held", job.Job, "job %s is held since %s: %s", job.Job, stamp(job.Since), job.Reason)
	}
	if job.State == Gone {
		j.add("job-gone", job.Job, "%s of job %s: %s", count(len(job.Runs)+job.RunsOut, "run waits", "runs wait"), job.Job, job.Reason)
	}
	if job.Kept != "" {
		j.add("files-kept", job.Job, "job %s can't take its files: %s", job.Job, job.Kept)
	}
	if wait := j.now.Sub(job.Oldest); job.StuckAfter > 0 && !job.Oldest.IsZero() && wait > time.Duration(job.StuckAfter)*time.Second {
		which := ""
		if i := slices.IndexFunc(job.Waiting, func(f File) bool { return !slices.Contains(atRest, f.State) }); i >= 0 {
			which = fmt.Sprintf("; %s: %s", job.Waiting[i].File, job.Waiting[i].State)
		}
		j.add("file-late", job.Job, "a file of job %s waits since %s, longer than stuck_after = %ds%s", job.Job, stamp(job.Oldest), job.StuckAfter, which)
	}
}

// atRest are the states of files that aren't late however long they are there.
var atRest = []string{"running", "not a regular file", "empty file ignored", "taken before"}

// delivery tells about an export: its last delivery has failed, or one that is due isn't made.
func (j *judgement) delivery(job Job) {
	for _, run := range job.Runs {
		if run.Status == "failed" {
			j.add("delivery-failed", job.Job, "the last delivery of job %s has failed; run %d, %s: chute show %d tells why", job.Job, run.Run, run.File, run.Run)
		}
	}
	if job.StuckAfter == 0 || job.Due.IsZero() || j.now.Sub(job.Due) <= time.Duration(job.StuckAfter)*time.Second {
		return
	}
	why := job.State
	if job.Reason != "" {
		why += ": " + job.Reason
	}
	j.add("delivery-late", job.Job, "the delivery of job %s that was due at %s isn't made, longer than stuck_after = %ds; %s", job.Job, stamp(job.Due), job.StuckAfter, why)
}

// Held is the state of a job that takes no files until it is released, and of its files that are at rest.
const Held = "held"

// Gone is the state of a job that is configured no more and has runs that wait.
const Gone = "gone"

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
