package clickhouse

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"

	"chute/connectors/native"
)

// What is believed of a server's description of columns.
const (
	maxColumns = 1 << 16
	maxText    = 1 << 20
)

// sendQuery sends a statement with its settings, and the end of the (empty) data that may come with a query.
func (c *conn) sendQuery(id, sql string, settings map[string]string) error {
	q := proto.Query{
		ID:                       id,
		ClientName:               clientName,
		ClientVersion:            proto.Version{Major: 1},
		ClientTCPProtocolVersion: revision,
		Body:                     sql,
		Compression:              c.compress,
		InitialAddress:           c.net.LocalAddr().String(),
	}
	for name, value := range settings {
		v, err := c.setting(name, value)
		if err != nil {
			return err
		}
		// Important: a server that doesn't know the setting refuses the statement.
		q.Settings = append(q.Settings, proto.Setting{Key: name, Value: v, Important: true})
	}
	b := &c.scratch
	b.Reset()
	b.PutByte(proto.ClientQuery)
	if err := q.Encode(b, c.revision); err != nil {
		return err
	}
	c.patience(c.timeout, c.net.SetWriteDeadline)
	if _, err := c.out.Write(b.Buf); err != nil {
		return err
	}
	if err := c.sendBlock(nil, nil); err != nil {
		return err
	}
	return c.out.Flush()
}

// setting gives the value the form that the protocol has for it: text, or for servers up to 20.1 a whole number.
func (c *conn) setting(name, value string) (any, error) {
	if c.revision > proto.DBMS_MIN_REVISION_WITH_SETTINGS_SERIALIZED_AS_STRINGS {
		return value, nil
	}
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil || n > math.MaxInt {
		return nil, fmt.Errorf("setting %s = %q: ClickHouse %s takes only whole numbers with a statement", name, value, c.server.Version)
	}
	return int(n), nil
}

// sendBlock sends a block whose columns have the names and types of columns (which say what the server calls them) and the data of b;
// without columns it is the end of data.
func (c *conn) sendBlock(columns []*target, b *native.Block) error {
	c.patience(c.timeout, c.net.SetWriteDeadline)
	h := &c.scratch
	h.Reset()
	h.PutByte(proto.ClientData)
	h.PutString("") // name of a temporary table
	if _, err := c.out.Write(h.Buf); err != nil {
		return err
	}
	rows := 0
	if b != nil {
		rows = b.Rows
	}
	h.Reset()
	h.PutUVarInt(1) // block info: field 1, overflows
	h.PutBool(false)
	h.PutUVarInt(2) // field 2, bucket
	h.PutInt32(-1)
	h.PutUVarInt(0)
	h.PutUVarInt(uint64(len(columns)))
	h.PutUVarInt(uint64(rows))
	if err := c.write(h.Buf); err != nil {
		return err
	}
	for _, t := range columns {
		h.Reset()
		h.PutString(t.name)
		h.PutString(t.text)
		if err := c.write(h.Buf); err != nil {
			return err
		}
		data, err := t.data(b)
		if err != nil {
			return err
		}
		if err := c.write(data); err != nil {
			return err
		}
	}
	return c.endFrame()
}

// write sends a piece of a block.
func (c *conn) write(p []byte) error {
	if !c.compress {
		_, err := c.out.Write(p)
		return err
	}
	for len(p) > 0 {
		n := min(len(p), compressStep-len(c.frame))
		c.frame = append(c.frame, p[:n]...)
		p = p[n:]
		if len(c.frame) == compressStep {
			if err := c.endFrame(); err != nil {
				return err
			}
		}
	}
	return nil
}

// endFrame compresses and sends what write has kept back.
func (c *conn) endFrame() error {
	if len(c.frame) == 0 {
		return nil
	}
	if err := c.compressor.Compress(c.frame); err != nil {
		return err
	}
	c.frame = c.frame[:0]
	_, err := c.out.Write(c.compressor.Data)
	return err
}

// ping asks for a sign of life and waits no longer than timeout for it.
func (c *conn) ping(timeout time.Duration) error {
	c.patience(timeout, c.net.SetDeadline)
	if _, err := c.net.Write([]byte{proto.ClientPing}); err != nil {
		return err
	}
	packet, err := c.in.ReadByte()
	if err == nil && packet != proto.ServerPong {
		err = fmt.Errorf("the answer to ping is packet %d", packet)
	}
	return err
}

// receive reads the next packet. After one that carries data the caller reads these, with readBlock or readHeader; an
// exception is returned as the error.
func (c *conn) receive() (packet byte, err error) {
	c.patience(c.timeout, c.net.SetReadDeadline)
	packet, err = c.in.ReadByte()
	if err != nil {
		return 0, err
	}
	switch packet {
	case proto.ServerData, proto.ServerTotals, proto.ServerExtremes:
		if _, err = c.in.Str(); err == nil { // name of a temporary table
			err = c.skipBlockInfo()
		}
	case proto.ServerException:
		err = c.exception()
	case proto.ServerProgress:
		err = new(proto.Progress).Decode(c.in, c.revision)
	case proto.ServerProfileInfo:
		err = new(proto.ProfileInfo).Decode(c.in, c.revision)
	case proto.ServerTableColumns:
		err = new(proto.TableColumns).Decode(c.in, c.revision)
	case proto.ServerEndOfStream:
	default:
		err = fmt.Errorf("packet %d from the server, of which nothing is known", packet)
	}
	return packet, err
}

// readBlock reads the block of a packet with data. It is valid until the next call.
func (c *conn) readBlock() (*native.Block, error) {
	b, err := c.blocks.Next()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return b, err
}

// readHeader reads a block without rows, in which the server says what columns it expects, with the types as it calls them.
func (c *conn) readHeader() ([]*target, error) {
	columns, err := binary.ReadUvarint(c.data)
	if err != nil {
		return nil, err
	}
	rows, err := binary.ReadUvarint(c.data)
	if err != nil {
		return nil, err
	}
	if rows != 0 || columns > maxColumns {
		return nil, fmt.Errorf("the server describes the columns of an insert by a block of %d columns and %d rows", columns, rows)
	}
	targets := make([]*target, columns)
	for i := range targets {
		t := &target{}
		if t.name, err = c.readText(); err != nil {
			return nil, err
		}
		if t.text, err = c.readText(); err != nil {
			return nil, err
		}
		if t.typ, err = native.ParseType(t.text); err != nil {
			return nil, err
		}
		targets[i] = t
	}
	return targets, nil
}

func (c *conn) readText() (string, error) {
	n, err := binary.ReadUvarint(c.data)
	if err != nil {
		return "", err
	}
	if n > maxText {
		return "", fmt.Errorf("name of %d bytes from the server", n)
	}
	b := make([]byte, n)
	_, err = io.ReadFull(c.data, b)
	return string(b), err
}

// skipBlockInfo reads over what comes before a block: numbered fields up to number 0.
func (c *conn) skipBlockInfo() error {
	for {
		field, err := binary.ReadUvarint(c.data)
		if err != nil || field == 0 {
			return err
		}
		size, ok := map[uint64]int{1: 1, 2: 4}[field]
		if !ok {
			return fmt.Errorf("field %d in a block's head, of which nothing is known", field)
		}
		if _, err := c.data.Discard(size); err != nil {
			return err
		}
	}
}
