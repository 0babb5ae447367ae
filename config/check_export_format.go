package config

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// formatOnly are the keys of [format] that mean something for some types of file only.
var formatOnly = []struct {
	key   string
	types []string
}{
	{"delimiter", []string{"csv", "tsv"}}, {"quote", []string{"csv", "tsv"}}, {"quoting", []string{"csv", "tsv"}}, {"escape", []string{"csv", "tsv"}},
	{"guard_formulas", []string{"csv", "tsv"}}, {"line_end", []string{"csv", "tsv", "fixed"}}, {"null", []string{"csv", "tsv", "fixed"}},
	{"header", []string{"csv", "tsv", "fixed", "xlsx"}}, {"top", []string{"csv", "tsv", "fixed"}}, {"bottom", []string{"csv", "tsv", "fixed"}}, {"widths", []string{"fixed"}}, {"too_wide", []string{"fixed"}},
	{"date_format", []string{"csv", "tsv", "fixed", "xml", "jsonl", "json"}}, {"time_format", []string{"csv", "tsv", "fixed", "xml", "jsonl", "json"}},
	{"decimal", []string{"csv", "tsv", "fixed", "xml"}}, {"thousands", []string{"csv", "tsv", "fixed", "xml"}},
	{"true", []string{"csv", "tsv", "fixed", "xml"}}, {"false", []string{"csv", "tsv", "fixed", "xml"}},
	{"root", []string{"xml"}}, {"record", []string{"xml"}}, {"sheet", []string{"xlsx"}},
	{"bom", []string{"csv", "tsv", "fixed", "jsonl", "json"}}, {"unmappable", []string{"csv", "tsv", "fixed", "xml", "xlsx", "parquet", "jsonl", "json"}},
	{"compression", []string{"csv", "tsv", "fixed", "xml", "parquet", "jsonl", "json"}},
}

// notOf are the keys that a type of file has no use for.
func notOf(name string) (keys []string) {
	for _, only := range formatOnly {
		if !slices.Contains(only.types, name) {
			keys = append(keys, only.key)
		}
	}
	return keys
}

// formatKeys reports keys that the type has no use for.
func (c checker) formatKeys(f *ExportFormat) {
	for _, only := range formatOnly {
		if c.has("format."+only.key) && !slices.Contains(only.types, f.Type) && !c.broken("format.type") {
			c.bad("format."+only.key, "is only for %s, and the type is %q", strings.Join(only.types, ", "), f.Type)
		}
	}
}

// otherFormats judges what formats without delimiters need.
func (c checker) otherFormats(f *ExportFormat) {
	if f.Type == "fixed" && !c.has("format.widths") {
		c.bad("format.type", `"fixed" needs format.widths, the columns' widths in characters: widths = [10, 30, 8]`)
	}
	if f.Type == "fixed" && strings.ContainsAny(f.Null, "\r\n") {
		c.bad("format.null", "can't hold a line end")
	}
	for _, width := range f.Widths {
		if width < 1 {
			c.bad("format.widths", "a width is at least 1")
		}
	}
	for _, x := range [...]struct{ key, name string }{{"format.root", f.Root}, {"format.record", f.Record}} {
		if c.has(x.key) && !XMLName(x.name) {
			c.bad(x.key, "isn't the name of an element of XML: letters, digits, _, - and ., a letter or _ first")
		}
	}
	if n := utf8.RuneCountInString(f.Sheet); c.has("format.sheet") && (n < 1 || n > 31 || strings.ContainsAny(f.Sheet, `:\/?*[]`) || strings.Trim(f.Sheet, "'") != f.Sheet) {
		c.bad("format.sheet", `has 1 to 31 characters, none of them one of : \ / ? * [ ], and no apostrophe at an end`)
	}
}
