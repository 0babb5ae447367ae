package format

import (
	"bytes"
	"encoding/binary"
	"sync"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"

	"chute/config"
)

// badByte stands in decoded text for bytes that aren't a character. It isn't UTF-8, so that its record is refused.
const badByte = 0xFF

// charsetDecoder turns a file's bytes into UTF-8. It appends the text to `to`, and to widths for each byte of the text how many of the file's bytes it stands
// for: all at the first byte of a character, 0 at the others. It returns how much of src it took; the rest, with last nothing, is the beginning of a
// character. What isn't a character becomes a badByte.
type charsetDecoder interface {
	decode(to, widths, src []byte, last bool) (text, allWidths []byte, n int)
}

func (c *charset) newDecoder() charsetDecoder {
	switch {
	case c.Unit == 2:
		return utf16Decoder{order(c.Big)}
	case c.Unit == 4:
		return utf32Decoder{order(c.Big)}
	case c.Table != nil:
		return tableDecoder{c.Table}
	}
	return newMultibyte(c.Decoding)
}

func order(big bool) binary.ByteOrder {
	if big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// appendChar appends one character that n bytes stand for.
func appendChar(to, widths []byte, r rune, n int) ([]byte, []byte) {
	had := len(to)
	if r == config.Undefined {
		to = append(to, badByte)
	} else {
		to = utf8.AppendRune(to, r)
	}
	widths = append(widths, byte(n))
	for range len(to) - had - 1 {
		widths = append(widths, 0)
	}
	return to, widths
}

type utf16Decoder struct{ binary.ByteOrder }

func (d utf16Decoder) decode(to, widths, src []byte, last bool) ([]byte, []byte, int) {
	n := 0
	for n+2 <= len(src) {
		r, width := rune(d.Uint16(src[n:])), 2
		if utf16.IsSurrogate(r) {
			switch {
			case r >= 0xDC00: // the second half without the first
				r = config.Undefined
			case n+4 <= len(src):
				if r = utf16.DecodeRune(r, rune(d.Uint16(src[n+2:]))); r == utf8.RuneError {
					r = config.Undefined
				} else {
					width = 4
				}
			case !last:
				return to, widths, n
			default:
				r = config.Undefined
			}
		}
		to, widths = appendChar(to, widths, r, width)
		n += width
	}
	return rest(to, widths, n, len(src), last)
}

// rest makes one bad byte of what is too short for a character at the end of a file.
func rest(to, widths []byte, n, length int, last bool) ([]byte, []byte, int) {
	if !last || n == length {
		return to, widths, n
	}
	to, widths = appendChar(to, widths, config.Undefined, length-n)
	return to, widths, length
}

type utf32Decoder struct{ binary.ByteOrder }

func (d utf32Decoder) decode(to, widths, src []byte, last bool) ([]byte, []byte, int) {
	n := 0
	for ; n+4 <= len(src); n += 4 {
		number := d.Uint32(src[n:])
		r := rune(number)
		if number > utf8.MaxRune || !utf8.ValidRune(r) {
			r = config.Undefined
		}
		to, widths = appendChar(to, widths, r, 4)
	}
	return rest(to, widths, n, len(src), last)
}

// tableDecoder is for charsets of single bytes that aren't ASCII in their first half.
type tableDecoder struct{ table *[256]rune }

func (d tableDecoder) decode(to, widths, src []byte, _ bool) ([]byte, []byte, int) {
	for _, b := range src {
		to, widths = appendChar(to, widths, d.table[b], 1)
	}
	return to, widths, len(src)
}

// Numbers that are no characters, in the tables of a multibyte.
const (
	lead    rune = -2 // needs the next byte
	further rune = -3 // isn't in the tables: three or four bytes, or two characters
)

// multibyte decodes the charsets of one to four bytes by tables for one and two, which are made from x/text's decoder.
type multibyte struct {
	one [256]rune
	two []rune // by the first byte and the second
	own []byte // how the charset writes U+FFFD, if it does
	dec *encoding.Decoder
}

var (
	multibytes     = map[encoding.Encoding]*multibyte{}
	multibytesLock sync.Mutex
)

// newMultibyte returns a decoder of its own; the tables are made once.
func newMultibyte(e encoding.Encoding) *multibyte {
	multibytesLock.Lock()
	defer multibytesLock.Unlock()
	made, ok := multibytes[e]
	if !ok {
		made = &multibyte{dec: e.NewDecoder(), two: make([]rune, 256<<8)}
		made.own, _ = e.NewEncoder().Bytes([]byte("\uFFFD"))
		for b := range 256 {
			if made.one[b] = made.look([]byte{byte(b)}); made.one[b] != lead {
				continue
			}
			for t := range 256 {
				r := made.look([]byte{byte(b), byte(t)})
				if r == lead {
					r = further
				}
				made.two[b<<8|t] = r
			}
		}
		multibytes[e] = made
	}
	own := *made
	own.dec = e.NewDecoder()
	return &own
}

// look returns the character that b is, Undefined when it is none, further for two characters.
func (m *multibyte) look(b []byte) rune {
	text, complete := m.transform(b)
	if !complete {
		return lead
	}
	r, width := utf8.DecodeRune(text)
	switch {
	case len(text) == 0, r == utf8.RuneError && !bytes.Equal(b, m.own):
		return config.Undefined
	case width == len(text):
		return r
	case bytes.ContainsRune(text, utf8.RuneError):
		return config.Undefined
	}
	return further
}

// transform decodes b; false says that it is only the beginning of a character.
func (m *multibyte) transform(b []byte) (text []byte, complete bool) {
	var out [32]byte
	m.dec.Reset()
	n, _, err := m.dec.Transform(out[:], b, false)
	return out[:n], err != transform.ErrShortSrc
}

func (m *multibyte) decode(to, widths, src []byte, last bool) ([]byte, []byte, int) {
	n := 0
	for n < len(src) {
		if run := asciiRun(src[n:]); run > 0 { // ASCII means itself in all of them
			to, widths = append(to, src[n:n+run]...), append(widths, ones[:run]...)
			n += run
			continue
		}
		r, width := m.one[src[n]], 1
		if r == lead {
			switch {
			case n+1 < len(src):
				r, width = m.two[int(src[n])<<8|int(src[n+1])], 2
			case !last:
				return to, widths, n
			default:
				r = config.Undefined
			}
		}
		if r == further {
			var text []byte
			if text, width = m.longer(src[n:]); width == 0 && !last {
				return to, widths, n
			}
			if width > 0 {
				to, widths = appendText(to, widths, text, width)
				n += width
				continue
			}
			r = config.Undefined
		}
		if r == config.Undefined {
			width = 1 // the next byte may begin something
		}
		to, widths = appendChar(to, widths, r, width)
		n += width
	}
	return to, widths, n
}

var ones = bytes.Repeat([]byte{1}, 256)

// asciiRun returns how many bytes of ASCII b begins with, up to 256.
func asciiRun(b []byte) int {
	for i, c := range b[:min(len(b), len(ones))] {
		if c >= utf8.RuneSelf {
			return i
		}
	}
	return min(len(b), len(ones))
}

// longer decodes what isn't in the tables. It returns 0 when more bytes are needed, and no text for what isn't a character.
func (m *multibyte) longer(src []byte) (text []byte, width int) {
	for width = 2; width <= min(len(src), 4); width++ {
		text, complete := m.transform(src[:width])
		if !complete {
			continue
		}
		if bytes.ContainsRune(text, utf8.RuneError) && !bytes.Equal(src[:width], m.own) {
			return nil, 1
		}
		return text, width
	}
	return nil, 0
}

// appendText appends the characters that width bytes stand for together; none are a bad byte.
func appendText(to, widths, text []byte, width int) ([]byte, []byte) {
	if len(text) == 0 {
		return appendChar(to, widths, config.Undefined, width)
	}
	widths = append(widths, byte(width))
	for range len(text) - 1 {
		widths = append(widths, 0)
	}
	return append(to, text...), widths
}
