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
	if r.split.header {
		if at, err = r.readHeader(at); err != nil {
			return err
		}
	}
	r.preamble = append([]byte(nil), r.buf[:at]...)
	r.line += int64(r.split.countLines(r.preamble))
	r.pos = at
	return nil
}

// readMark returns the length of the byte order mark.
func (r *Reader) readMark() (int, error) {
	for len(r.buf) < len(byteOrderMark) && r.err == nil {
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	switch {
	case bytes.HasPrefix(r.buf, byteOrderMark):
		return len(byteOrderMark), nil
	case bytes.HasPrefix(r.buf, []byte("\xFF\xFE")), bytes.HasPrefix(r.buf, []byte("\xFE\xFF")):
		return 0, &connectors.Rejection{Code: "bad_encoding", Message: "The file is UTF-16. It must be UTF-8."}
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

// readHeader reads the header at `at` and returns the position after it.
func (r *Reader) readHeader(at int) (int, error) {
	for {
		if at == len(r.buf) && r.err == io.EOF {
			return 0, headerRejection("The file has no header.")
		}
		end, k := 0, needMore
		if at < len(r.buf) {
			end, k = r.split.record(r.buf, at, 0, r.err == io.EOF)
		}
		switch k {
		case needMore:
			if err := r.fill(); err != nil {
				return 0, err
			}
		case blank:
			at = end
		case tooLong:
			return 0, headerRejection("The header is longer than %d bytes.", r.split.max)
		default:
			return end, r.setHeader(r.buf[at:end], k)
		}
	}
}

func (r *Reader) setHeader(raw []byte, k kind) error {
	var rec Record
	rec.scan(r.split.dialect, raw, k, utf8.Valid(raw))
	if rec.Reason != nil {
		return headerRejection("The header can't be read: %s", rec.Reason.Message)
	}
	seen := map[string]int{}
	names := make([]string, len(rec.Fields))
	for i, field := range rec.Fields {
		name := string(field)
		if strings.TrimSpace(name) == "" {
			return headerRejection("Column %d has no name in the header.", i+1)
		}
		if first, twice := seen[name]; twice {
			return headerRejection("The header has the name %q twice, for columns %d and %d.", cutText(field), first, i+1)
		}
		seen[name] = i + 1
		names[i] = name
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
