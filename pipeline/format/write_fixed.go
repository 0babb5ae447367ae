package format

import (
	"bytes"
	"slices"
	"sync/atomic"
	"unicode/utf8"

	"chute/config"
)

// fixedWriter writes fields of fixed width, in characters: numbers stand at the right, all else at the left.
type fixedWriter struct {
	fields []Field
	widths []int
	end    []byte
	null   []byte
	cut    bool // texts that are too long are cut; numbers never are
	header bool
	unfit  atomic.Pointer[Unfit] // the first value that has no room
}

func newFixedWriter(f *config.ExportFormat, fields []Field) (*fixedWriter, error) {
	if len(f.Widths) != len(fields) {
		return nil, unfit("columns", "there are %d columns, and format.widths has %d: give each its own", len(fields), len(f.Widths))
	}
	return &fixedWriter{
		fields: fields, widths: f.Widths, end: []byte(f.End()), null: []byte(f.Null), cut: f.TooWide == "cut", header: f.Header,
	}, nil
}

func (w *fixedWriter) Head(dst []byte) []byte {
	if !w.header {
		return dst
	}
	for i, f := range w.fields {
		start := len(dst)
		dst = w.pad(append(dst, f.Name...), i, start, false)
	}
	return append(dst, w.end...)
}

func (w *fixedWriter) Between(dst []byte) []byte      { return dst }
func (w *fixedWriter) Begin(dst []byte, _ int) []byte { return dst }
func (w *fixedWriter) Tail(dst []byte) []byte         { return dst }

func (w *fixedWriter) End(dst []byte, i, start int, null bool) []byte {
	f := &w.fields[i]
	if null {
		dst = append(dst, w.null...)
	}
	if (!f.Bare || f.Styled) && bytes.ContainsAny(dst[start:], "\r\n") {
		w.refuse(unfit("unquoted", "a value of column %q has a line end in it, which would end the record: take it out in the query", f.Name))
	}
	dst = w.pad(dst, i, start, f.Number && !null)
	if i == len(w.fields)-1 {
		dst = append(dst, w.end...)
	}
	return dst
}

// pad gives the text that begins at dst[start] its width.
func (w *fixedWriter) pad(dst []byte, i, start int, number bool) []byte {
	missing := w.widths[i] - utf8.RuneCount(dst[start:])
	switch {
	case missing < 0 && w.cut && !w.fields[i].Bare:
		return w.shorten(dst, start, w.widths[i])
	case missing < 0:
		w.refuse(unfit("too_wide", "column %q has %d characters in format.widths, and a text of it has %d: %s",
			w.fields[i].Name, w.widths[i], w.widths[i]-missing, w.fields[i].roomier()))
		return dst
	}
	end := len(dst)
	for range missing {
		dst = append(dst, ' ')
	}
	if number {
		copy(dst[start+missing:], dst[start:end])
		for at := range missing {
			dst[start+at] = ' '
		}
	}
	return dst
}

// roomier says what helps where a field is too wide.
func (f *Field) roomier() string {
	switch {
	case f.Number:
		return "give it more, for numbers are never cut"
	case f.Bare:
		return "give it more, for dates, times and their like are never cut; a time that clocks show twice, when they are set back, has its distance from UTC behind it"
	}
	return "give it more, or cut texts by too_wide = \"cut\""
}

// shorten keeps the first characters of a text.
func (w *fixedWriter) shorten(dst []byte, start, characters int) []byte {
	at := start
	for range characters {
		_, size := utf8.DecodeRune(dst[at:])
		at += size
	}
	return slices.Delete(dst, at, len(dst))
}

func (w *fixedWriter) refuse(why *Unfit) { w.unfit.CompareAndSwap(nil, why) }

func (w *fixedWriter) Err() error {
	if why := w.unfit.Load(); why != nil {
		return why
	}
	return nil
}
