package pipeline

import (
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"chute/config"
	"chute/connectors/native"
	"chute/pipeline/convert"
)

// envelope are the lines before and behind the records of each file.
type envelope struct {
	top, bottom []config.Line
	end         string // of a line
	at          time.Time
	vars        map[string]string // of the delivery
	columns     []int             // those that sums are about
	sums        []*convert.Sum
	names       map[string]int                  // which sum is that of a column
	restyle     func(i int, text []byte) []byte // writes a sum as its column's numbers are
}

// newEnvelope prepares for a delivery with these columns.
func newEnvelope(ex *Exporter, d *outgoing, columns []native.Column) (*envelope, error) {
	f := &ex.Job.Format
	l := &envelope{top: f.Top, bottom: f.Bottom, end: f.End(), at: ex.moment(d.is, d.run.Started), vars: ex.variables(d.is), names: map[string]int{}}
	for _, line := range f.Bottom {
		for _, p := range line.Pieces() {
			if _, known := l.names[p.Column]; known || p.Variable != "sum" {
				continue
			}
			at := slices.IndexFunc(columns, func(c native.Column) bool { return c.Name == p.Column })
			if at < 0 {
				return nil, refuse("columns", "format.bottom: the answer has no column %q", p.Column)
			}
			sum, err := convert.NewSum(columns[at])
			if err != nil {
				return nil, refuse("type", "format.bottom: %v", err)
			}
			l.names[p.Column] = len(l.sums)
			l.columns, l.sums = append(l.columns, at), append(l.sums, sum)
		}
	}
	return l, nil
}

// begin is told that a file begins.
func (l *envelope) begin() {
	for _, s := range l.sums {
		s.Reset()
	}
}

// count adds rows of a block, from one and before another.
func (l *envelope) count(b *native.Block, from, to int) {
	for i, s := range l.sums {
		s.Add(b.Data[l.columns[i]], b.Rows, from, to)
	}
}

// widest is what numbers have at most that nobody has given a width: it is left room for.
const widest = 100

// room is how large the lines behind the records may become.
func (l *envelope) room(name string, part int) (text []byte) {
	for _, line := range l.bottom {
		for _, p := range line.Pieces() {
			piece, _ := l.piece(p, name, part, 0)
			text = append(text, piece...)
			if p.Variable == "rows" || p.Variable == "sum" {
				text = append(text, make([]byte, widest)...)
			}
		}
		text = append(text, l.end...)
	}
	return text
}

// append appends lines of the file with a name and number, which has so many rows.
func (l *envelope) append(dst []byte, some []config.Line, name string, part, rows int) ([]byte, error) {
	for _, line := range some {
		for _, p := range line.Pieces() {
			text, err := l.piece(p, name, part, rows)
			if err != nil {
				return nil, err
			}
			dst = append(dst, text...)
		}
		dst = append(dst, l.end...)
	}
	return dst, nil
}

func (l *envelope) piece(p config.LinePiece, name string, part, rows int) (text []byte, err error) {
	number := true
	switch p.Variable {
	case "":
		if p.Word != "" {
			return []byte(l.at.Format(p.Word)), nil
		}
		return []byte(p.Text), nil
	case "rows":
		text = strconv.AppendInt(nil, int64(rows), 10)
	case "part":
		text = strconv.AppendInt(nil, int64(part), 10)
	case "sum":
		at := l.names[p.Column]
		text = l.sums[at].Append(nil)
		if l.restyle != nil {
			text = l.restyle(l.columns[at], text)
		}
	case "file":
		text, number = []byte(name), false
	default:
		text, number = []byte(l.vars[p.Variable]), p.Variable == "seq"
	}
	return padded(text, p, number)
}

// padded gives a text its width.
func padded(text []byte, p config.LinePiece, number bool) ([]byte, error) {
	missing := p.Width - utf8.RuneCount(text)
	if p.Width == 0 || missing == 0 {
		return text, nil
	}
	shown := p.Variable
	if p.Column != "" {
		shown += "(" + p.Column + ")"
	}
	if missing < 0 {
		return nil, refuse("too_wide", "{%s:%d} of format.top or format.bottom has %d characters: give it more", shown, p.Width, p.Width-missing)
	}
	fill, at := byte(' '), 0
	if p.Zeros {
		if fill = '0'; len(text) > 0 && text[0] == '-' {
			at = 1
		}
	}
	if !number {
		at = len(text)
	}
	return slices.Insert(text, at, slices.Repeat([]byte{fill}, missing)...), nil
}
