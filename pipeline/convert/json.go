package convert

import (
	"encoding/binary"
	"errors"
	"hash/maphash"
	"regexp"
	"strconv"
	"unicode/utf8"
	"unsafe"

	"chute/connectors/native"
)

// maxJSONDepth is how deep objects and lists may be inside of each other; the engine takes about three times as much.
const maxJSONDepth = 300

// harmlessJSON are arguments of the type that change only how values are stored.
var harmlessJSON = regexp.MustCompile(`^(\s*max_dynamic_(paths|types)\s*=\s*\d+\s*(,|$))*$`)

// jsonText checks JSON objects. The engine takes JSON as text and refuses the whole block for one bad value, so this is at least as strict as the engine:
// whole numbers must fit 64 bits and others must be finite, texts must be UTF-8 with surrogates in pairs, and no path may be there twice, where
// {"a.b":1} and {"a":{"b":1}} are the same path. It isn't shared.
type jsonText struct {
	text   []byte
	at     int
	fault  *fault
	key    []byte // the last text, decoded
	path   []byte // of the value it is at, from scope on: the scope's number, then names with dots between
	scope  int
	scopes uint64 // objects inside of lists so far: each begins paths anew
	seen   map[uint64][2]int
	stored []byte // paths, for seen
}

// jsonConversion returns what makes a conversion for each goroutine.
func jsonConversion(t *native.Type) (func(*fault) appender, error) {
	if !harmlessJSON.MatchString(t.Text) {
		return nil, errors.New("paths with types of their own, or left out, can't be checked value by value")
	}
	return func(f *fault) appender {
		p := &jsonText{fault: f, seen: map[uint64][2]int{}}
		return func(b *native.Builder, text []byte) string {
			p.text, p.at, p.scope, p.scopes, p.stored = text, 0, 0, 0, p.stored[:0]
			p.path = binary.LittleEndian.AppendUint64(p.path[:0], 0)
			clear(p.seen)
			*f = fault{}
			p.space()
			if !p.next('{') || !p.object(1, false) {
				return p.refused("an object in {}")
			}
			if p.space(); p.at < len(text) {
				return p.refused("the end")
			}
			b.AppendBytes(text)
			return ""
		}
	}, nil
}

// refused keeps what was wanted first.
func (p *jsonText) refused(what string) (code string) {
	p.wants(what)
	return NotAJSON
}

func (p *jsonText) wants(what string) bool {
	if p.fault.at == 0 {
		*p.fault = fault{at: p.at + 1, want: what}
	}
	return false
}

func (p *jsonText) space() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t' || p.text[p.at] == '\n' || p.text[p.at] == '\r') {
		p.at++
	}
}

