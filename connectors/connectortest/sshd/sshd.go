// Package sshd holds SSH servers for tests: Debian's sshd with keys and folders of its own, and a server in this process whose SFTP does
// what a test wants, cut lines and wrong answers included.
package sshd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"chute/connectors/connectortest"
)

// Server is a real sshd of this machine on 127.0.0.1. It lets in the user who runs the test, by Key or Certificate, and, where root runs it, other
// users of the machine as well, by password too.
type Server struct {
	Host       string
	Port       int
	User       string // who runs the test
	Key        string // private key of who may log in, as text
	Certified  string // private key that only its certificate makes good, as text
	CertFile   string // that certificate
	KnownHosts string // file that knows the server, with a key of each kind
	HostKeys   []ssh.PublicKey
	Dir        string // everything of the server

	connectortest.Process
	cmd *exec.Cmd
}

// Address is where the server listens.
func (s *Server) Address() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// KnownBy is a file of known hosts in which the server has the key that is given.
func (s *Server) KnownBy(key ssh.PublicKey) string {
	return knownhosts.Line([]string{s.Address()}, key) + "\n"
}

// Start starts a server for one test. more are lines for the end of its configuration, as "Match User" with what follows.
func Start(t testing.TB, more ...string) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "chute-sshd-") // t.TempDir's name may be longer and stranger than a server's path should be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s, err := Launch(dir, more...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("end of sshd's log:\n%s", s.LogTail())
		}
	})
	return s
}

// Launch starts a server whose files are in dir. Who calls it ends it.
func Launch(dir string, more ...string) (*Server, error) {
	// A port that was free a moment ago may be taken when the server comes to it: once more with another.
	var err error
	for range 3 {
		s := &Server{Dir: dir, Host: "127.0.0.1"}
		if err = s.configure(more); err != nil {
			return nil, err
		}
		if err = s.Start(); err == nil {
			return s, nil
		}
		if !strings.Contains(s.LogTail(), "already in use") {
			break
		}
	}
	return nil, err
}

// configuration leaves out what slows logins down or needs the whole machine: names of clients, PAM, penalties for those who fail.
const configuration = `ListenAddress 127.0.0.1:%[1]d
PidFile none
HostKey %[2]s/host_ed25519
HostKey %[2]s/host_ecdsa
HostKey %[2]s/host_rsa
AuthorizedKeysFile %[2]s/authorized_keys
TrustedUserCAKeys %[2]s/ca.pub
StrictModes no
UsePAM no
UseDNS no
PermitRootLogin yes
PasswordAuthentication yes
KbdInteractiveAuthentication no
MaxStartups 100
MaxAuthTries 20
LogLevel VERBOSE
Subsystem sftp internal-sftp
%[3]s
`

func (s *Server) configure(more []string) error {
	address, err := connectortest.FreePort()
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(address)
	if s.Port, err = strconv.Atoi(port); err != nil {
		return err
	}
	me, err := user.Current()
	if err != nil {
		return err
	}
	s.User = me.Username
	if err := s.makeKeys(); err != nil {
		return err
	}
	text := fmt.Sprintf(configuration, s.Port, s.Dir, strings.Join(more, "\n"))
	return os.WriteFile(filepath.Join(s.Dir, "sshd_config"), []byte(text), 0o600)
}

// Start starts the server again after Kill, on the same port with the same keys, and returns when it answers.
func (s *Server) Start() error {
	binary, err := find("sshd", "/usr/sbin/sshd")
	if err != nil {
		return err
	}
	if os.Geteuid() == 0 { // where it locks its unprivileged part in
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			return err
		}
	}
	log, err := os.OpenFile(filepath.Join(s.Dir, "sshd.log"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd = exec.Command(binary, "-D", "-e", "-f", filepath.Join(s.Dir, "sshd_config"))
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.Launch(s.cmd); err != nil {
		return fmt.Errorf("cannot start sshd: %w", err)
	}
	if err := s.await(); err != nil {
		s.Kill()
		return fmt.Errorf("%w; end of its log:\n%s", err, s.LogTail())
	}
	return nil
}

// find looks in places too that aren't in everybody's PATH.
func find(names ...string) (string, error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil && filepath.IsAbs(path) {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s isn't installed, and these tests run on the real one: run .ci/setup", names[0])
}

// await waits until the server says that it listens: who only asks its port might meet another's server.
func (s *Server) await() error {
	deadline := time.After(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if strings.Contains(s.LogTail(), "Server listening on ") {
			return nil
		}
		select {
		case <-s.Exited():
			return errors.New("sshd ended while starting")
		case <-deadline:
			return errors.New("sshd doesn't come up")
		case <-tick.C:
		}
	}
}

// LogTail is the end of what the server said.
func (s *Server) LogTail() string {
	text, _ := os.ReadFile(filepath.Join(s.Dir, "sshd.log")) // not there is empty
	return string(text[max(0, len(text)-4096):])
}
