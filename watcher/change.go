package watcher

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

// Change ends watching for the jobs of the names in remove, and begins with others, while Run is running. A call of Handle or Resume that is under way goes on
// to its end with the job that it was given. A name may be in both: the new job takes its first file when the old one's call is through, and goes on
// with the runs that Unsettled names. What is known of the files in an inbox stays known. left is closed when nothing uses the folders of the
// jobs that were removed any more.
func (w *Watcher) Change(remove []string, add []Job) (left <-chan struct{}, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.spawn == nil {
		return nil, errors.New("nothing is watched at the moment")
	}
	after := slices.Clone(add)
	for _, t := range w.takers {
		if !slices.Contains(remove, t.name) {
			after = append(after, t.job)
		}
	}
	if err := sound(after); err != nil {
		return nil, err
	}
	gone := w.dismiss(remove)
	var came []*taker
	for _, job := range add {
		t := w.join(job)
		t.late = true
		came = append(came, t)
	}
	ends := w.rearrange(came, gone)
	for _, t := range came {
		w.employ(t)
	}
	done := make(chan struct{})
	w.spawn(func(context.Context) {
		defer close(done)
		for _, ended := range ends {
			<-ended
		}
	})
	return done, nil
}

// dismiss takes the takers of those names off. w.mu is held.
func (w *Watcher) dismiss(names []string) (gone []*taker) {
	var stay []*taker
	for _, t := range w.takers {
		if !slices.Contains(names, t.name) {
			stay = append(stay, t)
			continue
		}
		gone = append(gone, t)
		in := t.inbox
		in.mu.Lock()
		close(t.left)
		in.takers = slices.DeleteFunc(slices.Clone(in.takers), func(u *taker) bool { return u == t })
		in.leaving = append(in.leaving, t)
		in.mu.Unlock()
	}
	w.takers = stay
	return gone
}

// dismissed tells whether the taker may take nothing any more.
func (t *taker) dismissed() bool {
	select {
	case <-t.left:
		return true
	default:
		return false
	}
}

// rearrange brings the inboxes in order after takers came and went. It returns what is closed when nothing that went is at work any more. w.mu is held.
func (w *Watcher) rearrange(came, gone []*taker) (ends []chan struct{}) {
	for _, t := range gone {
		ends = append(ends, t.ended)
	}
	for _, in := range w.inboxes {
		if !slices.ContainsFunc(slices.Concat(came, gone), func(t *taker) bool { return t.inbox == in }) {
			continue
		}
		in.arrange(w.rescan())
		if !in.watched {
			w.watch(in)
			continue
		}
		in.reassign()
		if len(in.takers) == 0 {
			in.abandoned = true
			close(in.left)
			ends = append(ends, in.ended)
		}
		in.Look()
	}
	return ends
}

// arrange puts the takers into the order in which they choose, and takes over how often they want looks: the shortest time of those that share the inbox
// holds, and the longest where none of them says anything.
func (in *inbox) arrange(rescan time.Duration) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.takers = slices.SortedFunc(slices.Values(in.takers), func(a, b *taker) int {
		return cmp.Or(cmp.Compare(b.job.Config.Priority, a.job.Config.Priority), cmp.Compare(a.name, b.name))
	})
	in.rescan = never
	for _, t := range in.takers {
		if every := time.Duration(t.job.Config.Poll); every > 0 {
			in.rescan = min(in.rescan, every)
		}
	}
	if in.rescan == never {
		in.rescan = rescan
	}
}

// reassign gives the entries to those who want them now. Those of nobody are found anew by the next look, which fills the queues too.
func (in *inbox) reassign() {
	in.mu.Lock()
	defer in.mu.Unlock()
	for name, e := range in.entries {
		if !in.assign(e) {
			delete(in.entries, name)
		}
	}
	for name, o := range in.others {
		if t, named := in.byName(name); t != nil || named != o.named || o.collected != in.collects(name, named) {
			delete(in.others, name)
		}
	}
	for _, r := range in.running {
		if t := in.successor(r.taker); t != nil {
			r.taker = t
		}
	}
	in.leaving = slices.DeleteFunc(slices.Clone(in.leaving), func(t *taker) bool { return in.successor(t) != nil })
	for _, t := range in.takers {
		t.queue.reset()
	}
}

// successor is who has the job of a dismissed taker in this inbox now, or nil. in.mu is held.
func (in *inbox) successor(of *taker) *taker {
	i := slices.IndexFunc(in.takers, func(t *taker) bool { return t.name == of.name })
	if i < 0 || in.takers[i] == of {
		return nil
	}
	return in.takers[i]
}

// forget takes out what is left of a taker that has ended, and its inbox when it was the last one there.
func (w *Watcher) forget(t *taker) {
	w.mu.Lock()
	defer w.mu.Unlock()
	in := t.inbox
	in.mu.Lock()
	defer in.mu.Unlock()
	in.leaving = slices.DeleteFunc(slices.Clone(in.leaving), func(u *taker) bool { return u == t })
	if w.last[t.name] == t {
		delete(w.last, t.name)
	}
	if len(in.takers) == 0 && len(in.leaving) == 0 {
		w.inboxes = slices.DeleteFunc(slices.Clone(w.inboxes), func(other *inbox) bool { return other == in })
	}
}

// succeed waits until nobody has the job any more, and finds out with which of its runs it has to go on.
func (t *taker) succeed(own context.Context) {
	if t.before != nil {
		<-t.before.ended
		t.inbox.mu.Lock()
		t.before = nil
		t.inbox.mu.Unlock()
	}
	for told := false; t.late && t.job.Unsettled != nil && own.Err() == nil; told = true {
		runs, err := t.job.Unsettled(own)
		if err == nil {
			t.inbox.mu.Lock()
			t.runs = append(t.runs, runs...)
			t.inbox.mu.Unlock()
			return
		}
		if !told {
			t.log.Warn().Err(err).Msg("with which runs the job has to go on can't be told now; nothing is taken until it can")
		}
		wait(own, gateFirst, nil)
	}
}

// until is a context that ends when ctx does or the channel is closed.
func until(ctx context.Context, left <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-left:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
