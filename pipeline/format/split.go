package format

import "bytes"

// kind is what the splitter found out about a record.
type kind uint8

const (
	swept     kind = iota // cut into fields by the sweep
	plain                 // without any quote
	quoted                // with quotes, which come out right
	badQuotes             // with quotes that don't
	tooLong               // the first piece of a line longer than the longest record
	piece                 // a further piece of it
	blank                 // an empty line to skip
	remark                // a comment, or a piece of one
	needMore              // not a record: the bytes at hand don't tell
)

// splitter finds where records end.
//
// A record with a quote that is never closed is found out only after reading on, up to the longest record, and then
// reading starts again at its second line. So that a file full of such lines costs no more than two passes, the splitter
// remembers how far the last failed search got. Every line that began within its reach began inside its quotes; a later search
// that is inside quotes at the beginning of one of these lines would do the same from there on, so it takes over instead.
type splitter struct {
	*dialect
	sweeps bool // records that are as they should be are cut by sweep
	signs  signs
	found  [64]block // memory of sweep
	tired  int       // more with each sweep in a row that found nothing
	rest   int       // how many records are left to other ways before the next one

	failed  spot  // where the last failed search ended, at and field in the file
	reach   int64 // = failed.at; 0: none failed
	resumes bool  // it ended for the length of its record: a later one may get further
	quoteAt int64 // offset up to which plain lines are known to have no quote
	inLong  bool  // within a line that is too long
	remark  bool  // which is a comment
	piece   int   // how long its further pieces may be
}

// record finds the end of the record that begins at data[from]; data[0] has the offset base in the file; last tells that nothing
// follows data, which isn't empty.
func (s *splitter) record(data []byte, from int, base int64, last bool) (end int, k kind) {
	if s.inLong {
		return s.nextPiece(data, from, last)
	}
	line := s.lineEnd(data, from)
	whole := line >= 0
	if !whole {
		line = len(data)
	}
	switch {
	case line-from > s.max:
		s.inLong, s.remark = true, s.comments(data[from:])
		end = from + s.max
		if data[end-1] == '\r' {
			end-- // a line end must not be cut in two
		}
		return end, s.longKind(tooLong)
	case !whole && !last:
		return 0, needMore
	case s.comments(data[from:line]):
		return line, remark
	case s.skipEmpty && len(s.text(data[from:line])) == 0:
		return line, blank
	case !s.quoting || !s.quoteBefore(data, from, line, base):
		return line, plain
	}
	return s.withQuotes(data, from, line, base, last)
}

// comments tells whether a line is a comment.
func (d *dialect) comments(line []byte) bool {
	return len(d.comment) > 0 && bytes.HasPrefix(line, d.comment)
}

// longKind is the kind of a part of a line that is too long: that of a record, or a comment's.
func (s *splitter) longKind(k kind) kind {
	if s.remark {
		return remark
	}
	return k
}

// quoteBefore tells whether there is a quote in data[from:line]. It remembers where the next one is.
func (s *splitter) quoteBefore(data []byte, from, line int, base int64) bool {
	at := max(from, int(s.quoteAt-base))
	if at < line && data[at] != s.quote {
		if i := bytes.IndexByte(data[at:], s.quote); i >= 0 {
			at += i
		} else {
			at = len(data)
		}
	}
	s.quoteAt = base + int64(at)
	return at < line
}

// withQuotes finds the end of a record whose first line, data[from:line], has a quote.
func (s *splitter) withQuotes(data []byte, from, line int, base int64, last bool) (int, kind) {
	at, how := s.walk(data[:line], fieldSpot(from), last && line == len(data))
	switch {
	case how == ended:
		return line, quoted
	case how == broken:
		return line, badQuotes
	case s.reach >= base+int64(line):
		if !s.resumes {
			return line, badQuotes
		}
		at = s.failed.shifted(-base)
	}
	stop := min(len(data), from+s.max)
	if s.cr == crEither && stop < len(data) && data[stop-1] == '\r' && data[stop] == '\n' {
		stop-- // they are one line end
	}
	final := last && stop == len(data)
	at, how = s.walk(data[:stop], at, final)
	switch {
	case how == ended:
		return at.at, quoted
	case how == open && !last && len(data)-from <= s.max:
		return 0, needMore
	}
	s.failed, s.resumes = at.shifted(base), how == open
	s.reach = base + int64(at.at)
	return line, badQuotes
}

// shifted counts positions from somewhere else.
func (s spot) shifted(by int64) spot {
	return spot{at: s.at + int(by), field: s.field + int(by), seen: s.seen + int(by), inside: s.inside}
}

// nextPiece finds the end of the next piece of a line that is too long.
func (s *splitter) nextPiece(data []byte, from int, last bool) (int, kind) {
	line := s.lineEnd(data, from)
	end := line
	switch {
	case line >= 0:
	case last:
		end = len(data)
	default:
		end = len(data) - 1 // the last byte may be the first half of a line end
	}
	if end-from > s.piece {
		end = from + s.piece
		if data[end-1] == '\r' {
			end--
		}
		return end, s.longKind(piece)
	}
	if end <= from {
		return 0, needMore
	}
	s.inLong = line < 0 && !last
	return end, s.longKind(piece)
}
