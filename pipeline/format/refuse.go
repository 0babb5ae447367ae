package format

import (
	"fmt"
	"unicode/utf8"

	"chute/connectors"
)

// refuse makes the record a refused one. Line, Offset and Number are already known.
func (r *Record) refuse(code, column string, value []byte, message string) {
	if d := r.dialect; d.charset.table != nil {
		value = d.charset.appendText(nil, value[:min(len(value), maxValue)])
	}
	r.reason = connectors.Reason{
		Record: r.Number, Line: r.Line, Offset: r.Offset,
		Column: column, Code: code, Value: cutText(value), Message: message, Source: "text",
	}
	r.Reason = &r.reason
}

func (r *Record) refuseQuotes(d *dialect, text []byte) {
	bad := 0
	if d.escaping {
		bad, _ = r.splitEscaped(d, text)
	} else {
		bad = r.splitQuoted(d, text)
	}
	if bad < 0 {
		r.refuseFields(text)
		return
	}
	column, value := d.column(r.before(d, len(r.Fields))), text[bad:]
	if closed := closingQuote(d, value); closed >= 0 {
		r.refuse("text_after_quote", column, value, fmt.Sprintf(
			"After the quote that closes column %q comes text. A quote within a value must be %s.", column, d.howEscaped()))
		return
	}
	r.refuse("unclosed_quote", column, value, fmt.Sprintf("The quote that opens column %q is never closed properly.", column))
}

func (d *dialect) howEscaped() string {
	if d.escaping {
		return fmt.Sprintf("written as %c%c", d.escape, d.quote)
	}
	return "doubled"
}

// before returns how many fields there are among the first n.
func (r *Record) before(d *dialect, n int) int {
	if !d.repeat {
		return n
	}
	count := 0
	for i, field := range r.Fields[:n] {
		if len(field) > 0 || r.Quoted[i] {
			count++
		}
	}
	return count
}

// closingQuote returns the position of the quote that ends the field at the beginning of b, -1 when none does.
func closingQuote(d *dialect, b []byte) int {
	for at := 1; at < len(b); at++ {
		switch {
		case d.escaping && b[at] == d.escape:
			at++
		case b[at] != d.quote:
		case !d.escaping && at+1 < len(b) && b[at+1] == d.quote:
			at++
		default:
			return at
		}
	}
	return -1
}

func (r *Record) refuseEscape(d *dialect, text []byte) {
	column := d.column(len(r.Fields) - 1)
	r.refuse("dangling_escape", column, r.Fields[len(r.Fields)-1], fmt.Sprintf(
		"Column %q ends with the escape character: outside of quotes a line end can't be escaped, and %c itself is written twice.", column, d.escape))
}

func (r *Record) refuseFields(text []byte) {
	r.refuse("too_many_fields", "", text, fmt.Sprintf("The record has more than %d fields.", maxFields))
}

func (r *Record) refuseLength(d *dialect, text []byte) {
	r.refuse("record_too_long", "", text, fmt.Sprintf("The record is longer than %d bytes.", d.max))
}

// refuseEncoding names the bad byte in text, its column and the text around it.
func (r *Record) refuseEncoding(d *dialect, text []byte, bad int) {
	r.Fields, r.Quoted, r.spare = r.Fields[:0], r.Quoted[:0], r.spare[:0]
	unclosed := 0
	if d.escaping {
		unclosed, _ = r.splitEscaped(d, text[:bad])
	} else {
		unclosed = r.splitQuoted(d, text[:bad])
	}
	column := len(r.Fields)
	if unclosed < 0 {
		column-- // the last one holds the bad byte
	}
	from := max(0, bad-maxValue/2)
	for from > 0 && from < bad && !utf8.RuneStart(text[from]) && d.charset.table == nil {
		from++
	}
	value, delivered, offset := text[from:min(len(text), bad+maxValue/2)], text[bad:bad+1], bad
	if r.widths != nil {
		offset = sum(r.widths[:bad])
		delivered = r.source[offset : offset+int(r.widths[bad])]
		value = r.asDelivered(text, from, from+len(value))
	}
	r.refuse("bad_encoding", d.column(r.before(d, column)), value, d.charset.badBytes(delivered))
	r.reason.Offset = r.Offset + int64(offset)
}

// asDelivered returns text[from:to] with the file's own bytes for those that aren't characters.
func (r *Record) asDelivered(text []byte, from, to int) []byte {
	var out []byte
	at := sum(r.widths[:from])
	for i := from; i < to; i++ {
		width := int(r.widths[i])
		if text[i] == badByte {
			out = append(out, r.source[at:at+width]...)
		} else {
			out = append(out, text[i])
		}
		at += width
	}
	return out
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