// next takes a sign if it is there.
func (p *jsonText) next(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

// object reads what is behind the opening brace, up to the closing one. inner tells that its names go on with a path.
func (p *jsonText) object(depth int, inner bool) bool {
	above := len(p.path)
	for first := true; ; first = false {
		p.space()
		if first && p.next('}') {
			return true
		}
		if !p.next('"') {
			return p.wants("a name in double quotes")
		}
		if !p.string() {
			return false
		}
		if inner {
			p.path = append(p.path, '.')
		}
		p.path = append(p.path, p.key...)
		if p.space(); !p.next(':') {
			return p.wants(":")
		}
		if p.space(); !p.value(depth) {
			return false
		}
		p.path = p.path[:above]
		if p.space(); p.next('}') {
			return true
		}
		if !p.next(',') {
			return p.wants(", or }")
		}
	}
}

// list reads what is behind the opening bracket, up to the closing one.
func (p *jsonText) list(depth int) bool {
	p.space()
	if p.next(']') {
		return true
	}
	for {
		if p.space(); !p.element(depth) {
			return false
		}
		if p.space(); p.next(']') {
			return true
		}
		if !p.next(',') {
			return p.wants(", or ]")
		}
	}
}

// element reads a value of a list. Paths inside of it are its own.
func (p *jsonText) element(depth int) bool {
	if !p.next('{') {
		return p.plain(depth)
	}
	above, scope := len(p.path), p.scope
	p.scopes++
	p.scope = above
	p.path = binary.LittleEndian.AppendUint64(p.path, p.scopes)
	ok := depth < maxJSONDepth && p.object(depth+1, false) || p.wants("less depth")
	p.path, p.scope = p.path[:above], scope
	return ok
}

// value reads the value of a name. An object only goes on with the path; all else ends one.
func (p *jsonText) value(depth int) bool {
	if p.next('{') {
		return depth < maxJSONDepth && p.object(depth+1, true) || p.wants("less depth")
	}
	if !p.first() {
		return p.wants("a path that isn't there already")
	}
	return p.plain(depth)
}

// first remembers the path and tells whether it was new.
func (p *jsonText) first() bool {
	path := p.path[p.scope:]
	for h := maphash.Bytes(pathSeed, path); ; h++ {
		span, taken := p.seen[h]
		if !taken {
			p.seen[h] = [2]int{len(p.stored), len(p.stored) + len(path)}
			p.stored = append(p.stored, path...)
			return true
		}
		if string(p.stored[span[0]:span[1]]) == string(path) {
			return false
		}
	}
}

var pathSeed = maphash.MakeSeed()

// plain reads all values but objects.
func (p *jsonText) plain(depth int) bool {
	switch {
	case p.next('['):
		return depth < maxJSONDepth && p.list(depth+1) || p.wants("less depth")
	case p.next('"'):
		return p.string()
	}
	for _, word := range jsonWords {
		if len(p.text)-p.at >= len(word) && string(p.text[p.at:p.at+len(word)]) == word {
			p.at += len(word)
			return true
		}
	}
	return p.number()
}

var jsonWords = [...]string{"null", "true", "false"}

// number reads a number, which has to fit what the engine makes of it: 64 bits when it is whole, else a Float64.
func (p *jsonText) number() bool {
	start := p.at
	whole, negative := true, p.next('-')
	first := p.at
	p.digits()
	if p.at == first || p.text[first] == '0' && p.at > first+1 {
		return p.wants("a value")
	}
	if p.next('.') {
		whole = false
		if p.digits() == 0 {
			return p.wants("a digit")
		}
	}
	if p.next('e') || p.next('E') {
		whole = false
		if !p.next('-') {
			p.next('+')
		}
		if p.digits() == 0 {
			return p.wants("a digit")
		}
	}
	text := p.text[start:p.at]
	var err error
	if whole {
		n, _, code := parseInteger(text)
		if code != "" || negative && n > 1<<63 {
			err = strconv.ErrRange
		}
	} else {
		_, err = strconv.ParseFloat(unsafe.String(unsafe.SliceData(text), len(text)), 64)
	}
	if err != nil {
		p.at = start
		return p.wants("a number that fits 64 bits")
	}
	return true
}

func (p *jsonText) digits() (n int) {
	for p.at < len(p.text) && p.text[p.at]-'0' <= 9 {
		p.at++
		n++
	}
	return n
}

// string reads what is behind the opening quote, up to the closing one, into key.
func (p *jsonText) string() bool {
	p.key = p.key[:0]
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			return true
		case c == '\\':
			if !p.escape() {
				return p.wants("an escape that JSON has")
			}
		case c < ' ':
			return p.wants("an escape instead of a control character")
		case c < utf8.RuneSelf:
			p.key = append(p.key, c)
			p.at++
		default:
			r, width := utf8.DecodeRune(p.text[p.at:])
			if r == utf8.RuneError && width == 1 {
				return p.wants("UTF-8")
			}
			p.key = append(p.key, p.text[p.at:p.at+width]...)
			p.at += width
		}
	}
	return p.wants(`the closing "`)
}

// jsonEscapes are letters behind a backslash, each followed by what it stands for.
const jsonEscapes = `""\\//` + "b\bf\fn\nr\rt\t"

func (p *jsonText) escape() bool {
	if p.at+1 >= len(p.text) {
		return false
	}
	c := p.text[p.at+1]
	if c == 'u' {
		return p.unicode()
	}
	for i := 0; i < len(jsonEscapes); i += 2 {
		if jsonEscapes[i] == c {
			p.key = append(p.key, jsonEscapes[i+1])
			p.at += 2
			return true
		}
	}
	return false
}

// unicode reads \uHHHH, or two of them that are a pair of surrogates.
func (p *jsonText) unicode() bool {
	r, ok := p.hexRune()
	if !ok || r >= 0xdc00 && r < 0xe000 {
		return false
	}
	if r >= 0xd800 && r < 0xdc00 {
		low, ok := p.hexRune()
		if !ok || low < 0xdc00 || low >= 0xe000 {
			return false
		}
		r = 0x10000 + (r-0xd800)<<10 + (low - 0xdc00)
	}
	p.key = utf8.AppendRune(p.key, r)
	return true
}

func (p *jsonText) hexRune() (r rune, ok bool) {
	if len(p.text)-p.at < 6 || p.text[p.at] != '\\' || p.text[p.at+1] != 'u' {
		return 0, false
	}
	for _, c := range p.text[p.at+2 : p.at+6] {
		digit := hexDigit(c)
		if digit > 15 {
			return 0, false
		}
		r = r<<4 | rune(digit)
	}
	p.at += 6
	return r, true
}
