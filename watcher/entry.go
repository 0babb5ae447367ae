package watcher

import (
	"time"

	"chute/connectors"
)

// entry is what is remembered of one name in an inbox that a job wants. There may be a hundred thousand of them, so it is small.
type entry struct {
	sight
	seen       moment // first look that showed the name
	stateSince moment
	notBefore  moment // not to be taken earlier, after it couldn't be
	taker      *taker // whose job wants it
	detail     string // of hold: an error's text
	count      uint32 // the last look that showed it
	tries      uint16 // times it was left in the inbox by a Later
	hold       State  // what came of trying to take it, or 0
	state      State
	unfinished bool // a text that was seen without a final line end
}

// firstSight is the entry for a name that wasn't there before. in.mu is held.
func (in *inbox) firstSight(f connectors.File, look span) *entry {
	t, _ := in.byName(f.Name)
	return &entry{sight: sight{f, look.ended}, seen: look.ended, taker: t}
}

// see takes down one more look. A file that changed is a new one: what was tried with it counts no more.
func (e *entry) see(f connectors.File, look span) {
	before := e.sight
	e.sight = before.next(f, look)
	if e.since != before.since {
		e.hold, e.tries, e.notBefore, e.unfinished = 0, 0, 0, false
	}
}

// restNeeded is how long this file has to be at rest.
func (e *entry) restNeeded() time.Duration {
	return restNeeded(time.Duration(e.taker.job.Config.Settle), e.file.Size, e.unfinished)
}

// judge says in which state a look leaves an entry.
func (e *entry) judge(look span) State {
	switch {
	case !e.file.Regular():
		return Irregular
	case e.file.Links > 1:
		return Linked
	case e.file.Size == 0 && e.taker.job.Config.Empty == "ignore":
		return Ignored
	case e.hold != 0:
		return e.hold
	case !e.rested(look, e.restNeeded()):
		return Settling
	}
	return Queued
}

// takeableAt is when an entry in its state may be taken, if nothing changes: never for those that first have to change.
func (e *entry) takeableAt() moment {
	switch e.state {
	case Settling, BeingWritten, Unfinished, Unreadable, Retrying, Queued:
		return max(e.since+e.restNeeded(), e.notBefore)
	}
	return never
}

// reason is one sentence about why the entry is in its state, the parts that change by themselves left out.
func (e *entry) reason() string {
	switch {
	case e.state == Irregular:
		return irregularReason(e.file.Mode)
	case e.detail != "" && e.state == e.hold:
		return e.detail
	}
	return e.state.reason()
}
