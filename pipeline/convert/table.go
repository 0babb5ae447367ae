package convert

import (
	"bytes"
	"encoding/binary"
	"slices"

	"chute/connectors/native"
)

// Table is records that lie one behind the other in a text and are cut into fields already. Converting them column by column is several times as quick as
// Append: for each column the same few instructions run again and again.
type Table struct {
	Text   []byte
	Starts []uint32 // where each record begins
	Ends   []uint32 // where each field ends, record by record; one byte is between the fields of a record
	Width  int      // fields of a record
	Quote  int      // a field that begins with this byte ends with it as well, and within it stands twice; -1: none does
	First  uint64   // number of the first record
}

// Columnar tells whether AppendTable can be used: not where columns have values of several parts, or something to say about records that are loaded, or the
// power to refuse the whole file.
func (p *Plan) Columnar() bool {
	for i := range p.columns {
		c := &p.columns[i]
		if c.Origin != Field {
			continue
		}
		switch c.Type.Base().Kind {
		case native.Array, native.Map, native.Tuple, native.Nested:
			return false
		}
		if c.OnError != Reject || c.Map != nil && c.MapMissing == Warn {
			return false
		}
	}
	return true
}

// RowSize returns about how many bytes a record's values take, the texts of its fields not counted.
func (p *Plan) RowSize() (n int) {
	for i := range p.columns {
		c := &p.columns[i]
		n += len(c.blanks[0].data) + len(c.Constant) + 1
		if c.Origin != Field {
			n += 8
		}
	}
	return n
}

// stretch is how many records go through all columns together: so few that text and ends stay where the processor has them at hand.
const stretch = 256

// columnar is the memory that AppendTable needs.
type columnar struct {
	from, to [stretch]uint32 // of the fields of a column
	values   [stretch]uint64
	nulls    [stretch]byte
	anyNull  bool
	bad      [stretch]bool
	anyBad   bool
	rows     []int  // the bad ones
	spare    []byte // a field without its doubled quotes
}

// AppendTable converts records. fields has for each of Plan.Fields its index in a record. Records with a value that is refused are left out, and their indexes in
// the table are appended to bad: Append says what is wrong with them. The plan must be Columnar.
func (r *Rows) AppendTable(t *Table, fields []int, bad []int) []int {
	if r.columnar == nil {
		r.columnar = &columnar{}
	}
	w := r.columnar
	for first := 0; first < len(t.Starts); first += stretch {
		n := min(stretch, len(t.Starts)-first)
		w.anyBad = false
		for i := range r.cells {
			c := &r.cells[i]
			c.builder.MarkTo(&c.began)
			switch {
			case c.Origin != Field:
				w.lineage(c, r.Run, t.First+uint64(first), n)
			case c.field < 0:
				w.constant(c, n)
			default:
				w.find(t, fields[c.field], first, n)
				w.take(c, t, n)
			}
		}
		if w.anyBad {
			bad = r.dropBad(first, n, bad)
		}
	}
	return bad
}

// dropBad takes the bad records out of all columns.
func (r *Rows) dropBad(first, n int, bad []int) []int {
	w := r.columnar
	w.rows = w.rows[:0]
	for i, is := range w.bad[:n] {
		if is {
			w.rows = append(w.rows, i)
			bad = append(bad, first+i)
		}
	}
	clear(w.bad[:n])
	for i := range r.cells {
		c := &r.cells[i]
		c.builder.Drop(c.began, w.rows)
	}
	return bad
}

// find notes where a field of n records begins and ends.
func (w *columnar) find(t *Table, field, first, n int) {
	at := first*t.Width + field
	if field == 0 {
		copy(w.from[:n], t.Starts[first:])
		for i := range w.to[:n] {
			w.to[i] = t.Ends[at]
			at += t.Width
		}
		return
	}
	from, to := w.from[:n], w.to[:n]
	for i := range from {
		ends := t.Ends[at-1 : at+1]
		from[i], to[i] = ends[0]+1, ends[1]
		at += t.Width
	}
}

