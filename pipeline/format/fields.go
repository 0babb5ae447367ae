package format

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
)

// maxFields is how many fields a record or header may have. A field takes far more memory than the delimiter that makes it: a file of nothing but
// delimiters would take a hundred times its size.
const maxFields = 100_000

// begin makes r ready for a record.
func (r *Record) begin(d *dialect, raw []byte, k kind) {
	r.dialect, r.Raw, r.Reason, r.Continued = d, raw, nil, k == piece
	if r.widths != nil {
		r.Raw = r.source
	}
	r.Fields, r.Quoted, r.spare = r.Fields[:0], r.Quoted[:0], r.spare[:0]
}

// fieldsOf takes the fields of a swept record.
func (r *Record) fieldsOf(c *Chunk, e *extent) {
	d, text, at := r.dialect, c.buf[:e.end:e.end], e.start
	for _, end := range c.ends[e.first : e.first+e.fields] {
		field, quoted := text[at:end:end], false
		if d.quoting && len(field) > 0 && field[0] == d.quote {
			field, _ = r.unquote(d, field, 1)
			quoted = true
		}
		r.Fields, r.Quoted = append(r.Fields, field), append(r.Quoted, quoted)
		at = end + 1
	}
}

// scan cuts one record into fields, if that isn't done yet; valid tells whether it is UTF-8.
func (r *Record) scan(raw []byte, k kind, valid bool) {
	d := r.dialect
	text := d.text(raw)
	switch k {
	case plain, quoted:
		if dangling := r.split(d, text, k); dangling {
			r.refuseEscape(d, text)
			return
		}
		if len(r.Fields) > maxFields {
			r.refuseFields(text)
			return
		}
	case badQuotes:
		r.refuseQuotes(d, text)
		return
	case tooLong, piece:
		r.refuseLength(d, text)
		return
	}
	if !valid {
		if bad := d.charset.firstBad(text); bad >= 0 {
			r.refuseEncoding(d, text, bad)
			return
		}
		if d.charset.table != nil {
			r.decodeFields(&d.charset, len(text))
		}
	}
	if d.width > 0 && len(r.Fields) != d.width {
		r.fit(d, text)
	}
}

// split cuts a record whose quotes, if it has any, are right, and stops behind maxFields; dangling tells that it ends with an escape character.
func (r *Record) split(d *dialect, text []byte, k kind) (dangling bool) {
	switch {
	case d.escaping:
		_, dangling = r.splitEscaped(d, text)
	case k == plain:
		r.splitPlain(d, text)
	default:
		r.splitQuoted(d, text)
	}
	if d.repeat && len(r.Fields) <= maxFields {
		r.squeeze()
	}
	return dangling
}

// squeeze takes away what several delimiters together have between them and before and after them. What is left of a record without anything
// else is one empty field, as of an empty line.
func (r *Record) squeeze() {
	kept := 0
	for i, field := range r.Fields {
		if len(field) > 0 || r.Quoted[i] {
			r.Fields[kept], r.Quoted[kept] = field, r.Quoted[i]
			kept++
		}
	}
	kept = max(kept, 1)
	r.Fields, r.Quoted = r.Fields[:kept], r.Quoted[:kept]
}

// splitPlain cuts a record without quotes at its delimiters.
func (r *Record) splitPlain(d *dialect, text []byte) {
	if d.single && d.only != nil && len(text) < maxFields {
		r.Fields = splitByte(r.Fields, text, d.only[0])
	} else {
		for len(r.Fields) < maxFields {
			i, n := d.nextDelimiter(text)
			if i < 0 {
				break
			}
			r.Fields = append(r.Fields, text[:i:i])
			text = text[i+n:]
		}
		r.Fields = append(r.Fields, text)
	}
	r.Quoted = slices.Grow(r.Quoted, len(r.Fields))[:len(r.Fields)]
	clear(r.Quoted)
}

// splitByte appends the parts of text between delimiters. Fields are short, so it looks at eight bytes at a time instead of
// searching anew for each: a byte of x is zero where the delimiter is, and found has its highest bit set.
func splitByte(fields [][]byte, text []byte, delim byte) [][]byte {
	const low7 = 0x7F7F7F7F7F7F7F7F
	pattern := uint64(delim) * 0x0101010101010101
	start, at := 0, 0
	for ; at+8 <= len(text); at += 8 {
		x := binary.LittleEndian.Uint64(text[at:]) ^ pattern
		found := ^((x&low7 + low7) | x | low7)
		for ; found != 0; found &= found - 1 {
			end := at + bits.TrailingZeros64(found)/8
			fields = append(fields, text[start:end:end])
			start = end + 1
		}
	}
	for ; at < len(text); at++ {
		if text[at] == delim {
			fields = append(fields, text[start:at:at])
			start = at + 1
		}
	}
	return append(fields, text[start:])
}

// splitQuoted cuts a record that may have quoted fields. It returns where the field begins whose quotes are bad, -1 when none are.
func (r *Record) splitQuoted(d *dialect, text []byte) int {
	for at := 0; len(r.Fields) <= maxFields; {
		if d.quoting && at < len(text) && text[at] == d.quote {
			field, next := r.unquote(d, text, at+1)
			if next < 0 {
				return at
			}
			r.Fields, r.Quoted = append(r.Fields, field), append(r.Quoted, true)
			if next == len(text) {
				return -1
			}
			at = next + d.delimiterAt(text[next:])
			continue
		}
		i, n := d.nextDelimiter(text[at:])
		if i < 0 {
			r.Fields, r.Quoted = append(r.Fields, text[at:]), append(r.Quoted, false)
			return -1
		}
		r.Fields, r.Quoted = append(r.Fields, text[at:at+i:at+i]), append(r.Quoted, false)
		at += i + n
	}
	return -1
}

// unquote reads the field whose first byte after the quote is text[at], and returns it with the position after its closing quote, -1 when that is
// missing or followed by text.
func (r *Record) unquote(d *dialect, text []byte, at int) ([]byte, int) {
	start, held := at, len(r.spare) // text[start:at] isn't in r.spare[held:] yet
	for {
		i := bytes.IndexByte(text[at:], d.quote)
		if i < 0 {
			return nil, -1
		}
		at += i
		if at+1 < len(text) && text[at+1] == d.quote {
			if cap(r.spare) < len(text) { // enough for all of this record: fields before must stay where they are
				r.spare = append(make([]byte, 0, len(text)+len(text)/2), r.spare...)
			}
			r.spare = append(r.spare, text[start:at+1]...)
			at += 2
			start = at
			continue
		}
		if at+1 < len(text) && d.delimiterAt(text[at+1:]) == 0 {
			return nil, -1
		}
		if len(r.spare) == held {
			return text[start:at:at], at + 1
		}
		r.spare = append(r.spare, text[start:at]...)
		return r.spare[held:len(r.spare):len(r.spare)], at + 1
	}
}
