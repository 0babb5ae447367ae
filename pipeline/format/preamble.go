package format

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"chute/connectors"
)

var byteOrderMark = []byte("\xEF\xBB\xBF")

// readPreamble reads everything before the first record.
func (r *Reader) readPreamble() error {
	at, err := r.readMark()
	if err != nil {
		return err
	}
	for range r.split.skipTop {
		if at, err = r.skipLine(at); err != nil {
			return err
		}
	}
	if r.split.header > 0 {
		if at, err = r.readHeader(at); err != nil {
			return err
		}
	}
	r.preamble = bytes.Clone(r.original(0, at))
	r.line += int64(r.split.countLines(r.buf[:at]))
	r.offset = int64(len(r.preamble))
	r.pos = at
	return nil
}

// marks are byte order marks.
var marks = []struct{ charset, bytes string }{
	{"UTF-8", "\xEF\xBB\xBF"}, {"UTF-32", "\xFF\xFE\x00\x00"}, {"UTF-32", "\x00\x00\xFE\xFF"}, {"UTF-16", "\xFF\xFE"}, {"UTF-16", "\xFE\xFF"},
}

// readMark returns the length of the byte order mark in buf. A mark of another charset than the agreed one says that the file isn't what it should be,
// and would otherwise become a part of the first name.
func (r *Reader) readMark() (int, error) {
	for len(r.buf) < 4 && r.err == nil {
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	if r.err != nil && r.err != io.EOF && len(r.buf) == 0 {
		return 0, r.err
	}
	c := &r.split.charset
	if (c.Unit > 0 || c.table == nil && !c.decode) && bytes.HasPrefix(r.buf, byteOrderMark) {
		return len(byteOrderMark), nil
	}
	start := r.original(0, len(r.buf))
	for _, mark := range marks {
		if bytes.HasPrefix(start, []byte(mark.bytes)) {
			return 0, &connectors.Rejection{Code: "bad_encoding", Message: fmt.Sprintf(
				"The file begins with the byte order mark of %s. It must be %s.", mark.charset, c.Name)}
		}
	}
	return 0, nil
}

// skipLine returns the position after the line at `at`.
func (r *Reader) skipLine(at int) (int, error) {
	d := r.split.dialect
	for {
		end := d.lineEnd(r.buf, at)
		switch {
		case end < 0 && len(r.buf)-at > d.max, end-at > d.max:
			return 0, headerRejection("One of the %d lines before the header is longer than %d bytes.", d.skipTop, d.max)
		case end >= 0:
			return end, nil
		case r.err == io.EOF:
			return 0, headerRejection("The file ends within the %d lines before its first record.", d.skipTop)
		}
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
}

// maxBefore bounds the empty lines and comments before a header, which are held in memory.
const maxBefore = 16 << 20

// readHeader reads the header at `at` and returns the position after it.
func (r *Reader) readHeader(at int) (int, error) {
	var names [][]string
	for start := at; len(names) < r.split.header; {
		end, k, err := r.headerRecord(at)
		switch {
		case err != nil:
			return 0, err
		case end-start > maxBefore && (k == blank || k == remark):
			return 0, headerRejection("More than %d MiB of comments and empty lines come before the header.", maxBefore>>20)
		case k == blank, k == remark:
		case k == tooLong:
			return 0, headerRejection("The header is longer than %d bytes.", r.split.max)
		default:
			line, err := r.headerNames(at, end, k)
			if err != nil {
				return 0, err
			}
			names = append(names, line)
		}
		at = end
	}
	return at, r.setHeader(names)
}

// headerRecord finds the end of what begins at `at`.
func (r *Reader) headerRecord(at int) (int, kind, error) {
	for {
		if at == len(r.buf) && r.err == io.EOF {
			return 0, needMore, headerRejection("The file has no header.")
		}
		if at < len(r.buf) {
			if end, k := r.split.record(r.buf, at, 0, r.err == io.EOF); k != needMore {
				return end, k, nil
			}
		}
		if err := r.fill(); err != nil {
			return 0, needMore, err
		}
	}
}

func (r *Reader) headerNames(from, to int, k kind) ([]string, error) {
	var rec Record
	if r.decoding() {
		rec.widths, rec.source = r.widths[from:to], r.original(from, to)
	}
	raw := r.buf[from:to]
	rec.begin(r.split.dialect, raw, k)
	rec.scan(raw, k, r.split.charset.valid(raw))
	if rec.Reason != nil {
		return nil, headerRejection("The header can't be read: %s", rec.Reason.Message)
	}
	var names []string
	for _, field := range rec.Fields {
		names = append(names, string(field))
	}
	return names, nil
}

// setHeader joins the names of several records. A name may come twice: that matters only when somebody asks for it.
func (r *Reader) setHeader(records [][]string) error {
	names := records[0]
	for n, more := range records[1:] {
		if len(more) != len(names) {
			return headerRejection("Line %d of the header has %d columns, the first has %d.", n+2, len(more), len(names))
		}
		for i, name := range more {
			if strings.TrimSpace(names[i]) != "" && strings.TrimSpace(name) != "" {
				name = names[i] + " " + name
			} else if strings.TrimSpace(name) == "" {
				name = names[i]
			}
			names[i] = name
		}
	}
	for i, name := range names {
		if strings.TrimSpace(name) == "" {
			return headerRejection("Column %d has no name in the header.", i+1)
		}
	}
	r.split.names, r.split.width = names, len(names)
	return nil
}

func headerRejection(format string, args ...any) error {
	return &connectors.Rejection{Code: "header", Message: fmt.Sprintf(format, args...)}
}

// cutText bounds a value for a message or a Reason, at a character's border.
func cutText(b []byte) []byte {
	if len(b) <= maxValue {
		return b
	}
	n := maxValue
	for n > maxValue-utf8.UTFMax && !utf8.RuneStart(b[n]) {
		n--
	}
	return b[:n]
}
