package native

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"reflect"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"
)

func TestStructure(t *testing.T) {
	got := Structure([]Column{{"a`b", mustType(t, "LowCardinality(String)")}, {"c", mustType(t, "Nullable(UInt8)")}})
	if want := "`a\\`b` String, `c` Nullable(UInt8)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestBlockBytes compares with bytes written down by hand from the format's documentation.
func TestBlockBytes(t *testing.T) {
	b := Block{Rows: 2, Columns: []Column{{"n", mustType(t, "UInt16")}, {"s", mustType(t, "LowCardinality(Nullable(String))")}}}
	b.Data = [][]byte{{1, 0, 2, 1}, {0, 1, 2, 'h', 'i', 0}}
	want := "\x02\x02" + "\x01n\x06UInt16\x01\x00\x02\x01" + "\x01s\x10Nullable(String)\x00\x01\x02hi\x00"
	if got := string(b.AppendTo(nil)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if b.Size() != 10 {
		t.Error(b.Size())
	}
}

// TestDecodeServerLowCardinality reads what a server sends for SELECT of the values a, b, a (and NULL) as LowCardinality.
func TestDecodeServerLowCardinality(t *testing.T) {
	le := binary.LittleEndian
	data := le.AppendUint64(nil, 1)
	data = le.AppendUint64(data, 0x600)
	data = le.AppendUint64(data, 3)
	data = append(data, "\x00\x01a\x01b"...)
	data = le.AppendUint64(data, 4)
	data = append(data, 1, 2, 1, 0)
	for name, want := range map[string][]any{
		"LowCardinality(String)":           {"a", "b", "a", ""},
		"LowCardinality(Nullable(String))": {"a", "b", "a", nil},
	} {
		stream := binary.AppendUvarint(nil, 1)
		stream = binary.AppendUvarint(stream, 4)
		stream = appendString(appendString(stream, "c"), name)
		b, err := NewDecoder(bytes.NewReader(append(stream, data...))).Next()
		if err != nil {
			t.Fatal(err)
		}
		got, err := Values(b.Columns[0], b.Data[0], b.Rows)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
		if b.Columns[0].Type.Kind == LowCardinality {
			t.Error("a decoded block has a type that isn't plain")
		}
	}
}

func TestValues(t *testing.T) {
	utc := func(y, m, d, h, n, s, ns int) time.Time { return time.Date(y, time.Month(m), d, h, n, s, ns, time.UTC) }
	wide := make([]byte, 32)
	wide[31] = 0x80
	for _, c := range []struct {
		typ  string
		data string
		want any
	}{
		{"Int8", "\xff", int64(-1)},
		{"Int64", "\x00\x00\x00\x00\x00\x00\x00\x80", int64(-1 << 63)},
		{"UInt32", "\xff\xff\xff\xff", uint64(1<<32 - 1)},
		{"Int256", string(wide), new(big.Int).Neg(new(big.Int).Lsh(big.NewInt(1), 255))},
		{"UInt256", string(wide), new(big.Int).Lsh(big.NewInt(1), 255)},
		{"Float32", "\x00\x00\xc0\x3f", 1.5},
		{"BFloat16", "\xc0\x3f", 1.5},
		{"Float64", "\x00\x00\x00\x00\x00\x00\xf8\x3f", 1.5},
		{"Bool", "\x01", true},
		{"String", "\x03a\x00b", "a\x00b"},
		{"FixedString(3)", "ab\x00", "ab\x00"},
		{"Date", "\xff\xff", utc(2149, 6, 6, 0, 0, 0, 0)},
		{"Date32", "\xff\xff\xff\xff", utc(1969, 12, 31, 0, 0, 0, 0)},
		{"DateTime('UTC')", "\x01\x00\x00\x00", utc(1970, 1, 1, 0, 0, 1, 0)},
		{"DateTime64(3)", "\xff\xff\xff\xff\xff\xff\xff\xff", utc(1969, 12, 31, 23, 59, 59, 999e6)},
		{"Time", "\xff\xff\xff\xff", "-00:00:01"},
		{"Time64(3)", "\x61\xea\x00\x00\x00\x00\x00\x00", "00:01:00.001"},
		{"Decimal(9, 3)", "\xff\xff\xff\xff", "-0.001"},
		{"Decimal(18, 0)", "\x0c\x00\x00\x00\x00\x00\x00\x00", "12"},
		{"UUID", "\x07\x06\x05\x04\x03\x02\x01\x00\x0f\x0e\x0d\x0c\x0b\x0a\x09\x08", "00010203-0405-0607-0809-0a0b0c0d0e0f"},
		{"IPv4", "\x04\x03\x02\x01", "1.2.3.4"},
		{"IPv6", "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", "2001:db8::1"},
		{"Enum8('a'=-1)", "\xff", "a"},
		{"Enum16('a'=1)", "\x02\x00", "2"},
		{"Nullable(Nothing)", "\x010", nil},
		{"Nullable(UInt8)", "\x00\x05", uint64(5)},
		{"Tuple()", "0", []any{}},
		{"Tuple(UInt8, String)", "\x05\x01x", []any{uint64(5), "x"}},
		{"Array(UInt8)", "\x02\x00\x00\x00\x00\x00\x00\x00\x05\x06", []any{uint64(5), uint64(6)}},
		{"Map(String, UInt8)", "\x01\x00\x00\x00\x00\x00\x00\x00\x01k\x06", []any{[2]any{"k", uint64(6)}}},
		{"Nested(a UInt8)", "\x01\x00\x00\x00\x00\x00\x00\x00\x06", []any{[]any{uint64(6)}}},
		{"SimpleAggregateFunction(sum, UInt8)", "\x06", uint64(6)},
	} {
		col := Column{"c", mustType(t, c.typ)}
		got, err := Values(col, []byte(c.data), 1)
		if err != nil || len(got) != 1 || !equalValue(got[0], c.want) {
			t.Errorf("%s: got %v, %v; want %v", c.typ, got, err, c.want)
		}
		if _, err := Values(col, []byte(c.data+"x"), 1); err == nil {
			t.Errorf("%s: a byte too many is accepted", c.typ)
		}
		if _, err := Values(col, []byte(c.data[:len(c.data)-1]), 1); err == nil {
			t.Errorf("%s: a byte too few is accepted", c.typ)
		}
	}
}

func equalValue(a, b any) bool {
	if t, ok := a.(time.Time); ok {
		u, ok := b.(time.Time)
		return ok && t.Equal(u)
	}
	return reflect.DeepEqual(a, b)
}

// drawType draws a type with all that Native can nest.
func drawType(t *rapid.T, depth int) *Type {
	scalars := []string{"UInt8", "Int16", "UInt64", "Int256", "Float64", "String", "FixedString(3)", "Date", "DateTime64(3)", "Decimal(20, 2)", "UUID",
		"Enum8('a' = 1)", "Tuple()", "LowCardinality(String)", "LowCardinality(Nullable(String))", "LowCardinality(UInt16)", "LowCardinality(Nullable(FixedString(2)))",
		"Nullable(String)", "Nullable(UInt32)", "SimpleAggregateFunction(any, LowCardinality(String))"}
	n := rapid.IntRange(0, 4).Draw(t, "shape")
	if depth == 0 || n == 0 {
		p, err := ParseType(rapid.SampledFrom(scalars).Draw(t, "type"))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	switch n {
	case 1:
		return &Type{Kind: Array, Elems: []*Type{drawType(t, depth-1)}}
	case 2:
		return &Type{Kind: Map, Elems: []*Type{drawType(t, depth-1), drawType(t, depth-1)}}
	case 3:
		return &Type{Kind: Nested, Names: []string{"x", "y z"}, Elems: []*Type{drawType(t, depth-1), drawType(t, depth-1)}}
	}
	return &Type{Kind: Tuple, Elems: []*Type{drawType(t, depth-1), drawType(t, depth-1)}}
}

// drawData draws the plain layout of rows values of t.
func drawData(t *rapid.T, p *Type, rows int) []byte {
	if w, ok := p.Width(); ok {
		return rapid.SliceOfN(rapid.Byte(), w*rows, w*rows).Draw(t, "fixed")
	}
	var out []byte
	switch p.Kind {
	case String:
		for range rows {
			out = appendString(out, rapid.SampledFrom([]string{"", "a", "b", "longer than the others", "\x00"}).Draw(t, "string"))
		}
	case Nullable:
		for range rows {
			out = append(out, byte(rapid.IntRange(0, 1).Draw(t, "null")))
		}
		for i, w := range out {
			if inner := p.Elems[0]; w == 0 {
				out = append(out, drawData(t, inner, 1)...)
			} else if b, err := NewBuilder(inner); err == nil {
				out = append(out, b.empty...)
			} else {
				t.Fatal(i, err)
			}
		}
	case Array, Map, Nested:
		total := 0
		for range rows {
			total += rapid.IntRange(0, 3).Draw(t, "elements")
			out = binary.LittleEndian.AppendUint64(out, uint64(total))
		}
		for _, e := range p.Elems {
			out = append(out, drawData(t, e, total)...)
		}
	case Tuple:
		if len(p.Elems) == 0 {
			return bytes.Repeat([]byte{0}, rows)
		}
		for _, e := range p.Elems {
			out = append(out, drawData(t, e, rows)...)
		}
	}
	return out
}

// TestRoundTrip: a stream of blocks comes out as it went in, in plain layout as well as with the LowCardinality put on.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var blocks []Block
		var stream []byte
		for range rapid.IntRange(1, 3).Draw(t, "blocks") {
			b := Block{Rows: rapid.IntRange(0, 5).Draw(t, "rows")}
			wrapped := rapid.Bool().Draw(t, "wrapped")
			columns := rapid.IntRange(1, 3).Draw(t, "columns")
			stream = binary.AppendUvarint(stream, uint64(columns))
			stream = binary.AppendUvarint(stream, uint64(b.Rows))
			for range columns {
				p := drawType(t, 2)
				data := drawData(t, p.Plain(), b.Rows)
				b.Columns = append(b.Columns, Column{"c", p})
				b.Data = append(b.Data, data)
				if wrapped {
					stream = appendString(appendString(stream, "c"), p.String())
					var err error
					if stream, err = AppendPrefixed(stream, p, data, b.Rows); err != nil {
						t.Fatal(err)
					}
				} else {
					stream = appendString(appendString(stream, "c"), p.Plain().String())
					stream = append(stream, data...)
				}
			}
			if !wrapped && !bytes.HasSuffix(stream, b.AppendTo(nil)) {
				t.Fatal("AppendTo writes something else")
			}
			blocks = append(blocks, b)
		}
		d := NewDecoder(iotest.OneByteReader(bytes.NewReader(stream)))
		for i, want := range blocks {
			got, err := d.Next()
			if err != nil {
				t.Fatalf("block %d: %v", i, err)
			}
			if got.Rows != want.Rows || len(got.Columns) != len(want.Columns) || len(got.Data) != len(want.Data) {
				t.Fatalf("block %d: %d rows of %d", i, got.Rows, want.Rows)
			}
			for j, c := range got.Columns {
				if !c.Type.Equal(want.Columns[j].Type.Plain()) || !bytes.Equal(got.Data[j], want.Data[j]) {
					t.Fatalf("block %d column %d (%s): got %q, want %q", i, j, want.Columns[j].Type, got.Data[j], want.Data[j])
				}
				if v, err := Values(c, got.Data[j], got.Rows); err != nil || len(v) != got.Rows {
					t.Fatalf("%s: %d values of %d: %v", c.Type, len(v), got.Rows, err)
				}
			}
		}
		if _, err := d.Next(); err != io.EOF {
			t.Fatalf("at the end: %v", err)
		}
		cutAt := rapid.IntRange(1, len(stream)-1).Draw(t, "cut")
		d = NewDecoder(bytes.NewReader(stream[:cutAt]))
		for {
			if _, err := d.Next(); err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
				break
			} else if err != nil {
				t.Fatalf("cut at %d: %v", cutAt, err)
			}
		}
	})
}

