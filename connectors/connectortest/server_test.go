package connectortest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestServer(t *testing.T) {
	s := StartServer(t)
	if err := handshake(s.Address); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err == nil {
		t.Error("a server that runs was started a second time")
	}
	t.Run("TLS", func(t *testing.T) { checkTLS(t, s) })

	address, pid := s.Address, s.cmd.Process.Pid
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); err == nil {
		t.Error("the process is there after Stop")
	}
	if err := handshake(s.Address); err == nil {
		t.Error("the server answers after Stop")
	}
	if err := s.Stop(); err != nil {
		t.Errorf("stopping what is stopped: %v", err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if s.Address != address {
		t.Errorf("after Start the address is %s, it was %s", s.Address, address)
	}
	s.Kill()
	if err := handshake(s.Address); err == nil {
		t.Error("the server answers after Kill")
	}
}

func checkTLS(t *testing.T, s *Server) {
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatal("no certificate in CAFile")
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	conn, err := tls.DialWithDialer(dialer, "tcp", s.TLSAddress, &tls.Config{RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestPortsAreKept: a port that was given to a server isn't given to another one while nobody listens there.
func TestPortsAreKept(t *testing.T) {
	address, err := FreePort()
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	if err := reserve(port); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second one gets the port: %v", err)
	}
}

// TestServerThatCannotStart has a configuration in the server's way: it has to say so, and at once.
func TestServerThatCannotStart(t *testing.T) {
	s := &Server{Dir: t.TempDir()}
	if err := s.configure(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Dir, "config.xml"), []byte("<yandex>"), 0o600); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := s.Start(); err == nil || time.Since(start) > startDeadline/2 {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
	if s.Running() {
		t.Error("the process is there")
	}
}
