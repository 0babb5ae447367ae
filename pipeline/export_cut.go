package pipeline

import (
	"bytes"
	"io"
	"slices"

	"chute/config"
	"chute/connectors/native"
	"chute/pipeline/convert"
)

// mark is a row with another value in split.column than the one before it in its block, or the block's first.
type mark struct {
	row      int
	from, to int // of the value's text
	null     bool
}

// marks are those of a block, in order.
type marks struct {
	list []mark
	text []byte
	at   int // the next one
}

// keys reads the values of split.column.
type keys struct {
	column  int
	printer *convert.Printer
	one     native.Block
}

// newKeys finds the column in an answer; nil if there is no split.column.
func newKeys(ex *Exporter, columns []native.Column) (*keys, error) {
	name := ex.Job.Split.Column
	if name == "" {
		return nil, nil
	}
	at := slices.IndexFunc(columns, func(c native.Column) bool { return c.Name == name })
	if at < 0 {
		return nil, refuse("columns", "split.column: the answer has no column %q", name)
	}
	printer, err := convert.NewPrinter(columns[at:at+1], convert.PrintText, ex.Job.Timezone.Location())
	return &keys{column: at, printer: printer}, err
}

// read finds where the values of a block change.
func (k *keys) read(b *native.Block, m *marks) error {
	m.list, m.text, m.at = m.list[:0], m.text[:0], 0
	if k == nil {
		return nil
	}
	k.one = native.Block{Columns: b.Columns[k.column : k.column+1], Data: b.Data[k.column : k.column+1], Rows: b.Rows}
	if err := k.printer.Begin(&k.one); err != nil {
		return err
	}
	for row := range b.Rows {
		next := mark{row: row, from: len(m.text)}
		m.text, next.null = k.printer.Append(m.text, 0)
		next.to = len(m.text)
		if n := len(m.list); n > 0 && m.list[n-1].null == next.null && bytes.Equal(m.value(m.list[n-1]), m.value(next)) {
			m.text = m.text[:next.from]
			continue
		}
		m.list = append(m.list, next)
	}
	return nil
}

func (m *marks) value(k mark) []byte { return m.text[k.from:k.to] }

// cutter says where files begin.
type cutter struct {
	rule  config.Split
	open  bool
	rows  int // in the open file
	value []byte
	null  bool
}

// next is how many of a block's rows, of those from row on and before end, go on in the open file. 0: a new one begins with row.
func (c *cutter) next(m *marks, row, end int) int {
	if !c.open || c.rule.Rows > 0 && c.rows == c.rule.Rows {
		return 0
	}
	if m.at < len(m.list) && m.list[m.at].row == row {
		if k := m.list[m.at]; k.null != c.null || !bytes.Equal(m.value(k), c.value) {
			return 0
		}
		m.at++
	}
	if m.at < len(m.list) {
		end = min(end, m.list[m.at].row)
	}
	if c.rule.Rows > 0 {
		end = min(end, row+c.rule.Rows-c.rows)
	}
	return end - row
}

// turn is told that a new file begins with row.
func (c *cutter) turn(m *marks, row int) {
	c.open, c.rows = true, 0
	if m.at < len(m.list) && m.list[m.at].row == row {
		k := m.list[m.at]
		c.value, c.null = append(c.value[:0], m.value(k)...), k.null
		m.at++
	}
}

// binder makes files of records.
type binder struct {
	cutter
	parts  *parts
	top    func() error // writes what a new file begins with
	bottom func() error // and ends with
}

// begin ends the open file and begins one with row.
func (b *binder) begin(m *marks, row int) error {
	if b.open {
		if err := b.finish(); err != nil {
			return err
		}
		if err := b.parts.end(); err != nil {
			return err
		}
	}
	b.turn(m, row)
	if err := b.parts.begin(string(b.value)); err != nil {
		return err
	}
	return b.top()
}

// finish writes the open file's end. Where there were no rows it begins one, for the header.
func (b *binder) finish() error {
	if !b.open {
		if b.rule.Column != "" {
			return nil
		}
		if err := b.begin(&marks{}, 0); err != nil {
			return err
		}
	}
	b.parts.open.rows = uint64(b.rows)
	return b.bottom()
}

// piece is the text of rows that stand together in a block.
type piece struct {
	text  []byte
	ends  []int // where each row's text ends
	first int   // the first one's number in the block
	block *native.Block
	marks *marks // of the block
}

// splitter lays the text of records into files. Each record has before it what stands between two.
type splitter struct {
	binder
	frame    *Printing // for what comes before and after the records
	out      io.Writer // of the open file
	envelope *envelope
	between  int
	size     func(text []byte) int64 // as the file has it
	tailed   int64                   // size of what comes after the records
}

func (s *splitter) lay(p *piece) error {
	start := 0
	for row := 0; row < len(p.ends); {
		n := s.next(p.marks, p.first+row, p.first+len(p.ends))
		if n > 0 && s.rule.Bytes > 0 {
			n = s.fitting(p, row, n, start)
		}
		if n == 0 {
			if err := s.begin(p.marks, p.first+row); err != nil {
				return err
			}
			continue
		}
		if s.rows == 0 {
			start += s.between
		}
		end := p.ends[row+n-1]
		if _, err := s.out.Write(p.text[start:end]); err != nil {
			return err
		}
		s.envelope.count(p.block, p.first+row, p.first+row+n)
		s.rows += n
		row, start = row+n, end
	}
	return nil
}

// fitting is how many of n rows the open file has room for: one at least, if it has none.
func (s *splitter) fitting(p *piece, row, n, start int) int {
	room := int64(s.rule.Bytes) - s.parts.open.text - s.tailed
	for i := range n {
		if s.rows+i == 0 {
			start += s.between
		}
		end := p.ends[row+i]
		room -= s.size(p.text[start:end])
		if room < 0 && s.rows+i > 0 {
			return i
		}
		start = end
	}
	return n
}