func TestAppendPrefixedManyKeys(t *testing.T) {
	p := mustType(t, "LowCardinality(Nullable(UInt32))")
	for _, n := range []int{1, 255, 256, 257, 65535, 65536, 70000} {
		data := bytes.Repeat([]byte{0}, n)
		for i := range n {
			data = binary.LittleEndian.AppendUint32(data, uint32(i+1))
		}
		stream := binary.AppendUvarint([]byte{1}, uint64(n))
		stream, err := AppendPrefixed(appendString(appendString(stream, "c"), p.String()), p, data, n)
		if err != nil {
			t.Fatal(err)
		}
		b, err := NewDecoder(bytes.NewReader(stream)).Next()
		if err != nil || !bytes.Equal(b.Data[0], data) {
			t.Fatalf("%d keys: %v", n, err)
		}
	}
}

func TestAppendPrefixedRefuses(t *testing.T) {
	p := mustType(t, "Array(LowCardinality(String))")
	good := append(binary.LittleEndian.AppendUint64(nil, 1), 1, 'a')
	if _, err := AppendPrefixed(nil, p, good, 1); err != nil {
		t.Fatal(err)
	}
	for n := range good {
		if _, err := AppendPrefixed(nil, p, good[:n], 1); err == nil {
			t.Errorf("%d of %d bytes are accepted", n, len(good))
		}
	}
	if _, err := AppendPrefixed(nil, p, append(good, 0), 1); err == nil {
		t.Error("a byte too many is accepted")
	}
}

