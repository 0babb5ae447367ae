package format

import "slices"

// csvWriter writes comma-separated values.
type csvWriter struct{ fields []Field }

func (w *csvWriter) Head(dst []byte) []byte {
	for i, f := range w.fields {
		dst = w.Begin(dst, i)
		start := len(dst)
		dst = append(dst, f.Name...)
		if mustQuote(f.Name) || f.Name == "" {
			dst = quote(dst, start)
		}
	}
	return append(dst, '\n')
}

func (w *csvWriter) Begin(dst []byte, i int) []byte {
	if i > 0 {
		return append(dst, ',')
	}
	return dst
}

func (w *csvWriter) End(dst []byte, i, start int, null bool) []byte {
	f := &w.fields[i]
	switch {
	case null || f.Bare:
	case len(dst) == start:
		// An empty line would be no record for most readers.
		if f.Nullable || len(w.fields) == 1 {
			dst = append(dst, `""`...)
		}
	case mustQuote(dst[start:]):
		dst = quote(dst, start)
	}
	if i == len(w.fields)-1 {
		dst = append(dst, '\n')
	}
	return dst
}

// needQuotes are the bytes that make quotes necessary.
var needQuotes = [256]bool{',': true, '"': true, '\n': true, '\r': true}

func mustQuote[T string | []byte](text T) bool {
	for i := range len(text) {
		if needQuotes[text[i]] {
			return true
		}
	}
	return false
}

// quote puts quotes around the text that begins at dst[start], and doubles those in it.
func quote(dst []byte, start int) []byte {
	inner := 0
	for _, c := range dst[start:] {
		if c == '"' {
			inner++
		}
	}
	from := len(dst)
	dst = slices.Grow(dst, inner+2)[:from+inner+2]
	to := len(dst) - 1
	dst[to] = '"'
	for from > start {
		from--
		to--
		if dst[to] = dst[from]; dst[to] == '"' {
			to--
			dst[to] = '"'
		}
	}
	dst[start] = '"'
	return dst
}

// tsvWriter writes what ClickHouse calls TabSeparated.
type tsvWriter struct{ fields []Field }

func (w *tsvWriter) Head(dst []byte) []byte { return dst }

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
