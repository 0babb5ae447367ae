package sftp

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"chute/connectors"
	"chute/connectors/connectortest/sshd"
)

// knowing is the configuration of a store on an sshd of which these lines are written down.
func knowing(t *testing.T, s *sshd.Server, lines []string) Config {
	t.Helper()
	c := on(s, t.TempDir())
	c.KnownHosts = []string{filepath.Join(t.TempDir(), "known_hosts")}
	if err := os.WriteFile(c.KnownHosts[0], []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestHostKeys: a server with keys of three kinds, and what is written down about it.
func TestHostKeys(t *testing.T) {
	s := sshd.Start(t)
	_, stranger := newKey(t, "ed25519")
	_, strangerRSA := newKey(t, "rsa")
	kind := map[string]ssh.PublicKey{}
	for _, key := range s.HostKeys {
		kind[key.Type()] = key
	}
	ed, ec, rsa := kind[ssh.KeyAlgoED25519], kind[ssh.KeyAlgoECDSA256], kind[ssh.KeyAlgoRSA]
	line := func(key ssh.PublicKey) string { return knownhosts.Line([]string{s.Address()}, key) }
	hashed := func(key ssh.PublicKey) string {
		return strings.Replace(line(key), knownhosts.Normalize(s.Address()), knownhosts.HashHostname(knownhosts.Normalize(s.Address())), 1)
	}
	elsewhere := knownhosts.Line([]string{"elsewhere.example"}, ed)
	for name, test := range map[string]struct {
		known    []string
		pinned   []ssh.PublicKey
		want     string // in the error; empty: the server is let in
		expected int    // keys in the error
	}{
		"ed25519 known":       {known: []string{line(ed)}},
		"ecdsa known":         {known: []string{line(ec)}},
		"rsa known":           {known: []string{line(rsa)}},
		"hashed":              {known: []string{elsewhere, hashed(rsa)}},
		"several known":       {known: []string{line(stranger), line(rsa), line(ed)}},
		"changed":             {known: []string{line(stranger)}, want: "HAS ANOTHER HOST KEY THAN EXPECTED", expected: 1},
		"changed, hashed":     {known: []string{hashed(stranger)}, want: "HAS ANOTHER HOST KEY THAN EXPECTED", expected: 1},
		"changed rsa":         {known: []string{line(strangerRSA)}, want: "HAS ANOTHER HOST KEY THAN EXPECTED", expected: 1},
		"unknown":             {known: []string{elsewhere}, want: "isn't known"},
		"revoked":             {known: []string{"@revoked * " + strings.TrimPrefix(line(ed), knownhosts.Normalize(s.Address())+" "), line(ed)}, want: "REVOKED"},
		"ed25519 pinned":      {pinned: []ssh.PublicKey{ed}},
		"ecdsa pinned":        {pinned: []ssh.PublicKey{ec}},
		"rsa pinned":          {pinned: []ssh.PublicKey{stranger, rsa}},
		"another pinned":      {pinned: []ssh.PublicKey{stranger}, want: "HAS ANOTHER HOST KEY THAN EXPECTED", expected: 1},
		"pinned, not written": {known: []string{line(stranger)}, pinned: []ssh.PublicKey{ed}},
	} {
		t.Run(name, func(t *testing.T) {
			c := knowing(t, s, test.known)
			for _, key := range test.pinned {
				c.Fingerprints = append(c.Fingerprints, ssh.FingerprintSHA256(key))
			}
			_, err := store(t, c, nil).List(t.Context(), ".")
			var wrong *HostKeyError
			switch {
			case test.want == "" && err != nil:
				t.Fatal(err)
			case test.want == "":
			case !errors.As(err, &wrong) || !strings.Contains(err.Error(), test.want) || errors.Is(err, connectors.ErrUnavailable):
				t.Fatalf("error %v, want a HostKeyError with %q", err, test.want)
			case len(wrong.Expected) != test.expected || test.expected > 0 && !strings.Contains(err.Error(), wrong.Expected[0]):
				t.Fatalf("error %v expects %q", err, wrong.Expected)
			}
		})
	}
}

// TestChangedKeyStopsTheStore: after one look no other is taken until it is time, and a line that is mended is read then.
func TestChangedKeyStopsTheStore(t *testing.T) {
	s := stub(t, sshd.Binary())
	c := onStub(s, t.TempDir())
	right, err := os.ReadFile(s.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	_, stranger := newKey(t, "ed25519")
	wrong := knownhosts.Line([]string{fmt.Sprintf("127.0.0.1:%d", s.Port)}, stranger)
	if err := os.WriteFile(s.KnownHosts, []byte(wrong+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := store(t, c, nil)
	for range 3 {
		var changed *HostKeyError
		if _, err := f.List(t.Context(), "."); !errors.As(err, &changed) || !strings.Contains(changed.Offered, "ssh-ed25519 SHA256:") {
			t.Fatalf("error %v", err)
		}
	}
	if s.Logins() != 0 {
		t.Fatal("a server that isn't the one was told who we are")
	}
	if err := os.WriteFile(s.KnownHosts, right, 0o600); err != nil {
		t.Fatal(err)
	}
	await(t, func() bool { _, err := f.List(t.Context(), "."); return err == nil })
}

func TestNoKnownHostsFile(t *testing.T) {
	s := stub(t, sshd.Binary())
	f := store(t, onStub(s, t.TempDir()), func(c *Config) { c.KnownHosts = []string{filepath.Join(t.TempDir(), "none")} })
	if _, err := f.List(t.Context(), "."); !errors.As(err, new(*LocalError)) || !strings.Contains(err.Error(), "known_hosts") {
		t.Fatalf("error %v", err)
	}
}

// TestHostCertificates: a server whose RSA key an authority has signed, and what is written down about it and its authority.
func TestHostCertificates(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "host-cert.pub")
	s := sshd.Start(t, "HostCertificate "+file)
	authority, theirs := newKey(t, "ed25519")
	other, others := newKey(t, "ecdsa")
	rsa := s.HostKeys[2]
	host := knownhosts.Normalize(s.Address())
	line := func(where string, key ssh.PublicKey) string {
		return "@cert-authority " + knownhosts.Line([]string{where}, key)
	}
	for name, test := range map[string]struct {
		signer string
		change func(*ssh.Certificate)
		known  []string
		want   string // in the error; empty: the server is let in
	}{
		"trusted":           {authority, nil, []string{line(host, theirs)}, ""},
		"trusted, hashed":   {authority, nil, []string{line(knownhosts.HashHostname(host), theirs)}, ""},
		"trusted anywhere":  {authority, nil, []string{line("*", theirs), line("*", others)}, ""},
		"known by itself":   {other, nil, []string{line(host, theirs), knownhosts.Line([]string{host}, rsa)}, ""},
		"another authority": {other, nil, []string{line(host, theirs)}, "no authority that is trusted for this server has signed it. Expected is a certificate by ssh-ed25519"},
		"not for this host": {authority, nil, []string{line("elsewhere.example", theirs)}, "isn't known"},
		"another principal": {authority, func(c *ssh.Certificate) { c.ValidPrincipals = []string{"sftp.example\x1b"} }, []string{line(host, theirs)},
			`principal "127.0.0.1" not in the set of valid principals for given certificate: ["sftp.example\x1b"]`},
		"over":        {authority, func(c *ssh.Certificate) { c.ValidBefore = uint64(time.Now().Add(-time.Hour).Unix()) }, []string{line(host, theirs)}, "expired"},
		"not begun":   {authority, func(c *ssh.Certificate) { c.ValidAfter = uint64(time.Now().Add(time.Hour).Unix()) }, []string{line(host, theirs)}, "not yet valid"},
		"none at all": {"", nil, []string{line(host, theirs)}, "HAS NONE OF THE HOST KEYS THAT ARE EXPECTED: a certificate by ssh-ed25519 SHA256:"},
		"only a key":  {authority, nil, []string{knownhosts.Line([]string{host}, theirs)}, "HAS ANOTHER HOST KEY THAN EXPECTED"},
		"revoked":     {authority, nil, []string{"@revoked * " + strings.TrimSpace(sshd.Authorized(theirs)), line(host, theirs)}, "ISN'T ACCEPTED"},
	} {
		t.Run(name, func(t *testing.T) {
			certify(t, s, file, rsa, test.signer, test.change)
			c := knowing(t, s, test.known)
			_, err := store(t, c, nil).List(t.Context(), ".")
			var wrong *HostKeyError
			switch {
			case test.want == "" && err != nil:
				t.Fatal(err)
			case test.want == "":
			case !errors.As(err, &wrong) || !strings.Contains(err.Error(), test.want) || errors.Is(err, connectors.ErrUnavailable) || strings.Contains(err.Error(), "\x1b"):
				t.Fatalf("error %v, want a HostKeyError with %q", err, test.want)
			}
		})
	}
}

// certify gives an sshd a certificate for one of its keys, for 127.0.0.1 unless change says otherwise; no signer takes it away.
func certify(t *testing.T, s *sshd.Server, file string, key ssh.PublicKey, signer string, change func(*ssh.Certificate)) {
	t.Helper()
	s.Kill()
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if signer != "" {
		by, err := ssh.ParsePrivateKey([]byte(signer))
		if err != nil {
			t.Fatal(err)
		}
		c := &ssh.Certificate{
			Key: key, CertType: ssh.HostCert, KeyId: "a host", ValidPrincipals: []string{"127.0.0.1"},
			ValidAfter: uint64(time.Now().Add(-2 * time.Hour).Unix()), ValidBefore: uint64(time.Now().Add(2 * time.Hour).Unix()),
		}
		if change != nil {
			change(c)
		}
		if err := errors.Join(c.SignCert(rand.Reader, by), os.WriteFile(file, ssh.MarshalAuthorizedKey(c), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
}
