package format

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"chute/config"
)

// found is one record as a test sees it.
type found struct {
	Number uint64
	Line   int64
	Offset int64
	Raw    string
	Fields []string
	Quoted []bool
	Code   string
	Column string
}

// reference reads delimited text the slow, obvious way: the whole input at once, byte by byte.
type reference struct {
	f        config.Format
	in       []byte // cut before the footer once the preamble is known
	at       int
	line     int64
	names    []string
	dangling bool // the record just read ends with the escape character
}

// result is everything a reader has to say about a file.
type result struct {
	Refused  string
	Preamble string
	Header   []string
	Records  []found
	Skipped  string // between the records
	Footer   string
	Complete bool
}

func readByReference(in []byte, f config.Format, width int) result {
	p := &reference{f: f, in: in, line: 1}
	if bytes.HasPrefix(in, []byte("\xFF\xFE")) || bytes.HasPrefix(in, []byte("\xFE\xFF")) {
		return result{Refused: "bad_encoding"}
	}
	if bytes.HasPrefix(in, byteOrderMark) {
		p.at = 3
	}
	if !p.preamble() {
		return result{Refused: "header"}
	}
	out := result{Preamble: string(in[:p.at]), Header: p.names}
	out.Complete = len(in) == 0 || p.textLen(0, len(in)) < len(in)
	if p.names != nil {
		width = len(p.names)
	}
	footer := p.footer()
	out.Footer = string(in[footer:])
	p.in = in[:footer]
	for p.at < len(p.in) {
		if rec, ok := p.record(width); !ok {
			out.Skipped += rec.Raw
		} else {
			rec.Number = uint64(len(out.Records)) + 1
			out.Records = append(out.Records, rec)
		}
	}
	if f.LastLine == "required" && !out.Complete {
		out.Refused = "incomplete"
	}
	return out
}

func (p *reference) preamble() bool {
	for range p.f.SkipTop {
		end := p.lineEnd(p.at)
		if end == len(p.in) && p.textLen(p.at, end) == end-p.at || end-p.at > int(p.f.MaxRecord) {
			return false
		}
		p.at = end
		p.line++
	}
	if !p.f.Header {
		return true
	}
	for n := 0; n < max(p.f.HeaderLines, 1); {
		if p.at >= len(p.in) {
			return false
		}
		rec, ok := p.record(0)
		if !ok {
			continue
		}
		if rec.Code != "" || n > 0 && len(rec.Fields) != len(p.names) {
			return false
		}
		if n++; n == 1 {
			p.names = rec.Fields
			continue
		}
		for i, name := range rec.Fields {
			switch {
			case strings.TrimSpace(p.names[i]) == "":
				p.names[i] = name
			case strings.TrimSpace(name) != "":
				p.names[i] += " " + name
			}
		}
	}
	for _, name := range p.names {
		if strings.TrimSpace(name) == "" {
			return false
		}
	}
	return true
}

// footer returns where the lines of skip_bottom begin.
func (p *reference) footer() int {
	starts := []int{}
	for at := p.at; at < len(p.in); at = p.lineEnd(at) {
		starts = append(starts, at)
	}
	if n := p.f.SkipBottom; n == 0 || len(starts) == 0 {
		return len(p.in)
	} else if n < len(starts) {
		return starts[len(starts)-n]
	}
	return p.at
}

func (p *reference) record(width int) (found, bool) {
	start, lineEnd := p.at, p.lineEnd(p.at)
	rec := found{Line: p.line, Offset: int64(start)}
	end, kind := lineEnd, ""
	if p.f.Comment != "" && bytes.HasPrefix(p.in[start:], []byte(p.f.Comment)) {
		kind = "blank"
	} else if text := p.textLen(start, lineEnd); lineEnd-start > int(p.f.MaxRecord) {
		kind = "record_too_long"
	} else if text == 0 && p.f.EmptyLines == "skip" {
		kind = "blank"
	} else {
		var bad int
		end, bad = p.fields(&rec, start)
		if bad >= 0 || end-start > int(p.f.MaxRecord) {
			kind = "unclosed_quote"
			if bad >= 0 && bad < lineEnd {
				kind = "text_after_quote"
			}
			end = lineEnd
		} else if p.dangling {
			kind = "dangling_escape"
		}
	}
	p.at = end
	for at := start; at < end; at = p.lineEnd(at) {
		if p.textLen(at, p.lineEnd(at)) < p.lineEnd(at)-at {
			p.line++
		}
	}
	rec.Raw = string(p.in[start:end])
	rec.Code = kind
	if kind == "" {
		rec.judge(p.f.Ragged, width)
	}
	if rec.Code != "" {
		rec.Fields, rec.Quoted = nil, nil
	}
	return rec, kind != "blank"
}

