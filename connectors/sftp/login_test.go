package sftp

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"chute/connectors"
	"chute/connectors/connectortest/sshd"
)

// locked is a private key under a passphrase, which one round of bcrypt protects: more would take the race detector seconds.
func locked(t *testing.T, key, passphrase string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("ssh-keygen", "-q", "-p", "-a", "1", "-N", passphrase, "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v: %s", err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// serveAgent is an agent that has the key.
func serveAgent(t *testing.T, key string) (socket string) {
	t.Helper()
	raw, err := ssh.ParseRawPrivateKey([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: raw}); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "chute-agent-") // names of sockets have to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket = filepath.Join(dir, "socket")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = agent.ServeAgent(ring, c) // until the client goes
			c.Close()
		}
	}()
	return socket
}

func TestLogin(t *testing.T) {
	s := sshd.Start(t)
	other, _ := newKey(t, "ed25519")
	password := errors.New("the file with the secret is gone")
	away := filepath.Join(t.TempDir(), "away")
	gone := func() (string, error) { text, err := os.ReadFile(away); return string(text), err }
	for name, test := range map[string]struct {
		change func(c *Config)
		want   string // in the error; empty: the login succeeds
	}{
		"key":              {func(c *Config) {}, ""},
		"key, locked":      {func(c *Config) { c.PrivateKey, c.Passphrase = text(locked(t, s.Key, "p w")), text("p w") }, ""},
		"wrong passphrase": {func(c *Config) { c.PrivateKey, c.Passphrase = text(locked(t, s.Key, "p w")), text("pw") }, "can't be opened with the passphrase"},
		"no passphrase":    {func(c *Config) { c.PrivateKey = text(locked(t, s.Key, "p w")) }, "has a passphrase, and none was given"},
		"certificate":      {func(c *Config) { c.PrivateKey, c.Certificate = text(s.Certified), s.CertFile }, ""},
		"its key alone":    {func(c *Config) { c.PrivateKey = text(s.Certified) }, "refuses the login of user"},
		"another's":        {func(c *Config) { c.PrivateKey, c.Certificate = text(s.Key), s.CertFile }, "isn't for the private key"},
		"no certificate":   {func(c *Config) { c.Certificate = s.KnownHosts }, "not a certificate"},
		"agent":            {func(c *Config) { c.PrivateKey, c.Agent = nil, serveAgent(t, s.Key) }, ""},
		"no agent":         {func(c *Config) { c.PrivateKey, c.Agent = nil, s.KnownHosts }, "reach the agent"},
		"agent gone":       {func(c *Config) { c.PrivateKey, c.Agent = nil, away }, "because of this machine: reach the agent: dial unix " + away},
		"hosts gone":       {func(c *Config) { c.KnownHosts = []string{away} }, "because of this machine: read known_hosts: open " + away},
		"key gone":         {func(c *Config) { c.PrivateKey = gone }, "because of this machine: read the private key: open " + away},
		"password gone":    {func(c *Config) { c.PrivateKey, c.Password = nil, gone }, "because of this machine: read the password: open " + away},
		"certificate gone": {func(c *Config) { c.Certificate = away }, "because of this machine: read the certificate: open " + away},
		"other key":        {func(c *Config) { c.PrivateKey = text(other) }, "refuses the login of user"},
		"no key":           {func(c *Config) { c.PrivateKey = text("secret") }, "the private key can't be read"},
		"no secret":        {func(c *Config) { c.PrivateKey = func() (string, error) { return "", password } }, password.Error()},
		"user":             {func(c *Config) { c.User = "nobody-\x1b[1m" }, `refuses the login of user "nobody-\x1b[1m"`},
		"password":         {func(c *Config) { c.PrivateKey, c.Password = nil, text("wrong") }, "refuses the login of user"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := store(t, on(s, t.TempDir()), test.change).List(t.Context(), ".")
			switch {
			case test.want == "" && err != nil:
				t.Fatal(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Fatalf("error %v, want one with %q", err, test.want)
			case strings.Contains(errText(err), "p w"), errors.Is(err, connectors.ErrUnavailable), errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
				t.Fatalf("error %v", err)
			case strings.HasSuffix(name, " gone") && !strings.Contains(err.Error(), "correct "):
				t.Fatalf("error %v doesn't say what to do", err)
			}
		})
	}
}

