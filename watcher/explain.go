package watcher

import (
	"context"
	"fmt"
)

// Explain tells about the entry of that name in an inbox, if the last look showed it or it is handed over.
func (w *Watcher) Explain(store, dir, name string) (Waiting, bool) {
	in := w.inboxOf(store, dir)
	if in == nil {
		return Waiting{}, false
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	c := candidate{name: name, other: in.others[name]}
	if e := in.entries[name]; e != nil {
		c.entry, c.since, c.other = e, e.stateSince, nil
	} else if r := in.running[name]; r != nil {
		c.entry, c.since, c.other = r.entry, r.since, nil
	}
	if c.entry == nil && c.other == nil {
		return Waiting{}, false
	}
	ahead := make(map[*entry]int)
	if c.entry != nil {
		for i, e := range c.entry.taker.queue.waiting() {
			ahead[e] = i
		}
	}
	return in.asWaiting(c, in.clock.now(), ahead), true
}

// LookOnce looks at one inbox with a Watcher that doesn't run and never will, so that Explain has something to tell. Nothing is taken.
func (w *Watcher) LookOnce(ctx context.Context, store, dir string) error {
	if err := w.prepare(); err != nil {
		return err
	}
	in := w.inboxOf(store, dir)
	if in == nil {
		return fmt.Errorf("no job has the inbox %s in store %q", dir, store)
	}
	began := in.clock.now()
	files, err := in.list(ctx)
	if err != nil {
		return err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.update(files, span{began, in.clock.now()})
	in.changes.take()
	return nil
}

func (w *Watcher) inboxOf(store, dir string) *inbox {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, in := range w.inboxes {
		if in.store == store && in.dir == dir {
			return in
		}
	}
	return nil
}
