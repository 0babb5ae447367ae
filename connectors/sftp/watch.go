package sftp

import (
	"context"
	"errors"
	"fmt"
	"time"

	client "github.com/pkg/sftp"
)

// request is one that waits for its answer.
type request struct {
	ctx   context.Context
	begun time.Time
	given time.Time // when its caller was first seen to have given it up; zero: it wasn't

	transfer bool      // it reads or writes a file
	since    time.Time // then: when the line was last seen to have moved enough since it began, …
	moved    int64     // … and what it had moved by then
}

var (
	errSilent = errors.New("no answer")
	errSlow   = errors.New("too slow")
)

// leastRate is how many bytes of files a line has to move in a second, as long as somebody waits for some: a server that sends one now and then isn't silent, and
// would hold what waits for it for ever.
const leastRate = 1 << 10

// watch ends the line when an answer doesn't come.
func (l *line) watch() {
	tick := time.NewTicker(max(time.Millisecond, min(l.timeout/16, l.patience/8)))
	defer tick.Stop()
	for {
		select {
		case <-l.gone:
			return
		case now := <-tick.C:
			if err := l.overdue(now); err != nil {
				l.end(err)
				return
			}
		}
	}
}

func (l *line) overdue(now time.Time) error {
	heard := time.Unix(0, l.heard.Load())
	l.mu.Lock()
	defer l.mu.Unlock()
	for r := range l.waiting {
		quiet := now.Sub(r.begun)
		if heard.After(r.begun) {
			quiet = now.Sub(heard)
		}
		switch {
		case quiet > l.timeout:
			return fmt.Errorf("%w for %v", errSilent, l.timeout)
		case r.transfer && !l.fastEnough(r, now):
			return fmt.Errorf("%w: less than %d bytes a second of a file for %v", errSlow, leastRate, l.timeout)
		case now.Sub(r.begun) > l.longest:
			return fmt.Errorf("%w to one request for %v", errSilent, l.longest)
		case r.ctx.Err() == nil:
		case r.given.IsZero():
			r.given = now
		case now.Sub(r.given) > l.patience:
			return fmt.Errorf("%w to a request that was given up", errSilent)
		}
	}
	return nil
}

// fastEnough tells whether the line has moved enough since the request began, or since it was last seen to have. What counts are all files on the line, since
// they share it. l.mu is held.
func (l *line) fastEnough(r *request, now time.Time) bool {
	moved := l.moved.Load()
	if float64(moved-r.moved) >= leastRate*l.timeout.Seconds() {
		r.since, r.moved = now, moved
	}
	return now.Sub(r.since) <= l.timeout
}

// keepAlive asks for a sign of life now and then: it keeps the line from being cut by what lies between, and finds out when it was. It is asked of the
// server's SFTP: there are servers that don't answer the requests that SSH has for this, and servers whose SSH lives on while their SFTP hangs.
func (l *line) keepAlive(every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-l.gone:
			return
		case <-tick.C:
		}
		err := l.run(context.Background(), func(c *client.Client) error { _, err := c.RealPath("."); return err })
		if lost(err) {
			return
		}
	}
}
