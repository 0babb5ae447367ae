package watcher

import (
	"fmt"
	"time"
)

// Snapshot tells how everything is at this moment: the folders, the jobs, and each entry with its state and reason. Entries come in no
// particular order. It may be called at any time; before Run it is empty.
func (w *Watcher) Snapshot() Snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	var s Snapshot
	if w.gate == nil {
		return s
	}
	s.NotReady = w.gate.problem()
	for _, in := range w.inboxes {
		in.snapshot(&s)
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
		places = append(places, in.asPlace())
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

func (in *inbox) snapshot(s *Snapshot) {
	in.mu.Lock()
	defer in.mu.Unlock()
	now := in.clock.now()
	s.Inboxes = append(s.Inboxes, in.asPlace())

	ahead := make(map[*entry]int)
	for _, t := range in.takers {
		for i, e := range t.queue.waiting() {
			ahead[e] = i
		}
		s.Jobs = append(s.Jobs, t.activity())
	}
	for _, e := range in.entries {
		waiting := in.waiting(e, e.stateSince)
		waiting.Reason = e.explain(now, in.clock, ahead)
		s.Waiting = append(s.Waiting, waiting)
	}
	for name, o := range in.others {
		s.Waiting = append(s.Waiting, Waiting{
			Store: in.store, Inbox: in.dir, Name: name, State: o.state, Reason: o.reason(name), Since: in.clock.wall(o.since),
		})
	}
	for _, r := range in.running {
		waiting := in.waiting(r.entry, r.since)
		waiting.Reason = r.reason()
		s.Waiting = append(s.Waiting, waiting)
	}
}

func (in *inbox) waiting(e *entry, since moment) Waiting {
	w := Waiting{Store: in.store, Inbox: in.dir, Name: e.file.Name, Size: e.file.Size, State: e.state, Since: in.clock.wall(since)}
	if e.taker != nil {
		w.Job = e.taker.name
	}
	return w
}

// activity tells how the job is doing. inbox.mu is held.
func (t *taker) activity() Activity {
	a := Activity{Job: t.name, Queued: len(t.queue.waiting()), Running: t.resuming, Begun: append([]uint64(nil), t.runs...), NotReady: t.own.problem()}
	for _, r := range t.inbox.running {
		if r.taker == t {
			a.Running++
		}
	}
	if t.problem != nil {
		a.Problem, a.Until = t.problem.Error(), t.inbox.clock.wall(t.until)
	}
	return a
}

// explain is the reason with what changes by itself: how long still, behind how many, after which error.
func (e *entry) explain(now moment, clock clock, ahead map[*entry]int) string {
	switch e.state {
	case Settling:
		return fmt.Sprintf("unchanged for %v, to rest for %v", (now - e.since).Round(time.Second), e.restNeeded())
	case BeingWritten, Unfinished:
		return fmt.Sprintf("%s; next try at %s", e.reason(), clock.wall(e.takeableAt()).Format(time.RFC3339))
	case Unreadable, Retrying:
		return fmt.Sprintf("after the error: %s; next try at %s", e.reason(), clock.wall(e.takeableAt()).Format(time.RFC3339))
	case Queued:
		return e.explainQueued(now, clock, ahead)
	}
	return e.reason()
}

// explainQueued says what a file at rest still waits for.
func (e *entry) explainQueued(now moment, clock clock, ahead map[*entry]int) string {
	t := e.taker
	n, queued := ahead[e]
	notReady := t.notReady()
	switch {
	case t.problem != nil && t.until > now:
		return fmt.Sprintf("the job pauses until %s after the error: %v", clock.wall(t.until).Format(time.RFC3339), t.problem)
	case notReady != "":
		return "no new files are claimed: " + notReady
	case queued && n > 0:
		return fmt.Sprintf("queued behind %d files", n)
	case len(t.runs) > 0 || t.resuming > 0:
		return "queued behind runs of the job that were begun earlier"
	}
	return "next in the queue"
}
