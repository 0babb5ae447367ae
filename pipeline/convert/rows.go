package convert

import (
	"bytes"
	"fmt"

	"chute/connectors"
	"chute/connectors/native"
)

// Rows holds converted records of one chunk, column by column. It is used by one goroutine at a time.
type Rows struct {
	Run      uint64 // the value of the columns whose Origin is Run
	plan     *Plan
	builders []*native.Builder
	marks    []native.Mark // the columns before the record that Append is at
}

// NewRows returns empty rows. They grow to the size of a chunk and are meant to be used again after Reset.
func (p *Plan) NewRows() *Rows {
	r := &Rows{plan: p, marks: make([]native.Mark, len(p.columns))}
	for _, c := range p.columns {
		b, err := native.NewBuilder(c.Type)
		if err != nil {
			panic("convert: unreachable, Compile has made one already: " + err.Error())
		}
		r.builders = append(r.builders, b)
	}
	return r
}

// Append converts one record, all or nothing: when a value is refused nothing of the record stays, and a reason for every refused value is
// appended to reasons; Line and Offset are left to the caller. fields has Plan.Fields entries; quoted tells which stood in quotes
// and may be nil. Neither is kept.
func (r *Rows) Append(record uint64, fields [][]byte, quoted []bool, reasons []connectors.Reason) ([]connectors.Reason, bool) {
	if len(fields) != r.plan.fields {
		return append(reasons, connectors.Reason{Record: record, Code: Fields, Source: "text",
			Message: fmt.Sprintf("the record has %d fields where %d are expected", len(fields), r.plan.fields)}), false
	}
	good := true
	for i := range r.plan.columns {
		c, b := &r.plan.columns[i], r.builders[i]
		r.marks[i] = b.Mark()
		text, code := c.Constant, ""
		switch {
		case c.field >= 0:
			text = fields[c.field]
			code = c.value(b, text, quoted != nil && quoted[c.field])
		case c.Origin == Run:
			b.AppendUint64(r.Run)
		case c.Origin == Record:
			b.AppendUint64(record)
		default:
			code = c.value(b, text, false)
		}
		if code != "" {
			good = false
			reasons = append(reasons, c.reason(record, code, text))
		}
	}
	if !good {
		for i, b := range r.builders {
			b.Rollback(r.marks[i])
		}
	}
	return reasons, good
}

// value appends the value of a field, which may be blank.
func (c *column) value(b *native.Builder, text []byte, quoted bool) (code string) {
	if len(text) == 0 || c.Null != nil && !quoted && c.isNull(text) {
		return c.blank(b, quoted)
	}
	return c.append(b, text)
}

func (c *column) isNull(text []byte) bool {
	for _, word := range c.Null {
		if bytes.Equal(word, text) {
			return true
		}
	}
	return false
}

// blank appends what stands for a missing value; the package comment has the rules.
func (c *column) blank(b *native.Builder, quoted bool) (code string) {
	switch {
	case c.Required:
		return Required
	case c.standIn != nil:
		return c.append(b, c.standIn)
	case c.nullable && !(quoted && c.text):
		b.AppendNull()
		return ""
	}
	if c.append(b, nil) != "" {
		return Blank
	}
	return ""
}

// Len returns the number of records.
func (r *Rows) Len() int {
	if len(r.builders) == 0 {
		return 0
	}
	return r.builders[0].Len()
}

// Bytes returns the size of the columns' data.
func (r *Rows) Bytes() int {
	n := 0
	for _, b := range r.builders {
		n += b.Bytes()
	}
	return n
}

// Reset removes all records and keeps the memory.
func (r *Rows) Reset() {
	for _, b := range r.builders {
		b.Reset()
	}
}

// Block makes b hold the records, using the memory that b has. It stays as it is when the rows change.
func (r *Rows) Block(b *native.Block) {
	b.Columns = append(b.Columns[:0], r.plan.native...)
	b.Rows = r.Len()
	for len(b.Data) < len(r.builders) {
		b.Data = append(b.Data, nil)
	}
	b.Data = b.Data[:len(r.builders)]
	for i, column := range r.builders {
		b.Data[i] = column.AppendTo(b.Data[i][:0])
	}
}
