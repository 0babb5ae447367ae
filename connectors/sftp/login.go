package sftp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// LoginError says that the server is the right one and doesn't let us in.
type LoginError struct {
	Address string
	User    string
	Err     error

	Certificate string // what the certificate says itself against being let in; "": nothing, or there is none
}

func (e *LoginError) Error() string {
	if e.Certificate != "" {
		return fmt.Sprintf("SFTP server %s refuses the login of user %q: %s: %v", e.Address, e.User, e.Certificate, e.Err)
	}
	return fmt.Sprintf("SFTP server %s refuses the login of user %q: check the key or password that is configured, and that the server has it: %v", e.Address, e.User, e.Err)
}

func (e *LoginError) Unwrap() error { return e.Err }

// LocalError says that something on this machine keeps us from logging in: nothing is known of the server. It wraps nothing, so that a file that is missing
// here is never taken for one that is missing there, nor an agent that doesn't answer for the server.
type LocalError struct {
	Address string
	Text    string // what is the matter, with which file or setting, and what to do
}

func (e *LocalError) Error() string {
	return fmt.Sprintf("SFTP server %s isn't asked, because of this machine: %s", e.Address, e.Text)
}

// trouble adds to an error of this machine what it is about and what to do.
func trouble(what string, err error, mend string) error {
	return fmt.Errorf("%s: %w; %s", what, err, mend)
}

// methods are the ways to log in. done gives back what they hold, after the login. Its errors are all of this machine.
func (c *Config) methods() (methods []ssh.AuthMethod, done func(), err error) {
	done = func() {}
	var signers []ssh.Signer
	if c.PrivateKey != nil {
		if signers, err = c.keySigners(); err != nil {
			return nil, done, err
		}
	}
	if c.Agent != "" {
		conn, err := net.Dial("unix", c.Agent)
		if err != nil {
			return nil, done, trouble("reach the agent", err, "start it, or correct agent")
		}
		done = func() { conn.Close() }
		theirs, err := agent.NewClient(conn).Signers()
		if err != nil {
			return nil, done, trouble("ask the agent "+c.Agent+" for its keys", err, "see to it, or correct agent")
		}
		signers = append(signers, theirs...)
	}
	if len(signers) > 0 {
		methods = append(methods, ssh.PublicKeys(signers...))
	}
	if c.Password != nil {
		password, err := c.Password()
		if err != nil {
			return nil, done, trouble("read the password", err, "let chute's user read it, or correct password")
		}
		// Some servers ask for the password in a dialog only: one question, not shown.
		answer := func(_, _ string, questions []string, shown []bool) ([]string, error) {
			if len(questions) == 0 {
				return nil, nil
			}
			if len(questions) != 1 || shown[0] {
				return nil, errors.New("the server asks for more than a password")
			}
			return []string{password}, nil
		}
		methods = append(methods, ssh.Password(password), ssh.KeyboardInteractive(answer))
	}
	return methods, done, nil
}

// keySigners are the private key with its certificate, where there is one, then the key by itself.
func (c *Config) keySigners() ([]ssh.Signer, error) {
	signer, err := c.keySigner()
	if err != nil {
		return nil, err
	}
	if c.Certificate == "" {
		return []ssh.Signer{signer}, nil
	}
	certificate, err := c.readCertificate()
	if err != nil {
		return nil, err
	}
	certified, err := ssh.NewCertSigner(certificate, signer)
	if err != nil {
		return nil, fmt.Errorf("the certificate in %s isn't for the private key: %w", c.Certificate, err)
	}
	return []ssh.Signer{certified, signer}, nil
}

func (c *Config) keySigner() (ssh.Signer, error) {
	text, err := c.PrivateKey()
	if err != nil {
		return nil, trouble("read the private key", err, "let chute's user read it, or correct private_key")
	}
	signer, err := ssh.ParsePrivateKey([]byte(text))
	var locked *ssh.PassphraseMissingError
	switch {
	case err == nil:
		return signer, nil
	case !errors.As(err, &locked):
		return nil, fmt.Errorf("the private key can't be read: %w", err)
	case c.Passphrase == nil:
		return nil, errors.New("the private key has a passphrase, and none was given")
	}
	passphrase, err := c.Passphrase()
	if err != nil {
		return nil, trouble("read the passphrase", err, "let chute's user read it, or correct passphrase")
	}
	if signer, err = ssh.ParsePrivateKeyWithPassphrase([]byte(text), []byte(passphrase)); err != nil {
		return nil, fmt.Errorf("the private key can't be opened with the passphrase that was given: %w", err)
	}
	return signer, nil
}

// login connects and proves both sides to each other.
func (s *server) login(ctx context.Context) (*ssh.Client, net.Conn, error) {
	checks, err := s.config.hostChecks(s.address)
	if err != nil && !errors.As(err, new(*HostKeyError)) {
		err = &LocalError{s.address, err.Error()}
	}
	if err != nil {
		return nil, nil, err
	}
	methods, done, err := s.config.methods()
	defer done()
	if err != nil {
		return nil, nil, &LocalError{s.address, err.Error()}
	}
	var refused error
	for _, check := range checks {
		client, conn, err := s.loginWith(ctx, check, methods)
		var other *HostKeyError
		var none *ssh.AlgorithmNegotiationError
		switch {
		case err == nil:
			return client, conn, nil
		case errors.As(err, &other):
			refused = err
		case errors.As(err, &none) && none.What == "host key":
			if refused == nil {
				refused = &HostKeyError{Address: s.address, Expected: check.expected, Source: check.source}
			}
		default:
			return nil, nil, err
		}
	}
	return nil, nil, refused
}

// buffered is a connection that is read in large pieces: the SSH package takes a few KiB at a time.
type buffered struct {
	net.Conn
	in *bufio.Reader
}

func (b buffered) Read(p []byte) (int, error) { return b.in.Read(p) }

// loginWith is one connection. Its deadline ends with the caller's next steps: see dial.
func (s *server) loginWith(ctx context.Context, check hostCheck, methods []ssh.AuthMethod) (*ssh.Client, net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, nil, err
	}
	conn = buffered{conn, bufio.NewReaderSize(conn, 2*largePacket)}
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return nil, nil, errors.Join(err, conn.Close())
		}
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	var wrong error // the handshake's error hides what it wraps from some
	known := false
	config := &ssh.ClientConfig{
		User:              s.config.User,
		Auth:              methods,
		HostKeyAlgorithms: check.algorithms,
		HostKeyCallback: func(_ string, remote net.Addr, key ssh.PublicKey) error {
			wrong = check.verify(key, remote)
			known = wrong == nil
			return wrong
		},
	}
	c, channels, requests, err := ssh.NewClientConn(conn, s.address, config)
	if err == nil {
		return ssh.NewClient(c, channels, requests), conn, nil
	}
	conn.Close()
	var line net.Error
	switch {
	case wrong != nil:
		return nil, nil, wrong
	case known && !errors.As(err, &line) && !brokenOff(err):
		return nil, nil, &LoginError{Address: s.address, User: s.config.User, Err: shorten(err), Certificate: s.config.wrongCertificate(time.Now())}
	}
	return nil, nil, shorten(err)
}
