// Package wire is a ClickHouse server of today for tests: the embedded engine of connectors/chdb behind the native protocol, in a process of its own. No
// such server can be installed here, and what connectors/clickhouse does with one has to be seen all the same.
//
// It understands as much of the protocol as chute's own statements need, written with ch-go's messages: hello, ping, queries with their settings,
// blocks both ways, plain or in LZ4, exceptions. What the embedded engine is told otherwise than a server goes back to a server's
// defaults. As in one, a statement goes on when its client is gone, and an insert doesn't. Two things are not as there: results never
// have LowCardinality, and a statement's id is found where this engine has it, in its log_comment, by changing the text of the statements that look for it.
//
// The process is the test binary itself: TestMain calls Serve first of all. The test can have it die, or drop a connection, before and after a
// statement is executed.
package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"chute/connectors/connectortest"
)

// Server is the process as the test sees it. Its methods are for one goroutine; what they start and stop may be used by others at any time.
type Server struct {
	Address string // native protocol
	Dir     string // everything of the server
	Users   string // a users.xml that says what the user "default" may do; empty: everything

	connectortest.Process
	commands *json.Encoder
	answers  *json.Decoder
}

// task, in the environment, makes a test binary the server at an address; taskUsers is Server.Users.
const task, taskUsers = "CHUTE_WIRE_TEST_SERVER", "CHUTE_WIRE_TEST_USERS"

// startDeadline is for a start, which takes half a second on an idle machine.
const startDeadline = 60 * time.Second

// Start starts a server for one test, or for one test with its subtests, and kills it at the end.
func Start(t testing.TB) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "chute-wire-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s, err := Launch(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("end of the server's log:\n%s", s.LogTail())
		}
	})
	return s
}

// Launch starts a server that keeps everything in dir, with a file of users or "" for everything allowed. The caller kills it and removes dir.
func Launch(dir, users string) (*Server, error) {
	var err error
	for range 3 { // a port that was free a moment ago may be taken when the server comes to it
		s := &Server{Dir: dir, Users: users}
		if s.Address, err = connectortest.FreePort(); err != nil {
			return nil, err
		}
		if err = s.Start(); err == nil {
			return s, nil
		}
	}
	return nil, err
}

// Start starts the server again after its end, on the same port and data, and returns when it answers.
func (s *Server) Start() error {
	if s.Running() {
		return errors.New("the server is running already")
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return err
	}
	console, err := os.OpenFile(s.console(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer console.Close()
	answers, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	defer theirs.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), task+"="+s.Address, taskUsers+"="+s.Users)
	cmd.Dir = s.Dir
	cmd.Stdout, cmd.Stderr = console, console
	cmd.ExtraFiles = []*os.File{theirs}
	commands, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := s.Launch(cmd); err != nil {
		return fmt.Errorf("cannot start the server: %w", err)
	}
	s.commands, s.answers = json.NewEncoder(commands), json.NewDecoder(answers)
	if err := answers.SetReadDeadline(time.Now().Add(startDeadline)); err != nil {
		return err
	}
	if err := s.ask(command{}, nil); err != nil {
		s.Kill()
		return fmt.Errorf("the server doesn't start: %w; end of its log:\n%s", err, s.LogTail())
	}
	return answers.SetReadDeadline(time.Time{})
}

// Arm sets a fault for the next statement that fits; it replaces one that hasn't happened.
func (s *Server) Arm(f Fault) error { return s.ask(command{Arm: &f}, nil) }

// Happened tells whether the fault that was set last has happened. A process that died of it can't be asked: it has Exited.
func (s *Server) Happened() (bool, error) {
	var happened bool
	err := s.ask(command{Happened: true}, &happened)
	return happened, err
}

// command is what the test tells its server, one line of JSON each; the answer is another.
type command struct {
	Arm      *Fault
	Happened bool
}

func (s *Server) ask(c command, answer any) error {
	if err := s.commands.Encode(c); err != nil {
		return err
	}
	return s.answers.Decode(&answer)
}

func (s *Server) console() string { return filepath.Join(s.Dir, "console.log") }

// LogTail is the end of what the server said, for the log of a test that failed.
func (s *Server) LogTail() string {
	text, err := os.ReadFile(s.console())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4096):])
}
