package config

import (
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2/unstable"
)

// parser turns one TOML file into a tree. A syntax error doesn't end it: it is noted, and reading goes on with the next line that looks
// like the beginning of something.
type parser struct {
	file     string
	data     []byte
	lines    []int // offsets at which lines begin
	base     int   // offset in data at which toml's input begins: it is started again after a syntax error
	failed   int   // syntax errors so far
	end      int   // offset in data behind the last expression that was understood
	toml     unstable.Parser
	root     *node
	current  *node  // table of the last header; nil when that header was broken
	path     string // its dotted name with a dot at the end, for messages
	problems *Problems
}

// parse returns the tree of a file, as far as it could be understood. The result is never nil.
func parse(file string, data []byte, problems *Problems) *node {
	p := &parser{file: file, data: data, problems: problems, lines: []int{0}}
	for i, c := range data {
		if c == '\n' {
			p.lines = append(p.lines, i+1)
		}
	}
	p.root = &node{kind: table, pos: Position{file, 1, 1}, origin: headed}
	p.current = p.root
	if bad := invalidUTF8(data); bad >= 0 {
		problems.add(p.position(bad), "", "not UTF-8, which TOML files must be")
		p.root.damaged = true
		return p.root
	}
	for p.run() {
	}
	return p.root
}

func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		r, width := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && width == 1 {
			return i
		}
		i += width
	}
	return -1
}

// run reads until the end, or until after the next syntax error, and tells whether there is more.
func (p *parser) run() bool {
	p.toml.Reset(p.data[p.base:])
	for p.toml.NextExpression() {
		e := p.toml.Expression()
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			p.header(e)
		case unstable.KeyValue:
			p.end = p.base + int(e.Raw.Offset+e.Raw.Length)
			if p.current != nil {
				p.keyValue(p.current, e, p.path)
			}
		}
	}
	err := p.toml.Error()
	if err == nil {
		return false
	}
	p.recover(err)
	return p.base < len(p.data)
}

func (p *parser) position(offset int) Position {
	line := sort.SearchInts(p.lines, offset+1) - 1
	return Position{p.file, line + 1, offset - p.lines[line] + 1}
}

// keys returns the parts of a dotted key, and where each stands.
func (p *parser) keys(e *unstable.Node) (parts []string, at []Position) {
	for it := e.Key(); it.Next(); {
		n := it.Node()
		parts = append(parts, string(n.Data))
		at = append(at, p.position(p.base+int(n.Raw.Offset)))
		p.end = max(p.end, p.base+int(n.Raw.Offset+n.Raw.Length))
	}
	return parts, at
}

// header goes to the table of a [header], or to a new entry of a [[header]].
func (p *parser) header(e *unstable.Node) {
	parts, at := p.keys(e)
	last := len(parts) - 1
	p.path = strings.Join(parts, ".") + "."
	p.current = nil
	above := p.root
	for i, part := range parts[:last] {
		if above = p.step(above, part, at[i], implied); above == nil {
			p.problems.add(at[i], strings.Join(parts[:i+1], "."), "is a value already and can't be a table as well")
			return
		}
	}
	if e.Kind == unstable.ArrayTable {
		p.headerEntry(above, parts[last], at[last])
		return
	}
	existing := above.get(parts[last])
	switch {
	case existing == nil:
		p.current = &node{kind: table, pos: at[last], origin: headed}
		above.set(parts[last], at[last], p.current)
	case existing.kind == table && existing.origin == implied:
		existing.origin, existing.pos = headed, at[last]
		p.current = existing
	default:
		p.problems.add(at[last], strings.Join(parts, "."), "is there twice; the first is in line %d", existing.pos.Line)
	}
}

// headerEntry adds a table to the list of a [[header]].
func (p *parser) headerEntry(above *node, key string, at Position) {
	list := above.get(key)
	if list == nil {
		list = &node{kind: array, pos: at, origin: headed}
		above.set(key, at, list)
	}
	if list.kind != array || list.origin != headed {
		p.problems.add(at, strings.TrimSuffix(p.path, "."), "is there as something else already, in line %d", list.pos.Line)
		return
	}
	p.current = &node{kind: table, pos: at, origin: headed}
	list.items = append(list.items, p.current)
}

// step goes into a table below, which it makes when it isn't there. It returns nil where there can be none.
func (p *parser) step(above *node, key string, at Position, how origin) *node {
	next := above.get(key)
	switch {
	case next == nil:
		next = &node{kind: table, pos: at, origin: how}
		above.set(key, at, next)
		return next
	case next.kind == array && next.origin == headed && how == implied:
		return next.items[len(next.items)-1]
	case next.kind == table && (how == implied && next.origin != immediate && next.origin != dotted || how == dotted && next.origin == dotted):
		return next
	}
	return nil
}

func (p *parser) keyValue(into *node, e *unstable.Node, path string) {
	parts, at := p.keys(e)
	last := len(parts) - 1
	for i, part := range parts[:last] {
		if into = p.step(into, part, at[i], dotted); into == nil {
			p.problems.add(at[i], path+strings.Join(parts[:i+1], "."), "is there already and can't be added to here")
			return
		}
	}
	name := path + strings.Join(parts, ".")
	if index := slices.IndexFunc(into.entries, func(have entry) bool { return have.key == parts[last] }); index >= 0 {
		p.problems.add(at[last], name, "is there twice; the first is in line %d", into.entries[index].pos.Line)
		return
	}
	into.set(parts[last], at[last], p.value(e.Value(), p.behindEquals(e), name))
}

// behindEquals returns the position of a key's value, which the syntax tree doesn't have for lists.
func (p *parser) behindEquals(e *unstable.Node) Position {
	var key unstable.Range
	for it := e.Key(); it.Next(); {
		key = it.Node().Raw
	}
	at := p.base + int(key.Offset+key.Length)
	for at < len(p.data)-1 && strings.IndexByte(" \t=", p.data[at]) >= 0 {
		at++
	}
	return p.position(at)
}

func (p *parser) value(n *unstable.Node, at Position, path string) *node {
	made := &node{pos: at, text: string(n.Data), origin: immediate}
	switch n.Kind {
	case unstable.String:
		made.kind = text
	case unstable.Bool:
		made.kind = boolean
	case unstable.Integer, unstable.Float:
		made.kind = integer
		if n.Kind == unstable.Float {
			made.kind = float
		}
		made.text = strings.ReplaceAll(made.text, "_", "")
	case unstable.Array:
		made.kind = array
		for it := n.Children(); it.Next(); {
			item := it.Node()
			pos := at
			if item.Raw.Length > 0 {
				pos = p.position(p.base + int(item.Raw.Offset))
			}
			made.items = append(made.items, p.value(item, pos, path))
		}
	case unstable.InlineTable:
		made.kind = table
		for it := n.Children(); it.Next(); {
			p.keyValue(made, it.Node(), path+".")
		}
	default:
		made.kind = date
	}
	return made
}
