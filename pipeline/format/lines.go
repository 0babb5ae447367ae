package format

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// crRule says what a CR before a line's last byte is.
type crRule uint8

const (
	crData     crRule = iota // data
	crOptional               // part of the line end if it is there
	crRequired               // part of the line end, which is none without it
	crEither                 // a line end, by itself or before an LF
)

// lines knows what ends a line. For crEither, texts must not be cut between CR and LF.
type lines struct {
	last byte // last byte of a line end
	cr   crRule
}

func newLines(name string) (lines, error) {
	switch name {
	case "", "auto":
		return lines{'\n', crOptional}, nil
	case "lf":
		return lines{'\n', crData}, nil
	case "crlf":
		return lines{'\n', crRequired}, nil
	case "cr":
		return lines{'\r', crData}, nil
	case "any":
		return lines{'\n', crEither}, nil
	}
	return lines{}, fmt.Errorf("line_end %q: use auto, lf, crlf, cr or any", name)
}

// lineEnd returns the position after the first line end in b[from:], -1 when there is none. b must hold the byte before from
// unless a line begins there.
func (l lines) lineEnd(b []byte, from int) int {
	if l.cr == crEither {
		return firstEnd(b, from)
	}
	for at := from; ; {
		i := bytes.IndexByte(b[at:], l.last)
		if i < 0 {
			return -1
		}
		at += i + 1
		if l.cr != crRequired || at >= 2 && b[at-2] == '\r' {
			return at
		}
	}
}

// firstEnd returns the position after the first LF, CRLF or CR. It looks for both at once: in a text that has only CR each search for LF would go to
// the end.
func firstEnd(b []byte, from int) int {
	const low7 = 0x7F7F7F7F7F7F7F7F
	at := from
	for ; at+8 <= len(b); at += 8 {
		word := binary.LittleEndian.Uint64(b[at:])
		lf, cr := word^0x0A0A0A0A0A0A0A0A, word^0x0D0D0D0D0D0D0D0D
		if found := ^((lf&low7 + low7) | lf | low7) | ^((cr&low7 + low7) | cr | low7); found != 0 {
			at += bits.TrailingZeros64(found) / 8
			break
		}
	}
	for ; at < len(b); at++ {
		switch {
		case b[at] == '\r' && at+1 < len(b) && b[at+1] == '\n':
			return at + 2
		case b[at] == '\r', b[at] == '\n':
			return at + 1
		}
	}
	return -1
}

// endAt returns the length of the line end at the beginning of b, 0 for none, -1 when more bytes are needed to tell; last says that
// there are none.
func (l lines) endAt(b []byte, last bool) int {
	switch {
	case len(b) == 0:
		return 0
	case l.cr != crData && b[0] == '\r':
		switch {
		case len(b) > 1 && b[1] == '\n':
			return 2
		case l.cr == crEither:
			return 1
		case len(b) == 1 && !last:
			return -1
		}
	case b[0] == l.last && l.cr != crRequired:
		return 1
	}
	return 0
}

// lineStart returns the start of the last line in b, which may be one that just ended.
func (l lines) lineStart(b []byte) int {
	if l.cr == crEither {
		return bytes.LastIndexAny(b, "\r\n") + 1
	}
	for {
		i := bytes.LastIndexByte(b, l.last)
		if i < 0 || l.cr != crRequired || i > 0 && b[i-1] == '\r' {
			return i + 1
		}
		b = b[:i]
	}
}

// ended tells whether a line has its end.
func (l lines) ended(line []byte) bool { return len(l.text(line)) < len(line) }

// text returns a line or record without its line end.
func (l lines) text(line []byte) []byte {
	n := len(line)
	if n == 0 || line[n-1] != l.last {
		if l.cr == crEither && n > 0 && line[n-1] == '\r' {
			return line[:n-1]
		}
		return line
	}
	switch cr := n >= 2 && line[n-2] == '\r'; {
	case l.cr == crData, l.cr != crRequired && !cr:
		return line[:n-1]
	case cr:
		return line[:n-2]
	}
	return line
}

// countLines counts the line ends in b.
func (l lines) countLines(b []byte) int {
	switch l.cr {
	case crRequired:
		return bytes.Count(b, []byte("\r\n"))
	case crEither:
		return bytes.Count(b, []byte("\n")) + bytes.Count(b, []byte("\r")) - bytes.Count(b, []byte("\r\n"))
	}
	return bytes.Count(b, []byte{l.last})
}

// preferred is the line end of a text that has none.
func (l lines) preferred() string {
	if l.cr == crRequired {
		return "\r\n"
	}
	return string(l.last)
}
