package native

import (
	"encoding/binary"
	"fmt"
	"io"
)

// lowCardinality reads a LowCardinality and appends its values in plain layout. The rows may come in several pieces, each with
// its own dictionary.
func (d *Decoder) lowCardinality(dst []byte, t *Type, rows int) ([]byte, error) {
	inner := t.Elems[0]
	var nulls, values []byte
	for rows > 0 {
		flags, err := d.uint64()
		if err != nil {
			return dst, err
		}
		if flags&flagGlobal != 0 || flags&flagKeys == 0 || flags&0xff > 3 {
			return dst, fmt.Errorf("LowCardinality with flags %#x, of which nothing is known", flags)
		}
		starts, err := d.dictionary(inner.Base())
		if err != nil {
			return dst, err
		}
		n, err := d.uint64()
		if err != nil {
			return dst, err
		}
		if n == 0 || n > uint64(rows) {
			return dst, fmt.Errorf("%d indexes for %d rows: the data are corrupt", n, rows)
		}
		for range n {
			k, err := d.index(flags & 0xff)
			if err != nil {
				return dst, err
			}
			if k >= uint64(len(starts)-1) || len(values) > maxColumnBytes {
				return dst, fmt.Errorf("key %d of %d in %d bytes: the data are corrupt", k, len(starts)-1, len(values))
			}
			if inner.Kind == Nullable {
				nulls = append(nulls, isZero(k))
			}
			values = append(values, d.keys[starts[k]:starts[k+1]]...)
		}
		rows -= int(n)
	}
	return append(append(dst, nulls...), values...), nil
}

// isZero is the null map's byte for a key: the first key stands for NULL.
func isZero(key uint64) byte {
	if key == 0 {
		return 1
	}
	return 0
}

// dictionary reads the keys into d.keys and returns where each begins, and behind the last one the end.
func (d *Decoder) dictionary(t *Type) ([]int, error) {
	n, err := d.uint64()
	if err != nil {
		return nil, err
	}
	if n > maxBlockRows {
		return nil, fmt.Errorf("dictionary of %d keys: the data are corrupt", n)
	}
	if d.keys, err = d.data(d.keys[:0], t, int(n)); err != nil {
		return nil, err
	}
	starts := []int{0}
	for at := 0; at < len(d.keys); {
		size, err := DataLen(t, d.keys[at:], 1)
		if err != nil {
			return nil, err
		}
		at += size
		starts = append(starts, at)
	}
	return starts, nil
}

func (d *Decoder) uint64() (uint64, error) {
	var b [8]byte
	_, err := io.ReadFull(d.r, b[:])
	return binary.LittleEndian.Uint64(b[:]), err
}

// index reads one index of 1, 2, 4 or 8 bytes.
func (d *Decoder) index(width uint64) (uint64, error) {
	var b [8]byte
	_, err := io.ReadFull(d.r, b[:1<<width])
	return binary.LittleEndian.Uint64(b[:]), err
}

// DataLen returns how many bytes at the beginning of data are rows values of the plain type t.
func DataLen(t *Type, data []byte, rows int) (int, error) {
	if rows == 0 {
		return 0, nil
	}
	n := 0
	if w, ok := t.Width(); ok {
		n = w * rows
	} else {
		var err error
		switch t.Kind {
		case String, JSON:
			return stringsLen(data, rows)
		case Nullable:
			n, err = elemsLen(t.Elems, data, rows, rows)
		case Array, Map, Nested:
			if len(data)/8 < rows {
				return 0, io.ErrUnexpectedEOF
			}
			var count int
			if count, err = lastOffset(data[:8*rows]); err == nil {
				n, err = elemsLen(t.Elems, data, 8*rows, count)
			}
		case Tuple:
			if n = rows; len(t.Elems) > 0 {
				n, err = elemsLen(t.Elems, data, 0, rows)
			}
		case SimpleAggregateFunction:
			return DataLen(t.Elems[0], data, rows)
		default:
			err = fmt.Errorf("the layout of %s isn't known", t)
		}
		if err != nil {
			return 0, err
		}
	}
	if n > len(data) {
		return 0, io.ErrUnexpectedEOF
	}
	return n, nil
}

// elemsLen returns the length of columns of rows values that begin behind the first n bytes of data, with those n.
func elemsLen(types []*Type, data []byte, n, rows int) (int, error) {
	for _, t := range types {
		if n > len(data) {
			return 0, io.ErrUnexpectedEOF
		}
		size, err := DataLen(t, data[n:], rows)
		if err != nil {
			return 0, err
		}
		n += size
	}
	return n, nil
}

func stringsLen(data []byte, rows int) (int, error) {
	size, count := wholeStrings(data, rows)
	if count < rows {
		return 0, io.ErrUnexpectedEOF
	}
	return size, nil
}
