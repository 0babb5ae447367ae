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
	size    int // of the values in the row group
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

// NewParquet begins a file. Values are compressed as the format says.
func NewParquet(out io.Writer, f *config.ExportFormat, columns []native.Column) (*Parquet, error) {
	var codec compress.Codec = &parquet.Uncompressed
	switch f.Compression {
	case "gzip":
		codec = &parquet.Gzip
	case "zstd":
		codec = &parquet.Zstd
	}
	p := &Parquet{}
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

// Write writes a block. texts has begun with it.
func (p *Parquet) Write(b *native.Block, texts Texts) error {
	for i, c := range p.columns {
		if err := c.write(b.Data[i], b.Rows, texts); err != nil {
			var why *Unfit
			if errors.As(err, &why) {
				return why
			}
			return fmt.Errorf("write column %q as Parquet: %w", c.name, err)
		}
	}
	if p.size += b.Size(); p.size >= rowGroup {
		p.size = 0
		return p.file.Flush()
	}
	return nil
}

// Close ends the file.
func (p *Parquet) Close() error { return p.file.Close() }

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
