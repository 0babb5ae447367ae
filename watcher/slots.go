package watcher

import (
	"context"
	"slices"
	"sync"
)

// slots bounds how many calls run at a time. Whoever waits with the highest priority is next; among equals, who waits longest.
type slots struct {
	mu      sync.Mutex
	free    int
	waiting []*waiter // highest priority first, then oldest
}

type waiter struct {
	priority int
	granted  chan struct{} // closed when the slot is given; set under slots.mu
}

// acquire returns nil with a slot that must be released, or ctx's error without one.
func (s *slots) acquire(ctx context.Context, priority int) error {
	s.mu.Lock()
	if s.free > 0 && len(s.waiting) == 0 && ctx.Err() == nil {
		s.free--
		s.mu.Unlock()
		return nil
	}
	w := &waiter{priority, make(chan struct{})}
	at, _ := slices.BinarySearchFunc(s.waiting, priority, func(other *waiter, priority int) int {
		if other.priority >= priority {
			return -1
		}
		return 1
	})
	s.waiting = slices.Insert(s.waiting, at, w)
	s.mu.Unlock()

	select {
	case <-w.granted:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := slices.Index(s.waiting, w); at >= 0 {
		s.waiting = slices.Delete(s.waiting, at, at+1)
	} else { // granted at the same moment: pass it on
		s.give()
	}
	return ctx.Err()
}

func (s *slots) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.give()
}

// give hands a slot to the first who waits. s.mu is held.
func (s *slots) give() {
	if len(s.waiting) == 0 {
		s.free++
		return
	}
	close(s.waiting[0].granted)
	s.waiting = slices.Delete(s.waiting, 0, 1)
}
