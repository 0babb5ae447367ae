package native

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net/netip"
	"slices"
	"time"
)

// Values makes Go values of a column's data, for administrative queries and tests; the hot path never comes here.
//
//	Int8…Int64, Interval, UInt8…UInt64   int64, uint64
//	Int128, Int256, UInt128, UInt256     *big.Int
//	BFloat16, Float32, Float64, Bool     float64, bool
//	String, FixedString, JSON            string, a FixedString with its zeros
//	Date, Date32, DateTime, DateTime64   time.Time, in the type's zone, else UTC
//	Decimal, UUID, IPv4, IPv6, Enum, Time string: the exact text
//	Array, Nested, Tuple                 []any; a Nested's elements are tuples
//	Map                                  []any of [2]any, in the order of the data
//	NULL                                 nil
func Values(c Column, data []byte, rows int) ([]any, error) {
	r := &valueReader{data: data}
	values, err := r.column(c.Type.Plain(), rows)
	if err == nil && len(r.data) > 0 {
		err = fmt.Errorf("%d bytes are left over", len(r.data))
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read %d values of %s %s: %w", rows, Identifier(c.Name), c.Type, err)
	}
	return values, nil
}

type valueReader struct{ data []byte }

func (r *valueReader) take(n int) ([]byte, error) {
	if n < 0 || n > len(r.data) {
		return nil, io.ErrUnexpectedEOF
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b, nil
}

func (r *valueReader) column(t *Type, rows int) ([]any, error) {
	switch t.Kind {
	case Nullable:
		nulls, err := r.take(rows)
		if err != nil {
			return nil, err
		}
		values, err := r.column(t.Elems[0], rows)
		for i := range values {
			if nulls[i] != 0 {
				values[i] = nil
			}
		}
		return values, err
	case Array, Map, Nested:
		return r.arrays(t, rows)
	case Tuple:
		return r.tuples(t.Elems, rows)
	}
	n, err := DataLen(t, r.data, rows)
	if err != nil {
		return nil, err
	}
	data := r.data[:n]
	r.data = r.data[n:]
	values := make([]any, rows)
	show := shower(t)
	for i := range values {
		size, err := DataLen(t, data, 1)
		if err != nil {
			return nil, err
		}
		values[i] = show(data[:size])
		data = data[size:]
	}
	return values, nil
}

func (r *valueReader) arrays(t *Type, rows int) ([]any, error) {
	if len(r.data)/8 < rows {
		return nil, io.ErrUnexpectedEOF
	}
	offsets, _ := r.take(8 * rows)
	n, err := lastOffset(offsets)
	if err != nil {
		return nil, err
	}
	var elems []any
	if t.Kind == Array {
		elems, err = r.column(t.Elems[0], n)
	} else {
		elems, err = r.tuples(t.Elems, n)
	}
	if err != nil {
		return nil, err
	}
	values := make([]any, rows)
	from := uint64(0)
	for i := range values {
		to := binary.LittleEndian.Uint64(offsets[8*i:])
		row := elems[from:to:to]
		if t.Kind == Map {
			row = slices.Clone(row)
			for j, pair := range row {
				row[j] = [2]any(pair.([]any))
			}
		}
		values[i], from = row, to
	}
	return values, nil
}

func (r *valueReader) tuples(types []*Type, rows int) ([]any, error) {
	if len(types) == 0 {
		if _, err := r.take(rows); err != nil {
			return nil, err
		}
	}
	values := make([]any, rows)
	for j, t := range types {
		column, err := r.column(t, rows)
		if err != nil {
			return nil, err
		}
		for i, v := range column {
			if j == 0 {
				values[i] = make([]any, len(types))
			}
			values[i].([]any)[j] = v
		}
	}
	for i := range values {
		if len(types) == 0 {
			values[i] = []any{}
		}
	}
	return values, nil
}

// shower returns the function that makes a value of its bytes.
func shower(t *Type) func([]byte) any {
	le := binary.LittleEndian
	switch t.Kind {
	case Int8, Int16, Int32, Int64, Interval:
		return func(b []byte) any { return signed(b) }
	case UInt8, UInt16, UInt32, UInt64:
		return func(b []byte) any { return unsigned(b) }
	case UInt128, UInt256:
		return func(b []byte) any { return bigInt(b, false) }
	case Int128, Int256:
		return func(b []byte) any { return bigInt(b, true) }
	case BFloat16:
		return func(b []byte) any { return float64(math.Float32frombits(uint32(le.Uint16(b)) << 16)) }
	case Float32:
		return func(b []byte) any { return float64(math.Float32frombits(le.Uint32(b))) }
	case Float64:
		return func(b []byte) any { return math.Float64frombits(le.Uint64(b)) }
	case Bool:
		return func(b []byte) any { return b[0] != 0 }
	case String, JSON:
		return func(b []byte) any { _, n := binary.Uvarint(b); return string(b[n:]) }
	case FixedString:
		return func(b []byte) any { return string(b) }
	case Nothing:
		return func([]byte) any { return nil }
	case Decimal:
		return func(b []byte) any { return decimalText(bigInt(b, true), t.Scale) }
	case Enum8, Enum16:
		return func(b []byte) any { return t.enumName(signed(b)) }
	case UUID:
		return func(b []byte) any { return uuidText(b) }
	case IPv4:
		return func(b []byte) any { return netip.AddrFrom4([4]byte{b[3], b[2], b[1], b[0]}).String() }
	case IPv6:
		return func(b []byte) any { return netip.AddrFrom16([16]byte(b)).String() }
	}
	return timeShower(t)
}

// timeShower is shower for what has to do with time.
func timeShower(t *Type) func([]byte) any {
	zone := time.UTC
	if t.Zone != "" {
		if z, err := time.LoadLocation(t.Zone); err == nil {
			zone = z // an unknown zone only changes how the instant is shown
		}
	}
	switch t.Kind {
	case Date, Date32:
		return func(b []byte) any {
			days := int64(unsigned(b))
			if t.Kind == Date32 {
				days = signed(b)
			}
			return time.Unix(days*86400, 0).UTC()
		}
	case DateTime:
		return func(b []byte) any { return time.Unix(int64(unsigned(b)), 0).In(zone) }
	case DateTime64:
		unit := pow10(t.Scale)
		return func(b []byte) any {
			v := signed(b)
			return time.Unix(v/unit, v%unit*(1e9/unit)).In(zone)
		}
	}
	return func(b []byte) any { return clockText(signed(b), t.Scale) }
}
