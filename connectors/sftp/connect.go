package sftp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"syscall"
	"time"

	client "github.com/pkg/sftp"

	"chute/connectors"
)

// connect returns the line to the server, a new one where there is none. One login serves all that wait for it; after one that failed, calls fail at
// once until it is time for the next, so that a dead server costs nobody more than one wait.
func (f *Folder) connect(ctx context.Context) (*line, error) {
	for {
		f.mu.Lock()
		switch {
		case f.closed:
			f.mu.Unlock()
			return nil, errClosed
		case f.line != nil && !f.line.ended():
			l := f.line
			f.mu.Unlock()
			return l, nil
		case f.dialing == nil && time.Now().Before(f.retryAt):
			err := f.failure
			f.mu.Unlock()
			return nil, err
		case f.dialing == nil:
			f.dialing = make(chan struct{})
			f.dialer.Go(f.dial)
		}
		over := f.dialing
		f.mu.Unlock()
		select {
		case <-over:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// dial makes a line and lets those know who wait for it.
func (f *Folder) dial() {
	ctx, cancel := context.WithTimeout(f.life, f.config.DialTimeout)
	defer cancel()
	if old := f.line; old != nil { // only dial replaces it, and there is one at a time
		old.close(errClosed)
	}
	var l *line
	s, conn, err := f.login(ctx)
	if err == nil {
		stop := context.AfterFunc(ctx, func() { conn.Close() })
		l, err = open(f, s, conn)
		stop()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	over := f.dialing
	f.dialing = nil
	defer close(over)
	if err == nil {
		f.line, f.failures, f.failure = l, 0, nil
		return
	}
	if f.life.Err() == nil && (ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded)) {
		err = fmt.Errorf("no login within %v: %w", f.config.DialTimeout, err)
	}
	f.failure = explain(f.address, err)
	f.failures++
	f.retryAt = time.Now().Add(f.backOff())
}

// backOff is how long no login is tried after the latest failure, up to a tenth more so that many daemons don't come at once.
func (f *Folder) backOff() time.Duration {
	wait := f.config.RetryMax
	if shift := f.failures - 1; errors.Is(f.failure, connectors.ErrUnavailable) && shift < 30 {
		wait = min(wait, f.config.RetryMin<<shift)
	}
	return wait + time.Duration(rand.Int64N(int64(wait/10)+1))
}

// explain marks the failures of a login that mean that the server can't be reached. Others are for the operator: waiting doesn't mend them.
func explain(address string, err error) error {
	var key *HostKeyError
	var login *LoginError
	if errors.As(err, &key) || errors.As(err, &login) {
		return err
	}
	if unreachable(err) {
		return fmt.Errorf("SFTP server %s is %w: %w", address, connectors.ErrUnavailable, err)
	}
	return fmt.Errorf("SFTP server %s: %w", address, err)
}

func unreachable(err error) bool {
	var line net.Error
	if errors.As(err, new(localError)) {
		return false
	}
	return errors.As(err, &line) || brokenOff(err) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// brokenOff tells the errors of a connection that ended. Servers that have too many logins do that to new ones.
func brokenOff(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// ask makes a request that may be made twice: when the line breaks off before its answer, it is made once more on a new one. A server that doesn't
// answer isn't asked again.
func (f *Folder) ask(ctx context.Context, request func(*client.Client) error) error {
	for again := false; ; again = true {
		l, err := f.connect(ctx)
		if err != nil {
			return err
		}
		err = l.run(ctx, request)
		if again || !lost(err) || errors.Is(err, errSilent) || ctx.Err() != nil {
			return err
		}
	}
}

// once makes a request that may not be made twice. Whether it was done is open when the line is lost.
func (f *Folder) once(ctx context.Context, request func(*client.Client) error) error {
	l, err := f.connect(ctx)
	if err != nil {
		return err
	}
	return l.run(ctx, request)
}
