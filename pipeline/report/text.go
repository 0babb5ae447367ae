package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	maxValue   = 200  // bytes of a value that are shown
	maxMessage = 1000 // bytes of a message that are shown
)

// Text is a string that somebody else may have chosen: any bytes. As JSON it is the string itself, but each byte that isn't
// UTF-8 becomes four characters like \xe9.
type Text string

// MarshalText makes Text valid UTF-8.
func (t Text) MarshalText() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return []byte(t), nil
	}
	var b []byte
	for i := 0; i < len(t); {
		r, n := utf8.DecodeRuneInString(string(t[i:]))
		if r == utf8.RuneError && n == 1 {
			b = fmt.Appendf(b, `\x%02x`, t[i])
		} else {
			b = append(b, t[i:i+n]...)
		}
		i += n
	}
	return b, nil
}

// UnmarshalText takes the text as it is: what MarshalText has made visible stays so.
func (t *Text) UnmarshalText(b []byte) error {
	*t = Text(b)
	return nil
}

// Quote shows a text in quotes on one line, at most max bytes of it, with everything that doesn't print made visible.
func Quote[T ~string | ~[]byte](text T, max int) string {
	s := string(text)
	if len(s) <= max {
		return strconv.Quote(s)
	}
	return strconv.Quote(cut(s, max)) + "… (" + strconv.Itoa(len(s)) + " bytes)"
}

// Visible shows a sentence on one line: like Quote, but without quotes around it, and with quotes and backslashes as they are, since a
// sentence may hold texts that are quoted already.
func Visible[T ~string](text T) string {
	s := cut(string(text), maxMessage)
	more := ""
	if len(s) < len(text) {
		more = "…"
	}
	quoted := strconv.Quote(s)
	return unquoted.Replace(quoted[1:len(quoted)-1]) + more
}

var unquoted = strings.NewReplacer(`\"`, `"`, `\\`, `\`)

// cut returns at most max bytes of s and doesn't cut through a character.
func cut(s string, max int) string {
	if len(s) <= max {
		return s
	}
	for i := range utf8.UTFMax {
		if max-i > 0 && utf8.RuneStart(s[max-i]) {
			return s[:max-i]
		}
	}
	return s[:max]
}

// Encode writes v as JSON, on one line or indented, that is safe to look at on a terminal: within strings, what doesn't print is written as \u202e.
func Encode(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(b.Bytes(), func(c byte) bool { return c >= 0x7f }) {
		return b.Bytes(), nil
	}
	var out []byte
	for _, r := range b.String() { // valid UTF-8; below U+0020 there is only the layout
		if r < 0x7f || unicode.IsPrint(r) {
			out = utf8.AppendRune(out, r)
			continue
		}
		for _, half := range utf16.AppendRune(nil, r) {
			out = fmt.Appendf(out, `\u%04x`, half)
		}
	}
	return out, nil
}

// moment writes a time for people.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// number writes "1 record" or "2 records".
func number[N ~int | ~int64 | ~uint64](n N, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprint(n) + " " + what + "s"
}
