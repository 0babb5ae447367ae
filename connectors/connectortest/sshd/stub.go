package sshd

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// Stub is an SSH server in this process. It lets everybody in who has Key or StubPassword. What its SFTP does is up to who started it.
type Stub struct {
	Host       string
	Port       int
	Key        string // private key of who may log in, as text
	KnownHosts string // file that knows the server
	Dir        string // where that is

	serve    func(io.ReadWriteCloser) error
	config   *ssh.ServerConfig
	listener net.Listener
	running  sync.WaitGroup

	logins atomic.Int64
	silent atomic.Bool // takes connections and says nothing

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	after int64 // bytes after which a connection is cut; 0: none
}

// StubPassword opens a Stub.
const StubPassword = "p a&s<s'\"\\"

// StartStub starts a server for one test; serve is its SFTP, called for each session with what the client sends and reads.
func StartStub(t testing.TB, serve func(io.ReadWriteCloser) error) *Stub {
	t.Helper()
	s := &Stub{Host: "127.0.0.1", serve: serve, conns: map[net.Conn]struct{}{}, Dir: t.TempDir()}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func (s *Stub) start() error {
	host, public, err := NewKey("ed25519")
	if err != nil {
		return err
	}
	signer, err := ssh.ParsePrivateKey([]byte(host))
	if err != nil {
		return err
	}
	var mine ssh.PublicKey
	if s.Key, mine, err = NewKey("ed25519"); err != nil {
		return err
	}
	s.config = &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if string(key.Marshal()) != string(mine.Marshal()) {
				return nil, errors.New("another key")
			}
			return nil, nil
		},
		KeyboardInteractiveCallback: func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			answers, err := ask("", "", []string{"Password: "}, []bool{false})
			if err == nil && (len(answers) != 1 || answers[0] != StubPassword) {
				err = errors.New("another password")
			}
			return nil, err
		},
	}
	s.config.AddHostKey(signer)
	if s.listener, err = net.Listen("tcp", s.Host+":0"); err != nil {
		return err
	}
	s.Port = s.listener.Addr().(*net.TCPAddr).Port
	s.KnownHosts = filepath.Join(s.Dir, "known_hosts")
	address := net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
	if err := os.WriteFile(s.KnownHosts, []byte(knownhosts.Line([]string{address}, public)+"\n"), 0o600); err != nil {
		return err
	}
	s.running.Go(s.accept)
	return nil
}

// Close ends the server with all its sessions.
func (s *Stub) Close() {
	s.listener.Close()
	s.Cut()
	s.running.Wait()
}

// Cut cuts all connections.
func (s *Stub) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.Close()
	}
}

// CutAfter has each connection from now on cut when the server has sent so many bytes on it; 0: none is.
func (s *Stub) CutAfter(bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.after = bytes
}

// Silence makes the server take new connections and say nothing, or talk again.
func (s *Stub) Silence(silent bool) { s.silent.Store(silent) }

// Logins is how many there have been.
func (s *Stub) Logins() int64 { return s.logins.Load() }

func (s *Stub) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		c := &cutConn{Conn: conn, left: s.after, cuts: s.after > 0}
		s.conns[c] = struct{}{}
		s.mu.Unlock()
		s.running.Go(func() {
			s.handle(c)
			c.Close()
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
		})
	}
}

// handle serves one connection until it ends, and waits for its sessions.
func (s *Stub) handle(conn net.Conn) {
	if s.silent.Load() {
		_, _ = io.Copy(io.Discard, conn) // until the client gives up
		return
	}
	c, channels, requests, err := ssh.NewServerConn(conn, s.config)
	if err != nil {
		return
	}
	s.logins.Add(1)
	var sessions sync.WaitGroup
	defer sessions.Wait()
	defer c.Close()
	sessions.Go(func() { ssh.DiscardRequests(requests) })
	for wanted := range channels {
		channel, asked, err := wanted.Accept()
		if err != nil {
			return
		}
		sessions.Go(func() {
			for r := range asked {
				_ = r.Reply(r.Type == "subsystem", nil) // a client that is gone doesn't want the answer
				if r.Type == "subsystem" {
					sessions.Go(func() {
						_ = s.serve(channel) // how a session ends is the client's to see
						channel.Close()
					})
				}
			}
		})
	}
}

// cutConn ends when so many bytes were written to it.
type cutConn struct {
	net.Conn
	mu   sync.Mutex
	left int64
	cuts bool
}

func (c *cutConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.cuts {
		return c.Conn.Write(p)
	}
	n, err := c.Conn.Write(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if err == nil && n < len(p) {
		c.Close()
		err = net.ErrClosed
	}
	return n, err
}

// Binary serves with OpenSSH's sftp-server over a pipe, as it does without an sshd. args are its own.
func Binary(args ...string) func(io.ReadWriteCloser) error {
	return func(channel io.ReadWriteCloser) error {
		path, err := find("sftp-server", "/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server")
		if err != nil {
			return err
		}
		cmd := exec.Command(path, args...)
		in, err := cmd.StdinPipe() // not cmd.Stdin: Wait would wait for the client to say more
		if err != nil {
			return err
		}
		cmd.Stdout = channel
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("start sftp-server: %w", err)
		}
		_, copied := io.Copy(in, channel)
		return errors.Join(copied, in.Close(), cmd.Wait())
	}
}

// InProcess serves with pkg/sftp's own server. Its rename overwrites.
func InProcess(options ...sftp.ServerOption) func(io.ReadWriteCloser) error {
	return func(channel io.ReadWriteCloser) error {
		server, err := sftp.NewServer(channel, options...)
		if err != nil {
			return err
		}
		return server.Serve()
	}
}
