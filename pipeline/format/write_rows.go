package format

import (
	"bytes"
	"encoding/binary"
)

// Column is some values of a field as texts.
type Column struct {
	Text  []byte      // has them in it
	Spans [][2]uint32 // where each begins and ends there
	Nulls []byte      // those that aren't 0 are NULL and have no text; nil: none is
}

// null tells whether a value is NULL.
func (c *Column) null(row int) bool { return c.Nulls != nil && c.Nulls[row] != 0 }

// bytes is the text of a value.
func (c *Column) bytes(row int) []byte { return c.Text[c.Spans[row][0]:c.Spans[row][1]] }

// AppendRows appends records, given as columns. first tells that there is none before them. ends gets where each of them ends, unless it is nil.
func AppendRows(w Writer, dst []byte, columns []Column, rows int, first bool, ends *[]int) []byte {
	if quick, ok := w.(*delimitedWriter); ok {
		return quick.rows(dst, columns, rows, ends)
	}
	for row := range rows {
		if !first {
			dst = w.Between(dst)
		}
		first = false
		for i := range columns {
			dst = w.Begin(dst, i)
			start := len(dst)
			null := columns[i].null(row)
			if !null {
				dst = append(dst, columns[i].bytes(row)...)
			}
			dst = w.End(dst, i, start, null)
		}
		if ends != nil {
			*ends = append(*ends, len(dst))
		}
	}
	return dst
}

// way is how a field's values are written.
type way uint8

const (
	careful  way = iota // as End does
	asIs                // nothing in them has a meaning for the format
	asNeeded            // texts that are quoted where they must be, with quotes doubled
	enclosed            // texts that are quoted, with quotes doubled
)

// wayOf chooses for a field.
func (w *delimitedWriter) wayOf(f *Field) way {
	simple := w.quoting && !w.itself && len(w.delimiter) == 1 && !w.guard
	switch {
	case f.Bare && w.plain && !f.Styled:
		return asIs
	case f.Bare || !simple:
		return careful
	case w.texts:
		return enclosed
	}
	return asNeeded
}

// overshoot is how much a short text is copied as, whatever its length.
const overshoot = 16

// rows appends records. Short texts are copied as sixteen bytes, and what is too much is written over: so there is no call and no loop for each.
func (w *delimitedWriter) rows(dst []byte, columns []Column, rows int, ends *[]int) []byte {
	for row := range rows {
		for i := range columns {
			c := &columns[i]
			if i > 0 {
				dst = append(dst, w.delimiter[0])
				if len(w.delimiter) > 1 {
					dst = append(dst, w.delimiter[1:]...)
				}
			}
			text, way := c.bytes(row), w.ways[i]
			switch null := c.null(row); {
			case null:
				dst = w.value(dst, i, len(dst), true)
			case way == careful || len(text) == 0 && way != asIs:
				start := len(dst)
				dst = w.value(append(dst, text...), i, start, false)
			case way == enclosed || way == asNeeded && (w.marked(text) || w.isNull(text)):
				dst = w.appendQuoted(dst, text)
			case len(text) <= overshoot && cap(text) >= overshoot && cap(dst)-len(dst) >= overshoot:
				n := len(dst) + len(text)
				*(*[overshoot]byte)(dst[len(dst):cap(dst)]) = *(*[overshoot]byte)(text[:overshoot])
				dst = dst[:n]
			default:
				dst = append(dst, text...)
			}
		}
		dst = append(dst, w.end...)
		if ends != nil {
			*ends = append(*ends, len(dst))
		}
	}
	return dst
}

// each has one bit, or one byte, in each byte of a word.
const (
	eachLow  = 0x0101010101010101
	eachHigh = 0x8080808080808080
)

// marked tells whether a byte of the text makes quotes necessary: mustQuote for delimiters of one byte, eight bytes at a time.
func (w *delimitedWriter) marked(text []byte) bool {
	if len(text) < 8 {
		for _, c := range text {
			if w.special[c] {
				return true
			}
		}
		return false
	}
	last := binary.LittleEndian.Uint64(text[len(text)-8:])
	for ; len(text) > 8; text = text[8:] {
		if w.markedWord(binary.LittleEndian.Uint64(text)) {
			return true
		}
	}
	return w.markedWord(last)
}

func (w *delimitedWriter) markedWord(word uint64) bool {
	a, b, c, d := word^w.marks[0], word^w.marks[1], word^w.marks[2], word^w.marks[3]
	return ((a-eachLow)&^a|(b-eachLow)&^b|(c-eachLow)&^c|(d-eachLow)&^d)&eachHigh != 0
}

// appendQuoted writes a text in quotes, with those in it doubled.
func (w *delimitedWriter) appendQuoted(dst, text []byte) []byte {
	dst = append(dst, w.quote)
	for {
		i := bytes.IndexByte(text, w.quote)
		if i < 0 {
			return append(append(dst, text...), w.quote)
		}
		dst = append(append(dst, text[:i+1]...), w.quote)
		text = text[i+1:]
	}
}
