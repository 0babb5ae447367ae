package format

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"chute/config"
)

const (
	defaultMaxRecord = 16 << 20
	minMaxRecord     = 16      // a cut in the middle of a long line must be able to avoid the middle of a CRLF
	maxMaxRecord     = 1 << 30 // positions within a chunk have 32 bits
)

// crRule says what a CR before a line's last byte is.
type crRule uint8

const (
	crData     crRule = iota // data
	crOptional               // part of the line end if it is there
	crRequired               // part of the line end, which is none without it
)

// dialect is config.Format made ready for scanning. Readers share it with their chunks: nobody changes it after the first chunk.
type dialect struct {
	delim      []byte
	quote      byte
	quoting    bool
	last       byte // last byte of a line end
	cr         crRule
	pad, cut   bool // what to do with ragged records
	skipEmpty  bool
	max        int // longest record, line end included
	skipTop    int
	skipBottom int
	header     bool
	required   bool     // the last line must have its end
	names      []string // of the header
	width      int      // fields of a record; 0 = any
}

// newDialect checks again what config has checked: positions below are computed from these values.
func newDialect(f config.Format) (*dialect, error) {
	d := &dialect{
		skipEmpty:  f.EmptyLines != "record",
		pad:        f.Ragged == "pad" || f.Ragged == "fit",
		cut:        f.Ragged == "cut" || f.Ragged == "fit",
		max:        defaultMaxRecord,
		skipTop:    f.SkipTop,
		skipBottom: f.SkipBottom,
		header:     f.Header,
		required:   f.LastLine == "required",
	}
	if f.MaxRecord > 0 {
		d.max = int(min(max(int64(f.MaxRecord), minMaxRecord), maxMaxRecord))
	}
	switch f.Type {
	case "", "csv", "tsv":
	default:
		return nil, fmt.Errorf("format type %q: this reader knows csv and tsv", f.Type)
	}
	if e := strings.ToLower(f.Encoding); e != "" && e != "utf-8" && e != "utf8" {
		return nil, fmt.Errorf("encoding %q: this reader knows utf-8", f.Encoding)
	}
	if err := d.setLineEnd(f.LineEnd); err != nil {
		return nil, err
	}
	return d, d.setSigns(f)
}

func (d *dialect) setLineEnd(name string) error {
	switch name {
	case "", "auto":
		d.last, d.cr = '\n', crOptional
	case "lf":
		d.last, d.cr = '\n', crData
	case "crlf":
		d.last, d.cr = '\n', crRequired
	case "cr":
		d.last, d.cr = '\r', crData
	default:
		return fmt.Errorf("line_end %q: use auto, lf, crlf or cr", name)
	}
	return nil
}

// setSigns takes delimiter and quote.
func (d *dialect) setSigns(f config.Format) error {
	d.delim = []byte(f.Delimiter)
	if len(d.delim) == 0 {
		d.delim = []byte(",")
		if f.Type == "tsv" {
			d.delim = []byte("\t")
		}
	}
	if len(d.delim) > 8 || bytes.ContainsAny(d.delim, "\r\n") {
		return fmt.Errorf("delimiter %q: use one to eight bytes, no line end among them", f.Delimiter)
	}
	switch len(f.Quote) {
	case 0:
		return nil
	case 1:
		d.quote, d.quoting = f.Quote[0], true
	default:
		return fmt.Errorf("quote %q: use one byte, or none", f.Quote)
	}
	if d.quote == '\r' || d.quote == '\n' || bytes.IndexByte(d.delim, d.quote) >= 0 {
		return errors.New("the quote must be no line end and no part of the delimiter")
	}
	return nil
}

// lineEnd returns the position after the first line end in b[from:], -1 when there is none. b must hold the byte before from
// unless a line begins there.
func (d *dialect) lineEnd(b []byte, from int) int {
	for at := from; ; {
		i := bytes.IndexByte(b[at:], d.last)
		if i < 0 {
			return -1
		}
		at += i + 1
		if d.cr != crRequired || at >= 2 && b[at-2] == '\r' {
			return at
		}
	}
}

// lineStart returns the start of the last line in b, which may be one that just ended.
func (d *dialect) lineStart(b []byte) int {
	for {
		i := bytes.LastIndexByte(b, d.last)
		if i < 0 || d.cr != crRequired || i > 0 && b[i-1] == '\r' {
			return i + 1
		}
		b = b[:i]
	}
}

// ended tells whether a line has its end.
func (d *dialect) ended(line []byte) bool { return len(d.text(line)) < len(line) }

// text returns a line or record without its line end.
func (d *dialect) text(line []byte) []byte {
	n := len(line)
	if n == 0 || line[n-1] != d.last {
		return line
	}
	switch cr := n >= 2 && line[n-2] == '\r'; {
	case d.cr == crData, d.cr == crOptional && !cr:
		return line[:n-1]
	case cr:
		return line[:n-2]
	}
	return line
}

// countLines counts the line ends in b.
func (d *dialect) countLines(b []byte) int {
	if d.cr == crRequired {
		return bytes.Count(b, []byte("\r\n"))
	}
	return bytes.Count(b, []byte{d.last})
}

// column names a field for a person: by the header, or by its number.
func (d *dialect) column(i int) string {
	if i < len(d.names) {
		return d.names[i]
	}
	return fmt.Sprintf("#%d", i+1)
}
