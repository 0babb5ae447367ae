package convert

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// agreeJSON: what is taken is a valid object with names once; what is refused is either not that, or more than the engine takes.
func agreeJSON(t failer, p *Plan, text string) {
	t.Helper()
	v, reason := one(t, p, text, false)
	valid := json.Valid([]byte(text)) && strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{")
	switch {
	case reason == nil && (!valid || !utf8.ValidString(text) || v != text):
		t.Fatalf("%q is taken as %v", text, v)
	case reason != nil && valid && !excused(reason.Message):
		t.Fatalf("%q is refused: %s", text, reason.Message)
	}
	var all map[string]any
	if reason == nil {
		d := json.NewDecoder(bytes.NewReader([]byte(text)))
		d.UseNumber()
		if err := d.Decode(&all); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
	}
}

// excused are refusals of valid JSON.
func excused(message string) bool {
	for _, why := range []string{"a path that isn't there already", "a number that fits 64 bits", "an escape that JSON has", "UTF-8", "less depth"} {
		if strings.HasSuffix(message, why) {
			return true
		}
	}
	return false
}

func drawJSON(t *rapid.T, depth int) string {
	kinds := 6
	if depth == 0 {
		kinds = 4
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return rapid.SampledFrom([]string{"null", "true", "false", "nul"}).Draw(t, "word")
	case 1:
		return rapid.StringMatching(`-?(0|[1-9][0-9]{0,20}|0[0-9])(\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?`).Draw(t, "number")
	case 2, 3:
		return `"` + rapid.StringMatching(`(a|b|\.|é|\\n|\\u0041|\\ud83d\\ude00|\\ud83d|\\q){0,3}`).Draw(t, "text") + `"`
	case 4:
		return "[" + strings.Join(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return drawJSON(t, depth-1) }), 0, 3).Draw(t, "list"), ", ") + "]"
	}
	return drawObject(t, depth)
}

func drawObject(t *rapid.T, depth int) string {
	var members []string
	for range rapid.IntRange(0, 3).Draw(t, "members") {
		members = append(members, `"`+rapid.StringMatching(`(a|b|\.|\\u0061){0,2}`).Draw(t, "name")+`": `+drawJSON(t, depth-1))
	}
	return "{" + strings.Join(members, ",") + "}"
}

func TestJSONAgainstPackage(t *testing.T) {
	p := compiled(t, Column{Name: "c", Type: typeOf(t, "JSON")})
	rapid.Check(t, func(t *rapid.T) { agreeJSON(t, p, drawObject(t, 3)) })
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{"{}", `{"a":[1,{"b":"\ud83d\ude00"}],"c":-1.5e3}`, `{"a":{"b":1},"a.b":2}`, `{"":{"":1}}`, `{"a":01}`, `{"a"`, "{\"a\":\"\xff\"}", `{"a":[{"x":1,"x":2}]}`} {
		f.Add(s)
	}
	p := compiled(f, Column{Name: "c", Type: typeOf(f, "JSON")})
	f.Fuzz(func(t *testing.T, text string) {
		if text != "" && len(text) < 10_000 {
			agreeJSON(t, p, text)
		}
	})
}
