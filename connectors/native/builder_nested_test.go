package native

import (
	"reflect"
	"testing"
)

func (b *Builder) strings(values ...string) {
	for _, v := range values {
		b.AppendBytes([]byte(v))
	}
}

func TestNestedBuilders(t *testing.T) {
	for _, c := range []struct {
		typ  string
		fill func(*Builder)
		want []any
	}{
		{"Array(LowCardinality(Nullable(String)))", func(b *Builder) {
			b.Elems()[0].strings("a", "")
			b.Elems()[0].AppendNull()
			b.EndRow()
			b.AppendDefault()
			b.Elems()[0].strings("z")
			b.EndRow()
		}, []any{[]any{"a", "", nil}, []any{}, []any{"z"}}},
		{"Tuple(a UInt8, b Array(String))", func(b *Builder) {
			b.Elems()[0].AppendUint8(7)
			b.Elems()[1].Elems()[0].strings("x", "y")
			b.Elems()[1].EndRow()
			b.EndRow()
			b.AppendDefault()
		}, []any{[]any{uint64(7), []any{"x", "y"}}, []any{uint64(0), []any{}}}},
		{"Map(String, UInt16)", func(b *Builder) {
			b.AppendDefault()
			b.Elems()[0].strings("k", "l")
			b.Elems()[1].AppendUint16(1)
			b.Elems()[1].AppendUint16(2)
			b.EndRow()
		}, []any{[]any{}, []any{[2]any{"k", uint64(1)}, [2]any{"l", uint64(2)}}}},
		{"Nested(k String, v UInt8)", func(b *Builder) {
			b.Elems()[0].strings("k")
			b.Elems()[1].AppendUint8(1)
			b.EndRow()
		}, []any{[]any{[]any{"k", uint64(1)}}}},
	} {
		if got := build(t, c.typ, c.fill); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.typ, got, c.want)
		}
	}
}

// addRow appends one row of Array(Tuple(String, Array(Nullable(UInt8)))), or the half of one.
func addRow(b *Builder, half bool) {
	tuple := b.Elems()[0]
	tuple.Elems()[0].strings("some text")
	inner := tuple.Elems()[1]
	inner.Elems()[0].AppendNull()
	if half {
		return
	}
	inner.EndRow()
	tuple.EndRow()
	b.EndRow()
}

func TestNestedRollback(t *testing.T) {
	b, err := NewBuilder(mustType(t, "Array(Tuple(String, Array(Nullable(UInt8))))"))
	if err != nil {
		t.Fatal(err)
	}
	b.AppendDefault()
	if b.LastLen() != 0 {
		t.Errorf("an empty array of length %d", b.LastLen())
	}
	b.Reset()
	addRow(b, false)
	if b.LastLen() != 1 || b.Elems()[0].Elems()[1].LastLen() != 1 {
		t.Error("wrong lengths")
	}
	want, m := b.AppendTo(nil), b.Mark()
	addRow(b, false)
	addRow(b, true)
	b.Rollback(m)
	if got := b.AppendTo(nil); !reflect.DeepEqual(got, want) || b.Len() != 1 || len(got) != b.Bytes() {
		t.Errorf("got %x, want %x", got, want)
	}
	b.Reset()
	if b.Len() != 0 || b.Bytes() != 0 || len(b.AppendTo(nil)) != 0 {
		t.Error("rows stay after Reset")
	}
	if n := testing.AllocsPerRun(50, func() {
		b.Reset()
		for range 10 {
			addRow(b, false)
			b.MarkTo(&m)
			addRow(b, true)
			b.Rollback(m)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestEndRowPanicsOnUnevenElements(t *testing.T) {
	for _, typ := range []string{"Map(String, UInt8)", "Tuple(String, UInt8)"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: a row of uneven elements is taken", typ)
				}
			}()
			b, err := NewBuilder(mustType(t, typ))
			if err != nil {
				t.Fatal(err)
			}
			b.Elems()[0].strings("x")
			b.EndRow()
		}()
	}
}
