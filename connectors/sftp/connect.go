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
func (s *server) connect(ctx context.Context) (*line, error) {
	for {
		s.mu.Lock()
		switch {
		case s.closed:
			s.mu.Unlock()
			return nil, errClosed
		case s.line != nil && !s.line.ended():
			l := s.line
			s.mu.Unlock()
			return l, nil
		case s.dialing == nil && time.Now().Before(s.retryAt):
			err := s.failure
			s.mu.Unlock()
			return nil, err
		case s.dialing == nil:
			s.dialing = make(chan struct{})
			s.dialer.Go(s.dial)
		}
		over := s.dialing
		s.mu.Unlock()
		select {
		case <-over:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// dial makes a line and lets those know who wait for it.
func (s *server) dial() {
	ctx, cancel := context.WithTimeout(s.life, s.config.DialTimeout)
	defer cancel()
	if old := s.line; old != nil { // only dial replaces it, and there is one at a time
		old.close(errClosed)
	}
	var l *line
	session, conn, err := s.login(ctx)
	if err == nil {
		stop := context.AfterFunc(ctx, func() { conn.Close() })
		l, err = open(s, session, conn)
		stop()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	over := s.dialing
	s.dialing = nil
	defer close(over)
	if err == nil {
		s.line, s.failures, s.failure = l, 0, nil
		return
	}
	if s.life.Err() == nil && (ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded)) {
		err = fmt.Errorf("no login within %v: %w", s.config.DialTimeout, err)
	}
	s.failure = explain(s.address, err)
	s.failures++
	s.retryAt = time.Now().Add(s.backOff())
}

// backOff is how long no login is tried after the latest failure, up to a tenth more so that many daemons don't come at once.
func (s *server) backOff() time.Duration {
	wait := s.config.RetryMax
	soon := errors.Is(s.failure, connectors.ErrUnavailable) || errors.As(s.failure, new(*LocalError))
	if shift := s.failures - 1; soon && shift < 30 {
		wait = min(wait, s.config.RetryMin<<shift)
	}
	return wait + time.Duration(rand.Int64N(int64(wait/10)+1))
}

// explain marks the failures of a login that mean that the server can't be reached. Others are for the operator: waiting doesn't mend them.
func explain(address string, err error) error {
	if errors.As(err, new(*HostKeyError)) || errors.As(err, new(*LoginError)) || errors.As(err, new(*LocalError)) {
		return err
	}
	if unreachable(err) {
		return fmt.Errorf("SFTP server %s is %w: %w", address, connectors.ErrUnavailable, err)
	}
	return fmt.Errorf("SFTP server %s: %w", address, err)
}

func unreachable(err error) bool {
	var line net.Error
	return errors.As(err, &line) || brokenOff(err) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// brokenOff tells the errors of a connection that ended. Servers that have too many logins do that to new ones.
func brokenOff(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// connect returns the connection's line, as long as the folder isn't closed.
func (f *Folder) connect(ctx context.Context) (*line, error) {
	if f.closed.Load() {
		return nil, errClosed
	}
	return f.server.connect(ctx)
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

// within does an operation of several requests, which has as long as one of them may take: a server that answers each of them late isn't waited for for ever.
// Whether it was done is open then, as with a lost answer.
func (f *Folder) within(ctx context.Context, do func(ctx context.Context) error) error {
	late := fmt.Errorf("%w: not done within %v", errSlow, f.longest)
	ctx, cancel := context.WithTimeoutCause(ctx, f.longest, late)
	defer cancel()
	err := do(ctx)
	if errors.Is(err, late) && !lost(err) {
		return &lostError{f.address, late}
	}
	return err
}

// once makes a request that may not be made twice. Whether it was done is open when the line is lost.
func (f *Folder) once(ctx context.Context, request func(*client.Client) error) error {
	l, err := f.connect(ctx)
	if err != nil {
		return err
	}
	return l.run(ctx, request)
}
