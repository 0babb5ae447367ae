package native

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Text writes a value that Values made as ClickHouse prints it: 2006-01-02 15:04:05, ['a','b'], {'k':1}. NULL is "NULL" inside of
// others; whoever writes a format decides what it is outside.
func Text(t *Type, v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return string(appendText(nil, t.Plain(), v))
}

func appendText(b []byte, t *Type, v any) []byte {
	if t.Kind == Nullable {
		t = t.Elems[0]
	}
	switch v := v.(type) {
	case nil:
		return append(b, "NULL"...)
	case string:
		if quotedInside(t.Kind) {
			return append(b, quote(v, '\'')...)
		}
		return append(b, v...)
	case time.Time:
		return append(b, "'"+timeText(t, v)+"'"...)
	case []any:
		return appendList(b, t, v)
	}
	return append(b, scalarText(t, v)...)
}

// quotedInside tells which texts have quotes inside of an array, tuple or map.
func quotedInside(k Kind) bool { return k != Decimal && k != Other }

func appendList(b []byte, t *Type, values []any) []byte {
	open, shut := "[", "]"
	switch t.Kind {
	case Tuple:
		open, shut = "(", ")"
	case Map:
		open, shut = "{", "}"
	}
	b = append(b, open...)
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		switch t.Kind {
		case Array:
			b = appendText(b, t.Elems[0], v)
		case Tuple:
			b = appendText(b, t.Elems[i], v)
		case Nested:
			b = appendList(b, &Type{Kind: Tuple, Elems: t.Elems}, v.([]any))
		case Map:
			pair := v.([2]any)
			b = appendText(append(appendText(b, t.Elems[0], pair[0]), ':'), t.Elems[1], pair[1])
		}
	}
	return append(b, shut...)
}

// scalarText writes what has the same text everywhere.
func scalarText(t *Type, v any) string {
	f, ok := v.(float64)
	if !ok {
		return fmt.Sprint(v)
	}
	bits := 64
	if t.Kind == Float32 || t.Kind == BFloat16 {
		bits = 32
	}
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case f != 0 && (math.Abs(f) < 1e-6 || math.Abs(f) >= 1e21):
		return strconv.FormatFloat(f, 'e', -1, bits)
	}
	return strconv.FormatFloat(f, 'f', -1, bits)
}

func timeText(t *Type, v time.Time) string {
	switch t.Kind {
	case Date, Date32:
		return v.Format("2006-01-02")
	case DateTime64:
		if t.Scale > 0 {
			return v.Format("2006-01-02 15:04:05." + strings.Repeat("0", t.Scale))
		}
	}
	return v.Format("2006-01-02 15:04:05")
}

// AppendValue is Text for the outermost level, where nothing is quoted.
func AppendValue(b []byte, t *Type, v any) []byte {
	t = t.Plain()
	if t.Kind == Nullable {
		t = t.Elems[0]
	}
	switch v := v.(type) {
	case string:
		return append(b, v...)
	case time.Time:
		return append(b, timeText(t, v)...)
	}
	return appendText(b, t, v)
}

// AppendJSON writes a value as JSON: numbers as numbers, however long; NULL, NaN and infinities as null; maps and named tuples as objects. A byte that
// isn't UTF-8 becomes four characters like \xe9.
func AppendJSON(b []byte, t *Type, v any) []byte {
	t = t.Plain()
	if t.Kind == Nullable {
		t = t.Elems[0]
	}
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case string:
		if t.Kind == Decimal {
			return append(b, v...)
		}
		return appendJSONText(b, v)
	case time.Time:
		return appendJSONText(b, timeText(t, v))
	case []any:
		return appendJSONList(b, t, v)
	}
	text := scalarText(t, v)
	if strings.HasSuffix(text, "nan") || strings.HasSuffix(text, "inf") {
		text = "null"
	}
	return append(b, text...)
}

func appendJSONList(b []byte, t *Type, values []any) []byte {
	object := t.Kind == Map || t.Kind == Tuple && t.Names != nil
	if object {
		b = append(b, '{')
	} else {
		b = append(b, '[')
	}
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		switch t.Kind {
		case Array:
			b = AppendJSON(b, t.Elems[0], v)
		case Tuple:
			if object {
				b = append(appendJSONText(b, t.Names[i]), ':')
			}
			b = AppendJSON(b, t.Elems[i], v)
		case Nested:
			b = appendJSONList(b, &Type{Kind: Tuple, Elems: t.Elems, Names: t.Names}, v.([]any))
		case Map:
			pair := v.([2]any)
			b = append(appendJSONText(b, string(AppendValue(nil, t.Elems[0], pair[0]))), ':')
			b = AppendJSON(b, t.Elems[1], pair[1])
		}
	}
	if object {
		return append(b, '}')
	}
	return append(b, ']')
}

func appendJSONText(b []byte, s string) []byte {
	if !utf8.ValidString(s) {
		var valid []byte
		for i := 0; i < len(s); {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				valid = fmt.Appendf(valid, `\x%02x`, s[i])
			} else {
				valid = append(valid, s[i:i+n]...)
			}
			i += n
		}
		s = string(valid)
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string in memory can't fail
	return append(b, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...)
}
