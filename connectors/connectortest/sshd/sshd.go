// Package sshd holds SSH servers for tests: Debian's sshd with keys and folders of its own, and a server in this process whose SFTP does
// what a test wants, cut lines and wrong answers included.
package sshd

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
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

// Start starts a server for one test. more are lines for the end of its configuration, as "Match User" with what follows.
func Start(t testing.TB, more ...string) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "chute-sshd-") // t.TempDir's name may be longer and stranger than a server's path should be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s, err := launch(dir, more)
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

func launch(dir string, more []string) (*Server, error) {
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

// makeKeys makes the server's keys and those of its users.
func (s *Server) makeKeys() error {
	s.HostKeys = nil
	var known strings.Builder
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		text, public, err := NewKey(kind)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(s.Dir, "host_"+kind), []byte(text), 0o600); err != nil {
			return err
		}
		s.HostKeys = append(s.HostKeys, public)
		fmt.Fprintln(&known, knownhosts.Line([]string{s.Address()}, public))
	}
	s.KnownHosts = filepath.Join(s.Dir, "known_hosts")
	if err := os.WriteFile(s.KnownHosts, []byte(known.String()), 0o600); err != nil {
		return err
	}
	var public ssh.PublicKey
	var err error
	if s.Key, public, err = NewKey("ed25519"); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.Dir, "authorized_keys"), ssh.MarshalAuthorizedKey(public), 0o644); err != nil {
		return err
	}
	return s.certify()
}

// certify makes a key that an authority of the server's vouches for.
func (s *Server) certify() error {
	authority, theirs, err := NewKey("ed25519")
	if err != nil {
		return err
	}
	signer, err := ssh.ParsePrivateKey([]byte(authority))
	if err != nil {
		return err
	}
	private, public, err := NewKey("ed25519")
	if err != nil {
		return err
	}
	certificate := &ssh.Certificate{
		Key: public, CertType: ssh.UserCert, KeyId: "chute's test", ValidPrincipals: []string{s.User},
		ValidAfter: uint64(time.Now().Add(-time.Hour).Unix()), ValidBefore: uint64(time.Now().Add(time.Hour).Unix()),
	}
	if err := certificate.SignCert(rand.Reader, signer); err != nil {
		return err
	}
	s.Certified, s.CertFile = private, filepath.Join(s.Dir, "user-cert.pub")
	if err := os.WriteFile(s.CertFile, ssh.MarshalAuthorizedKey(certificate), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.Dir, "ca.pub"), ssh.MarshalAuthorizedKey(theirs), 0o644)
}

// NewKey makes a key of kind "ed25519", "ecdsa" or "rsa", as OpenSSH writes it.
func NewKey(kind string) (private string, public ssh.PublicKey, err error) {
	var key any
	switch kind {
	case "ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case "ecdsa":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "rsa":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		err = fmt.Errorf("no kind of key: %q", kind)
	}
	if err != nil {
		return "", nil, err
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		return "", nil, err
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		return "", nil, err
	}
	return string(pem.EncodeToMemory(block)), signer.PublicKey(), nil
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
	log, err := os.OpenFile(filepath.Join(s.Dir, "sshd.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
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

// await waits until the server greets.
func (s *Server) await() error {
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if s.greets() {
			return nil
		}
		select {
		case <-s.Exited():
			return errors.New("sshd ended while starting")
		case <-deadline:
			return errors.New("sshd doesn't answer")
		case <-tick.C:
		}
	}
}

func (s *Server) greets() bool {
	conn, err := net.DialTimeout("tcp", s.Address(), time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second)) // without it the read may only wait longer
	greeting := make([]byte, 8)
	n, _ := conn.Read(greeting)
	return bytes.HasPrefix(greeting[:n], []byte("SSH-2.0"))
}

// Kill ends the server with all its sessions, as a crash of its machine would.
func (s *Server) Kill() {
	if s.cmd != nil && s.Running() {
		_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) // its group, which is its own; gone is what is wanted
	}
	s.Process.Kill()
}

// LogTail is the end of what the server said.
func (s *Server) LogTail() string {
	text, _ := os.ReadFile(filepath.Join(s.Dir, "sshd.log")) // not there is empty
	return string(text[max(0, len(text)-4096):])
}

// NewUser makes a user of this machine with a password, for the time of the test; only root can. The home is an empty folder.
func NewUser(t testing.TB) (name, password, home string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("only root can make users")
	}
	name = fmt.Sprintf("chute-t%d-%s", os.Getpid(), strings.ToLower(rand.Text()[:6]))
	password = rand.Text()
	home, err := os.MkdirTemp("", "chute-home-")
	if err != nil {
		t.Fatal(err)
	}
	command := func(stdin, name string, args ...string) {
		t.Helper()
		// Others may be making users in this moment: the file of users is locked then.
		for try := 1; ; try++ {
			cmd := exec.Command(name, args...)
			cmd.Stdin = strings.NewReader(stdin)
			out, err := cmd.CombinedOutput()
			if err == nil {
				return
			}
			if try == 100 || !strings.Contains(string(out), "lock") {
				t.Fatalf("%s %q: %v: %s", name, args, err, out)
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	command("", "useradd", "--no-create-home", "--home-dir", home, "--shell", "/usr/sbin/nologin", name)
	t.Cleanup(func() {
		os.RemoveAll(home)
		command("", "userdel", "--force", name)
	})
	command(name+":"+password, "chpasswd")
	command("", "chown", name+":", home)
	return name, password, home
}
