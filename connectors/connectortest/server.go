package connectortest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Server is a real clickhouse-server of this machine, with folders, ports and users of its own. It listens on
// 127.0.0.1 only. Its users are "default" without a password, "chute" with ServerPassword, "reader", who may change nothing, and "noddl", who may
// insert and not make tables.
//
// Its methods are for one goroutine; what they start and stop may be used by others at any time.
type Server struct {
	Address    string // native protocol
	TLSAddress string // native protocol over TLS
	CAFile     string // certificate to be trusted for TLSAddress
	Dir        string // everything of the server

	Process
}

// ServerPassword is the password of the user "chute".
const ServerPassword = "p a&s<s'\"\\"

const (
	startDeadline = 2 * time.Minute // a start takes 2–3 s on an idle machine
	stopDeadline  = time.Minute     // a stop takes a second on an idle machine
)

// StartServer starts a server for one test, or for one test with its subtests, and stops it at the end. It takes some
// seconds: start one for a package where that is possible (LaunchServer in TestMain).
func StartServer(t testing.TB) *Server {
	t.Helper()
	// Not t.TempDir: its name may be longer and stranger than a server's path should be.
	dir, err := os.MkdirTemp("", "chute-server-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s, err := LaunchServer(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("end of the server's log:\n%s", s.LogTail())
		}
	})
	return s
}

// LaunchServer starts a server that keeps everything in dir and returns when it answers. The caller closes it and
// removes dir.
func LaunchServer(dir string) (*Server, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	// A port that was free a moment ago may be some other program's when the server comes to it: once more with others.
	for range 3 {
		s := &Server{Dir: dir}
		if err = s.configure(); err != nil {
			return nil, err
		}
		if err = s.Start(); err == nil {
			return s, nil
		}
		if !bytes.Contains([]byte(s.LogTail()), []byte("Address already in use")) {
			break
		}
	}
	return nil, err
}

// Start starts the server again after Stop or Kill, on the same ports and data, and returns when it answers.
func (s *Server) Start() error {
	if s.Running() {
		return errors.New("clickhouse-server is running already")
	}
	binary, err := serverBinary()
	if err != nil {
		return err
	}
	console, err := os.OpenFile(filepath.Join(s.Dir, "console.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer console.Close()
	cmd := exec.Command(binary, "--config-file="+filepath.Join(s.Dir, "config.xml"))
	cmd.Dir = s.Dir
	cmd.Stdout, cmd.Stderr = console, console
	if err := s.Launch(cmd); err != nil {
		return fmt.Errorf("cannot start clickhouse-server: %w", err)
	}
	if err := s.awaitAnswer(); err != nil {
		s.Kill()
		return fmt.Errorf("%w; end of its log:\n%s", err, s.LogTail())
	}
	return nil
}

// serverBinary looks in sbin too, where Debian may have the server and which isn't in everybody's PATH.
func serverBinary() (string, error) {
	for _, name := range []string{"clickhouse-server", "/usr/bin/clickhouse-server", "/usr/sbin/clickhouse-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("clickhouse-server isn't installed, and these tests run on the real one: run .ci/setup")
}

// Stop ends the server in an orderly way and returns when it is gone; one that doesn't go is killed.
func (s *Server) Stop() error {
	if !s.Running() {
		return nil
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.Exited():
		return nil
	case <-time.After(stopDeadline):
		s.Kill()
		return fmt.Errorf("clickhouse-server didn't end within %v of SIGTERM and was killed", stopDeadline)
	}
}

// Close ends the server for good, without its leave: nobody needs the data any more.
func (s *Server) Close() error {
	s.Kill()
	return nil
}

// LogTail is the end of what the server said, for the log of a test that failed.
func (s *Server) LogTail() string {
	var tail []byte
	for _, name := range []string{"console.log", "server.err.log"} {
		text, err := os.ReadFile(filepath.Join(s.Dir, name))
		if err != nil {
			continue // not written yet
		}
		tail = append(tail, text[max(0, len(text)-4096):]...)
	}
	return string(tail)
}

// awaitAnswer waits until the server answers a handshake: its ports listen some time before it knows its tables.
func (s *Server) awaitAnswer() error {
	deadline := time.After(startDeadline)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var err error
	for {
		if err = handshake(s.Address); err == nil {
			return nil
		}
		select {
		case <-s.Exited():
			return errors.New("clickhouse-server ended while starting")
		case <-deadline:
			return fmt.Errorf("clickhouse-server doesn't answer after %v: %w", startDeadline, err)
		case <-tick.C:
		}
	}
}

// handshake says hello in the native protocol and expects a hello back.
func handshake(address string) error {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	const hello = 0
	packet := []byte{hello}
	packet = append(packet, "\x05chute"...)
	packet = append(packet, 1, 1)          // version 1.1 of the client
	packet = append(packet, 0xb2, 0xa6, 3) // protocol revision 54066, which every server understands
	packet = append(packet, "\x00\x07default\x00"...)
	if _, err := conn.Write(packet); err != nil {
		return err
	}
	answer := make([]byte, 1)
	if _, err := conn.Read(answer); err != nil {
		return err
	}
	if answer[0] != hello {
		return fmt.Errorf("the answer to hello is packet %d", answer[0])
	}
	return nil
}

// FreePort finds a port below the range from which the kernel takes ports for outgoing connections: one of that
// range could be taken by a client while the server is stopped for an outage test. No other call gets it as long as this process lives.
func FreePort() (string, error) {
	var err error
	for range 50 {
		port := strconv.Itoa(15000 + rand.IntN(15000))
		if err = reserve(port); err != nil {
			continue
		}
		address := net.JoinHostPort("127.0.0.1", port)
		var l net.Listener
		if l, err = net.Listen("tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", fmt.Errorf("no free port found: %w", err)
}

// reserve keeps the tests of all packages, which run at the same time, from each other's ports: who has bound the port's name has the port. The kernel forgets
// such a name with the process.
func reserve(port string) error {
	name, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := syscall.Bind(name, &syscall.SockaddrUnix{Name: "@chute-test-port-" + port}); err != nil {
		return errors.Join(err, syscall.Close(name))
	}
	return nil
}