// TestRefusedCertificate: a refused login says what the certificate says itself.
func TestRefusedCertificate(t *testing.T) {
	s := stub(t, sshd.Binary())
	authority, _ := newKey(t, "ed25519")
	signer, err := ssh.ParsePrivateKey([]byte(authority))
	if err != nil {
		t.Fatal(err)
	}
	other, public := newKey(t, "ed25519")
	now := uint64(time.Now().Unix())
	for want, certificate := range map[string]ssh.Certificate{
		"was valid until 2001-09-09T01:46:40Z: have a new one made": {CertType: ssh.UserCert, ValidBefore: 1e9, ValidPrincipals: []string{"chute"}},
		"is valid from 2100-01-01T00:00:00Z on":                     {CertType: ssh.UserCert, ValidAfter: 4102444800, ValidBefore: ssh.CertTimeInfinity, ValidPrincipals: []string{"chute"}},
		`is for ["acme" "x\x1b[1m"]`:                                {CertType: ssh.UserCert, ValidBefore: now + 3600, ValidPrincipals: []string{"acme", "x\x1b[1m"}},
		"names no principal":                                        {CertType: ssh.UserCert, ValidBefore: ssh.CertTimeInfinity, ValidPrincipals: []string{"chute"}},
		"is one for servers":                                        {CertType: ssh.HostCert, ValidBefore: ssh.CertTimeInfinity, ValidPrincipals: []string{"chute"}},
		"check the key or password":                                 {CertType: ssh.UserCert, ValidBefore: ssh.CertTimeInfinity, ValidPrincipals: []string{"chute"}},
	} {
		certificate.Key = public
		if err := certificate.SignCert(rand.Reader, signer); err != nil {
			t.Fatal(err)
		}
		if want == "names no principal" {
			certificate.ValidPrincipals = nil // this library signs none without
		}
		c := onStub(s, t.TempDir())
		c.PrivateKey, c.Certificate = text(other), filepath.Join(t.TempDir(), "cert.pub")
		if err := os.WriteFile(c.Certificate, ssh.MarshalAuthorizedKey(&certificate), 0o600); err != nil {
			t.Fatal(err)
		}
		var refused *LoginError
		if _, err := store(t, c, nil).List(t.Context(), "."); !errors.As(err, &refused) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestPasswordAndChroot needs users with passwords and chroot(2): for both root has to run it; another user has shown what can be shown
// in TestLogin.
func TestPasswordAndChroot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("not root: neither a user with a password nor a chroot can be made")
		return
	}
	name, password, home := sshd.NewUser(t)
	root := t.TempDir()
	// sshd wants the way to a chroot in nobody's hands but root's.
	jail, err := os.MkdirTemp("/run", "chute-jail-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(jail) })
	if err := os.Chmod(jail, 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, jail, "in/a", []byte("jailed"))
	put(t, home, "b", []byte("at home"))
	s := sshd.Start(t, "Match User "+name, "  ChrootDirectory "+jail, "  ForceCommand internal-sftp")
	c := on(s, root)
	c.User, c.PrivateKey, c.Password, c.Root = name, nil, text(password), "/"
	f := store(t, c, nil)
	if files, err := f.List(t.Context(), "."); err != nil || len(files) != 1 || files[0].Name != "in" {
		t.Fatalf("the chroot holds %+v, %v", files, err)
	}
	if err := f.Rename(t.Context(), "in/a", ".chute/1/a"); err == nil {
		t.Fatal("a file of root's was taken out of a folder of root's")
	}
	if err := os.Chmod(filepath.Join(jail, "in"), 0o777); err != nil {
		t.Fatal(err)
	}
	c.Work = "in/.chute"
	// OpenSSH gives a file its second name first, which fs.protected_hardlinks refuses for another user's; it renames then.
	if err := store(t, c, nil).Rename(t.Context(), "in/a", "in/.chute/1/a"); err != nil {
		t.Fatalf("a file of root's, in a folder of everybody's: %v", err)
	}
	c.Password = text(rand.Text())
	var refused *LoginError
	if _, err := store(t, c, nil).List(t.Context(), "."); !errors.As(err, &refused) {
		t.Fatalf("a wrong password: %v", err)
	}
}

// TestPasswordDialog: some servers ask for the password in a dialog only.
func TestPasswordDialog(t *testing.T) {
	s := stub(t, sshd.Binary())
	c := onStub(s, t.TempDir())
	c.PrivateKey, c.Password = nil, text(sshd.StubPassword)
	if _, err := store(t, c, nil).List(t.Context(), "."); err != nil {
		t.Fatal(err)
	}
	c.Password = text("another")
	var refused *LoginError
	if _, err := store(t, c, nil).List(t.Context(), "."); !errors.As(err, &refused) || strings.Contains(err.Error(), "another") {
		t.Fatalf("a wrong password: %v", err)
	}
}

func TestConfigRefused(t *testing.T) {
	good := Config{Host: "h", User: "u", KnownHosts: []string{"k"}, Password: text("p")}
	for want, change := range map[string]func(c *Config){
		"no host":               func(c *Config) { c.Host = "" },
		"no user":               func(c *Config) { c.User = "" },
		"neither known_hosts":   func(c *Config) { c.KnownHosts = nil },
		"no private key":        func(c *Config) { c.Password = nil },
		"needs its private key": func(c *Config) { c.Certificate = "f" },
		"isn't one as SHA256":   func(c *Config) { c.Fingerprints = []string{"MD5:00"} },
		"work folder":           func(c *Config) { c.Work = "../w" },
	} {
		c := good
		change(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
