package reject

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"chute/connectors"
)

// line is a line of the list of reasons.
type line struct {
	File    string `json:"file,omitempty"` // only in a list that may be of several files
	Record  uint64 `json:"record"`
	Line    int64  `json:"line"`
	Offset  int64  `json:"offset"`
	Column  string `json:"column,omitempty"`
	Code    string `json:"code"`
	Value   string `json:"value"`
	Exact   string `json:"value_base64,omitempty"` // the value's bytes, when Value isn't them
	Message string `json:"message"`
	Source  string `json:"source"`
}

// rest is the last line of a list that isn't complete.
type rest struct {
	File    string `json:"file,omitempty"`
	More    uint64 `json:"more"`
	Message string `json:"message"`
}

func appendReason(b []byte, file string, r *connectors.Reason) []byte {
	l := line{
		File: visible([]byte(file)), Record: r.Record, Line: r.Line, Offset: r.Offset, Column: visible([]byte(r.Column)), Code: r.Code, Value: visible(r.Value),
		Message: visible([]byte(r.Message)), Source: r.Source,
	}
	if !utf8.Valid(r.Value) {
		l.Exact = base64.StdEncoding.EncodeToString(r.Value)
	}
	return appendLine(b, l)
}

func appendRest(b []byte, file string, more uint64) []byte {
	text := fmt.Sprintf("%d more reasons are not listed.", more)
	if more == 1 {
		text = "1 more reason is not listed."
	}
	return appendLine(b, rest{File: visible([]byte(file)), More: more, Message: text})
}

// appendLine writes v as JSON on one line. Partners read lists on terminals, so characters that don't print are escaped: DEL, U+0080 to U+009F,
// those that turn the direction of what follows, and so on.
func appendLine(b []byte, v any) []byte {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // structs of strings and numbers
	}
	if !slices.ContainsFunc(text.Bytes(), func(c byte) bool { return c >= 0x7F }) {
		return append(b, text.Bytes()...)
	}
	for _, c := range text.String() {
		if c < 0x7F || unicode.IsPrint(c) { // below U+0020 there is only the line's end
			b = utf8.AppendRune(b, c)
			continue
		}
		for _, half := range utf16.AppendRune(nil, c) {
			b = fmt.Appendf(b, `\u%04x`, half)
		}
	}
	return b
}

// visible shows bytes that aren't UTF-8 as \xE9.
func visible(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	out := make([]byte, 0, len(b)+16)
	for len(b) > 0 {
		c, width := utf8.DecodeRune(b)
		if c == utf8.RuneError && width == 1 {
			out = append(out, `\x`...)
			if b[0] < 0x10 {
				out = append(out, '0')
			}
			out = append(out, strings.ToUpper(strconv.FormatUint(uint64(b[0]), 16))...)
		} else {
			out = append(out, b[:width]...)
		}
		b = b[width:]
	}
	return string(out)
}
