package native

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
)

// AppendTo appends the block to dst as the Native format has it: the numbers of columns and rows, then for each column its
// name, its plain type and its bytes. Blocks one after the other are a stream.
func (b *Block) AppendTo(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b.Columns)))
	dst = binary.AppendUvarint(dst, uint64(b.Rows))
	for i, c := range b.Columns {
		dst = appendString(dst, c.Name)
		dst = appendString(dst, c.Type.Plain().String())
		dst = append(dst, b.Data[i]...)
	}
	return dst
}

// Size returns the number of bytes of the block's data.
func (b *Block) Size() int {
	n := 0
	for _, d := range b.Data {
		n += len(d)
	}
	return n
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// Structure writes columns with their plain types as the table functions file() and input() want them: "`a` UInt8, `b` String".
func Structure(columns []Column) string {
	var b strings.Builder
	for i, c := range columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(Identifier(c.Name) + " " + c.Type.Plain().String())
	}
	return b.String()
}

// Clone returns a block with memory of its own.
func (b *Block) Clone() *Block {
	c := &Block{Columns: slices.Clone(b.Columns), Data: make([][]byte, len(b.Data)), Rows: b.Rows}
	for i, data := range b.Data {
		c.Data[i] = bytes.Clone(data)
	}
	return c
}
