package format

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync/atomic"

	"chute/config"
)

// delimitedWriter writes fields with delimiters between them.
type delimitedWriter struct {
	fields    []Field
	delimiter []byte
	end       []byte
	null      []byte
	quote     byte
	quoting   bool // there is a quote
	escape    byte // what stands before a quote within quotes
	itself    bool // and before itself
	special   [256]bool
	marks     [4]uint64 // the special bytes, each in all bytes of a word, if there are no more
	ways      []way     // by field
	plain     bool      // bare texts stand as they are
	texts     bool      // all texts are quoted
	all       bool      // and all others
	guard     bool
	header    bool
	unquoted  atomic.Bool // a text came that would have to be quoted, and there is no quote
}

func newDelimitedWriter(f *config.ExportFormat, fields []Field) *delimitedWriter {
	w := &delimitedWriter{
		fields: fields, delimiter: []byte(f.Delimiter), end: []byte(f.End()), null: []byte(f.Null),
		texts: f.Quoting == "texts" || f.Quoting == "all", all: f.Quoting == "all", guard: f.GuardFormulas, header: f.Header,
	}
	for _, c := range []byte{'\r', '\n', w.delimiter[0]} {
		w.special[c] = true
	}
	if f.Quote != "" {
		w.quote, w.escape, w.quoting = f.Quote[0], f.Quote[0], true
		w.special[w.quote] = true
		if f.Escape != "double" {
			w.escape, w.itself = f.Escape[0], true
			w.special[w.escape] = true
		}
	}
	w.plain = !w.all && !mayBeBare(f.Null) && strings.Contains(",;|\t", f.Delimiter[:1]) && (f.Quote == "" || strings.Contains("\"'`", f.Quote)) && (!w.itself || w.escape == '\\')
	for i, c := range [...]byte{'\r', '\n', w.delimiter[0], w.quote} {
		w.marks[i] = uint64(c) * eachLow
	}
	for i := range fields {
		w.ways = append(w.ways, w.wayOf(&fields[i]))
	}
	return w
}

// mayBeBare tells whether a word for NULL can be the text of a number, a date or the like: columns of those need no look for one that can't. Besides a few words
// their texts are made of digits, signs, colons, blanks, and letters as in 1e10 and UUIDs.
func mayBeBare(word string) bool {
	switch strings.TrimLeft(word, "+-") {
	case "nan", "inf", "true", "false":
		return true
	}
	return word != "" && strings.Trim(word, "0123456789abcdef+-.: ") == ""
}

func (w *delimitedWriter) Head(dst []byte) []byte {
	if !w.header {
		return dst
	}
	for i, f := range w.fields {
		dst = w.Begin(dst, i)
		start := len(dst)
		dst = w.guarded(append(dst, f.Name...), start)
		if w.mustQuote(dst[start:]) || f.Name == "" || w.texts {
			dst = w.enclose(dst, start)
		}
	}
	return append(dst, w.end...)
}

func (w *delimitedWriter) Between(dst []byte) []byte { return dst }

func (w *delimitedWriter) Begin(dst []byte, i int) []byte {
	if i > 0 {
		return append(dst, w.delimiter...)
	}
	return dst
}

func (w *delimitedWriter) End(dst []byte, i, start int, null bool) []byte {
	dst = w.value(dst, i, start, null)
	if i == len(w.fields)-1 {
		dst = append(dst, w.end...)
	}
	return dst
}

// value finishes the text of a field.
func (w *delimitedWriter) value(dst []byte, i, start int, null bool) []byte {
	f := &w.fields[i]
	switch {
	case null:
		dst = append(dst, w.null...)
		// A line with nothing on it would be no record for most readers.
		if len(w.fields) == 1 && len(w.null) == 0 && w.quoting {
			dst = append(dst, w.quote, w.quote)
		}
	case f.Bare && w.plain && !f.Styled:
	case f.Bare:
		if w.all || w.mustQuote(dst[start:]) || w.isNull(dst[start:]) {
			dst = w.enclose(dst, start)
		}
	default:
		dst = w.text(dst, start, f)
	}
	return dst
}

// text finishes a text of any bytes.
func (w *delimitedWriter) text(dst []byte, start int, f *Field) []byte {
	dst = w.guarded(dst, start)
	switch text := dst[start:]; {
	case len(text) == 0:
		// Readers take an empty field for NULL where there can be one, whatever the word for NULL is.
		if (w.texts || f.Nullable || len(w.fields) == 1) && w.quoting {
			dst = append(dst, w.quote, w.quote)
		}
	case w.texts || w.mustQuote(text) || w.isNull(text):
		dst = w.enclose(dst, start)
	}
	return dst
}

// guarded keeps a text, where the job wants it, from being taken for a formula.
func (w *delimitedWriter) guarded(dst []byte, start int) []byte {
	if w.guard && len(dst) > start && formula(dst[start:]) {
		dst = slices.Insert(dst, start, '\'')
	}
	return dst
}

// formula tells whether a spreadsheet could take a text for one. Some read the full-width forms of the signs as the signs.
func formula(text []byte) bool {
	if strings.IndexByte("=+-@\t\r\n", text[0]) >= 0 {
		return true
	}
	if len(text) < len("＝") {
		return false
	}
	switch string(text[:len("＝")]) {
	case "＝", "＋", "－", "＠":
		return true
	}
	return false
}

// isNull tells whether a text would be taken for NULL, also in a column that has none here: who reads it may have a nullable one.
func (w *delimitedWriter) isNull(text []byte) bool {
	return len(w.null) > 0 && bytes.Equal(text, w.null)
}

func (w *delimitedWriter) mustQuote(text []byte) bool {
	for i, c := range text {
		if w.special[c] && (c != w.delimiter[0] || len(w.delimiter) == 1 || w.fits(text[i:])) {
			return true
		}
	}
	return false
}

// fits tells whether a delimiter of several bytes begins here. One that does only with what follows the text, or with what is one of the other signs as
// well, counts: better quoted once too often.
func (w *delimitedWriter) fits(rest []byte) bool {
	n := min(len(rest), len(w.delimiter))
	return bytes.Equal(rest[:n], w.delimiter[:n])
}

// enclose puts quotes around the text that begins at dst[start], and what belongs there before those in it.
func (w *delimitedWriter) enclose(dst []byte, start int) []byte {
	if !w.quoting {
		w.unquoted.Store(true)
		return dst
	}
	inner := 0
	for _, c := range dst[start:] {
		if c == w.quote || w.itself && c == w.escape {
			inner++
		}
	}
	from := len(dst)
	dst = slices.Grow(dst, inner+2)[:from+inner+2]
	to := len(dst) - 1
	dst[to] = w.quote
	for from > start {
		from--
		to--
		if c := dst[from]; c == w.quote || w.itself && c == w.escape {
			dst[to] = c
			to--
			dst[to] = w.escape
		} else {
			dst[to] = c
		}
	}
	dst[start] = w.quote
	return dst
}

func (w *delimitedWriter) Tail(dst []byte) []byte { return dst }

// ErrUnquoted: a text would have to be quoted.
var ErrUnquoted = errors.New("a value has a delimiter or a line end in it, or is the text for NULL, and there is no quote to put around it: give the format a quote, or another delimiter")

func (w *delimitedWriter) Err() error {
	if w.unquoted.Load() {
		return ErrUnquoted
	}
	return nil
}
