package sftp

import (
	"sync"
	"sync/atomic"
)

// inOrder does the parts 0, 1, 2 … of something, at most width at a time and begun in this order; each worker has a number below width. After a
// failure no more are begun, and those under way are waited for. It returns the first part that failed, with its error: all parts before it
// were done. Without a failure that is the number of parts.
func inOrder(width, parts int, do func(part, worker int) error) (int, error) {
	var next atomic.Int64
	var workers sync.WaitGroup
	var mu sync.Mutex // guards first and failure
	first, failure := parts, error(nil)
	stopped := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return failure != nil
	}
	work := func(worker int) {
		for !stopped() {
			part := int(next.Add(1)) - 1
			if part >= parts {
				return
			}
			if err := do(part, worker); err != nil {
				mu.Lock()
				if part < first {
					first, failure = part, err
				}
				mu.Unlock()
				return
			}
		}
	}
	for worker := 1; worker < min(width, parts); worker++ {
		workers.Go(func() { work(worker) })
	}
	work(0)
	workers.Wait()
	return first, failure
}
