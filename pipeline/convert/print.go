package convert

import (
	"errors"
	"fmt"
	"time"

	"chute/connectors/native"
)

// Style says how a Printer writes values.
type Style int

const (
	PrintText Style = iota // as ClickHouse's toString does: 2006-01-02 15:04:05, ['a','b'], {'k':1}
	PrintJSON              // as JSON: numbers as numbers, however long; NULL, NaN and infinities as null; maps and named tuples as objects
)

// Form says what a format has to expect of a column's texts.
type Form int

const (
	Bare    Form = iota // digits, dates and their like: nothing that a format has a meaning for, but the point and the comma
	Free                // any bytes
	Literal             // an array, tuple or map: any bytes, but control characters in its strings are escaped already
)

// Printer turns columns back into text, value by value, at the speed at which they were made: nothing is allocated for a value. It isn't safe for
// concurrent use; each goroutine has its own.
//
// A block is read row by row: after Begin each column gives one value per row, to Append or, if it is of no interest, not at all for the rest of the block. Or it is
// read column by column, many values at a time, which is faster.
type Printer struct {
	columns []printed
	style   Style
	zone    *time.Location
	err     error // of a value that can't be written as it should
}

// printed is one column of the block at hand.
type printed struct {
	column native.Column
	values source
	form   Form
	finish func(dst []byte, start int) []byte // writes a text anew; nil: it stays
	styled bool                               // its texts are Bare but for signs that a job has chosen
	judged bool                               // a value may be one that can't be written as it should
	hidden []byte                             // instead of each value; nil: none is
	nulls  []byte                             // of the block; nil: the type has no NULL
	row    int
	text   []byte // memory for Column
}

// ErrUnprinted begins the error about a column whose values can't be printed.
var ErrUnprinted = errors.New("column")

// NewPrinter compiles columns. Times of types that name no zone are shown in zone; nil: UTC.
func NewPrinter(columns []native.Column, style Style, zone *time.Location) (*Printer, error) {
	if zone == nil {
		zone = time.UTC
	}
	p := &Printer{columns: make([]printed, len(columns)), style: style, zone: zone}
	for i, c := range columns {
		c.Type = c.Type.Plain()
		inner := c.Type.Base()
		values, err := sourceOf(inner, place{style: style, zone: zone})
		if err != nil {
			return nil, fmt.Errorf("%w %q of type %s: %w", ErrUnprinted, c.Name, c.Type, err)
		}
		p.columns[i] = printed{column: c, values: values, form: formOf(inner)}
	}
	return p, nil
}

// Hide has the values of column i shown as •••, for columns that are secret.
func (p *Printer) Hide(i int) {
	c := &p.columns[i]
	c.hidden, c.form = []byte(Masked), Free
	if p.style == PrintJSON {
		c.hidden = []byte(`"` + Masked + `"`)
	}
}

// Form says what the texts of column i may hold.
func (p *Printer) Form(i int) Form { return p.columns[i].form }

// Styled tells whether the texts of column i, though Bare, may hold any signs.
func (p *Printer) Styled(i int) bool { return p.columns[i].styled }

// Nullable tells whether column i may have NULL.
func (p *Printer) Nullable(i int) bool { return p.columns[i].column.Type.Kind == native.Nullable }

// Begin takes a block of the printer's columns. Its memory is used until the next one.
func (p *Printer) Begin(b *native.Block) error {
	if len(b.Columns) != len(p.columns) {
		return fmt.Errorf("print a block of %d columns as %d", len(b.Columns), len(p.columns))
	}
	for i := range p.columns {
		if err := p.columns[i].begin(b.Data[i], b.Rows); err != nil {
			return fmt.Errorf("print %d values of column %q: %w", b.Rows, p.columns[i].column.Name, err)
		}
	}
	return nil
}

func (c *printed) begin(data []byte, rows int) error {
	n, err := native.DataLen(c.column.Type, data, rows)
	if err != nil {
		return err
	}
	if n != len(data) {
		return fmt.Errorf("%d bytes are left over: the data are corrupt", len(data)-n)
	}
	c.row, c.nulls = 0, nil
	if c.column.Type.Kind == native.Nullable {
		c.nulls, data = data[:rows], data[rows:]
	}
	if values, ok := c.values.(*texts); ok {
		values.data = data // begin would measure it once more
		return nil
	}
	c.values.begin(data, rows)
	return nil
}

// Append appends the next value of column i. For NULL it appends nothing and says so.
func (p *Printer) Append(dst []byte, i int) (text []byte, null bool) {
	c := &p.columns[i]
	if c.nulls != nil {
		null = c.nulls[c.row] != 0
		c.row++
	}
	switch {
	case c.hidden != nil:
		return append(dst, c.hidden...), false
	case null:
		c.values.skip(1)
		return dst, true
	}
	start := len(dst)
	if dst = c.values.append(dst); c.finish != nil {
		dst = c.finish(dst, start)
	}
	return dst, false
}
