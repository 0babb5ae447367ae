package watcher

import "slices"

// Turn is what a Ready says that has nothing to worry about: others come first.
type Turn string

func (t Turn) Error() string { return string(t) }

// mostPending are how many files Pending names.
const mostPending = 3

// Pending tells how many files of a job wait to be taken or are handed over, with the runs that it has to go on with, and the first names of those that aren't runs
// yet. known is false as long as its inbox can't be looked at: then nobody can say.
func (w *Watcher) Pending(job string) (files int, names []string, known bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.IndexFunc(w.takers, func(t *taker) bool { return t.name == job })
	if i < 0 {
		return 0, nil, false
	}
	t := w.takers[i]
	in := t.inbox
	in.mu.Lock()
	defer in.mu.Unlock()
	files = len(t.begun()) + t.resuming
	if t.before != nil {
		files++
	}
	add := func(name string) {
		files++
		if at, _ := slices.BinarySearch(names, name); at < mostPending {
			names = slices.Insert(names, at, name)
			names = names[:min(len(names), mostPending)]
		}
	}
	for name, e := range in.entries {
		if e.taker == t && !e.unmatched && e.state.waits() {
			add(name)
		}
	}
	for name, r := range in.running {
		if r.taker == t {
			add(name)
		}
	}
	return files, names, in.count > 0 && in.failures == 0
}

// waits tells whether a file in this state is going to be taken, or would be if a person mended something.
func (s State) waits() bool {
	switch s {
	case Settling, Linked, BeingWritten, Unfinished, Unreadable, Retrying, Queued:
		return true
	}
	return false
}

// wakeFollowers has the jobs asked again that wait for one of which something is over.
func (w *Watcher) wakeFollowers(job string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range w.takers {
		if slices.Contains(t.job.Config.After, job) {
			t.own.askAgain()
			raise(t.ready)
		}
	}
}
