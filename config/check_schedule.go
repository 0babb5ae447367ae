package config

import (
	"path"
	"slices"
)

// exportSchedule judges when an export runs.
func (c checker) exportSchedule(e *Export) {
	scheduled, follows := c.has("schedule"), len(e.After) > 0
	if !scheduled && c.has("catch_up") {
		c.bad("catch_up", "is only used with schedule")
	}
	for _, key := range []string{"valid_from", "valid_until"} {
		if c.has(key) && !scheduled && !follows && !c.broken("after") {
			c.bad(key, "is only used with schedule or after")
		}
	}
	if from, until := e.ValidFrom, e.ValidUntil; !from.IsZero() && !until.IsZero() && until.day.Before(from.day) {
		c.bad("valid_until", "is before valid_from, which is %s", from)
	}
	for i, name := range e.After {
		if slices.Contains(e.After[:i], name) {
			c.bad("after", "%q is there twice", name)
		}
	}
}

// exportWatermark judges how it is known what is new.
func (c checker) exportWatermark(e *Export) {
	w := e.Watermark
	switch {
	case !c.has("watermark") || c.broken("watermark"):
		return
	case w.From != "" && w.Runs:
		c.bad("watermark.from", "only one of from and runs can be given")
	case w.IsZero() && !c.broken("watermark.from") && !c.broken("watermark.runs"):
		c.bad("watermark", `write from = "COLUMN", or runs = true`)
	}
	if e.Limit > 0 {
		c.bad("limit", "can't be given with watermark: the rows above it would count as delivered and never come; max_rows fails a delivery that is too large, split makes several files of it")
	}
	c.notEmpty("watermark.run_column")
	if w.Runs && c.has("watermark.lag") {
		c.bad("watermark.lag", "is only used with from")
	}
	if !w.Runs && c.has("watermark.run_column") {
		c.bad("watermark.run_column", "is only used with runs = true")
	}
}

// follows reports names in after that aren't imports of this installation, and exports that deliver into the inbox of an import that they follow: what one
// delivers the other would load, without end.
func (l *loader) follows(exports []loadedExport, jobs []loadedJob) {
	for _, e := range exports {
		check := checker{e.tree, &l.problems}
		for _, name := range e.export.After {
			if !slices.Contains(l.names, name) {
				check.bad("after", "there is no job %q%s", name, Meant(name, l.names))
			} else if slices.ContainsFunc(exports, func(other loadedExport) bool { return other.export.Name == name }) {
				check.bad("after", "%q is an export itself: only imports can be followed", name)
			} else if slices.ContainsFunc(jobs, func(j loadedJob) bool { return j.job.Name == name && e.export.feeds(j.job) }) {
				check.bad("outbox", "is or may be the inbox of %q, which this export follows: what is delivered would be loaded, and that delivered, without end", name)
			}
		}
	}
}

// feeds tells whether files of the export may come into the inbox of a job.
func (e *Export) feeds(j *Job) bool {
	outbox, inbox := e.Outbox.segments(), split(path.Clean(j.Inbox))
	return e.Store == j.Store && len(outbox) == len(inbox) && overlapping(outbox, inbox)
}
