package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"
)

// Glob matches a file's whole name, without folders: * any text, ? one character, [a-z] and [!a-z] one of a set, {a,b}
// alternatives, \ takes the next character as it is. Case matters. A byte that isn't UTF-8 counts as one character.
// The zero Glob matches nothing.
type Glob struct {
	text string

	// The plain text before the first sign and behind the last one. Most names in a folder aren't a job's, and most of those are told by these.
	before, after string
	kind          globKind
}

// globKind is how much there is to a pattern.
type globKind uint8

const (
	mixed   globKind = iota // signs of several kinds
	oneStar                 // before*after
	plain                   // no sign: before is the name
)

// UnmarshalText checks the pattern.
func (g *Glob) UnmarshalText(text []byte) error {
	pattern := string(text)
	switch {
	case pattern == "":
		return errors.New("an empty pattern matches nothing; \"*\" matches every name")
	case strings.Contains(pattern, "/"):
		return errors.New("a pattern is for the file's name alone and can't hold a slash; the folder is the inbox")
	case !utf8.Valid(text) || strings.ContainsRune(pattern, utf8.RuneError):
		return errors.New("a pattern must be UTF-8; ? stands for a byte that isn't")
	case !doublestar.ValidatePattern(pattern):
		return fmt.Errorf("%q isn't a pattern: a bracket, brace or backslash is left open", pattern)
	}
	*g = compileGlob(pattern)
	return nil
}

// compileGlob takes a valid pattern apart, once for all the names that it will be compared with.
func compileGlob(pattern string) Glob {
	const signs = `*?[]{}\`
	first := strings.IndexAny(pattern, signs)
	if first < 0 {
		return Glob{text: pattern, before: pattern, kind: plain}
	}
	last := strings.LastIndexAny(pattern, signs)
	g := Glob{text: pattern, before: pattern[:first], after: pattern[last+1:]}
	if first == last && pattern[first] == '*' {
		g.kind = oneStar
	}
	return g
}

// Match tells whether the name fits.
func (g Glob) Match(name string) bool {
	switch {
	case g.text == "":
		return false
	case g.kind == plain:
		return name == g.before
	case len(name) < len(g.before)+len(g.after) || !strings.HasPrefix(name, g.before) || !strings.HasSuffix(name, g.after):
		return false
	case g.kind == oneStar:
		return true
	}
	return doublestar.MatchUnvalidated(g.text, name)
}

// Literals are texts that every name that fits has in it, in this order: it begins with the first, which may be empty. whole says that
// no other name fits than the first of them. What is in brackets and braces, or behind them, isn't looked at.
func (g Glob) Literals() (texts []string, whole bool) {
	text := g.text
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '[' || c == '{':
			return append(texts, b.String()), false
		case c == '*' || c == '?':
			texts = append(texts, b.String())
			b.Reset()
			continue
		case c == '\\' && i+1 < len(text):
			i++
		}
		b.WriteByte(text[i])
	}
	return append(texts, b.String()), len(texts) == 0
}

// IsZero tells whether no pattern was given.
func (g Glob) IsZero() bool { return g.text == "" }

func (g Glob) String() string { return g.text }

// Regexp is a regular expression in Go's (RE2's) syntax for file names. It is anchored only where it says so with ^ and $.
// Its named captures, (?P<day>\d{8}), become variables. The zero Regexp matches nothing.
type Regexp struct {
	compiled *regexp.Regexp
}

// UnmarshalText compiles the expression.
func (r *Regexp) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return errors.New("an empty expression matches every name; write \".*\" if that is meant")
	}
	compiled, err := regexp.Compile(string(text))
	if err != nil {
		return fmt.Errorf("not a regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	r.compiled = compiled
	return nil
}

// Match matches the name and returns what the named captures caught; a capture that took no part is empty.
func (r Regexp) Match(name string) (vars map[string]string, ok bool) {
	if r.compiled == nil {
		return nil, false
	}
	found := r.compiled.FindStringSubmatch(name)
	if found == nil {
		return nil, false
	}
	vars = make(map[string]string)
	for i, capture := range r.compiled.SubexpNames() {
		if capture != "" {
			vars[capture] = found[i]
		}
	}
	return vars, true
}

// Captures returns the names of the captures, in order.
func (r Regexp) Captures() []string {
	if r.compiled == nil {
		return nil
	}
	var names []string
	for _, name := range r.compiled.SubexpNames() {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// IsZero tells whether no expression was given.
func (r Regexp) IsZero() bool { return r.compiled == nil }

func (r Regexp) String() string {
	if r.compiled == nil {
		return ""
	}
	return r.compiled.String()
}