// TestDecoderRefuses: sizes that no honest stream has end in an error, not in memory.
func TestDecoderRefuses(t *testing.T) {
	huge := "\xff\xff\xff\xff\xff\xff\xff\xff\x7f"
	for name, s := range map[string]string{
		"columns":  huge + "\x01",
		"rows":     "\x01" + huge,
		"name":     "\x01\x01" + huge,
		"type":     "\x01\x01\x01c\x03Foo",
		"string":   "\x01\x01\x01c\x06String" + huge,
		"fixed":    "\x01\xff\xff\xff\x7f\x01c\x06UInt64abc",
		"offset":   "\x01\x01\x01c\x0cArray(UInt8)\xff\xff\xff\xff\xff\xff\xff\xff",
		"falling":  "\x01\x02\x01c\x0cArray(UInt8)\x02\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00aa",
		"json":     "\x01\x01\x01c\x04JSONabcdefghijklm",
		"varint":   "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		"overlong": "\x01\x01\x01c\x1bNullable(FixedString(99999))\x00",
	} {
		if b, err := NewDecoder(bytes.NewReader([]byte(s))).Next(); err == nil || err == io.EOF {
			t.Errorf("%s: %v, %v", name, b, err)
		}
	}
	if _, err := NewDecoder(bytes.NewReader(nil)).Next(); err != io.EOF {
		t.Error(err)
	}
}

