package pipeline

import (
	"io"
	"time"

	"chute/config"
	"chute/connectors/native"
	"chute/pipeline/convert"
	"chute/pipeline/format"
)

// printPiece is how much text is gathered before it is written.
const printPiece = 128 << 10

// Printing writes blocks as the records of a format.
type Printing struct {
	printer *convert.Printer
	writer  format.Writer
	columns int
	rows    uint64 // written so far
	text    []byte
	keys    *keys // of files that are split by a column's values

	fields []format.Column // of the rows at hand
	spans  [][2]uint32     // of all of them
}

// printRows is how many rows are printed column by column before they become records: their texts stay in the processor's cache.
const printRows = 256

// NewPrinting prepares for blocks of these columns. as is what format.NewWriter knows: csv, tsv or jsonl. Times of types without a zone are shown in zone;
// nil: UTC. Columns of which hidden tells so have ••• for each value; nil: none.
func NewPrinting(as string, columns []native.Column, zone *time.Location, hidden func(column string) bool) (*Printing, error) {
	style := convert.PrintText
	if as == "jsonl" {
		style = convert.PrintJSON
	}
	printer, err := convert.NewPrinter(columns, style, zone)
	if err != nil {
		return nil, err
	}
	for i, c := range columns {
		if hidden != nil && hidden(c.Name) {
			printer.Hide(i)
		}
	}
	fields := fieldsOf(printer, columns)
	writer, err := format.NewWriter(as, fields)
	if err != nil {
		return nil, err
	}
	return &Printing{printer: printer, writer: writer, columns: len(columns)}, nil
}

// newExportPrinting is NewPrinting for the file of an export.
func newExportPrinting(f *config.ExportFormat, columns []native.Column, zone *time.Location, how []convert.Writing) (*Printing, error) {
	style := convert.PrintText
	if f.JSON() {
		style = convert.PrintJSON
	}
	printer, err := convert.NewPrinter(columns, style, zone)
	if err != nil {
		return nil, err
	}
	for i := range how {
		if err := printer.Write(i, how[i]); err != nil {
			return nil, err
		}
	}
	writer, err := format.NewExportWriter(f, fieldsOf(printer, columns))
	return &Printing{printer: printer, writer: writer, columns: len(columns)}, err
}

// fieldsOf is what a writer knows of the columns.
func fieldsOf(printer *convert.Printer, columns []native.Column) []format.Field {
	fields := make([]format.Field, len(columns))
	for i, c := range columns {
		fields[i] = format.Field{
			Name: c.Name, Nullable: printer.Nullable(i), Bare: printer.Form(i) == convert.Bare, Styled: printer.Styled(i), Escaped: printer.Form(i) == convert.Literal,
			Number: printer.Form(i) == convert.Bare && format.IsNumber(c.Type.Plain().Base()),
		}
	}
	return fields
}

// Head writes what comes before the first record.
func (p *Printing) Head(w io.Writer) error {
	p.text = p.writer.Head(p.text[:0])
	return p.flush(w)
}

// Write writes the rows of a block.
func (p *Printing) Write(w io.Writer, b *native.Block) error {
	if err := p.printer.Begin(b); err != nil {
		return err
	}
	for range b.Rows {
		if p.row(); len(p.text) >= printPiece {
			if err := p.flush(w); err != nil {
				return err
			}
		}
	}
	return p.flush(w)
}

// row appends the next row of the block at hand.
func (p *Printing) row() {
	if p.rows++; p.rows > 1 {
		p.text = p.writer.Between(p.text)
	}
	for i := range p.columns {
		p.text = p.writer.Begin(p.text, i)
		start := len(p.text)
		var null bool
		p.text, null = p.printer.Append(p.text, i)
		p.text = p.writer.End(p.text, i, start, null)
	}
}

// print appends a block to text, with so many rows before it: what Write writes, but quicker, and with all of it in memory. ends gets where each row ends, unless
// it is nil.
func (p *Printing) print(text []byte, b *native.Block, before uint64, ends *[]int) ([]byte, error) {
	if err := p.printer.Begin(b); err != nil {
		return text, err
	}
	if p.fields == nil {
		p.fields, p.spans = make([]format.Column, p.columns), make([][2]uint32, p.columns*printRows)
	}
	for done := 0; done < b.Rows; {
		n := min(b.Rows-done, printRows)
		for i := range p.fields {
			f := &p.fields[i]
			f.Spans = p.spans[i*printRows:][:n]
			f.Text, f.Nulls = p.printer.Column(i, f.Spans)
		}
		text = format.AppendRows(p.writer, text, p.fields, n, before == 0 && done == 0, ends)
		done += n
	}
	return text, p.wrong()
}

// pieces prints a block that is too large to be printed whole, and hands on some rows at a time.
func (p *Printing) pieces(b *native.Block, s *sheet, lay func(*piece) error) error {
	if err := p.printer.Begin(b); err != nil {
		return err
	}
	p.text, p.rows, s.ends = p.text[:0], 1, s.ends[:0]
	for row := range b.Rows {
		p.row()
		if s.ends = append(s.ends, len(p.text)); len(p.text) < printPiece && row+1 < b.Rows {
			continue
		}
		err := p.wrong()
		if err == nil {
			err = lay(&piece{text: p.text, ends: s.ends, first: row + 1 - len(s.ends), block: b, marks: &s.marks})
		}
		if err != nil {
			return err
		}
		p.text, s.ends = p.text[:0], s.ends[:0]
	}
	return nil
}

// Tail writes what comes after the last record.
func (p *Printing) Tail(w io.Writer) error {
	p.text = p.writer.Tail(p.text[:0])
	return p.flush(w)
}

// wrong tells of a value that can't be written as it should.
func (p *Printing) wrong() error {
	if err := p.printer.Err(); err != nil {
		return err
	}
	return p.writer.Err()
}

func (p *Printing) flush(w io.Writer) error {
	if err := p.wrong(); err != nil {
		return err
	}
	if len(p.text) == 0 {
		return nil
	}
	_, err := w.Write(p.text)
	p.text = p.text[:0]
	return err
}
