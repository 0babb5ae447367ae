package config

import (
	"bytes"
	"slices"
	"strings"
)

// format judges how files are read. Signs are compared in the bytes that files have for them.
func (c checker) format(f *Format) {
	charset, err := FindCharset(f.Encoding)
	if err != nil {
		c.bad("format.encoding", "%v", err)
		charset = unicodes["utf-8"]
	}
	s := signs{checker: c, charset: charset}
	delimiters := s.delimiters(f)
	s.quote(f, delimiters)
	s.comment(f, delimiters)
	c.header(f)
	c.atLeast("format.skip_top", int64(f.SkipTop), 0)
	c.atLeast("format.skip_bottom", int64(f.SkipBottom), 0)
	if f.SkipBottom > 1000 { // these lines are held in memory until the end is found
		c.bad("format.skip_bottom", "must be at most 1000")
	}
	if f.MaxRecord < 1<<10 || f.MaxRecord > 1<<30 {
		c.bad("format.max_record_bytes", "must be from 1KiB to 1GiB")
	}
	c.atLeastSize("format.max_bytes", f.MaxBytes, 1<<10)
}

func (c checker) header(f *Format) {
	if f.HeaderLines < 1 || f.HeaderLines > 10 {
		c.bad("format.header_lines", "must be from 1 to 10")
	}
	if f.Header || c.broken("format.header") {
		return
	}
	for _, key := range []string{"format.header_lines", "format.strict_header"} {
		if c.has(key) {
			c.bad(key, "is only used with a header, and there is none (format.header = false)")
		}
	}
}

// signs judges what separates and marks fields and records.
type signs struct {
	checker
	charset Charset
}

// sign returns the bytes of a sign, nil after a problem with it.
func (s signs) sign(key, word string) []byte {
	sign, err := s.charset.Sign(word)
	switch {
	case err != nil:
		s.bad(key, "%v", err)
	case len(sign) == 0 || len(sign) > 8:
		s.bad(key, "must be one to eight bytes")
	case strings.ContainsAny(word, "\r\n"):
		s.bad(key, "can't hold a line end")
	default:
		return sign
	}
	return nil
}

func (s signs) delimiters(f *Format) (delimiters [][]byte) {
	const key = "format.delimiters"
	switch {
	case !s.has(key) || s.broken(key):
		word := f.Delimiter
		if !s.has("format.delimiter") || s.broken("format.delimiter") {
			word = f.defaultDelimiter()
		}
		return [][]byte{s.sign("format.delimiter", word)}
	case s.has("format.delimiter"):
		s.bad(key, "only one of delimiter and delimiters can be given")
	case len(f.Delimiters) == 0 || len(f.Delimiters) > 16:
		s.bad(key, "must be one to sixteen")
	}
	for i, word := range f.Delimiters {
		if slices.Contains(f.Delimiters[:i], word) {
			s.bad(key, "has %q twice", word)
		}
		delimiters = append(delimiters, s.sign(key, word))
	}
	return delimiters
}

// quote judges quote and escape, which are looked for byte by byte.
func (s signs) quote(f *Format, delimiters [][]byte) {
	quote, err := s.charset.Sign(f.Quote)
	switch {
	case err != nil:
		s.bad("format.quote", "%v", err)
	case len(quote) > 1 || strings.ContainsAny(f.Quote, "\r\n"):
		s.bad("format.quote", `must be one byte and no line end, or "" for none`)
	case partOf(delimiters, quote):
		s.bad("format.quote", "can't be a part of the delimiter")
	}
	if f.Escape == "double" {
		return
	}
	escape, err := s.charset.Sign(f.Escape)
	switch {
	case err != nil:
		s.bad("format.escape", "%v", err)
	case len(escape) != 1 || strings.ContainsAny(f.Escape, "\r\n"):
		s.bad("format.escape", `must be "double" or a character of one byte that is no line end`)
	case bytes.Equal(escape, quote):
		s.bad("format.escape", `is the quote; write "double"`)
	case partOf(delimiters, escape):
		s.bad("format.escape", "can't be a part of the delimiter")
	}
}

func partOf(delimiters [][]byte, sign []byte) bool {
	return len(sign) > 0 && slices.ContainsFunc(delimiters, func(d []byte) bool { return bytes.Contains(d, sign) })
}

// comment refuses one that begins as a record can: such records would be passed over in silence.
func (s signs) comment(f *Format, delimiters [][]byte) {
	if f.Comment == "" {
		return
	}
	comment := s.sign("format.comment", f.Comment)
	for _, d := range delimiters {
		if len(comment) > 0 && len(d) > 0 && (bytes.HasPrefix(comment, d) || bytes.HasPrefix(d, comment)) {
			s.bad("format.comment", "can't begin like the delimiter: records may begin with one")
			return
		}
	}
	if f.Quote != "" && strings.HasPrefix(f.Comment, f.Quote) || f.Escape != "double" && strings.HasPrefix(f.Comment, f.Escape) {
		s.bad("format.comment", "can't begin with the quote or the escape character: records may begin with one")
	}
}
