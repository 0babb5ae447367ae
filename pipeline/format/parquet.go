package format

import (
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"

	"chute/config"
	"chute/connectors/native"
)

// Texts gives values as texts, one row after the other.
type Texts interface {
	Append(dst []byte, i int) (text []byte, null bool)
}

// Parquet writes a Parquet file, in row groups that several cores encode and compress.
type Parquet struct {
	file    *parquet.GenericWriter[any]
	columns []*parquetColumn
	left    *Left
	groups  parquetGroups
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
		codec = &pagesByZstd
	}
	p := &Parquet{left: left}
	p.groups.most, p.groups.make = rowGroup, func() *parquetGroup { return p.group(columns, f.Unmappable == "replace") }
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
	return p, nil
}

// group makes what encodes row groups, one at a time, with columns of its own.
func (p *Parquet) group(columns []native.Column, replace bool) *parquetGroup {
	g := &parquetGroup{out: p.file.BeginRowGroup(), whole: make(chan struct{}, 1)}
	for i, w := range g.out.ColumnWriters() {
		c, _, _ := newParquetColumn(columns[i], i, replace) // it could be made before
		c.out = w
		g.columns = append(g.columns, c)
	}
	return g
}

// Write writes the next rows of the block at hand. texts is at the same place. An error may be one of earlier rows.
func (p *Parquet) Write(rows int, texts Texts) error {
	for rows > 0 {
		s, err := p.groups.sheet()
		if err != nil {
			return err
		}
		n := min(rows, max(1, parquetSheetSize/max(1, p.left.size)))
		s.begin(n, len(p.columns))
		for i := range p.columns {
			p.left.take(s, i, n, p.columns[i], texts)
		}
		p.groups.put(s)
		rows -= n
	}
	return nil
}

// Close ends the file.
func (p *Parquet) Close() error {
	if err := p.groups.close(); err != nil {
		return err
	}
	return p.file.Close()
}

// Discard gives up a file. One that was closed may be given up as well.
func (p *Parquet) Discard() { p.groups.discard() }

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
