package watcher

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

func TestSlotsGoByPriorityThenAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slots{free: 1}
		if err := s.acquire(t.Context(), "a", 0); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var got []int
		for i, priority := range []int{1, 5, 1, 9, 5, -3} {
			go func() {
				if err := s.acquire(t.Context(), "a", priority); err != nil {
					t.Error(err)
				}
				mu.Lock()
				got = append(got, priority*10+i)
				mu.Unlock()
				s.release("a")
			}()
			synctest.Wait() // so that they come in this order
		}
		s.release("a")
		synctest.Wait()
		if want := []int{93, 51, 54, 10, 12, -25}; !slices.Equal(got, want) {
			t.Errorf("order %v, want %v", got, want)
		}
		if s.free != 1 || len(s.waiting) != 0 || len(s.holders) != 0 {
			t.Errorf("left: %d free, %d waiting", s.free, len(s.waiting))
		}
	})
}

func TestSlotIsntLostWithItsWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slots{free: 1}
		if err := s.acquire(t.Context(), "a", 0); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- s.acquire(ctx, "b", 0) }()
			synctest.Wait()
			cancel() // chosen before the slot is given; who gets the lock first is open
			s.release("a")
			if err := <-ended; err == nil {
				s.release("b")
			}
			if err := s.acquire(t.Context(), "a", 0); err != nil {
				t.Fatal(err)
			}
		}
		s.release("a")
		if s.free != 1 {
			t.Errorf("%d free slots, want 1", s.free)
		}
	})
}
