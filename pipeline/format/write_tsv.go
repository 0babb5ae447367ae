package format

import "slices"

// tsvWriter writes what ClickHouse calls TabSeparated.
type tsvWriter struct{ fields []Field }

func (w *tsvWriter) Head(dst []byte) []byte    { return dst }
func (w *tsvWriter) Between(dst []byte) []byte { return dst }
func (w *tsvWriter) Tail(dst []byte) []byte    { return dst }
func (w *tsvWriter) Err() error                { return nil }
func (w *tsvWriter) Begin(dst []byte, i int) []byte {
	if i > 0 {
		return append(dst, '\t')
	}
	return dst
}

func (w *tsvWriter) End(dst []byte, i, start int, null bool) []byte {
	f := &w.fields[i]
	switch {
	case null:
		dst = append(dst, `\N`...)
	case !f.Bare && !f.Escaped:
		dst = escape(dst, start)
	}
	if i == len(w.fields)-1 {
		dst = append(dst, '\n')
	}
	return dst
}

// escapes are the letters that stand behind a backslash for bytes that can't stand in a field.
var escapes = [256]byte{'\t': 't', '\n': 'n', '\\': '\\', '\r': 'r', '\b': 'b', '\f': 'f', 0: '0', '\'': '\''}

// escape makes the text that begins at dst[start] one that ends at a tab.
func escape(dst []byte, start int) []byte {
	more := 0
	for _, c := range dst[start:] {
		if escapes[c] != 0 {
			more++
		}
	}
	if more == 0 {
		return dst
	}
	from := len(dst)
	dst = slices.Grow(dst, more)[:from+more]
	for to := len(dst); from < to; {
		from--
		to--
		c := dst[from]
		if dst[to] = c; escapes[c] != 0 {
			dst[to] = escapes[c]
			to--
			dst[to] = '\\'
		}
	}
	return dst
}
