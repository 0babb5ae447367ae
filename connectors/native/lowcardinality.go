package native

import (
	"encoding/binary"
	"fmt"
	"io"
)

// LowCardinality's layout in a column of n rows:
//
//	version    8 bytes, once at the very beginning of the column ("state prefix"), before offsets of arrays around it
//	flags      8 bytes: width of an index (0: 1 byte, 1: 2, 2: 4, 3: 8), 0x200 "the keys follow", 0x400 "they replace earlier ones"
//	keys       8 bytes their number, then the keys as a column of the inner type without Nullable; with Nullable the first key
//	           stands for NULL and has the default value
//	indexes    8 bytes their number, then the indexes
const (
	lowCardinalityVersion = 1
	flagGlobal            = 0x100
	flagKeys              = 0x200
	flagUpdate            = 0x400
)

// AppendPrefixed appends to dst a column of type t, which has LowCardinality or JSON at any depth, as a server's protocol wants it; plain is the column in
// the layout of t.Plain(), where JSON is text. For no rows it appends nothing. Else it emits the whole column data:
//
//	first the state prefix: the version, 8 bytes (1, little endian), for every LowCardinality and JSON in t, in the order in which they stand in t;
//	then the data, in which every LowCardinality has its flags, keys and indexes as described above.
//
// So a reader that takes the prefix separately finds it in the first 8·n bytes.
func AppendPrefixed(dst []byte, t *Type, plain []byte, rows int) ([]byte, error) {
	if rows == 0 {
		return dst, nil
	}
	dst = appendPrefixes(dst, t)
	e := &wrapper{dst: dst, src: plain}
	if err := e.column(t, rows); err != nil {
		return dst, fmt.Errorf("cannot encode a column of %s: %w", t, err)
	}
	if len(e.src) > 0 {
		return dst, fmt.Errorf("cannot encode a column of %s: %d bytes too many for %d rows", t, len(e.src), rows)
	}
	return e.dst, nil
}

func appendPrefixes(dst []byte, t *Type) []byte {
	switch t.Kind {
	case LowCardinality:
		return binary.LittleEndian.AppendUint64(dst, lowCardinalityVersion)
	case JSON:
		return binary.LittleEndian.AppendUint64(dst, jsonAsText)
	}
	for _, e := range t.Elems {
		dst = appendPrefixes(dst, e)
	}
	return dst
}

// wrapper moves a column from src to dst and puts LowCardinality on where the type has it.
type wrapper struct{ dst, src []byte }

// move copies n bytes.
func (e *wrapper) move(n int) error {
	if n < 0 || n > len(e.src) {
		return io.ErrUnexpectedEOF
	}
	e.dst, e.src = append(e.dst, e.src[:n]...), e.src[n:]
	return nil
}

func (e *wrapper) column(t *Type, rows int) error {
	switch t.Kind {
	case LowCardinality:
		return e.dictionary(t.Elems[0], rows)
	case SimpleAggregateFunction:
		return e.column(t.Elems[0], rows)
	case Array, Map, Nested:
		if rows == 0 {
			return nil
		}
		offsets := e.src
		if err := e.move(8 * rows); err != nil {
			return err
		}
		n, err := lastOffset(offsets[:8*rows])
		if err != nil {
			return err
		}
		return e.columns(t.Elems, n)
	case Tuple:
		if len(t.Elems) > 0 {
			return e.columns(t.Elems, rows)
		}
	}
	n, err := DataLen(t, e.src, rows)
	if err != nil {
		return err
	}
	return e.move(n)
}

func (e *wrapper) columns(types []*Type, rows int) error {
	for _, t := range types {
		if err := e.column(t, rows); err != nil {
			return err
		}
	}
	return nil
}

// dictionary encodes rows values of the type inside a LowCardinality.
func (e *wrapper) dictionary(t *Type, rows int) error {
	if rows == 0 {
		return nil
	}
	var nulls []byte
	if t.Kind == Nullable {
		if len(e.src) < rows {
			return io.ErrUnexpectedEOF
		}
		nulls, e.src = e.src[:rows], e.src[rows:]
		t = t.Elems[0]
	}
	indexes := make([]uint32, rows)
	found := make(map[string]uint32)
	var keys []byte
	count := uint32(0)
	if nulls != nil {
		b, err := NewBuilder(t)
		if err != nil {
			return err
		}
		keys, count = append(keys, b.empty...), 1
	}
	for i := range indexes {
		n, err := DataLen(t, e.src, 1)
		if err != nil {
			return err
		}
		value := e.src[:n]
		e.src = e.src[n:]
		if nulls != nil && nulls[i] != 0 {
			continue // index 0
		}
		k, ok := found[string(value)]
		if !ok {
			k = count
			found[string(value)] = k
			keys = append(keys, value...)
			count++
		}
		indexes[i] = k
	}
	e.appendDictionary(keys, count, indexes)
	return nil
}

func (e *wrapper) appendDictionary(keys []byte, count uint32, indexes []uint32) {
	width := uint64(0)
	if count > 1<<8 {
		width = 1
	}
	if count > 1<<16 {
		width = 2
	}
	dst := binary.LittleEndian.AppendUint64(e.dst, flagKeys|flagUpdate|width)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(count))
	dst = append(dst, keys...)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(indexes)))
	for _, k := range indexes {
		switch width {
		case 0:
			dst = append(dst, byte(k))
		case 1:
			dst = binary.LittleEndian.AppendUint16(dst, uint16(k))
		case 2:
			dst = binary.LittleEndian.AppendUint32(dst, k)
		}
	}
	e.dst = dst
}
