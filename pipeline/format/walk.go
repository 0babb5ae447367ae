package format

import "bytes"

// spot is where a walk through a record with quotes stands.
type spot struct {
	at     int  // everything before is read
	field  int  // outside of quotes: where the field begins that holds at
	seen   int  // outside of quotes: delimiters were looked for up to here, a field's begin or a quote, which no delimiter spans
	inside bool // within quotes
}

// fieldSpot is the spot where a field begins.
func fieldSpot(at int) spot { return spot{at: at, field: at, seen: at} }

// ending is how a walk came out.
type ending uint8

const (
	open   ending = iota // more bytes are needed; the walk can go on from its spot
	ended                // the record ends at the spot
	broken               // a quote isn't closed, or something follows it that mustn't
)

// walk goes on from s to the end of the record in b; last tells that no byte follows b. It looks at every byte once.
func (d *dialect) walk(b []byte, s spot, last bool) (spot, ending) {
	if d.escaping {
		return d.walkEscaped(b, s, last)
	}
	line := -1 // cached end of the line that holds s.at: a line with many quotes is searched once
	for {
		if s.inside {
			var how ending
			if s, how = d.walkQuoted(b, s, last); how != open || s.inside {
				return s, how
			}
		}
		if s.at == len(b) && last {
			return s, ended
		}
		if s.at == s.field && s.at < len(b) && b[s.at] == d.quote {
			s.at, s.inside = s.at+1, true
			continue
		}
		if line <= s.at {
			if line = d.lineEnd(b, s.at); line < 0 {
				line = len(b) + 1
			}
		}
		stop := min(line, len(b))
		q := bytes.IndexByte(b[s.at:stop], d.quote)
		switch {
		case q >= 0:
			q += s.at
			s.at = q + 1
			s.inside = d.begins(b, &s, q)
		case line <= len(b):
			return spot{at: line}, ended
		case last:
			return spot{at: len(b)}, ended
		default:
			s.at = len(b)
			return s, open
		}
	}
}

// walkQuoted goes on to the end of a quoted field. It returns open with a spot that isn't inside when a field follows.
func (d *dialect) walkQuoted(b []byte, s spot, last bool) (spot, ending) {
	for {
		q := bytes.IndexByte(b[s.at:], d.quote)
		if q < 0 {
			s.at = len(b)
			if last {
				return s, broken
			}
			return s, open
		}
		q += s.at
		next, what := d.afterQuote(b, q+1, last)
		switch what {
		case unknownFollows:
			s.at = q
			return s, open
		case quoteFollows:
			s.at = next
		case fieldFollows:
			return fieldSpot(next), open
		case endFollows:
			return spot{at: next}, ended
		default:
			s.at = q
			return s, broken
		}
	}
}

// begins tells whether the quote at q, outside of quotes, is the first byte of a field. It walks from delimiter to delimiter because one
// such as "::" can overlap itself.
func (d *dialect) begins(b []byte, s *spot, q int) bool {
	if d.single {
		return q == s.field || d.first[b[q-1]]
	}
	for {
		i, n := d.nextDelimiter(b[s.seen:q])
		if i < 0 {
			s.seen = q
			return s.field == q
		}
		s.field = s.seen + i + n
		s.seen = s.field
	}
}

// follower is what stands after a quote within a quoted field.
type follower uint8

const (
	textFollows    follower = iota // what mustn't
	quoteFollows                   // another quote: together they are one
	fieldFollows                   // a delimiter
	endFollows                     // the end of the record
	unknownFollows                 // too few bytes to tell
)

// afterQuote looks at what stands at i, and returns the position behind it.
func (d *dialect) afterQuote(b []byte, i int, last bool) (int, follower) {
	rest := b[i:]
	switch {
	case len(rest) == 0 && last:
		return i, endFollows
	case len(rest) == 0:
		return i, unknownFollows
	case rest[0] == d.quote && !d.escaping:
		return i + 1, quoteFollows
	case !d.single && !last && d.begun(rest):
		return i, unknownFollows
	}
	if n := d.delimiterAt(rest); n > 0 {
		return i + n, fieldFollows
	}
	switch n := d.endAt(rest, last); {
	case n > 0:
		return i + n, endFollows
	case n < 0:
		return i, unknownFollows
	}
	return i, textFollows
}
