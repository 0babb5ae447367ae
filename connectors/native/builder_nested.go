package native

import (
	"encoding/binary"
	"fmt"
)

// isNested tells kinds whose values are made of others.
func isNested(k Kind) bool { return k == Array || k == Map || k == Nested || k == Tuple }

// nest makes the builders of the elements: of an Array one, of a Map one for the keys and one for the values, of a Tuple or Nested one for each.
func (b *Builder) nest(t *Type) error {
	if len(t.Elems) == 0 {
		return fmt.Errorf("columns of type %s cannot be built value by value", t)
	}
	b.offsets = t.Kind != Tuple
	for _, e := range t.Elems {
		made, err := NewBuilder(e)
		if err != nil {
			return err
		}
		b.elems = append(b.elems, made)
	}
	return nil
}

// Elems returns the builders of the elements, nil for types without.
func (b *Builder) Elems() []*Builder { return b.elems }

func (b *Builder) markElems(m *Mark) {
	if len(m.elems) != len(b.elems) {
		m.elems = make([]Mark, len(b.elems))
	}
	for i, e := range b.elems {
		e.MarkTo(&m.elems[i])
	}
}

// LastLen returns the number of elements in the last row of an array, map or nested.
func (b *Builder) LastLen() int {
	before := uint64(0)
	if b.rows > 1 {
		before = binary.LittleEndian.Uint64(b.data[8*(b.rows-2):])
	}
	return int(binary.LittleEndian.Uint64(b.data[8*(b.rows-1):]) - before)
}

// EndRow ends a row of an array, map, nested or tuple: what was appended to Elems since the last one is its value. To the elements of a
// tuple that is one value each; to those of the others any number, the same for each.
func (b *Builder) EndRow() {
	b.rows++
	want := b.rows
	if b.offsets {
		want = b.elems[0].rows
		b.data = binary.LittleEndian.AppendUint64(b.data, uint64(want))
	}
	for _, e := range b.elems {
		if e.rows != want {
			panic(fmt.Sprintf("native: %d values of an element where %d belong", e.rows, want))
		}
	}
}

// appendEmpty is AppendDefault for these types.
func (b *Builder) appendEmpty() {
	if !b.offsets {
		for _, e := range b.elems {
			e.AppendDefault()
		}
	}
	b.EndRow()
}
