package config

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"
)

// Charset is an encoding of text.
type Charset struct {
	Name string // for people: "UTF-8", "windows-1252"

	// Unit is the size of what UTF-16 and UTF-32 are made of, 2 or 4 bytes; 0 for all others. Big says its byte order, Marked that a byte order
	// mark must tell.
	Unit   int
	Big    bool
	Marked bool

	// Table has the character for each byte of a charset of single bytes, Undefined for those without one; nil for all others.
	Table *[256]rune
	// Decoding decodes charsets of several bytes without state between characters; nil for UTF-8, UTF-16 and UTF-32.
	Decoding encoding.Encoding
}

// Undefined is what a byte without a character has in a charset's table.
const Undefined rune = -1

// unicodes are the encodings of Unicode; those of two bytes decode wrong bytes in silence elsewhere, those of four aren't in any index.
var unicodes = map[string]Charset{
	"utf-8":    {Name: "UTF-8"},
	"utf-16":   {Name: "UTF-16", Unit: 2, Marked: true},
	"utf-16le": {Name: "UTF-16LE", Unit: 2},
	"utf-16be": {Name: "UTF-16BE", Unit: 2, Big: true},
	"utf-32":   {Name: "UTF-32", Unit: 4, Marked: true},
	"utf-32le": {Name: "UTF-32LE", Unit: 4},
	"utf-32be": {Name: "UTF-32BE", Unit: 4, Big: true},
}

// FindCharset returns the charset with a name of IANA's registry or, if that has none, of the WHATWG's standard. So "iso-8859-1" is what it says, not
// windows-1252, as browsers have it.
func FindCharset(name string) (Charset, error) {
	word := strings.ToLower(name)
	for _, spelling := range []string{word, strings.Replace(word, "utf", "utf-", 1)} {
		if c, ok := unicodes[spelling]; ok {
			return c, nil
		}
	}
	if known, ok := charsets.Load(word); ok {
		return known.(Charset), nil
	}
	c, err := lookUp(word)
	if err == nil {
		charsets.Store(word, c)
	}
	return c, err
}

// charsets are those that were looked up, by name: tables are made once.
var charsets sync.Map

func lookUp(name string) (Charset, error) {
	found, err := ianaindex.IANA.Encoding(name)
	if err != nil || found == nil {
		found, err = htmlindex.Get(name)
	}
	switch {
	case err != nil || found == nil || found == encoding.Replacement:
		return Charset{}, fmt.Errorf("there is no encoding %q here; write its IANA name, for example \"windows-1252\"", name)
	case found == japanese.ISO2022JP || found == simplifiedchinese.HZGB2312:
		return Charset{}, fmt.Errorf("%s can't be read here: a byte means one thing or another by what came before, so records can't be taken apart", name)
	}
	if official, err := ianaindex.IANA.Name(found); err == nil {
		if c, ok := unicodes[strings.ToLower(official)]; ok {
			return c, nil
		}
	}
	c := Charset{Name: name}
	if c.Table = singleBytes(found); c.Table == nil {
		c.Decoding = found
	}
	return c, nil
}

// singleBytes returns the characters of all bytes, nil when some bytes are only the beginning of one.
func singleBytes(e encoding.Encoding) *[256]rune {
	windows := strings.HasPrefix(fmt.Sprint(e), "Windows ")
	var chars [256]rune
	for b := range chars {
		var char [8]byte
		n, _, err := e.NewDecoder().Transform(char[:], []byte{byte(b)}, false)
		if errors.Is(err, transform.ErrShortSrc) {
			return nil
		}
		r, _ := utf8.DecodeRune(char[:n])
		// The WHATWG's tables give bytes that Windows has no character for the control character of the same number. Such a byte means that
		// the text isn't what it is said to be.
		if r == utf8.RuneError || windows && b >= 0x80 && b <= 0x9F && r == rune(b) {
			r = Undefined
		}
		chars[b] = r
	}
	return &chars
}

// Separable tells whether texts can be cut at signs of ASCII before they are decoded.
func (c Charset) Separable() bool {
	if c.Table == nil {
		return c.Unit == 0 && c.Decoding == nil
	}
	for b := range rune(utf8.RuneSelf) {
		if c.Table[b] != b {
			return false
		}
	}
	return true
}

// Sign returns the bytes of a delimiter, quote or other sign, as texts have it where they are cut: in the charset if they are separable, else in UTF-8.
func (c Charset) Sign(text string) ([]byte, error) {
	if c.Table == nil || !c.Separable() {
		return []byte(text), nil
	}
	var sign []byte
	for _, r := range text {
		b, ok := c.byteOf(r)
		if !ok {
			return nil, fmt.Errorf("%s has no %q", c.Name, r)
		}
		sign = append(sign, b)
	}
	return sign, nil
}

func (c Charset) byteOf(r rune) (byte, bool) {
	for b, have := range c.Table {
		if have == r {
			return byte(b), true
		}
	}
	return 0, false
}
