package sftp

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"chute/connectors/connectortest"
	"chute/connectors/connectortest/sshd"
)

// TestMain insists that no test leaves a goroutine: no reader of a line that is gone, no request that waits for ever.
func TestMain(m *testing.M) {
	code := m.Run()
	// Those of the SSH package end by themselves when their connection is closed.
	for deadline := time.Now().Add(time.Minute); code == 0; {
		err := goleak.Find()
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			fmt.Println(err)
			code = 1
		}
	}
	os.Exit(code)
}

func text(s string) func() (string, error) { return func() (string, error) { return s, nil } }

// store opens a store; change may be nil.
func store(t *testing.T, c Config, change func(*Config)) *Folder {
	t.Helper()
	if change != nil {
		change(&c)
	}
	return storeBy(t, New, c)
}

// storeBy opens a store in some way.
func storeBy(t *testing.T, open func(Config) (*Folder, error), c Config) *Folder {
	t.Helper()
	f, err := open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// newKey makes a key, its private half in OpenSSH's format.
func newKey(t *testing.T, kind string) (private string, public ssh.PublicKey) {
	t.Helper()
	private, public, err := sshd.NewKey(kind)
	if err != nil {
		t.Fatal(err)
	}
	return private, public
}

// on is the configuration of a store in dir on an sshd.
func on(s *sshd.Server, dir string) Config {
	return Config{Host: s.Host, Port: s.Port, User: s.User, Root: dir, KnownHosts: []string{s.KnownHosts}, PrivateKey: text(s.Key)}
}

// onStub is the configuration of a store in dir on a server in this process. Its back-off is short: tests break lines on purpose.
func onStub(s *sshd.Stub, dir string) Config {
	return Config{Host: s.Host, Port: s.Port, User: "chute", Root: dir, KnownHosts: []string{s.KnownHosts}, PrivateKey: text(s.Key), RetryMin: time.Millisecond, RetryMax: 10 * time.Millisecond}
}

// put makes a partner's file.
func put(t *testing.T, dir, name string, content []byte) {
	t.Helper()
	path := filepath.Join(dir, name)
	err := os.WriteFile(path, content, 0o644)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		err = os.WriteFile(path, content, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func special(t *testing.T, dir, name string, mode fs.FileMode, target string) {
	t.Helper()
	path := filepath.Join(dir, name)
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		switch mode {
		case fs.ModeDir:
			err = os.Mkdir(path, 0o755)
		case fs.ModeSymlink:
			err = os.Symlink(target, path)
		case fs.ModeNamedPipe:
			err = unix.Mkfifo(path, 0o644)
		case fs.ModeSocket:
			var l net.Listener
			if l, err = net.Listen("unix", path); err == nil {
				t.Cleanup(func() { l.Close() })
			}
		default:
			err = fmt.Errorf("no way to make %v", mode)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// conforms runs the contract of folders, each sub-test in a folder of its own on one server.
func conforms(t *testing.T, config func(dir string) Config) {
	connectortest.Folder(t, func(t *testing.T) connectortest.FolderUnderTest {
		dir, err := os.MkdirTemp(quick(), "chute-sftp-") // names of sockets have to be short
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		return connectortest.FolderUnderTest{
			Folder: store(t, config(dir), nil),
			Work:   ".chute",
			Put:    func(t *testing.T, name string, content []byte) { put(t, dir, name, content) },
			Special: func(t *testing.T, name string, mode fs.FileMode, target string) {
				special(t, dir, name, mode, target)
			},
		}
	})
}

// quick is where a disk doesn't have to be waited for: some of these tests make thousands of files, and none needs them to last. Empty: in the usual place.
func quick() string {
	const shm = "/dev/shm"
	if unix.Access(shm, unix.W_OK) == nil {
		return shm
	}
	return ""
}

func TestFolderOnSSHD(t *testing.T) {
	s := sshd.Start(t)
	conforms(t, func(dir string) Config { return on(s, dir) })
}

func TestFolderOnSFTPServer(t *testing.T) {
	if testing.Short() {
		return // the same program as sshd's, past an SSH server that others test
	}
	s := stub(t, sshd.Binary())
	conforms(t, func(dir string) Config { return onStub(s, dir) })
}

// TestFolderOnOverwritingServer: a rename there replaces what has the name, and it neither syncs nor resolves names.
func TestFolderOnOverwritingServer(t *testing.T) {
	if testing.Short() {
		return // what differs has tests of its own: TestReservedNames, TestRenameWhoseAnswerIsLost
	}
	s := stub(t, sshd.InProcess())
	conforms(t, func(dir string) Config { return onStub(s, dir) })
}

func stub(t testing.TB, serve func(io.ReadWriteCloser) error) *sshd.Stub {
	return sshd.StartStub(t, serve)
}
