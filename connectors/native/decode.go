package native

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// What a Decoder believes. An honest stream stays far below; a corrupt one must not cost more memory than it has bytes.
const (
	maxColumns     = 1 << 16
	maxBlockRows   = 1 << 28
	maxNameBytes   = 1 << 20
	maxColumnBytes = 1 << 30
	readStep       = 1 << 20 // memory is taken as bytes arrive, not as a length claims
)

// Decoder reads a stream of blocks.
type Decoder struct {
	r     *bufio.Reader
	block Block
	types map[string]*Type // types met so far, by text: blocks of a stream repeat them
	keys  []byte           // memory for dictionaries
}

// NewDecoder returns a decoder of r, which it reads ahead of.
func NewDecoder(r io.Reader) *Decoder {
	return &Decoder{r: bufio.NewReaderSize(r, 64<<10), types: map[string]*Type{}}
}

// Next returns the next block with plain types, or io.EOF when the stream ends at the border of a block; if it ends elsewhere the error wraps
// io.ErrUnexpectedEOF. The block is valid until the next call.
func (d *Decoder) Next() (*Block, error) {
	columns, err := binary.ReadUvarint(d.r)
	if errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	rows, err2 := binary.ReadUvarint(d.r)
	if err = errors.Join(err, err2); err != nil {
		return nil, fmt.Errorf("cannot read a block's header: %w", unexpected(err))
	}
	if columns > maxColumns || rows > maxBlockRows {
		return nil, fmt.Errorf("block of %d columns and %d rows: the data are corrupt", columns, rows)
	}
	b := &d.block
	b.Columns, b.Rows = b.Columns[:0], int(rows)
	for i := 0; i < int(columns); i++ {
		if i == len(b.Data) {
			b.Data = append(b.Data, nil)
		}
		if err := d.column(i); err != nil {
			return nil, fmt.Errorf("cannot read column %d of a block of %d rows: %w", i+1, rows, unexpected(err))
		}
	}
	b.Data = b.Data[:columns]
	return b, nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// column reads column i of the block: name, type, data.
func (d *Decoder) column(i int) error {
	name, err := d.text()
	if err != nil {
		return err
	}
	text, err := d.text()
	if err != nil {
		return err
	}
	t := d.types[text]
	if t == nil {
		if t, err = ParseType(text); err != nil {
			return err
		}
		d.types[text] = t
	}
	d.block.Columns = append(d.block.Columns, Column{name, t.Plain()})
	d.block.Data[i] = d.block.Data[i][:0]
	if d.block.Rows == 0 {
		return nil // no rows are no bytes, not even a state prefix
	}
	if err := d.prefixes(t); err != nil {
		return fmt.Errorf("%q (%s): %w", cut(name), cut(text), err)
	}
	if d.block.Data[i], err = d.data(d.block.Data[i], t, d.block.Rows); err != nil {
		return fmt.Errorf("%q (%s): %w", cut(name), cut(text), err)
	}
	return nil
}

func (d *Decoder) text() (string, error) {
	n, err := binary.ReadUvarint(d.r)
	if err != nil {
		return "", err
	}
	if n > maxNameBytes {
		return "", fmt.Errorf("a name of %d bytes: the data are corrupt", n)
	}
	b, err := d.bytes(nil, int(n))
	return string(b), err
}

// bytes appends n bytes of the stream to dst.
func (d *Decoder) bytes(dst []byte, n int) ([]byte, error) {
	if n < 0 || n > maxColumnBytes-len(dst) {
		return dst, fmt.Errorf("more than %d bytes in one column: the data are corrupt", maxColumnBytes)
	}
	for n > 0 {
		step := min(n, readStep)
		start := len(dst)
		if cap(dst)-start < step {
			dst = append(dst, make([]byte, step)...)
		}
		dst = dst[:start+step]
		if _, err := io.ReadFull(d.r, dst[start:]); err != nil {
			return dst[:start], err
		}
		n -= step
	}
	return dst, nil
}

// prefixes reads what comes before a column's data: for each LowCardinality and each JSON in it the version of its layout.
func (d *Decoder) prefixes(t *Type) error {
	switch t.Kind {
	case LowCardinality:
		return d.version(t, lowCardinalityVersion)
	case JSON:
		return d.version(t, jsonAsText)
	}
	for _, e := range t.Elems {
		if err := d.prefixes(e); err != nil {
			return err
		}
	}
	return nil
}

// jsonAsText is the layout of JSON in which each value is a String, which output_format_native_write_json_as_string asks for.
const jsonAsText = 1

func (d *Decoder) version(t *Type, known uint64) error {
	v, err := d.uint64()
	if err != nil {
		return err
	}
	if v != known {
		return fmt.Errorf("%s in version %d of its layout, of which nothing is known: select it as a string", t.Kind, v)
	}
	return nil
}

// data appends the plain layout of rows values of t to dst.
func (d *Decoder) data(dst []byte, t *Type, rows int) ([]byte, error) {
	if rows == 0 {
		return dst, nil
	}
	if w, ok := t.Width(); ok {
		return d.bytes(dst, w*rows)
	}
	switch t.Kind {
	case String, JSON:
		return d.strings(dst, rows)
	case Nullable:
		dst, err := d.bytes(dst, rows)
		if err != nil {
			return dst, err
		}
		return d.data(dst, t.Elems[0], rows)
	case LowCardinality:
		return d.lowCardinality(dst, t, rows)
	case Array, Map, Nested:
		return d.nested(dst, t, rows)
	case Tuple:
		if len(t.Elems) == 0 {
			return d.bytes(dst, rows)
		}
		return d.all(dst, t.Elems, rows)
	case SimpleAggregateFunction:
		return d.data(dst, t.Elems[0], rows)
	}
	return dst, fmt.Errorf("values of type %s cannot be read: select them as a string", t)
}

// all reads the columns of a tuple's elements one behind the other.
func (d *Decoder) all(dst []byte, elems []*Type, rows int) ([]byte, error) {
	var err error
	for _, e := range elems {
		if dst, err = d.data(dst, e, rows); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// nested reads the offsets and then, in one column, the elements of all rows. Maps are arrays of pairs, Nested are arrays of tuples.
func (d *Decoder) nested(dst []byte, t *Type, rows int) ([]byte, error) {
	start := len(dst)
	dst, err := d.bytes(dst, 8*rows)
	if err != nil {
		return dst, err
	}
	n, err := lastOffset(dst[start:])
	if err != nil {
		return dst, err
	}
	return d.all(dst, t.Elems, n)
}

// lastOffset checks that offsets never fall and returns the last one: the number of elements in all.
func lastOffset(offsets []byte) (int, error) {
	last := uint64(0)
	for ; len(offsets) > 0; offsets = offsets[8:] {
		o := binary.LittleEndian.Uint64(offsets)
		if o < last || o > maxBlockRows {
			return 0, fmt.Errorf("array offset %d behind %d: the data are corrupt", o, last)
		}
		last = o
	}
	return int(last), nil
}

// strings reads strings with their lengths: those that are in the buffer already together, one that isn't by itself.
func (d *Decoder) strings(dst []byte, rows int) ([]byte, error) {
	for rows > 0 {
		buffered, _ := d.r.Peek(d.r.Buffered()) // what is there can be looked at
		size, count := wholeStrings(buffered, rows)
		var err error
		if dst, err = d.bytes(dst, size); err != nil {
			return dst, err
		}
		if rows -= count; rows == 0 {
			break
		}
		if dst, err = d.string(dst); err != nil {
			return dst, err
		}
		rows--
	}
	return dst, nil
}

// wholeStrings returns how many strings, at most rows, are wholly in text, and their size.
func wholeStrings(text []byte, rows int) (size, count int) {
	for ; count < rows && size < len(text); count++ {
		n, used := uint64(text[size]), 1
		if n >= 0x80 {
			if n, used = binary.Uvarint(text[size:]); used <= 0 {
				break
			}
		}
		if n > uint64(len(text)-size-used) {
			break
		}
		size += used + int(n)
	}
	return size, count
}

func (d *Decoder) string(dst []byte) ([]byte, error) {
	n, err := binary.ReadUvarint(d.r)
	if err != nil {
		return dst, err
	}
	if n > maxColumnBytes {
		return dst, fmt.Errorf("a string of %d bytes: the data are corrupt", n)
	}
	return d.bytes(binary.AppendUvarint(dst, n), int(n))
}
