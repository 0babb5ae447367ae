package config

import "slices"

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

// follows reports names in after that aren't imports of this installation.
func (l *loader) follows(exports []loadedExport) {
	for _, e := range exports {
		check := checker{e.tree, &l.problems}
		for _, name := range e.export.After {
			if !slices.Contains(l.names, name) {
				check.bad("after", "there is no job %q%s", name, l.meant(name, l.names))
			} else if slices.ContainsFunc(exports, func(other loadedExport) bool { return other.export.Name == name }) {
				check.bad("after", "%q is an export itself: only imports can be followed", name)
			}
		}
	}
}
