package format

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"

	"chute/config"
	"chute/connectors/native"
)

// rowGroup is how many bytes of values go into a row group: it is kept, compressed, until it is whole.
const rowGroup = 32 << 20

// Texts gives values as texts, one row after the other.
type Texts interface {
	Append(dst []byte, i int) (text []byte, null bool)
}

// Parquet writes a Parquet file, column by column.
type Parquet struct {
	file    *parquet.GenericWriter[any]
	columns []*parquetColumn
	left    *Left
	size    int // of the values in the row group
}

// Left is what of a block isn't written yet: its rows may go into several files.
type Left struct {
	data  [][]byte // of each column, without those that tell NULLs
	nulls [][]byte
	size  int // of a row, on average
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

// ordered is a group whose fields stay in their order.
type ordered struct {
	parquet.Group
	names []string
}

func (o ordered) Fields() []parquet.Field {
	known := map[string]parquet.Field{}
	for _, f := range o.Group.Fields() {
		known[f.Name()] = f
	}
	fields := make([]parquet.Field, len(o.names))
	for i, name := range o.names {
		fields[i] = known[name]
	}
	return fields
}

// NewParquet begins a file with rows of left. Values are compressed as the format says.
func NewParquet(out io.Writer, f *config.ExportFormat, columns []native.Column, left *Left) (*Parquet, error) {
	var codec compress.Codec = &parquet.Uncompressed
	switch f.Compression {
	case "gzip":
		codec = &parquet.Gzip
	case "zstd":
		codec = &parquet.Zstd
	}
	p := &Parquet{left: left}
	root := ordered{Group: parquet.Group{}}
	for i, c := range columns {
		if c.Name == "" || root.Group[c.Name] != nil {
			return nil, unfit("columns", "column %d is called %q, like another one or like nothing, which Parquet doesn't allow: give it a name of its own in a query", i+1, c.Name)
		}
		made, node, err := newParquetColumn(c, i, f.Unmappable == "replace")
		if err != nil {
			return nil, err
		}
		root.Group[c.Name], root.names = parquet.Compressed(node, codec), append(root.names, c.Name)
		p.columns = append(p.columns, made)
	}
	p.file = parquet.NewGenericWriter[any](out, parquet.NewSchema("chute", root), parquet.CreatedBy("chute", "1", ""))
	for i, w := range p.file.ColumnWriters() {
		p.columns[i].out = w
	}
	return p, nil
}

// Write writes the next rows of the block at hand. texts is at the same place.
func (p *Parquet) Write(rows int, texts Texts) error {
	for i, c := range p.columns {
		if err := c.write(p.left, i, rows, texts); err != nil {
			var why *Unfit
			if errors.As(err, &why) {
				return why
			}
			return fmt.Errorf("write column %q as Parquet: %w", c.name, err)
		}
	}
	if p.size += rows * p.left.size; p.size >= rowGroup {
		p.size = 0
		return p.file.Flush()
	}
	return nil
}

// Close ends the file.
func (p *Parquet) Close() error { return p.file.Close() }

// Discard gives up a file; there is nothing to free.
func (p *Parquet) Discard() {}

// CheckParquet opens a written file again: it must have so many rows and columns.
func CheckParquet(in io.ReaderAt, size int64, rows uint64, columns int) error {
	file, err := parquet.OpenFile(in, size)
	if err != nil {
		return fmt.Errorf("open the written Parquet file again: %w", err)
	}
	if file.NumRows() != int64(rows) || len(file.Root().Columns()) != columns {
		return fmt.Errorf("the written Parquet file has %d rows of %d columns instead of %d of %d", file.NumRows(), len(file.Root().Columns()), rows, columns)
	}
	return nil
}