func (rec *found) judge(ragged string, width int) {
	switch n := len(rec.Fields); {
	case !utf8.ValidString(rec.Raw):
		rec.Code = "bad_encoding"
		rec.Offset += int64(len(rec.Raw) - len(strings.TrimLeftFunc(rec.Raw, func(r rune) bool { return r != utf8.RuneError })))
	case width == 0 || n == width:
	case n < width && (ragged == "pad" || ragged == "fit"):
		for len(rec.Fields) < width {
			rec.Fields, rec.Quoted = append(rec.Fields, ""), append(rec.Quoted, false)
		}
	case n > width && (ragged == "cut" || ragged == "fit"):
		rec.Fields, rec.Quoted = rec.Fields[:width], rec.Quoted[:width]
	case n < width:
		rec.Code = "too_few_fields"
	default:
		rec.Code = "too_many_fields"
	}
}

// fields reads a record at `at`. bad is where text follows a closing quote, or the end of the input for a quote that isn't closed.
func (p *reference) fields(rec *found, at int) (end, bad int) {
	p.dangling = false
	defer p.squeeze(rec)
	for {
		field, quoted := []byte{}, false
		if p.f.Quote != "" && at < len(p.in) && p.in[at] == p.f.Quote[0] {
			quoted = true
			for at++; ; at++ {
				if at >= len(p.in) {
					return at, at
				}
				if p.escape(at) {
					if at++; at >= len(p.in) {
						return at, at
					}
				} else if p.in[at] == p.f.Quote[0] {
					if at++; p.escapes() || at >= len(p.in) || p.in[at] != p.f.Quote[0] {
						break
					}
				}
				field = append(field, p.in[at])
			}
		}
		start := at
		for at < len(p.in) && p.sign(at) == 0 {
			if quoted {
				return at, at - 1
			}
			if p.escape(at) {
				if at++; at >= len(p.in) || p.lineEndAt(at) > 0 {
					p.dangling = true
					break
				}
			}
			field = append(field, p.in[at])
			at++
		}
		if raw := string(p.in[start:at]); !quoted && p.escapes() && slices.Contains(p.f.Null, raw) {
			field = []byte(raw)
		}
		rec.Fields, rec.Quoted = append(rec.Fields, string(field)), append(rec.Quoted, quoted)
		if at >= len(p.in) || p.lineEndAt(at) > 0 {
			return at + p.lineEndAt(at), -1
		}
		at += p.sign(at)
	}
}

func (p *reference) escapes() bool { return p.f.Escape != "" && p.f.Escape != "double" }

// escape tells whether the escape character is at `at`.
func (p *reference) escape(at int) bool { return p.escapes() && p.in[at] == p.f.Escape[0] }

func (p *reference) squeeze(rec *found) {
	if !p.f.RepeatDelimiter {
		return
	}
	var fields []string
	var quoted []bool
	for i, field := range rec.Fields {
		if field != "" || rec.Quoted[i] {
			fields, quoted = append(fields, field), append(quoted, rec.Quoted[i])
		}
	}
	if fields == nil {
		fields, quoted = []string{""}, []bool{false}
	}
	rec.Fields, rec.Quoted = fields, quoted
}

// sign is the length of the delimiter or line end at `at`.
func (p *reference) sign(at int) int {
	longest := 0
	for _, delimiter := range append([]string{p.f.Delimiter}, p.f.Delimiters...) {
		if len(delimiter) > longest && bytes.HasPrefix(p.in[at:], []byte(delimiter)) {
			longest = len(delimiter)
		}
	}
	if longest > 0 {
		return longest
	}
	return p.lineEndAt(at)
}

func (p *reference) lineEndAt(at int) int {
	if at >= len(p.in) {
		return 0
	}
	rest := p.in[at:]
	switch p.f.LineEnd {
	case "lf":
		return len(rest) - len(bytes.TrimPrefix(rest, []byte("\n")))
	case "cr":
		return len(rest) - len(bytes.TrimPrefix(rest, []byte("\r")))
	case "any":
		if rest[0] == '\r' && !bytes.HasPrefix(rest, []byte("\r\n")) {
			return 1
		}
		fallthrough
	case "auto":
		if rest[0] == '\n' {
			return 1
		}
	}
	if bytes.HasPrefix(rest, []byte("\r\n")) {
		return 2
	}
	return 0
}

// lineEnd returns the position after the line at `at`.
func (p *reference) lineEnd(at int) int {
	for ; at < len(p.in); at++ {
		if n := p.lineEndAt(at); n > 0 {
			return at + n
		}
	}
	return at
}

// textLen is the length of a line without its end.
func (p *reference) textLen(start, end int) int {
	for at := start; at < end; at++ {
		if n := p.lineEndAt(at); n > 0 && at+n == end {
			return at - start
		}
	}
	return end - start
}
