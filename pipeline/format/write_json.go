package format

import (
	"bytes"
	"encoding/json"
)

// jsonWriter writes an object in each line, or all of them as one array.
type jsonWriter struct {
	before [][]byte // each field with its name
	array  bool
}

func newJSONWriter(fields []Field, array bool) *jsonWriter {
	w := &jsonWriter{array: array}
	for i, f := range fields {
		before := []byte("{")
		if i > 0 {
			before = []byte(",")
		}
		w.before = append(w.before, append(append(before, jsonName(f.Name)...), ':'))
	}
	return w
}

func jsonName(name string) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(name) // a string in memory can't fail
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

func (w *jsonWriter) Head(dst []byte) []byte {
	if w.array {
		return append(dst, "[\n"...)
	}
	return dst
}

func (w *jsonWriter) Between(dst []byte) []byte {
	if w.array {
		return append(dst, ",\n"...)
	}
	return dst
}

func (w *jsonWriter) Begin(dst []byte, i int) []byte { return append(dst, w.before[i]...) }

func (w *jsonWriter) End(dst []byte, i, _ int, null bool) []byte {
	if null {
		dst = append(dst, "null"...)
	}
	if i == len(w.before)-1 {
		dst = append(dst, '}')
		if !w.array {
			dst = append(dst, '\n')
		}
	}
	return dst
}

func (w *jsonWriter) Tail(dst []byte) []byte {
	if w.array {
		return append(dst, "\n]\n"...)
	}
	return dst
}

func (w *jsonWriter) Err() error { return nil }
