// Package clickhouse is connectors.Database over ClickHouse servers' native protocol.
//
// The messages are those of clickhouse-go, the official driver: its lib/proto writes and reads them. The driver's own
// connection isn't used, for three reasons. Its results are rows of boxed values, and its batches columns of Go slices, where chute has and
// wants the bytes of the Native layout: here a block goes from native.Block to the wire and back as it is. It reads
// nothing while it sends an insert, so that an error of the server in the middle of one arrives as "connection reset". And it leaves
// a cancelled statement running on the server.
//
// The protocol revision announced to servers is the last one before blocks may come in special (sparse) layouts and results are
// accompanied by blocks of profile events. Servers answer in the revision of their client, from 18.16 on to today's.
//
// A conn is one connection and does one statement at a time. A session pins conns to one address and keeps the idle
// ones; a statement has a conn to itself, from its query to its end, and only an orderly end gives it back. When the context or
// an error of the caller's ends the statement, it is killed on the server by its id, and the call returns when it is gone there: who then looks
// at the tables sees what stays. Only a broken line leaves that open; after an outage Kill says what is left.
package clickhouse

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"chute/connectors"
)

// Config says where the servers are and who we are. Only Address has to be given.
type Config struct {
	Address  []string // "host:port" of the native protocol, tried in order
	Database string   // default database of unqualified tables; default "default"
	Username string   // default "default"
	Password string

	TLS    bool
	CAFile string // PEM file with the authorities to trust instead of the system's; read at each dial, so that it can be renewed

	// Compression of blocks on the wire with LZ4: "auto" (default) compresses except where the server is near, which costs more than it saves there
	// (see near); "always", "never".
	Compression string

	MaxMemory int64 // setting max_memory_usage of each statement that doesn't say otherwise; 0: the server's default

	DialTimeout time.Duration // for connecting and for the hello; default 5s
	// ReadTimeout is how long a server may be silent while it works on a statement; default 30 minutes, because some long
	// statements tell nothing of their progress. That the server's machine is gone is noticed in about a minute, by TCP.
	ReadTimeout time.Duration
}

// Database is a choice of servers that hold the same tables.
type Database struct {
	config Config

	mu       sync.Mutex
	sessions map[string]*session // by address
	closed   bool
}

var _ connectors.Database = (*Database)(nil)

var errClosed = errors.New("the database connection is closed")

// Open returns the database without connecting: servers that are down at the start are no error.
func Open(config Config) *Database {
	if config.Database == "" {
		config.Database = "default"
	}
	if config.Username == "" {
		config.Username = "default"
	}
	if config.DialTimeout == 0 {
		config.DialTimeout = 5 * time.Second
	}
	if config.ReadTimeout == 0 {
		config.ReadTimeout = 30 * time.Minute
	}
	return &Database{config: config, sessions: map[string]*session{}}
}

// Session returns the line to address, or for "" to the first of the configured servers that answers. A server that
// answers with a refusal, such as a wrong password, ends the search: the others would only hide it.
func (d *Database) Session(ctx context.Context, address string) (connectors.Session, error) {
	addresses := []string{address}
	if address == "" {
		addresses = d.config.Address
	}
	var failures []error
	for _, a := range addresses {
		s, err := d.session(ctx, a)
		if err == nil {
			return s, nil
		}
		if !errors.Is(err, connectors.ErrUnavailable) {
			return nil, err
		}
		failures = append(failures, err)
	}
	if len(failures) == 0 {
		return nil, errors.New("no address of a ClickHouse server is configured: set address in [database]")
	}
	return nil, errors.Join(failures...)
}

// session returns the session of one address after a sign of life from it. A server that came back as another version is asked anew
// what it can do.
func (d *Database) session(ctx context.Context, address string) (*session, error) {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil, errClosed
	}
	s := d.sessions[address]
	if s == nil {
		s = &session{config: &d.config, address: address, inserts: map[*inserter]struct{}{}}
		d.sessions[address] = s
	}
	d.mu.Unlock()
	if err := s.awake(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Close closes the idle connections and refuses new sessions. Statements that run keep their connections until they end.
func (d *Database) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for _, s := range d.sessions {
		s.close()
	}
	return nil
}

// tlsConfig is nil when TLS is off.
func (c *Config) tlsConfig(host string) (*tls.Config, error) {
	if !c.TLS {
		return nil, nil
	}
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if c.CAFile == "" {
		return config, nil
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, fmt.Errorf("cannot read the authorities for the ClickHouse server (ca_file): %w", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("no certificate in %s (ca_file): it has to be a PEM file", c.CAFile)
	}
	return config, nil
}
