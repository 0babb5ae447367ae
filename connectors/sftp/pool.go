package sftp

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"
)

// server is the one connection that all folders have that log in at a server in the same way.
type server struct {
	config  Config // of the login; what concerns a folder isn't used
	address string // host:port

	mu       sync.Mutex
	line     *line         // the latest; nil before the first
	dialing  chan struct{} // closed when the login that is under way has an end; nil when there is none
	failure  error         // of the latest login
	failures int           // one after the other
	retryAt  time.Time
	closed   bool

	longest, patience time.Duration // see line

	life   context.Context // ends with close
	end    context.CancelFunc
	dialer sync.WaitGroup

	release func() bool // tells whether nobody else uses it
}

func newServer(c Config) *server {
	s := &server{config: c, address: net.JoinHostPort(c.Host, strconv.Itoa(c.Port)), patience: 2 * time.Second, longest: 20 * c.Timeout}
	s.life, s.end = context.WithCancel(context.Background())
	s.release = func() bool { return true }
	return s
}

// leave is called once by each folder that has the connection. The last one ends it.
func (s *server) leave() {
	if !s.release() {
		return
	}
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
	s.dialer.Wait() // nobody changes the line any more
	if s.line != nil {
		s.line.close(errClosed)
	}
}

// Pool makes folders, those with one login at one server on one connection. The zero Pool is ready.
type Pool struct {
	mu      sync.Mutex
	servers map[string]*pooled
}

// pooled is a connection with the number of its folders.
type pooled struct {
	*server
	folders int
}

// New is like the function New; folders whose configurations differ in Root, Work and what new files are like share their connection. Secrets are told apart by
// what Config.Secrets says; without it a folder has a connection of its own.
func (p *Pool) New(config Config) (*Folder, error) {
	f, err := New(config)
	if err != nil || config.Secrets == "" {
		return f, err
	}
	c := f.config
	key := fmt.Sprintf("%q", []any{f.address, c.User, c.KnownHosts, c.Fingerprints, c.Secrets, c.Certificate, c.Agent, c.DialTimeout, c.Timeout, c.KeepAlive, c.RetryMin, c.RetryMax})
	p.mu.Lock()
	defer p.mu.Unlock()
	of := p.servers[key]
	if of == nil {
		if p.servers == nil {
			p.servers = map[string]*pooled{}
		}
		of = &pooled{server: f.server}
		p.servers[key] = of
		of.release = func() bool { return p.release(key) }
	}
	of.folders++
	if f.server != of.server {
		f.server.end()
		f.server = of.server
	}
	return f, nil
}

// release takes one folder off and tells whether it was the last one.
func (p *Pool) release(key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	of := p.servers[key]
	if of.folders--; of.folders > 0 {
		return false
	}
	delete(p.servers, key)
	return true
}
