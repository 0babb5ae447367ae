package watcher

import (
	"context"
	"time"
)

// moment is a point on the monotonic clock: the time since the watcher was started. A third of a time.Time in size, and
// setting the wall clock doesn't move it.
type moment = time.Duration

// never is later than every other moment.
const never = moment(1<<63 - 1)

type clock struct{ start time.Time }

func (c clock) now() moment { return time.Since(c.start) }

// wall is the moment as people read it.
func (c clock) wall(m moment) time.Time { return c.start.Add(m) }

// wait returns when d is over or the signal comes, and tells whether ctx still lasts. A nil signal never comes.
func wait(ctx context.Context, d time.Duration, signal <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-signal:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// raise sets a signal that is a channel of capacity one. Raising it again before it is seen changes nothing.
func raise(signal chan<- struct{}) {
	select {
	case signal <- struct{}{}:
	default:
	}
}
