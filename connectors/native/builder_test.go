package native

import (
	"math"
	"reflect"
	"testing"
)

// build makes a column with fill and reads it back.
func build(t *testing.T, typ string, fill func(*Builder)) []any {
	t.Helper()
	p := mustType(t, typ)
	b, err := NewBuilder(p)
	if err != nil {
		t.Fatal(err)
	}
	fill(b)
	data := b.AppendTo(nil)
	if len(data) != b.Bytes() {
		t.Errorf("%s: %d bytes, Bytes says %d", typ, len(data), b.Bytes())
	}
	v, err := Values(Column{"c", p}, data, b.Len())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestBuilder(t *testing.T) {
	for _, c := range []struct {
		typ  string
		fill func(*Builder)
		want []any
	}{
		{"UInt8", func(b *Builder) { b.AppendUint8(7); b.AppendDefault() }, []any{uint64(7), uint64(0)}},
		{"Nullable(Int16)", func(b *Builder) { b.AppendUint16(0xffff); b.AppendNull(); b.AppendDefault() }, []any{int64(-1), nil, nil}},
		{"UInt32", func(b *Builder) { b.AppendUint32(7) }, []any{uint64(7)}},
		{"Nullable(Float64)", func(b *Builder) { b.AppendFloat64(math.Pi); b.AppendNull() }, []any{math.Pi, nil}},
		{"Float32", func(b *Builder) { b.AppendFloat32(1.5) }, []any{1.5}},
		{"Decimal(76, 1)", func(b *Builder) { b.AppendWords(12, 0, 0, 0); b.AppendDefault() }, []any{"1.2", "0.0"}},
		{"Nullable(String)", func(b *Builder) { b.AppendBytes([]byte("x")); b.AppendNull(); b.AppendBytes(nil) }, []any{"x", nil, ""}},
		{"LowCardinality(Nullable(String))", func(b *Builder) { b.AppendBytes([]byte("x")); b.AppendNull() }, []any{"x", nil}},
		{"FixedString(3)", func(b *Builder) { b.AppendBytes([]byte("x")); b.AppendBytes([]byte("xyz")) }, []any{"x\x00\x00", "xyz"}},
		{"Enum16('b'=7,'c'=9)", func(b *Builder) { b.AppendDefault(); b.AppendUint16(9) }, []any{"b", "c"}},
		{"Nullable(Enum8('b'=-7))", func(b *Builder) { b.AppendNull(); b.AppendUint8(0xf9) }, []any{nil, "b"}},
	} {
		if got := build(t, c.typ, c.fill); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.typ, got, c.want)
		}
	}
	for _, typ := range []string{"JSON", "Point", "Array(JSON)", "Tuple(UInt8, Point)", "Nullable(Tuple(UInt8))", "Tuple()"} {
		if _, err := NewBuilder(mustType(t, typ)); err == nil {
			t.Errorf("%s: accepted", typ)
		}
	}
}

// TestBuilderEnumNull: both engines store an enum number that has no name and then can't read the column, so even what stands
// for NULL has to be a number of the type.
func TestBuilderEnumNull(t *testing.T) {
	b, err := NewBuilder(mustType(t, "Nullable(Enum8('a'=5))"))
	if err != nil {
		t.Fatal(err)
	}
	b.AppendNull()
	if got := string(b.AppendTo(nil)); got != "\x01\x05" {
		t.Errorf("%q", got)
	}
}

func TestBuilderRollback(t *testing.T) {
	got := build(t, "Nullable(String)", func(b *Builder) {
		b.AppendBytes([]byte("keep"))
		m := b.Mark()
		b.AppendNull()
		b.AppendBytes([]byte("drop"))
		b.Rollback(m)
		b.AppendNull()
		m = b.Mark()
		b.Rollback(m)
		b.AppendBytes([]byte("last"))
	})
	if !reflect.DeepEqual(got, []any{"keep", nil, "last"}) {
		t.Error(got)
	}
	got = build(t, "UInt8", func(b *Builder) { b.AppendUint8(1); b.Reset(); b.AppendUint8(2) })
	if !reflect.DeepEqual(got, []any{uint64(2)}) {
		t.Error(got)
	}
}

func TestBuilderPanicsOnTooWide(t *testing.T) {
	b, err := NewBuilder(mustType(t, "FixedString(1)"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if recover() == nil || b.Len() != 0 {
			t.Error("two bytes went into a column of width 1")
		}
	}()
	b.AppendBytes([]byte("ab"))
}

func TestBuilderAllocatesNothing(t *testing.T) {
	b, err := NewBuilder(mustType(t, "Nullable(Decimal(50, 2))"))
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		b.Reset()
		for range 100 {
			b.AppendWords(1, 2, 3, 4)
			b.AppendNull()
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
