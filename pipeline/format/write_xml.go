package format

import (
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"chute/config"
)

// xmlWriter writes an element for each record, with one in it for each field that isn't NULL.
type xmlWriter struct {
	fields  []Field
	root    string
	record  string
	open    [][]byte // before each field
	shut    [][]byte // and behind it
	replace bool
	unfit   atomic.Pointer[Unfit]
}

func newXMLWriter(f *config.ExportFormat, fields []Field) (*xmlWriter, error) {
	w := &xmlWriter{fields: fields, root: f.Root, record: f.Record, replace: f.Unmappable == "replace"}
	for i, field := range fields {
		if !config.XMLName(field.Name) {
			return nil, unfit("columns", "column %q can't be an element of XML: give it a name of letters, digits, _, - and . in a query", field.Name)
		}
		before := "    <" + field.Name + ">"
		if i == 0 {
			before = "  <" + f.Record + ">\n" + before
		}
		w.open, w.shut = append(w.open, []byte(before)), append(w.shut, []byte("</"+field.Name+">\n"))
	}
	return w, nil
}

func (w *xmlWriter) Head(dst []byte) []byte {
	return append(dst, `<?xml version="1.0" encoding="UTF-8"?>`+"\n<"+w.root+">\n"...)
}

func (w *xmlWriter) Between(dst []byte) []byte { return dst }

func (w *xmlWriter) Begin(dst []byte, i int) []byte { return append(dst, w.open[i]...) }

func (w *xmlWriter) End(dst []byte, i, start int, null bool) []byte {
	if null {
		dst = dst[:start-len(w.fields[i].Name)-len("    <>")]
	} else {
		if f := &w.fields[i]; !f.Bare || f.Styled {
			dst = w.escape(dst, start, i)
		}
		dst = append(dst, w.shut[i]...)
	}
	if i == len(w.fields)-1 {
		dst = append(dst, "  </"+w.record+">\n"...)
	}
	return dst
}

// escape makes the text that begins at dst[start] one that stands in XML. It is made behind the text, and takes its place.
func (w *xmlWriter) escape(dst []byte, start, i int) []byte {
	end := len(dst)
	at := start
	for at < end && dst[at] >= ' ' && dst[at] < utf8.RuneSelf && dst[at] != '&' && dst[at] != '<' && dst[at] != '>' {
		at++
	}
	if at == end {
		return dst
	}
	for from := at; from < end; {
		r, size := utf8.DecodeRune(dst[from:end])
		switch {
		case r == '&':
			dst = append(dst, "&amp;"...)
		case r == '<':
			dst = append(dst, "&lt;"...)
		case r == '>':
			dst = append(dst, "&gt;"...)
		case r == '\r':
			dst = append(dst, "&#13;"...) // or readers make it a line feed
		case XMLCharacter(r, size):
			dst = append(dst, dst[from:from+size]...)
		default:
			if !w.replace {
				w.unfit.CompareAndSwap(nil, unfit("unmappable", "column %q has %s, which can't stand in XML: take it out in the query, or choose unmappable = \"replace\"",
					w.fields[i].Name, shownRune(dst[from:from+size])))
			}
			dst = append(dst, '?')
		}
		from += size
	}
	n := copy(dst[at:], dst[end:])
	return dst[:at+n]
}

// XMLCharacter tells what can stand in XML 1.0. A byte that isn't UTF-8 has a size of one.
func XMLCharacter(r rune, size int) bool {
	switch {
	case r == utf8.RuneError && size == 1:
		return false
	case r < ' ':
		return r == '\t' || r == '\n' || r == '\r'
	}
	return r != 0xfffe && r != 0xffff
}

func (w *xmlWriter) Tail(dst []byte) []byte { return append(dst, "</"+w.root+">\n"...) }

func (w *xmlWriter) Err() error {
	if why := w.unfit.Load(); why != nil {
		return why
	}
	return nil
}

// shownXML is a text as XML may have it, for formats that are XML inside; the first character that can't be is shown as the error.
func shownXML(text []byte, replace bool) (string, string) {
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case XMLCharacter(r, size):
			b.Write(text[:size])
		case !replace:
			return "", shownRune(text[:size])
		default:
			b.WriteByte('?')
		}
		text = text[size:]
	}
	return b.String(), ""
}
