package config

import (
	"os"
	"strings"
	"testing"
)

func TestFoldersOverlap(t *testing.T) {
	for _, test := range []struct {
		folder, pattern string
		want            bool
	}{
		{"in", "done", false}, {"in", "in", true}, {"in", "in/done", true}, {"in/a", "in", true}, {"in", "inn", false},
		{"a/in", "a/%Y", true}, {"a/in", "b/%Y", false}, {"a/in", "a/x%Y", false}, {"a/xin", "a/x{day}", true}, {"a/in", "a/{day}x", false},
		{"a/inx", "a/{day}x", true}, {"a/in", "a/i{day}n", true}, {"a/n", "a/n{day}n", false}, {"a/abc", "a/{x}b{y}", true}, {"a/acc", "a/{x}b{y}", false},
		{".in", "{x}", false}, {".in", ".{x}", true}, {"a/b/c", "{x}/b/{y}/d", true}, {"a/c/c", "{x}/b/{y}/d", false}, {"in/", "in", true},
	} {
		var p Pattern
		if err := p.UnmarshalText([]byte(test.pattern)); err != nil {
			t.Fatal(err)
		}
		if got := overlapping(split(test.folder), p.segments()); got != test.want {
			t.Errorf("%q and %q: %v", test.folder, test.pattern, got)
		}
		if got := overlapping(p.segments(), split(test.folder)); got != test.want {
			t.Errorf("%q and %q, the other way round: %v", test.folder, test.pattern, got)
		}
	}
	if !canEqual("a"+anything, anything+"b") {
		t.Error("two unknown folders are told to differ")
	}
}

// TestTablesInTOML: the rules for defining tables in several places, where TOML and our tree could differ.
func TestTablesInTOML(t *testing.T) {
	for text, want := range map[string]string{
		"[a]\n[a.b]\n":                     "",
		"[a.b]\n[a]\nx=1\n":                "",
		"a.b=1\na.c=2\n":                   "",
		"[[a]]\n[a.b]\n[[a]]\n[a.b]\n":     "",
		"[[a]]\n[[a.b]]\n[[a.b]]\n":        "",
		"'a b'=1\n\"c\"=2\n":               "",
		"a={b={c=1}}\n":                    "",
		"a.b=1\n[a]\n":                     "2:2: a: is there twice; the first is in line 1",
		"[a.b]\n[a]\nb.c=1\n":              "3:1: a.b: is there already and can't be added to here",
		"a=1\n[a.b]\n":                     "2:2: a: is a value already and can't be a table as well",
		"a={}\n[a.b]\n":                    "2:2: a: is a value already and can't be a table as well",
		"a=[]\n[[a]]\n":                    "2:3: a: is there as something else already, in line 1",
		"a=[{}]\n[a.b]\n":                  "2:2: a: is a value already and can't be a table as well",
		"a={}\na.b=1\n":                    "2:1: a: is there already and can't be added to here",
		"[a]\n[a]\nx=1\n[b]\ny=1\ny=1":     "2:2: a: is there twice; the first is in line 1|6:1: b.y: is there twice; the first is in line 5",
		"a=1 b=2\nc=\n\n[d\nx=1\n[e]\ny=1": "1:5: a: not TOML: expected newline but got U+0062 'b'|2:3: c: not TOML: the value is missing|4:3: not TOML: expected ']' to close table name",
	} {
		var problems Problems
		parse("f", []byte(text), &problems)
		got := ""
		if err := problems.err(); err != nil {
			got = strings.ReplaceAll(strings.ReplaceAll(err.Error(), "f:", ""), "\n", "|")
		}
		if got != want {
			t.Errorf("%q gives\n%s\nwant\n%s", text, got, want)
		}
	}
}

func TestPrintedValues(t *testing.T) {
	for text, want := range map[string]string{
		`"a\tb\nc\rd\\e\"\u0001\u007f"`:   `"a\tb\nc\rd\\e\"\u0001\u007F"`,
		`{ b = 1, a = [1_0, 0.5, true] }`: `{ b = 1, a = [10, 0.5, true] }`,
		`2024-01-01`:                      `2024-01-01`,
	} {
		var problems Problems
		tree := parse("f", []byte("x = "+text), &problems)
		if got := tomlValue(tree.get("x")); got != want || len(problems) > 0 {
			t.Errorf("%s is printed as %s, want %s %v", text, got, want, problems)
		}
	}
}

func TestFilesTooLarge(t *testing.T) {
	file := configuration(t, map[string]string{"chute.toml": strings.Repeat("#", sizeLimit+1)})
	if _, _, err := Load(file); err == nil || err.Error() != file+": can't be read: larger than 1MiB" {
		t.Error(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Load(file); err == nil || err.Error() != file+": can't be read: no such file or directory" {
		t.Error(err)
	}
}
