package format

import (
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"

	"chute/config"
)

// ErrUnmappable: a text has a character that the file's charset doesn't have.
var ErrUnmappable = errors.New("a character that the encoding doesn't have")

// encoder turns UTF-8 into another charset. What is written to it at a time must be whole characters.
type encoder struct {
	out     io.Writer
	charset config.Charset
	bytes   map[rune]byte     // of a charset of single bytes
	several *encoding.Encoder // of one of several
	replace bool
	text    []byte
}

// NewEncoder returns a writer that writes text in UTF-8 to out as the format wants it, byte order mark first.
func NewEncoder(out io.Writer, f *config.ExportFormat) (io.Writer, error) {
	charset, err := config.FindCharset(f.Encoding)
	if err != nil {
		return nil, err
	}
	e := &encoder{out: out, charset: charset, replace: f.Unmappable == "replace"}
	switch {
	case charset.Table != nil:
		e.bytes = make(map[rune]byte, 256)
		for b, r := range charset.Table {
			if _, twice := e.bytes[r]; !twice && r != config.Undefined {
				e.bytes[r] = byte(b)
			}
		}
	case charset.Decoding != nil:
		e.several = charset.Decoding.NewEncoder()
	case charset.Unit == 0:
		if f.BOM {
			_, err = out.Write([]byte("\ufeff"))
		}
		return out, err
	}
	if f.BOM || charset.Marked {
		_, err = e.Write([]byte("\ufeff"))
	}
	return e, err
}

func (e *encoder) Write(text []byte) (int, error) {
	e.text = e.text[:0]
	for at := 0; at < len(text); {
		if c := text[at]; c < utf8.RuneSelf && e.bytes != nil {
			if b, ok := e.bytes[rune(c)]; ok {
				e.text = append(e.text, b)
				at++
				continue
			}
		}
		r, size := utf8.DecodeRune(text[at:])
		var err error
		if e.text, err = e.append(e.text, r, r == utf8.RuneError && size == 1); err != nil {
			return 0, fmt.Errorf("%w: %s has no %s", ErrUnmappable, e.charset.Name, shownRune(text[at:at+size]))
		}
		at += size
	}
	if _, err := e.out.Write(e.text); err != nil {
		return 0, err
	}
	return len(text), nil
}

// append appends a character as the charset has it, or, if it doesn't, what stands for it.
func (e *encoder) append(dst []byte, r rune, broken bool) ([]byte, error) {
	if !broken {
		if made, ok := e.known(dst, r); ok {
			return made, nil
		}
	}
	if !e.replace {
		return dst, ErrUnmappable
	}
	dst, _ = e.known(dst, '?') // every charset has it
	return dst, nil
}

func (e *encoder) known(dst []byte, r rune) ([]byte, bool) {
	switch {
	case e.bytes != nil:
		b, ok := e.bytes[r]
		if ok {
			dst = append(dst, b)
		}
		return dst, ok
	case e.several != nil:
		e.several.Reset()
		made, err := e.several.String(string(r))
		return append(dst, made...), err == nil
	case e.charset.Unit == 4:
		return e.unit(dst, uint32(r), 4), true
	case r >= 0x10000:
		r -= 0x10000
		return e.unit(e.unit(dst, 0xd800|uint32(r)>>10, 2), 0xdc00|uint32(r)&0x3ff, 2), true
	}
	return e.unit(dst, uint32(r), 2), true
}

// unit appends a number of so many bytes in the charset's order.
func (e *encoder) unit(dst []byte, value uint32, size int) []byte {
	for i := range size {
		at := i
		if e.charset.Big {
			at = size - 1 - i
		}
		dst = append(dst, byte(value>>(8*at)))
	}
	return dst
}

// shownRune names a character, or a byte that is none.
func shownRune(text []byte) string {
	r, size := utf8.DecodeRune(text)
	if r == utf8.RuneError && size == 1 {
		return fmt.Sprintf("byte 0x%02X, which isn't UTF-8", text[0])
	}
	return fmt.Sprintf("%q (U+%04X)", r, r)
}

// NewSizer returns a function that says how many bytes of a file a text takes, before compression. What the charset doesn't have counts for nothing: the
// encoder refuses it.
func NewSizer(f *config.ExportFormat) (func(text []byte) int64, error) {
	charset, err := config.FindCharset(f.Encoding)
	if err != nil || charset.Unit == 0 && charset.Table == nil && charset.Decoding == nil {
		return func(text []byte) int64 { return int64(len(text)) }, err
	}
	counted := &counter{}
	made, err := NewEncoder(counted, &config.ExportFormat{Encoding: f.Encoding, Unmappable: "replace"})
	return func(text []byte) int64 {
		counted.bytes = 0
		_, _ = made.Write(text) // counting can't fail
		return counted.bytes
	}, err
}

type counter struct{ bytes int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	return len(p), nil
}
