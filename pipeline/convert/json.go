package convert

import (
	"encoding/binary"
	"errors"
	"hash/maphash"
	"regexp"

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
