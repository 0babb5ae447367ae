package format

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"chute/connectors"
)

// refuse makes the record a refused one. Line, Offset and Number are already known.
func (r *Record) refuse(code, column string, value []byte, message string) {
	r.reason = connectors.Reason{
		Record: r.Number, Line: r.Line, Offset: r.Offset,
		Column: column, Code: code, Value: cutText(value), Message: message, Source: "text",
	}
	r.Reason = &r.reason
}

func (r *Record) refuseQuotes(d *dialect, text []byte) {
	bad := r.splitQuoted(d, text)
	column, value := d.column(len(r.Fields)), text[bad:]
	if closed := r.closingQuote(d, value); closed >= 0 {
		r.refuse("text_after_quote", column, value, fmt.Sprintf(
			"After the quote that closes column %q comes text. A quote within a value must be doubled.", column))
		return
	}
	r.refuse("unclosed_quote", column, value, fmt.Sprintf("The quote that opens column %q is never closed properly.", column))
}

// closingQuote returns the position of the quote that ends the field at the beginning of b, -1 when none does.
func (r *Record) closingQuote(d *dialect, b []byte) int {
	for at := 1; ; at += 2 {
		i := bytes.IndexByte(b[at:], d.quote)
		if i < 0 {
			return -1
		}
		if at += i; at+1 == len(b) || b[at+1] != d.quote {
			return at
		}
	}
}

func (r *Record) refuseLength(d *dialect, text []byte) {
	r.refuse("record_too_long", "", text, fmt.Sprintf("The record is longer than %d bytes.", d.max))
}

// refuseEncoding names the first bad byte, its column and the text around it.
func (r *Record) refuseEncoding(d *dialect, text []byte) {
	bad := firstInvalid(text)
	r.Fields, r.Quoted = r.Fields[:0], r.Quoted[:0]
	column := bytes.Count(text[:bad], d.delim)
	if d.quoting {
		if r.splitQuoted(d, text[:bad]) < 0 {
			r.Fields = r.Fields[:len(r.Fields)-1] // the last one holds the bad byte
		}
		column = len(r.Fields)
	}
	from := max(0, bad-maxValue/2)
	for from > 0 && from < bad && !utf8.RuneStart(text[from]) {
		from++
	}
	r.refuse("bad_encoding", d.column(column), text[from:min(len(text), bad+maxValue/2)],
		fmt.Sprintf("The byte 0x%02X isn't UTF-8.", text[bad]))
	r.reason.Offset = r.Offset + int64(bad)
}

func firstInvalid(text []byte) int {
	for at := 0; at < len(text); {
		c, width := utf8.DecodeRune(text[at:])
		if c == utf8.RuneError && width == 1 {
			return at
		}
		at += width
	}
	return 0
}

// fit applies the rule for records with too few or too many fields.
func (r *Record) fit(d *dialect, text []byte) {
	got := len(r.Fields)
	switch {
	case got < d.width && d.pad:
		for len(r.Fields) < d.width {
			r.Fields, r.Quoted = append(r.Fields, nil), append(r.Quoted, false)
		}
	case got > d.width && d.cut:
		r.Fields, r.Quoted = r.Fields[:d.width], r.Quoted[:d.width]
	case got < d.width:
		r.refuse("too_few_fields", "", text, fmt.Sprintf("The record has %d fields instead of %d.", got, d.width))
	default:
		r.refuse("too_many_fields", "", text, fmt.Sprintf("The record has %d fields instead of %d.", got, d.width))
	}
}
