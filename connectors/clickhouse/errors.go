package clickhouse

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	chproto "github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"

	"chute/connectors"
)

// exception reads an exception, with what caused it, and returns it as *connectors.DatabaseError.
func (c *conn) exception() error {
	var e proto.Exception
	if err := e.Decode(c.in); err != nil {
		return err
	}
	d := &connectors.DatabaseError{Code: int(e.Code), Message: fmt.Sprintf("code %d: %s", e.Code, e.Message)}
	// The protocol has only the number.
	if name := chproto.Error(e.Code); name.IsAError() {
		d.Name = name.String()
	}
	return d
}

// busyCodes are the server's ways to say that it cannot serve anybody just now.
var busyCodes = map[chproto.Error]bool{
	chproto.ErrTooManySimultaneousQueries: true, // 202
	chproto.ErrNoFreeConnection:           true, // 203
	chproto.ErrSocketTimeout:              true, // 209
	chproto.ErrNetworkError:               true, // 210
}

// explainTLS tells what is mostly wrong when the other side doesn't speak TLS.
func explainTLS(err error) error {
	var plain tls.RecordHeaderError
	if errors.As(err, &plain) {
		return fmt.Errorf("this port doesn't speak TLS: give the server's secure port, mostly 9440, or tls = false: %w", err)
	}
	return err
}

// explain says which server an error comes from and marks those that mean that it cannot be reached.
func explain(address string, err error) error {
	if err == nil {
		return nil
	}
	if unreachable(err) {
		return fmt.Errorf("ClickHouse server %s is %w: %w", address, connectors.ErrUnavailable, err)
	}
	return fmt.Errorf("ClickHouse server %s: %w", address, err)
}

func unreachable(err error) bool {
	var database *connectors.DatabaseError
	if errors.As(err, &database) {
		return busyCodes[chproto.Error(database.Code)]
	}
	// A server whose certificate isn't trusted is there. Waiting doesn't help; the operator has to.
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	if errors.As(err, &certificate) || errors.As(err, &authority) {
		return false
	}
	var line *net.OpError
	var name *net.DNSError
	return errors.As(err, &line) || errors.As(err, &name) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}
