package format

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"

	"chute/config"
)

// charset is how a file's bytes are to be understood. Texts in UTF-8 and in charsets of single bytes that begin with ASCII are cut as they are, and fields
// are decoded afterwards. All others are decoded first (see input), because there a byte that looks like a delimiter may be half of a character.
type charset struct {
	config.Charset
	table  *[256]rune // to decode fields
	decode bool       // before cutting
}

func findCharset(name string) (charset, error) {
	if name == "" {
		name = "utf-8"
	}
	found, err := config.FindCharset(name)
	if err != nil {
		return charset{}, err
	}
	c := charset{Charset: found, decode: !found.Separable()}
	if !c.decode {
		c.table = found.Table
	}
	return c, nil
}

// valid tells whether fields can be taken as they are.
func (c *charset) valid(text []byte) bool {
	if c.table == nil {
		return utf8.Valid(text)
	}
	return isASCII(text)
}

func isASCII(b []byte) bool {
	const high = 0x8080808080808080
	for len(b) >= 8 {
		if binary.LittleEndian.Uint64(b)&high != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// firstBad returns the position of the first byte that isn't part of a character, -1 when all are.
func (c *charset) firstBad(text []byte) int {
	if c.table != nil {
		for at, b := range text {
			if c.table[b] == config.Undefined {
				return at
			}
		}
		return -1
	}
	for at := 0; at < len(text); {
		r, width := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && width == 1 {
			return at
		}
		at += width
	}
	return -1
}

// appendText appends text as UTF-8; bytes without a character stay as they are, which is no UTF-8.
func (c *charset) appendText(to, text []byte) []byte {
	for _, b := range text {
		if r := c.table[b]; r != config.Undefined {
			to = utf8.AppendRune(to, r)
		} else {
			to = append(to, b)
		}
	}
	return to
}

// bytesOf returns a line end as the file has it.
func (c *charset) bytesOf(end string) []byte {
	if !c.decode {
		return []byte(end)
	}
	var out []byte
	for _, r := range end {
		switch {
		case c.Unit > 0:
			out = append(out, c.encode(r)...)
		case c.Table != nil:
			for b, have := range c.Table {
				if have == r {
					out = append(out, byte(b))
				}
			}
		default: // charsets of several bytes have ASCII's control characters
			out = append(out, byte(r))
		}
	}
	return out
}

// encode returns a character of two bytes at most in UTF-16 or UTF-32.
func (c *charset) encode(r rune) []byte {
	unit := make([]byte, c.Unit)
	if c.Big {
		unit[c.Unit-2], unit[c.Unit-1] = byte(r>>8), byte(r)
	} else {
		unit[0], unit[1] = byte(r), byte(r>>8)
	}
	return unit
}

// decodeFields turns the fields into UTF-8, all of whose bytes have a character.
func (r *Record) decodeFields(c *charset, length int) {
	if need := utf8.UTFMax * length; cap(r.decoded) < need { // enough for all: fields before must stay where they are
		r.decoded = make([]byte, 0, need)
	}
	r.decoded = r.decoded[:0]
	for i, field := range r.Fields {
		if isASCII(field) {
			continue
		}
		from := len(r.decoded)
		r.decoded = c.appendText(r.decoded, field)
		r.Fields[i] = r.decoded[from:len(r.decoded):len(r.decoded)]
	}
}

// badBytes names bytes that aren't part of a character.
func (c *charset) badBytes(bad []byte) string {
	if len(bad) == 1 {
		return fmt.Sprintf("The byte 0x%02X isn't %s.", bad[0], c.Name)
	}
	return fmt.Sprintf("The bytes 0x%X aren't %s.", bad, c.Name)
}
