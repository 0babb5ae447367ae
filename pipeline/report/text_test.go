package report

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestTextAsJSON(t *testing.T) {
	for in, want := range map[Text]string{
		"":                   `""`,
		"a.csv":              `"a.csv"`,
		`a\xe9 "b" <c> ü`:    `"a\\xe9 \"b\" <c> ü"`,
		"caf\xe9 ü.csv":      `"caf\\xe9 ü.csv"`,
		"\xff\xfe":           `"\\xff\\xfe"`,
		"a\x1b[2J\x7f\n":     `"a\u001b[2J\u007f\n"`,
		"\u202e\u2066\u00a0": `"\u202e\u2066\u00a0"`,
		"\U000e0041":         `"\udb40\udc41"`,
		"\ufffd":             "\"\ufffd\"",
	} {
		got, err := Encode(in, "  ")
		if err != nil || string(got) != want+"\n" {
			t.Errorf("%q: %s, want %s (%v)", in, got, want, err)
		}
		var back Text
		if err := json.Unmarshal(got, &back); err != nil || (back != in && !strings.ContainsAny(string(in), string([]byte{0xe9, 0xff}))) {
			t.Errorf("%q came back as %q (%v)", in, back, err)
		}
	}
}

func TestQuote(t *testing.T) {
	for _, test := range []struct {
		in   string
		max  int
		want string
	}{
		{"", 3, `""`},
		{"abc", 3, `"abc"`},
		{"abcd", 3, `"abc"… (4 bytes)`},
		{"aü", 2, `"a"… (3 bytes)`},
		{"a☃", 3, `"a"… (4 bytes)`},
		{"\x80\x80\x80\x80\x80", 4, `"\x80\x80\x80\x80"… (5 bytes)`},
		{"a\x1b\"\u202e\n", 99, `"a\x1b\"\u202e\n"`},
	} {
		if got := Quote(test.in, test.max); got != test.want {
			t.Errorf("%q: %s, want %s", test.in, got, test.want)
		}
		if got := Quote([]byte(test.in), test.max); got != test.want {
			t.Errorf("%q as bytes: %s, want %s", test.in, got, test.want)
		}
	}
}

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		`a "b" \ c`:                       `a "b" \ c`,
		`it has "x\r10", "\u202e"`:        `it has "x\r10", "\u202e"`,
		"turned \u202e over":              `turned \u202e over`,
		"line\nbreak \x1b[0m":             `line\nbreak \x1b[0m`,
		strings.Repeat("x", maxMessage+1): strings.Repeat("x", maxMessage) + "…",
		strings.Repeat("x", maxMessage):   strings.Repeat("x", maxMessage),
	} {
		if got := Visible(in); got != want {
			t.Errorf("%q: %s", in, got)
		}
	}
}
