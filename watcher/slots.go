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
	holders []string  // jobs that have one
}

type waiter struct {
	priority int
	job      string
	granted  chan struct{} // closed when the slot is given; set under slots.mu
}

// acquire returns nil with a slot for the job that must be released, or ctx's error without one.
func (s *slots) acquire(ctx context.Context, job string, priority int) error {
	s.mu.Lock()
	if s.free > 0 && len(s.waiting) == 0 && ctx.Err() == nil {
		s.free--
		s.holders = append(s.holders, job)
		s.mu.Unlock()
		return nil
	}
	w := &waiter{priority, job, make(chan struct{})}
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
		s.give(job)
	}
	return ctx.Err()
}

func (s *slots) release(job string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.give(job)
}

// taken tells whose the slots are while somebody of that name waits for one.
func (s *slots) taken(job string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.ContainsFunc(s.waiting, func(w *waiter) bool { return w.job == job }) {
		return nil
	}
	return slices.Sorted(slices.Values(s.holders))
}

// give hands a job's slot to the first who waits. s.mu is held.
func (s *slots) give(from string) {
	at := slices.Index(s.holders, from)
	s.holders = slices.Delete(s.holders, at, at+1)
	if len(s.waiting) == 0 {
		s.free++
		return
	}
	s.holders = append(s.holders, s.waiting[0].job)
	close(s.waiting[0].granted)
	s.waiting = slices.Delete(s.waiting, 0, 1)
}
