package sshd

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

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

// Authorized is a file of keys that let their owner in.
func Authorized(key ssh.PublicKey) string { return string(ssh.MarshalAuthorizedKey(key)) }

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
