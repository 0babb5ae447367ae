package format

import (
	"encoding/binary"

	"chute/connectors/native"
)

// Left is what of a block isn't written yet: its rows may go into several files.
type Left struct {
	data  [][]byte // of each column, without those that tell NULLs
	nulls [][]byte
	size  int // of a row, on average
	text  []byte
}

// Begin takes a block.
func (l *Left) Begin(b *native.Block) {
	l.data, l.nulls = append(l.data[:0], b.Data...), append(l.nulls[:0], make([][]byte, len(b.Data))...)
	l.size = b.Size() / max(b.Rows, 1)
	for i, c := range b.Columns {
		if c.Type.Plain().Kind == native.Nullable {
			l.nulls[i], l.data[i] = b.Data[i][:b.Rows], b.Data[i][b.Rows:]
		}
	}
}

// take moves the next values of a column into memory that isn't the block's. Those that Parquet has no type for become their texts, each with its length before it as in a column of type String.
func (l *Left) take(s *parquetSheet, i, rows int, c *parquetColumn, texts Texts) {
	s.nulls[i] = s.nulls[i][:0]
	if l.nulls[i] != nil {
		s.nulls[i] = append(s.nulls[i], l.nulls[i][:rows]...)
		l.nulls[i] = l.nulls[i][rows:]
	}
	s.data[i] = s.data[i][:0]
	defer func() { s.size += len(s.data[i]) + len(s.nulls[i]) }()
	if c.printed {
		for range rows {
			l.text, _ = texts.Append(l.text[:0], i)
			s.data[i] = append(binary.AppendUvarint(s.data[i], uint64(len(l.text))), l.text...)
		}
		return
	}
	n, _ := native.DataLen(c.layout, l.data[i], rows) // the printer that is at the same place has found the block to be sound
	s.data[i] = append(s.data[i], l.data[i][:n]...)
	l.data[i] = l.data[i][n:]
}
