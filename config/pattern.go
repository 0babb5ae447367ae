package config

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// Pattern is a text with variables, {day}, and, in folders, strftime words: %Y %m %d %H %M %S %j (day of the year) %y (year without
// century) and %% (a percent sign). {{ and }} stand for braces. The zero Pattern is the empty text.
//
// The variables are the named captures of match_regexp and name, stem and ext: the file's name and its two parts.
type Pattern struct {
	text    string
	pieces  []piece
	literal bool // percent signs stand for themselves, and the text isn't a folder
	beside  bool // a default: a folder beside the inbox
}

// piece is a part of a Pattern.
type piece struct {
	kind byte   // 't' text, '{' variable, '%' strftime word
	text string // the text, the variable's name, the word's letter
}

// words are the strftime words, with the layouts of package time.
var words = map[string]string{"Y": "2006", "m": "01", "d": "02", "H": "15", "M": "04", "S": "05", "j": "002", "y": "06"}

// UnmarshalText checks and compiles the pattern of a folder.
func (p *Pattern) UnmarshalText(text []byte) error { return p.compile(string(text), false) }

// ParseConstant makes a pattern in which percent signs have no meaning and slashes no danger.
func ParseConstant(text string) (Pattern, error) {
	var p Pattern
	return p, p.compile(text, true)
}

func (p *Pattern) compile(text string, literal bool) error {
	made := Pattern{text: text, literal: literal}
	for rest := text; rest != ""; {
		next, left, err := nextPiece(rest, literal)
		if err != nil {
			return err
		}
		made.pieces = append(made.pieces, next)
		rest = left
	}
	*p = made
	return nil
}

// nextPiece takes one piece off the beginning of s, which isn't empty.
func nextPiece(s string, literal bool) (piece, string, error) {
	switch {
	case strings.HasPrefix(s, "{{") || strings.HasPrefix(s, "}}"):
		return piece{'t', s[:1]}, s[2:], nil
	case s[0] == '}':
		return piece{}, "", errors.New("a } without its {; write }} for a brace")
	case s[0] == '{':
		name, rest, closed := strings.Cut(s[1:], "}")
		if !closed || !variableName(name) {
			return piece{}, "", errors.New("a variable is a name in braces, as {day}; write {{ for a brace")
		}
		return piece{'{', name}, rest, nil
	case s[0] == '%' && !literal:
		if len(s) > 1 && s[1] == '%' {
			return piece{'t', "%"}, s[2:], nil
		}
		if len(s) < 2 || words[s[1:2]] == "" {
			return piece{}, "", errors.New("after % allowed are Y m d H M S j y and %")
		}
		return piece{'%', s[1:2]}, s[2:], nil
	}
	end := strings.IndexAny(s, "{}%")
	if literal {
		end = strings.IndexAny(s, "{}")
	}
	if end < 0 {
		end = len(s)
	}
	return piece{'t', s[:end]}, s[end:], nil
}

func variableName(name string) bool {
	for i, c := range []byte(name) {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// Variables returns the names of the variables that the pattern uses, each once.
func (p Pattern) Variables() []string {
	var names []string
	for _, piece := range p.pieces {
		if piece.kind == '{' && !slices.Contains(names, piece.text) {
			names = append(names, piece.text)
		}
	}
	return names
}

// Expand fills in the time, in the zone that t has, and the variables. A variable that vars doesn't have is an error. What variables hold
// comes from partners, so a folder that they would lead astray is an error too: one with an empty, "." or ".." part,
// or with a part that begins with a dot that isn't the pattern's own.
func (p Pattern) Expand(t time.Time, vars map[string]string) (string, error) {
	var b strings.Builder
	for _, piece := range p.pieces {
		switch piece.kind {
		case 't':
			b.WriteString(piece.text)
		case '%':
			b.WriteString(t.Format(words[piece.text]))
		case '{':
			value, ok := vars[piece.text]
			if !ok {
				return "", fmt.Errorf("%q has no variable {%s}", p.text, piece.text)
			}
			if !p.literal {
				if err := safeValue(b.String(), value); err != nil {
					return "", fmt.Errorf("%q with {%s} = %q: %w", p.text, piece.text, value, err)
				}
			}
			b.WriteString(value)
		}
	}
	if !p.literal && p.text != "" {
		if err := folderProblem(b.String()); err != nil {
			return "", fmt.Errorf("%q becomes %q: %w", p.text, b.String(), err)
		}
	}
	return b.String(), nil
}

// Beginning is as much of a folder as is known at that time without a file: up to the first part that holds a variable.
func (p Pattern) Beginning(t time.Time) string {
	var b strings.Builder
	for _, piece := range p.pieces {
		switch piece.kind {
		case 't':
			b.WriteString(piece.text)
		case '%':
			b.WriteString(t.Format(words[piece.text]))
		case '{':
			return path.Dir(b.String() + "x")
		}
	}
	return path.Clean(b.String())
}

// safeValue judges a value that is put behind what is there already.
func safeValue(before, value string) error {
	if strings.ContainsAny(value, "/\x00") {
		return errors.New("a variable can't hold a slash in the name of a folder or file")
	}
	if strings.HasPrefix(value, ".") && (before == "" || strings.HasSuffix(before, "/")) {
		return errors.New("a variable can't make a hidden folder or file")
	}
	return nil
}

// folderProblem judges a folder inside a store.
func folderProblem(folder string) error {
	switch {
	case folder == "":
		return errors.New("a folder is needed")
	case strings.HasPrefix(folder, "/"):
		return errors.New("a folder inside the store is needed, without a slash at its beginning")
	case strings.ContainsFunc(folder, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New("a folder can't hold control characters")
	case strings.HasPrefix(folder, "./"):
		return errors.New(`leave out the "./"`)
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(folder, "/"), "/") {
		switch {
		case part == "..":
			return errors.New(`".." isn't allowed in folders`)
		case part == "" || part == "." && folder != ".":
			return errors.New(`empty parts and "." aren't allowed in folders`)
		}
	}
	return nil
}

// IsZero tells whether the pattern is the empty text.
func (p Pattern) IsZero() bool { return p.text == "" }

// String returns the pattern as it was written.
func (p Pattern) String() string { return p.text }
