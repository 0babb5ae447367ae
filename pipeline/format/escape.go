package format

import (
	"bytes"
	"slices"
)

// walkEscaped is walk for a dialect with an escape character. It looks at every byte once as well.
func (d *dialect) walkEscaped(b []byte, s spot, last bool) (spot, ending) {
	for s.at < len(b) {
		var how ending
		before := s.at
		if s.inside {
			s, how = d.stepInside(b, s, last)
		} else {
			s, how = d.stepOutside(b, s, last)
		}
		if how != open {
			return s, how
		}
		if s.at == before { // what stands there isn't whole yet
			return s, open
		}
	}
	switch {
	case !last:
		return s, open
	case s.inside:
		return s, broken
	}
	return s, ended
}

func (d *dialect) stepInside(b []byte, s spot, last bool) (spot, ending) {
	switch c := b[s.at]; {
	case c == d.escape && s.at+1 < len(b):
		s.at += 2
	case c == d.escape && last:
		return s, broken
	case c == d.escape:
	case c == d.quote:
		switch next, what := d.afterQuote(b, s.at+1, last); what {
		case fieldFollows:
			return fieldSpot(next), open
		case endFollows:
			return spot{at: next}, ended
		case textFollows:
			return s, broken
		}
	default:
		s.at++
	}
	return s, open
}

func (d *dialect) stepOutside(b []byte, s spot, last bool) (spot, ending) {
	rest := b[s.at:]
	switch end := d.endAt(rest, last); {
	case end > 0:
		return spot{at: s.at + end}, ended
	case end < 0:
		return s, open
	}
	switch c := rest[0]; {
	case c == d.escape && len(rest) == 1:
		if last {
			s.at++
		}
	case c == d.escape:
		switch end := d.endAt(rest[1:], last); {
		case end == 0:
			s.at += 2
		case end > 0: // it doesn't escape a line end
			s.at++
		}
	case d.quoting && c == d.quote && s.at == s.field:
		s.at, s.inside = s.at+1, true
	case !d.first[c]:
		s.at++
	case !last && d.begun(rest):
	default:
		if n := d.delimiterAt(rest); n > 0 {
			return fieldSpot(s.at + n), open
		}
		s.at++
	}
	return s, open
}

// splitEscaped cuts a record of a dialect with an escape character. It returns where the field begins whose quotes are bad, -1 when none are; dangling
// tells that the last field, which is unquoted, ends with the escape character.
func (r *Record) splitEscaped(d *dialect, text []byte) (bad int, dangling bool) {
	if cap(r.spare) < len(text) {
		r.spare = make([]byte, 0, len(text)+len(text)/2)
	}
	for at := 0; len(r.Fields) <= maxFields; {
		quoted := d.quoting && at < len(text) && text[at] == d.quote
		var field []byte
		next := 0
		if quoted {
			if field, next = r.unescapeQuoted(d, text, at+1); next < 0 {
				return at, false
			}
		} else {
			field, next, dangling = r.unescape(d, text, at)
		}
		r.Fields, r.Quoted = append(r.Fields, field), append(r.Quoted, quoted)
		if next == len(text) {
			return -1, dangling
		}
		at = next + d.delimiterAt(text[next:])
	}
	return -1, false
}

// unescape reads the unquoted field that begins at text[at] and returns it with the position after it. A word for NULL stays as it is.
func (r *Record) unescape(d *dialect, text []byte, at int) (field []byte, next int, dangling bool) {
	start, held, from := at, len(r.spare), at // text[from:at] isn't in r.spare[held:] yet
	for at < len(text) {
		c := text[at]
		if c == d.escape {
			if at+1 == len(text) {
				dangling = true
				break
			}
			r.spare = append(r.spare, text[from:at]...)
			from, at = at+1, at+2
			continue
		}
		if d.first[c] && d.delimiterAt(text[at:]) > 0 {
			break
		}
		at++
	}
	end := at
	if dangling {
		end = len(text)
	}
	whole := text[start:end:end]
	if from == start || slices.ContainsFunc(d.nulls, func(word []byte) bool { return bytes.Equal(word, whole) }) {
		r.spare = r.spare[:held]
		return whole, end, dangling
	}
	r.spare = append(r.spare, text[from:end]...)
	return r.spare[held:len(r.spare):len(r.spare)], end, dangling
}

// unescapeQuoted reads the field whose first byte after the quote is text[at], and returns it with the position after its closing quote, -1 when that is
// missing or followed by text.
func (r *Record) unescapeQuoted(d *dialect, text []byte, at int) ([]byte, int) {
	held, from := len(r.spare), at
	for ; at < len(text); at++ {
		switch text[at] {
		case d.escape:
			r.spare = append(r.spare, text[from:at]...)
			at++
			from = at
		case d.quote:
			if at+1 < len(text) && d.delimiterAt(text[at+1:]) == 0 {
				return nil, -1
			}
			r.spare = append(r.spare, text[from:at]...)
			return r.spare[held:len(r.spare):len(r.spare)], at + 1
		}
	}
	return nil, -1
}
