package watcher

import (
	"fmt"
	"time"

	"chute/config"
	"chute/connectors"
)

// entry is what is remembered of one name in an inbox that a job wants, or that one puts away because nobody wants it. There may be a hundred thousand of them, so it is small.
type entry struct {
	sight
	seen       moment // first look that showed the name
	stateSince moment
	notBefore  moment // not to be taken earlier, after it couldn't be
	taker      *taker // whose job wants it, or puts it away
	detail     string // of hold: an error's text
	sequence   string // the number in its name, where the job goes by that
	count      uint32 // the last look that showed it
	tries      uint16 // times it was left in the inbox by a Later
	hold       State  // what came of trying to take it, or 0
	state      State
	unfinished bool // a text that was seen without a final line end
	unmatched  bool // no job's pattern matches: it is to be rejected
}

// firstSight is the entry for a name that wasn't there before, or nil where nobody has to do with it any more. in.mu is held.
func (in *inbox) firstSight(f connectors.File, look span) *entry {
	e := &entry{sight: sight{f, look.ended}, seen: look.ended}
	if !in.assign(e) {
		return nil
	}
	return e
}

// assign gives an entry to whom its name says, and tells whether there is anybody. in.mu is held.
func (in *inbox) assign(e *entry) bool {
	t, named := in.byName(e.file.Name)
	e.taker, e.unmatched, e.sequence = t, false, ""
	if t == nil && named == Unmatched {
		e.taker, e.unmatched = in.collector(e.file.Name), true
	}
	if t != nil {
		e.sequence = t.job.Config.Sequence(e.file.Name)
	}
	return e.taker != nil
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
	job := e.taker.job.Config
	need := restNeeded(time.Duration(job.Settle), e.file.Size, e.unfinished)
	if e.unmatched {
		need = max(need, time.Duration(job.UnmatchedAfter))
	}
	return need
}

// judge says in which state a look leaves an entry.
func (e *entry) judge(look span) State {
	switch {
	case !e.file.Regular():
		return Irregular
	case e.unmatched && e.hold == 0 && !e.rested(look, e.restNeeded()):
		return Unmatched
	case e.file.Links > 1:
		return Linked
	case e.file.Size == 0 && e.taker.job.Config.Empty == "ignore" && !e.unmatched:
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
	case Settling, Unmatched, BeingWritten, Unfinished, Unreadable, Retrying, Queued:
		return max(e.since+e.restNeeded(), e.notBefore)
	}
	return never
}

// owner is whose file it is; nil for one that nobody wants, until it is handed over. in.mu is held.
func (e *entry) owner() *taker {
	if e.unmatched && e.state != Running {
		return nil
	}
	return e.taker
}

// next says what is going to happen to the entry.
func (e *entry) next() string {
	switch {
	case e.unmatched && e.state == Unmatched:
		return fmt.Sprintf("it is rejected when it has stayed unchanged for %v, unless a job matches it by then", config.Duration(e.restNeeded()))
	case e.unmatched && e.state == Queued:
		return "it is rejected when its turn comes"
	}
	return e.state.next()
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
