package wire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/ch-go/proto"

	"chute/connectors"
	"chute/connectors/native"
)

// revision is what the server says it speaks: some of today's, newer than what chute says.
const revision = 54483

// line is one connection. One goroutine serves it.
type line struct {
	engine   *engine
	net      net.Conn
	revision int // the smaller of the client's and ours

	in     *proto.Reader // packets
	plain  blocks        // inside of them; it reads on in the same buffer
	packed blocks        // the same where they are compressed
	out    *bufio.Writer
	buffer proto.Buffer
	writer *compress.Writer
}

// blocks reads the client's data.
type blocks struct {
	head    *proto.Reader
	decoder *native.Decoder // in the same buffer
}

func newBlocks(r *bufio.Reader) blocks {
	return blocks{head: proto.NewReader(r), decoder: native.NewDecoder(r)}
}

func (b blocks) next() (*native.Block, error) {
	if err := new(proto.BlockInfo).Decode(b.head); err != nil {
		return nil, err
	}
	return b.decoder.Next()
}

func newLine(e *engine, conn net.Conn) *line {
	const size = 128 << 10 // the readers take over a buffer of this size; of a smaller one they would read ahead
	in := bufio.NewReaderSize(conn, size)
	return &line{
		engine: e, net: conn, in: proto.NewReader(in),
		plain: newBlocks(in), packed: newBlocks(bufio.NewReaderSize(compress.NewReader(in), size)),
		out: bufio.NewWriterSize(conn, size), writer: compress.NewWriter(compress.LevelZero, compress.LZ4),
	}
}

// serve answers the client until it goes or a fault drops the connection.
func (l *line) serve(ctx context.Context) error {
	if err := l.hello(); err != nil {
		return fmt.Errorf("hello: %w", err)
	}
	for {
		packet, err := l.in.ReadByte()
		if err != nil {
			return nil // the client has gone
		}
		switch proto.ClientCode(packet) {
		case proto.ClientCodePing:
			l.buffer.Reset()
			proto.ServerCodePong.Encode(&l.buffer)
			err = l.flush()
		case proto.ClientCodeQuery:
			err = l.query(ctx)
		default:
			err = fmt.Errorf("packet %d from the client, which isn't understood here", packet)
		}
		if err != nil {
			return err
		}
	}
}

func (l *line) hello() error {
	packet, err := l.in.ReadByte()
	if err != nil {
		return nil // somebody only looked whether the port is open
	}
	if proto.ClientCode(packet) != proto.ClientCodeHello {
		return fmt.Errorf("the first packet is %d", packet)
	}
	var client proto.ClientHello
	if err := client.Decode(l.in); err != nil {
		return err
	}
	if client.User != "default" || client.Password != "" || client.Database != "default" {
		return l.exception(&connectors.DatabaseError{Code: int(proto.ErrAuthenticationFailed), Message: client.User + ": there is only the user default, without a password, and his database default"})
	}
	l.revision = min(revision, client.ProtocolVersion)
	server := proto.ServerHello{Name: "ClickHouse", Revision: revision, Timezone: "UTC", DisplayName: "wire"}
	if _, err := fmt.Sscanf(l.engine.Server().Version, "%d.%d.%d", &server.Major, &server.Minor, &server.Patch); err != nil {
		return fmt.Errorf("the engine's version %q: %w", l.engine.Server().Version, err)
	}
	l.buffer.Reset()
	server.EncodeAware(&l.buffer, l.revision)
	return l.flush()
}

// flush sends what is in the buffer, and all before it.
func (l *line) flush() error {
	if _, err := l.out.Write(l.buffer.Buf); err != nil {
		return err
	}
	return l.out.Flush()
}

// exception tells the client why its statement failed.
func (l *line) exception(err error) error {
	e := proto.Exception{Code: proto.ErrLogicalError, Name: "DB::Exception", Message: err.Error()}
	var own *connectors.DatabaseError
	if errors.As(err, &own) {
		e.Code = proto.Error(own.Code)
	}
	l.buffer.Reset()
	proto.ServerCodeException.Encode(&l.buffer)
	e.EncodeAware(&l.buffer, l.revision)
	return l.flush()
}

// block sends a block of data.
func (l *line) block(packed bool, b *native.Block) error {
	l.buffer.Reset()
	proto.ServerCodeData.Encode(&l.buffer)
	l.buffer.PutString("") // name of a temporary table
	if _, err := l.out.Write(l.buffer.Buf); err != nil {
		return err
	}
	l.buffer.Reset()
	proto.BlockInfo{BucketNum: -1}.Encode(&l.buffer)
	l.buffer.PutUVarInt(uint64(len(b.Columns)))
	l.buffer.PutUVarInt(uint64(b.Rows))
	for i, c := range b.Columns {
		l.buffer.PutString(c.Name)
		l.buffer.PutString(c.Type.String())
		if b.Rows == 0 {
			continue
		}
		var err error
		if l.buffer.Buf, err = native.AppendPrefixed(l.buffer.Buf, c.Type, b.Data[i], b.Rows); err != nil {
			return err
		}
	}
	if !packed {
		return l.flush()
	}
	if err := l.writer.Compress(l.buffer.Buf); err != nil {
		return err
	}
	if _, err := l.out.Write(l.writer.Data); err != nil {
		return err
	}
	return l.out.Flush()
}

// data reads the block of a packet with data; it is valid until the next call.
func (l *line) data(packed bool) (*native.Block, error) {
	packet, err := l.in.ReadByte()
	if err != nil {
		return nil, err
	}
	if proto.ClientCode(packet) != proto.ClientCodeData {
		return nil, fmt.Errorf("packet %d where data are due", packet)
	}
	if err := new(proto.ClientData).DecodeAware(l.in, l.revision); err != nil {
		return nil, err
	}
	if packed {
		return l.packed.next()
	}
	return l.plain.next()
}

// drain waits until the client has gone: one that still sends would lose the answer if the connection were closed.
func (l *line) drain() {
	_ = l.net.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.Copy(io.Discard, l.in)
}