// FuzzDecoder: no stream panics, and every block that is read can be shown and read again.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte("\x02\x02\x01n\x06UInt16\x01\x00\x02\x01\x01s\x10Nullable(String)\x00\x01\x02hi\x00"))
	for _, s := range []string{"LowCardinality(Nullable(String))", "Array(LowCardinality(String))"} {
		p, err := ParseType(s)
		if err != nil {
			f.Fatal(err)
		}
		data := []byte("\x00\x01a")
		if p.Kind == Array {
			data = []byte("\x01\x00\x00\x00\x00\x00\x00\x00\x01a")
		}
		stream, err := AppendPrefixed(appendString([]byte("\x01\x01\x01c"), s), p, data, 1)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(stream)
	}
	f.Add([]byte("\x01\x01\x01c\x12Map(String, UInt8)\x01\x00\x00\x00\x00\x00\x00\x00\x01k\x06"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		d := NewDecoder(bytes.NewReader(stream))
		for {
			b, err := d.Next()
			if err != nil {
				return
			}
			for i, c := range b.Columns {
				if v, err := Values(c, b.Data[i], b.Rows); err != nil || len(v) != b.Rows {
					t.Fatalf("%s: %d values of %d: %v", c.Type, len(v), b.Rows, err)
				}
			}
			again, err := NewDecoder(bytes.NewReader(b.AppendTo(nil))).Next()
			if err != nil || !reflect.DeepEqual(again.AppendTo(nil), b.AppendTo(nil)) {
				t.Fatalf("%v cannot be read again: %v", b.Columns, err)
			}
		}
	})
}
