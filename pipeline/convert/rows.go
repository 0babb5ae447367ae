package convert

import (
	"fmt"

	"chute/connectors"
	"chute/connectors/native"
)

// Rows holds converted records of one chunk, column by column. It is used by one goroutine at a time.
type Rows struct {
	Run  uint64 // the value of the columns whose Origin is Run
	Line int64  // set by the caller before Append: the line of the record, for Warnings

	plan  *Plan
	cells []cell
	fatal *connectors.Reason

	columnar *columnar // of AppendTable; nil before the first one
}

// NewRows returns empty rows. They grow to the size of a chunk and are meant to be used again after Reset.
func (p *Plan) NewRows() *Rows {
	r := &Rows{plan: p, cells: make([]cell, len(p.columns))}
	for i := range p.columns {
		b, err := native.NewBuilder(stored(p.columns[i].Type))
		if err != nil {
			panic("convert: unreachable, Compile has made one already: " + err.Error())
		}
		r.cells[i].init(&p.columns[i], b)
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
	good, odd := true, false
	for i := range r.cells {
		c := &r.cells[i]
		text, code := c.Constant, ""
		switch {
		case c.field >= 0:
			text = fields[c.field]
			code = c.take(text, quoted != nil && quoted[c.field])
		case c.Origin == Field:
			code = c.take(text, false)
		default:
			c.lineage(r.Run, record)
		}
		odd = odd || c.odd != ""
		if code != "" {
			good = false
			reasons = append(reasons, c.reason(record, code, text))
			r.fail(c, &reasons[len(reasons)-1])
		}
	}
	if good {
		if reason := r.uneven(record); reason != nil {
			good, reasons = false, append(reasons, *reason)
		}
	}
	switch {
	case !good:
		for i := range r.cells {
			c := &r.cells[i]
			c.builder.Rollback(c.mark)
		}
	case odd:
		r.warn(record, fields)
	}
	return reasons, good
}

// uneven compares the lengths of the arrays of each Nested; the engine would refuse the whole block for one that differs.
func (r *Rows) uneven(record uint64) *connectors.Reason {
	for _, group := range r.plan.nested {
		first := &r.cells[group[0]]
		for _, i := range group[1:] {
			c := &r.cells[i]
			if a, b := first.builder.LastLen(), c.builder.LastLen(); a != b {
				reason := connectors.Reason{Record: record, Column: c.Label, Code: NestedSizes, Source: "text",
					Message: fmt.Sprintf("the list has %d elements where that of column %q has %d", b, cut(first.Label), a)}
				r.fail(c, &reason)
				return &reason
			}
		}
	}
	return nil
}

// lineage appends where the record comes from.
func (c *cell) lineage(run, record uint64) {
	c.builder.MarkTo(&c.mark)
	if c.Origin == Record {
		run = record
	}
	c.builder.AppendUint64(run)
}

// fail remembers the first reason of a column that refuses the whole file.
func (r *Rows) fail(c *cell, reason *connectors.Reason) {
	if c.OnError == RejectFile && r.fatal == nil {
		first := *reason
		r.fatal = &first
	}
}

// warn counts what was odd in a record that is loaded.
func (r *Rows) warn(record uint64, fields [][]byte) {
	for i := range r.cells {
		c := &r.cells[i]
		if c.odd == "" {
			continue
		}
		text := c.Constant
		if c.field >= 0 {
			text = fields[c.field]
		}
		c.warn(record, r.Line, text)
	}
}

// Fatal returns the first reason since Reset from a column whose OnError is RejectFile, nil if there is none: then the file is to be refused.
func (r *Rows) Fatal() *connectors.Reason { return r.fatal }

// Warnings calls each with what was odd in loaded records since Reset, summed up by column and code.
func (r *Rows) Warnings(each func(Warning)) {
	for i := range r.cells {
		c := &r.cells[i]
		for _, w := range c.warnings {
			each(w)
		}
	}
}

// Len returns the number of records.
func (r *Rows) Len() int {
	if len(r.cells) == 0 {
		return 0
	}
	return r.cells[0].builder.Len()
}

// Bytes returns the size of the columns' data.
func (r *Rows) Bytes() int {
	n := 0
	for i := range r.cells {
		c := &r.cells[i]
		n += c.builder.Bytes()
	}
	return n
}

// Reset removes all records and warnings and keeps the memory.
func (r *Rows) Reset() {
	r.fatal = nil
	for i := range r.cells {
		c := &r.cells[i]
		c.builder.Reset()
		c.warnings = c.warnings[:0]
	}
}

// Block makes b hold the records, in the rows' own memory where that has the block's layout: it is valid until the rows change.
func (r *Rows) Block(b *native.Block) {
	b.Columns = append(b.Columns[:0], r.plan.native...)
	b.Rows = r.Len()
	for len(b.Data) < len(r.cells) {
		b.Data = append(b.Data, nil)
	}
	b.Data = b.Data[:len(r.cells)]
	for i := range r.cells {
		c := &r.cells[i]
		c.whole = c.builder.View(c.whole)
		b.Data[i] = c.whole
	}
}
