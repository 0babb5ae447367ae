package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Split says where a new file of an answer begins. All of its rules that are given hold together.
type Split struct {
	// Rows begins a new file after so many records, from 1. Default: any number.
	Rows int `toml:"rows"`
	// Bytes begins a new file where one would have more bytes, a size of at least 1KiB: as the file is written, but before it is compressed. A record that is larger
	// has a file for itself. Only for formats of text. Default: any number.
	Bytes Size `toml:"bytes"`
	// Column begins a new file where this column of the answer has another value: a file for each. With Table rows are sorted by it first; a Query does so itself. Default: none.
	Column string `toml:"column"`
	// Blank stands in names for NULL and for an empty text of Column. Default: nothing, and such a value fails the run.
	Blank string `toml:"blank"`
	// MaxFiles is how many files there may be, from 1 to 100000; with more the run has failed and nothing is delivered. Default 1000.
	MaxFiles int `toml:"max_files" default:"1000"`
	// Name is what all files are called together: before .sha256, .manifest.json and .done, of which there is one for all, and where runs are listed. It may hold
	// the words of File but {part} and {value}. Default "{job}_{seq}".
	Name Pattern `toml:"name" default:"{job}_{seq}"`
}

// IsZero tells whether all goes into one file.
func (s Split) IsZero() bool { return s.Rows == 0 && s.Bytes == 0 && s.Column == "" }

// exportSplit judges how an answer is split.
func (c checker) exportSplit(e *Export) {
	s := e.Split
	c.given("split.column", "split.blank")
	for _, rule := range [...]struct {
		key   string
		given bool
	}{{"rows", s.Rows >= 1}, {"bytes", s.Bytes >= 1<<10}} {
		if key := "split." + rule.key; c.has(key) && !rule.given && !c.broken(key) {
			c.bad(key, "must be at least %s", map[string]string{"rows": "1", "bytes": "1KiB"}[rule.key])
		}
	}
	if c.has("split") && !c.broken("split") && !c.has("split.rows") && !c.has("split.bytes") && !c.has("split.column") {
		c.bad("split", "says nothing: give rows, bytes or column")
		return
	}
	if !c.has("split") {
		return
	}
	if s.MaxFiles < 1 || s.MaxFiles > 100_000 {
		c.bad("split.max_files", "must be from 1 to 100000")
	}
	if c.has("split.blank") && !c.has("split.column") {
		c.bad("split.blank", "is for split.column, which isn't given")
	}
	if s.Blank != "" && NameOf(s.Blank) != s.Blank {
		c.bad("split.blank", "is a piece of a name: letters, digits and their like")
	}
	if s.Bytes > 0 && e.Format.Binary() {
		c.bad("split.bytes", "is only for formats of text, and the type is %q: give split.rows", e.Format.Type)
	}
	if s.Column != "" && e.Empty == "write" && e.MinRows < 1 && !c.broken("empty_result") {
		c.bad("split.column", `an answer without rows has no value to make a file for: choose empty_result = "skip" or "fail"`)
	}
	if s.Column != "" && len(e.Columns) > 0 && !slices.Contains(e.Columns, s.Column) {
		c.bad("split.column", "must be one of columns")
	}
	c.exportName("split.name", s.Name, e, exportVariables)
}

// splitNames judges whether the names of the files differ.
func (c checker) splitNames(e *Export) {
	if e.File.IsZero() || e.Split.IsZero() {
		return
	}
	used := e.File.Variables()
	part, value := slices.Contains(used, "part"), slices.Contains(used, "value")
	switch {
	case value && e.Split.Column == "":
		c.bad("file", "{value} is that of split.column, which isn't given")
	case part || value && e.Split.Rows == 0 && e.Split.Bytes == 0:
	case e.Split.Column != "" && e.Split.Rows == 0 && e.Split.Bytes == 0:
		c.bad("file", "all files would have one name: it needs {value}, the value of split.column, or {part}")
	default:
		c.bad("file", "all files would have one name: it needs {part}, the number of the file")
	}
}

// NameOf makes a piece of a name of a value, which may hold anything. Different values make different ones: what isn't a letter, digit, or sign that every file
// system takes stands there as %2F and so on, byte by byte, and so does a percent sign itself, and at the beginning what commands take for an option.
func NameOf(value string) string {
	var b strings.Builder
	for i := 0; i < len(value); {
		r, width := utf8.DecodeRuneInString(value[i:])
		edge := i == 0 && (r == '.' || r == '~' || r == ' ' || r == '-') || i+width == len(value) && (r == '.' || r == ' ')
		if broken := r == utf8.RuneError && width == 1; broken || edge || !unicode.IsPrint(r) || strings.ContainsRune(`/\\:*?"<>|%`, r) {
			for _, c := range []byte(value[i : i+width]) {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		} else {
			b.WriteRune(r)
		}
		i += width
	}
	return b.String()
}

// DeliveredName says why a file can't be delivered under a name, or nil.
func DeliveredName(name string) error {
	switch {
	case strings.Contains(name, "/"):
		return errors.New("is a name without folders; the folder is outbox")
	case folderProblem(name) != nil:
		return errors.New("isn't a file's name")
	case TemporaryName(name):
		return errors.New("is a name of files that are still being written: who fetches them would wait for another one")
	case len(name) > nameLimit-40:
		return fmt.Errorf("is too long: with a number and the sidecars' endings it must have at most %d bytes", nameLimit)
	}
	return nil
}
