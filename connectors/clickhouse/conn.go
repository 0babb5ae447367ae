package clickhouse

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/ClickHouse/ch-go/compress"
	chproto "github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
	"golang.org/x/sys/unix"

	"chute/connectors/native"
)

// revision is what we announce; see the package comment.
const revision = proto.DBMS_MIN_PROTOCOL_VERSION_WITH_INCREMENTAL_PROFILE_EVENTS - 1

const (
	clientName   = "chute"
	readBuffer   = 128 << 10 // chproto.NewReader and native.NewDecoder take over a bufio.Reader of this size; a smaller one they would read ahead of
	sendBuffer   = 256 << 10 // gathers small blocks; large columns go past it
	compressStep = 1 << 20   // bytes in one compressed frame
)

// conn is one connection to a server. It isn't safe for concurrent use, but one goroutine may read while another writes, and
// interrupt may be called at any time.
type conn struct {
	net      net.Conn
	server   proto.ServerHandshake
	revision uint64 // the smaller of ours and the server's
	compress bool
	timeout  time.Duration // Config.ReadTimeout

	in     *chproto.Reader // packets
	data   *bufio.Reader   // the blocks inside of packets: the same buffer as in's, or what its bytes are decompressed to
	blocks *native.Decoder // reads data, through the same buffer

	out        *bufio.Writer
	scratch    chproto.Buffer
	compressor *compress.Writer
	frame      []byte // what is to be compressed

	mu          sync.Mutex
	interrupted bool // the deadlines stay in the past
}

// dial connects and says hello.
func dial(ctx context.Context, address string, config *Config) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, config.DialTimeout)
	defer cancel()
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("the server's address has to be host:port: %w", err)
	}
	tlsConfig, err := config.tlsConfig(host)
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 4},
		Control:         limitUnacknowledged,
	}
	line, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	compressed := config.compressed(line)
	if tlsConfig != nil {
		secure := tls.Client(line, tlsConfig)
		if err := secure.HandshakeContext(ctx); err != nil {
			line.Close()
			return nil, explainTLS(err)
		}
		line = secure
	}
	c := newConn(line, compressed, config.ReadTimeout)
	stop := context.AfterFunc(ctx, c.interrupt)
	err = c.hello(config)
	if !stop() && err == nil {
		err = ctx.Err() // interrupted: the deadline on the line would end the first statement
	}
	if err != nil {
		line.Close()
		return nil, err
	}
	return c, nil
}

func newConn(line net.Conn, compressed bool, timeout time.Duration) *conn {
	in := bufio.NewReaderSize(line, readBuffer)
	c := &conn{net: line, compress: compressed, timeout: timeout, in: chproto.NewReader(in), data: in, out: bufio.NewWriterSize(line, sendBuffer)}
	if compressed {
		c.compressor = compress.NewWriter(compress.LevelZero, compress.LZ4)
		c.data = bufio.NewReaderSize(compress.NewReader(in), readBuffer)
	}
	c.blocks = native.NewDecoder(c.data)
	return c
}

func (c *conn) hello(config *Config) error {
	b := &c.scratch
	b.Reset()
	b.PutByte(proto.ClientHello)
	proto.ClientHandshake{ProtocolVersion: revision, ClientName: clientName, ClientVersion: proto.Version{Major: 1}}.Encode(b)
	b.PutString(config.Database)
	b.PutString(config.Username)
	b.PutString(config.Password)
	if _, err := c.net.Write(b.Buf); err != nil {
		return err
	}
	packet, err := c.in.ReadByte()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("it takes connections and doesn't answer: %w", err)
	} else if err != nil && !config.TLS {
		return fmt.Errorf("it hung up at the first word, as a port for TLS does: %w", err)
	} else if err != nil {
		return err
	}
	switch packet {
	case proto.ServerHello:
	case proto.ServerException:
		return c.exception()
	default:
		return fmt.Errorf("the answer to hello is packet %d: this isn't the native protocol of ClickHouse", packet)
	}
	if err := c.server.Decode(c.in); err != nil {
		return err
	}
	if c.revision = min(revision, c.server.Revision); c.revision < proto.DBMS_MIN_REVISION_WITH_VERSION_PATCH {
		return fmt.Errorf("ClickHouse %s is too old: chute needs 18.16 or newer", c.server.Version)
	}
	return nil
}

// interrupt makes reads and writes fail, now and later.
func (c *conn) interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.interrupted = true
	_ = c.net.SetDeadline(time.Unix(1, 0)) // fails only on a closed line, which fails by itself
}

// resume undoes interrupt. Only a read that was interrupted between packets can go on.
func (c *conn) resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.interrupted = false
	_ = c.net.SetDeadline(time.Time{})
}

// patience gives the server timeout for the next read, or for the next write, unless the line was interrupted.
func (c *conn) patience(timeout time.Duration, set func(time.Time) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.interrupted {
		_ = set(time.Now().Add(timeout))
	}
}

func (c *conn) close() { _ = c.net.Close() } // what was sent and not answered is lost either way

// limitUnacknowledged makes the kernel give up a line on which what was sent isn't acknowledged for a minute. Keep-alive doesn't do
// that: it only asks on a line that is idle.
func limitUnacknowledged(_, _ string, line syscall.RawConn) error {
	var err error
	if err2 := line.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 60_000)
	}); err2 != nil {
		return err2
	}
	return err
}
