package config

import (
	"bytes"
	"errors"
	"regexp"

	"github.com/pelletier/go-toml/v2/unstable"
)

// syntaxLimit is how many syntax errors of a file are reported. Something with more isn't a TOML file, and each one may cost a look at all that follows.
const syntaxLimit = 50

var (
	beginsHeader = regexp.MustCompile(`^[ \t]*\[\[?[ \t]*[A-Za-z][^,=]*$`)
	beginsKey    = regexp.MustCompile(`^[ \t]*[A-Za-z0-9_. \t-]*=`)
	bareText     = regexp.MustCompile(`^[ \t]*[A-Za-z0-9_.-]+[ \t]*=[ \t]*[^"'\[{\s#=][^"'#=]*$`)
	noValue      = regexp.MustCompile(`^[^=]*=[ \t\r]*(#.*)?$`)
	ownLine      = regexp.MustCompile(`^[ \t]*([A-Za-z0-9_-]+)`)
)

// recover notes a syntax error and finds where to go on. The key that couldn't be read is kept as broken, so that it isn't said
// to be missing; behind a broken header nothing can be placed until the next header.
func (p *parser) recover(err error) {
	if p.failed++; p.failed > syntaxLimit {
		p.problems.add(p.position(p.base), "", "not TOML: too many errors, the rest of the file isn't looked at")
		p.root.damaged = true
		p.base = len(p.data)
		return
	}
	p.root.damaged = true // what stood there, and where it belonged, isn't known: nothing is said to be missing
	start := p.failedLine()
	line := p.line(start)
	at, message := start, err.Error()
	if syntax, ok := errors.AsType[*unstable.ParserError](err); ok && len(syntax.Highlight) > 0 {
		at = p.base + int(p.toml.Range(syntax.Highlight).Offset)
		message = syntax.Message
	}
	switch {
	case noValue.Match(line):
		message = "the value is missing"
	case bareText.Match(line):
		message += "; a text needs quotes"
	}
	key := ""
	switch found := ownLine.FindSubmatch(line); {
	case bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte("[")):
		p.current = nil
		p.root.damaged = true
	case found == nil:
		p.root.damaged = true
	default:
		key = string(found[1])
		if p.current != nil && p.current.get(key) == nil {
			p.current.set(key, p.position(start), &node{kind: broken, pos: p.position(at)})
		}
		key = p.path + key
	}
	p.problems.add(p.position(at), key, "not TOML: %s", message)
	p.resume(start + len(line) + 1)
}

// failedLine returns the offset of the line on which the expression begins that couldn't be read.
func (p *parser) failedLine() int {
	at := max(p.base, p.end)
	if p.end > p.base {
		at += len(p.line(at)) + 1
	}
	for at < len(p.data) {
		line := bytes.TrimSpace(p.line(at))
		if len(line) > 0 && line[0] != '#' {
			return at
		}
		// A comment can be what is wrong, when it holds a control character.
		if bytes.ContainsFunc(line, func(r rune) bool { return r != '\t' && (r < ' ' || r == 0x7f) }) {
			return at
		}
		at += len(p.line(at)) + 1
	}
	return len(p.data)
}

// line returns the rest of the line at the offset, without its end.
func (p *parser) line(at int) []byte {
	if at >= len(p.data) {
		return nil
	}
	line, _, _ := bytes.Cut(p.data[at:], []byte("\n"))
	return line
}

func (p *parser) resume(at int) {
	for at < len(p.data) {
		line := p.line(at)
		if beginsHeader.Match(line) || p.current != nil && beginsKey.Match(line) {
			break
		}
		at += len(line) + 1
	}
	p.base = min(at, len(p.data))
	p.end = p.base
}