// refuse leaves a record out.
func (w *columnar) refuse(i int) { w.bad[i], w.anyBad = true, true }

func (w *columnar) lineage(c *cell, run, first uint64, n int) {
	for i := range n {
		w.values[i] = run
		if c.Origin == Record {
			w.values[i] = first + uint64(i)
		}
	}
	c.builder.AppendMany(w.values[:n], nil)
}

func (w *columnar) constant(c *cell, n int) {
	for range n {
		c.take(c.Constant, false) // Compile has taken it already
	}
}

// take converts one column.
func (w *columnar) take(c *cell, t *Table, n int) {
	switch {
	case c.wordwise():
		w.words(c, t, n)
	case c.plain && c.isString():
		w.strings(c, t, n)
	default:
		for i := range n {
			text, quoted := w.field(t, i)
			if c.take(text, quoted) != "" {
				c.builder.Rollback(c.mark)
				c.builder.AppendDefault()
				w.refuse(i)
			}
		}
	}
}

// field returns a field as its record has it, without quotes.
func (w *columnar) field(t *Table, i int) (text []byte, quoted bool) {
	text = t.Text[w.from[i]:w.to[i]:w.to[i]]
	if len(text) == 0 || int(text[0]) != t.Quote {
		return text, false
	}
	text = text[1 : len(text)-1]
	if bytes.IndexByte(text, byte(t.Quote)) >= 0 {
		w.spare = appendUnquoted(slices.Grow(w.spare[:0], len(text)), t.Text, w.from[i]+1, w.to[i]-1)
		text = w.spare
	}
	return text, true
}

// wordwise tells columns whose values have up to eight bytes and whose texts are read as they are.
func (c *cell) wordwise() bool {
	return c.bits != nil && !c.ruled && c.Trim == TrimNone && c.OnError == Reject
}

func (c *cell) isString() bool { return c.Type.Base().Kind == native.String }

// words converts a column of values of up to eight bytes.
func (w *columnar) words(c *cell, t *Table, n int) {
	parse, usual, all := c.bits, c.plain, t.Text
	from, to, values := w.from[:n], w.to[:n], w.values[:n] // of one length, which spares checks
	w.anyNull = false
	for i, at := range from {
		text := all[at:to[i]]
		if len(text) == 0 || int(text[0]) == t.Quote || !usual {
			values[i] = w.unusual(c, t, i)
			continue
		}
		bits, code := parse(text)
		if code != "" {
			w.refuse(i)
		}
		values[i] = bits
	}
	c.builder.AppendMany(w.values[:n], w.takeNulls(n))
}

// takeNulls returns which of the values are NULL, nil when none is.
func (w *columnar) takeNulls(n int) []byte {
	if !w.anyNull {
		return nil
	}
	return w.nulls[:n]
}

// unusual converts a value that is blank or in quotes, or in a column with words for NULL or with bounds.
func (w *columnar) unusual(c *cell, t *Table, i int) uint64 {
	text, quoted := w.field(t, i)
	if len(text) == 0 || !quoted && c.isNull(text) {
		return w.blank(c, i, quoted).bits
	}
	bits, code := c.bits(text)
	if code == "" && c.bounds.compare != nil {
		var value [8]byte
		binary.LittleEndian.PutUint64(value[:], bits)
		width, _ := c.Type.Base().Width()
		code = c.bounds.judge(value[:width])
	}
	if code != "" {
		w.refuse(i)
	}
	return bits
}

// blank notes what a blank becomes.
func (w *columnar) blank(c *cell, i int, quoted bool) *stand {
	s := &c.blanks[0]
	if quoted {
		s = &c.blanks[1]
	}
	if s.code != "" {
		w.refuse(i)
	}
	if s.null {
		if !w.anyNull {
			clear(w.nulls[:])
			w.anyNull = true
		}
		w.nulls[i] = 1
	}
	return s
}
