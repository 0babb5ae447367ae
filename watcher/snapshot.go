package watcher

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"chute/connectors"
)

// Snapshot tells how everything is at this moment: the folders, the jobs, and each entry with its state and reason. Entries come in no
// particular order. It may be called at any time; before Run it is empty.
func (w *Watcher) Snapshot() Snapshot { return w.Summary(math.MaxInt) }

// Summary is a Snapshot of bounded size: all entries are counted, and those are named that have been there longest, up to most of each job and up to
// most of each inbox that no job wants. As long as nothing happens it names the same ones.
func (w *Watcher) Summary(most int) Snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	var s Snapshot
	if w.gate == nil {
		return s
	}
	s.NotReady = w.gate.problem()
	for _, in := range w.inboxes {
		in.snapshot(&s, most)
	}
	return s
}

// Places is the part of a Snapshot that costs nothing, however many files wait: how the inboxes are doing.
func (w *Watcher) Places() []Place {
	w.mu.Lock()
	defer w.mu.Unlock()
	var places []Place
	for _, in := range w.inboxes {
		in.mu.Lock()
		if len(in.takers) > 0 {
			places = append(places, in.asPlace())
		}
		in.mu.Unlock()
	}
	return places
}

// asPlace tells how the inbox is doing. in.mu is held.
func (in *inbox) asPlace() Place {
	p := Place{Store: in.store, Inbox: in.dir, Entries: len(in.entries) + len(in.others), Took: in.took}
	if in.looked > 0 || in.count > 0 {
		p.Looked = in.clock.wall(in.looked)
	}
	if in.problem != nil {
		p.Problem, p.Since = in.problem.Error(), in.clock.wall(in.problemSince)
	}
	return p
}

func (in *inbox) snapshot(s *Snapshot, most int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	now := in.clock.now()
	if len(in.takers) > 0 {
		s.Inboxes = append(s.Inboxes, in.asPlace())
	}
	ahead := make(map[*entry]int)
	for _, t := range append(slices.Clone(in.takers), in.leaving...) {
		for i, e := range t.queue.waiting() {
			ahead[e] = i
		}
		s.Jobs = append(s.Jobs, t.activity())
	}
	for _, t := range in.tallies(most) {
		s.Tallies = append(s.Tallies, in.asTally(t))
		for _, c := range t.longest.all() {
			s.Waiting = append(s.Waiting, in.asWaiting(c, now, ahead))
		}
	}
}

// asWaiting tells about one entry. in.mu is held.
func (in *inbox) asWaiting(c candidate, now moment, ahead map[*entry]int) Waiting {
	if c.other != nil {
		o := c.other
		return Waiting{
			Store: in.store, Inbox: in.dir, Name: c.name, State: o.state, Reason: o.reason(c.name), Next: o.state.next(),
			Since: in.clock.wall(o.since), Seen: in.clock.wall(o.since),
		}
	}
	w := in.waiting(c.entry, c.since)
	w.Reason, w.Next, w.At = c.entry.explain(now, in.clock, ahead), c.entry.next(), c.entry.at(now, in.clock)
	if in.problem != nil && w.State != Running {
		w.Reason = fmt.Sprintf("the inbox can't be looked at since %s: %s", in.clock.wall(in.problemSince).UTC().Format(time.RFC3339), connectors.Told(in.problem))
		w.Next, w.At = "nothing is taken until the inbox can be looked at again", time.Time{}
	}
	return w
}

func (in *inbox) waiting(e *entry, since moment) Waiting {
	w := Waiting{Store: in.store, Inbox: in.dir, Name: e.file.Name, Size: e.file.Size, State: e.state, Since: in.clock.wall(since), Seen: in.clock.wall(e.seen)}
	if owner := e.owner(); owner != nil {
		w.Job = owner.name
	}
	return w
}

// activity tells how the job is doing. inbox.mu is held.
func (t *taker) activity() Activity {
	a := Activity{Job: t.name, Queued: len(t.queue.waiting()), Running: t.resuming, Begun: t.begun(), NotReady: t.own.problem()}
	for _, r := range t.inbox.running {
		if r.taker == t {
			a.Running++
		}
	}
	if b := t.before; b != nil && b.inbox == t.inbox {
		a.Running += b.resuming
	}
	if t.problem != nil {
		a.Problem, a.Until = connectors.Told(t.problem), t.inbox.clock.wall(t.until)
		a.Kept = errors.Is(t.problem, connectors.ErrUnclaimable)
	}
	return a
}

// explain is the reason with what changes by itself: how long still, behind how many, after which error.
func (e *entry) explain(now moment, clock clock, ahead map[*entry]int) string {
	switch e.state {
	case Settling:
		return fmt.Sprintf("it has to rest unchanged for %v", e.restNeeded())
	case BeingWritten, Unfinished:
		return fmt.Sprintf("%s; next try at %s", e.reason(), clock.wall(e.takeableAt()).Format(time.RFC3339))
	case Unreadable, Retrying:
		return fmt.Sprintf("after the error: %s; next try at %s", e.reason(), clock.wall(e.takeableAt()).Format(time.RFC3339))
	case Queued:
		return e.explainQueued(now, clock, ahead)
	}
	return e.reason()
}

// at is when the entry is going to be tried, if nothing changes; zero when that depends on something else.
func (e *entry) at(now moment, clock clock) time.Time {
	if e.state == Running {
		return time.Time{}
	}
	at := e.takeableAt()
	if e.state == Queued {
		at = e.taker.until // of the job's pause
	}
	if at == never || at <= now {
		return time.Time{}
	}
	return clock.wall(at)
}

// theirs says whose the slots are.
func theirs(jobs []string) string {
	if len(jobs) == 1 {
		return "runs of the job " + jobs[0] + " have it"
	}
	return "runs of the jobs " + strings.Join(jobs, ", ") + " have them"
}

// explainQueued says what a file at rest still waits for.
func (e *entry) explainQueued(now moment, clock clock, ahead map[*entry]int) string {
	t := e.taker
	n, queued := ahead[e]
	notReady, holders := t.notReady(), t.slots.taken(t.name)
	switch {
	case len(holders) > 0:
		return "no slot of limits.parallel is free: " + theirs(holders)
	case t.problem != nil && t.until > now:
		return fmt.Sprintf("the job pauses until %s after the error: %s", clock.wall(t.until).Format(time.RFC3339), connectors.Told(t.problem))
	case t.before != nil:
		return "queued behind what the job has under way with its earlier configuration"
	case len(t.runs) > 0 || t.resuming > 0: // what was said before about new files may not hold any more behind them
		return "queued behind runs of the job that were begun earlier"
	case notReady != "":
		return "no new files are claimed: " + notReady
	case queued && n > 0:
		return fmt.Sprintf("queued behind %d files", n)
	}
	return "next in the queue"
}
