package sftp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"sync"
	"sync/atomic"
	"time"

	client "github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"chute/connectors"
)

// line is one connection to the server, from its login to its end. It is safe for concurrent use. Whatever breaks it, or an answer that doesn't come,
// ends it for all requests at once: the protocol can't take a request back, and a late answer must not be taken for another's.
type line struct {
	address  string
	version  string // what the server calls itself
	conn     net.Conn
	ssh      *ssh.Client
	sftp     *client.Client
	packet   int // how much one request reads or writes
	timeout  time.Duration
	longest  time.Duration // how long a request may take of a server that goes on answering others
	listing  int64         // bytes that a listing may take
	patience time.Duration // how long a request may go on whose caller has given up: then the line is given up for it

	heard atomic.Int64  // when something came from the server's SFTP, in ns since 1970
	moved atomic.Int64  // bytes of files that came, or that the server has
	gone  chan struct{} // closed when the line has ended
	once  sync.Once
	cause error // why it ended; set before gone is closed

	mu      sync.Mutex
	waiting map[*request]struct{}

	goroutines sync.WaitGroup
}

var errClosed = errors.New("the store was closed")

// lostError is the end of a line, for one request: whether it was done isn't known.
type lostError struct {
	address string
	cause   error
}

func (e *lostError) Error() string {
	return fmt.Sprintf("SFTP server %s is %v: %v", e.address, connectors.ErrUnavailable, e.cause)
}

func (e *lostError) Unwrap() []error { return []error{connectors.ErrUnavailable, e.cause} }

// lost tells whether an error is the line's and not the server's answer.
func lost(err error) bool {
	var l *lostError
	return errors.As(err, &l)
}

// open begins to use a connection after its login. It has the connection's deadline.
func open(of *server, s *ssh.Client, conn net.Conn) (*line, error) {
	l := &line{address: of.address, version: string(s.ServerVersion()), conn: conn, ssh: s, timeout: of.config.Timeout, longest: of.longest, patience: of.patience, listing: of.config.ListBytes,
		gone: make(chan struct{}), waiting: map[*request]struct{}{}}
	err := l.begin()
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		conn.Close()
		l.goroutines.Wait()
		return nil, err
	}
	l.goroutines.Go(func() { l.end(l.sftp.Wait()) })
	l.goroutines.Go(l.watch)
	l.goroutines.Go(func() { l.keepAlive(of.config.KeepAlive) })
	return l, nil
}

// begin starts the server's SFTP.
func (l *line) begin() error {
	session, err := l.ssh.NewSession()
	if err != nil {
		return shorten(err)
	}
	in, err := session.StdinPipe()
	if err != nil {
		return err
	}
	out, err := session.StdoutPipe()
	if err != nil {
		return err
	}
	said, err := session.StderrPipe()
	if err != nil {
		return err
	}
	if err := session.RequestSubsystem("sftp"); err != nil {
		return fmt.Errorf("the server has no SFTP for this user: %w", err)
	}
	l.goroutines.Go(func() { _, _ = io.Copy(io.Discard, said) }) // it stops when nobody reads it
	counted := &listings{most: l.listing, open: map[string]*listing{}}
	l.sftp, err = client.NewClientPipe(&answers{in: listener{out, &l.heard}, moved: &l.moved, listings: counted}, &requests{WriteCloser: in, listings: counted}, client.MaxPacketUnchecked(largePacket))
	if err != nil {
		return fmt.Errorf("the server's SFTP doesn't answer: %w", err)
	}
	if l.packet = packet; l.says("limits@openssh.com") {
		l.packet = largePacket
	}
	return nil
}

const (
	packet      = 32 << 10  // what every server has to be able to read or write for one request
	largePacket = 128 << 10 // what OpenSSH's is, since it tells its limits; then it takes up to 255 KiB
)

// says tells whether the server has an extension.
func (l *line) says(extension string) bool {
	_, says := l.sftp.HasExtension(extension)
	return says
}

// width is how many requests make the window that is configured.
func (l *line) width(window int) int { return max(2, window*packet/l.packet) }

// listener notes when something comes.
type listener struct {
	io.Reader
	heard *atomic.Int64
}

func (l listener) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	l.heard.Store(time.Now().UnixNano())
	return n, err
}

// run makes requests and returns their error: the server's answer, or a lostError.
func (l *line) run(ctx context.Context, act func(*client.Client) error) error {
	return l.wait(&request{ctx: ctx, begun: time.Now()}, act)
}

// transfer is run for what reads or writes a file, which has to go on at leastRate.
func (l *line) transfer(ctx context.Context, act func(*client.Client) error) error {
	now := time.Now()
	return l.wait(&request{ctx: ctx, begun: now, transfer: true, since: now, moved: l.moved.Load()}, act)
}

func (l *line) wait(r *request, act func(*client.Client) error) error {
	ctx := r.ctx
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	l.mu.Lock()
	l.waiting[r] = struct{}{}
	l.mu.Unlock()
	err := act(l.sftp)
	l.mu.Lock()
	delete(l.waiting, r)
	l.mu.Unlock()
	if answered(err) {
		return err
	}
	l.end(err)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	} else {
		err = l.cause
	}
	return &lostError{l.address, err}
}

// answered tells the server's answers, and mistakes of our own, from what breaks a line. A line that breaks while something is sent ends with an
// error that wraps io.EOF, and only io.EOF itself is the end of a file: taking one for the other would cut files short.
func answered(err error) bool {
	var status *client.StatusError
	if errors.As(err, &status) {
		return status.FxCode() != client.ErrSSHFxConnectionLost && status.FxCode() != client.ErrSSHFxNoConnection
	}
	return err == nil || err == io.EOF || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrClosed)
}

// end ends the line for everybody; the first cause counts.
func (l *line) end(cause error) {
	l.once.Do(func() {
		switch {
		case cause == nil, errors.Is(cause, client.ErrSSHFxConnectionLost), errors.Is(cause, io.EOF):
			cause = errors.New("the connection broke off")
		}
		l.cause = shorten(cause)
		l.conn.Close()
		close(l.gone)
	})
}

// ended tells whether the line is no use any more.
func (l *line) ended() bool {
	select {
	case <-l.gone:
		return true
	default:
		return false
	}
}

// close ends the line and returns when nothing of it runs any more.
func (l *line) close(cause error) {
	l.end(cause)
	l.goroutines.Wait()
	_ = l.sftp.Close() // the connection is closed already; this waits for its reader
	_ = l.ssh.Wait()
}
