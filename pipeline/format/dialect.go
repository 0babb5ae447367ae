package format

import (
	"bytes"
	"errors"
	"fmt"

	"chute/config"
)

const (
	defaultMaxRecord = 16 << 20
	minMaxRecord     = 16      // a cut in the middle of a long line must be able to avoid the middle of a CRLF
	maxMaxRecord     = 1 << 30 // positions within a chunk have 32 bits
)

// dialect is config.Format made ready for scanning. Readers share it with their chunks: nobody changes it after the first chunk.
type dialect struct {
	delimiters
	lines
	charset    charset
	repeat     bool // delimiters that follow each other are one
	quote      byte
	quoting    bool
	escape     byte // takes the next byte as it is
	escaping   bool
	nulls      [][]byte // with escaping: unquoted fields that are left as they are
	comment    []byte   // begins lines to pass over
	pad, cut   bool     // what to do with ragged records
	skipEmpty  bool
	max        int // longest record, line end included
	skipTop    int
	skipBottom int
	header     int      // how many records it is made of
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
		repeat:     f.RepeatDelimiter,
		required:   f.LastLine == "required",
	}
	if f.Header {
		d.header = max(f.HeaderLines, 1)
	}
	if f.MaxRecord > 0 {
		d.max = int(min(max(int64(f.MaxRecord), minMaxRecord), maxMaxRecord))
	}
	switch f.Type {
	case "", "csv", "tsv":
	default:
		return nil, fmt.Errorf("format type %q: this reader knows csv and tsv", f.Type)
	}
	var err error
	if d.lines, err = newLines(f.LineEnd); err != nil {
		return nil, err
	}
	if d.charset, err = findCharset(f.Encoding); err != nil {
		return nil, err
	}
	return d, d.setSigns(f)
}

// setSigns takes what separates and marks, in the bytes that it has where texts are cut.
func (d *dialect) setSigns(f config.Format) error {
	if err := d.setDelimiters(f); err != nil {
		return err
	}
	var err error
	if d.quote, d.quoting, err = d.signByte("quote", f.Quote); err != nil {
		return err
	}
	if f.Escape != "" && f.Escape != "double" {
		if d.escape, d.escaping, err = d.signByte("escape", f.Escape); err != nil {
			return err
		}
		if d.quoting && d.escape == d.quote {
			return errors.New(`the escape character is the quote: write "double"`)
		}
		for _, word := range f.Null {
			if sign, err := d.charset.Sign(word); err == nil { // a word that the charset doesn't have can't come
				d.nulls = append(d.nulls, sign)
			}
		}
	}
	if d.comment, err = d.charset.Sign(f.Comment); err != nil {
		return fmt.Errorf("comment: %w", err)
	}
	if bytes.ContainsAny(d.comment, "\r\n") {
		return fmt.Errorf("comment %q: use no line end in it", f.Comment)
	}
	return nil
}

func (d *dialect) setDelimiters(f config.Format) error {
	words := f.Delimiters
	if len(words) == 0 {
		words = []string{f.Delimiter}
		if f.Delimiter == "" {
			words[0] = ","
			if f.Type == "tsv" {
				words[0] = "\t"
			}
		}
	}
	var signs [][]byte
	for _, word := range words {
		sign, err := d.charset.Sign(word)
		if err != nil {
			return fmt.Errorf("delimiter: %w", err)
		}
		if len(sign) == 0 || len(sign) > 8 || bytes.ContainsAny(sign, "\r\n") {
			return fmt.Errorf("delimiter %q: use one to eight bytes, no line end among them", word)
		}
		signs = append(signs, sign)
	}
	d.delimiters = newDelimiters(signs)
	return nil
}

// signByte returns a sign of one byte, false for none.
func (d *dialect) signByte(key, word string) (byte, bool, error) {
	sign, err := d.charset.Sign(word)
	switch {
	case err != nil:
		return 0, false, fmt.Errorf("%s: %w", key, err)
	case len(sign) == 0:
		return 0, false, nil
	case len(sign) > 1:
		return 0, false, fmt.Errorf("%s %q: use one byte, or none", key, word)
	case sign[0] == '\r' || sign[0] == '\n' || d.delimiters.have(sign[0]):
		return 0, false, fmt.Errorf("the %s must be no line end and no part of the delimiter", key)
	}
	return sign[0], true, nil
}

// column names a field for a person: by the header, or by its number.
func (d *dialect) column(i int) string {
	if i < len(d.names) {
		return d.names[i]
	}
	return fmt.Sprintf("#%d", i+1)
}
