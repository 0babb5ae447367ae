package config

import (
	"slices"
	"strings"
)

// kind is what a node of the tree holds.
type kind int

const (
	broken kind = iota // something that couldn't be read and was reported; nothing more is to be said about it
	text
	integer
	float
	boolean
	date
	array
	table
)

func (k kind) String() string {
	return [...]string{"something broken", "a text", "a whole number", "a number", "true or false", "a date", "a list", "a table"}[k]
}

// node is one value of a file. Trees are what `extends` is resolved on, before anything has a meaning, and they remember
// where everything was written. A tree isn't changed once its file is read, so trees may share nodes.
type node struct {
	kind    kind
	pos     Position
	text    string  // of a text: what it says; of other scalars: the digits or word, without underscores
	bare    bool    // of a scalar in an override: written without quotes, so it can be taken for a text as well
	entries []entry // of a table, in order
	items   []*node // of a list
	origin  origin  // of a table or list: how it came to be
	damaged bool    // of a file's root: a part that couldn't be read may have held any key
}

// entry is a key of a table.
type entry struct {
	key   string
	pos   Position
	value *node
}

// origin is what TOML's rules about defining a table twice rest on.
type origin int

const (
	implied   origin = iota // [a] by a header [a.b]
	headed                  // by its own header, [a] or [[a]]
	dotted                  // a by a key a.b = 1
	immediate               // { … } or [ … ] on the right of a key
)

// get returns the value of a key, or nil.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for i := range n.entries {
		if n.entries[i].key == key {
			return n.entries[i].value
		}
	}
	return nil
}

// find returns the value of a dotted key, or nil.
func (n *node) find(key string) *node {
	for part := range strings.SplitSeq(key, ".") {
		n = n.get(part)
	}
	return n
}

// at returns the best position to speak of a dotted key: its value's, or that of the innermost table that there is.
func (n *node) at(key string) Position {
	pos := n.pos
	for part := range strings.SplitSeq(key, ".") {
		if n = n.get(part); n == nil {
			break
		}
		pos = n.pos
	}
	return pos
}

func (n *node) set(key string, pos Position, value *node) {
	n.entries = append(n.entries, entry{key, pos, value})
}

// outdone are keys that a table laid over another one makes meaningless there: by having a key, or by having it with a value.
var outdone = []struct {
	key, value string // value "": any
	others     []string
}{
	{"match", "", []string{"match_regexp"}},
	{"match_regexp", "", []string{"match"}},
	{"source", "", []string{"position", "constant"}},
	{"position", "", []string{"source", "constant"}},
	{"constant", "", []string{"source", "position"}},
	{"delimiter", "", []string{"delimiters"}},
	{"delimiters", "", []string{"delimiter"}},
	{"default", "", []string{"required"}},
	{"required", "true", []string{"default"}},
	{"header", "false", []string{"header_lines", "strict_header"}},
	{"create", "false", []string{"order_by", "partition_by"}},
	{"claim", "rename", []string{"when_done"}},
	{"lineage", "false", []string{"run_column", "record_column"}},
	{"query", "", []string{"table", "columns", "filter", "order_by", "group_by", "distinct", "limit"}},
	{"table", "", []string{"query"}},
	{"type", "fixed", notOf("fixed")},
	{"type", "jsonl", notOf("jsonl")},
	{"type", "json", notOf("json")},
	{"type", "xml", notOf("xml")},
	{"type", "xlsx", notOf("xlsx")},
	{"type", "parquet", notOf("parquet")},
}

// overlay returns base with everything that top has laid over it. Tables are merged key by key, lists of tables entry by
// entry, everything else is replaced.
func overlay(base, top *node) *node {
	if base == nil || base.kind != table || top.kind != table {
		return top
	}
	merged := &node{kind: table, pos: top.pos, origin: top.origin, damaged: base.damaged || top.damaged}
	for _, e := range base.entries {
		if above := top.get(e.key); above != nil {
			merged.set(e.key, e.pos, overlayValue(e.value, above))
		} else if !top.outdoes(e.key) {
			merged.entries = append(merged.entries, e)
		}
	}
	for _, e := range top.entries {
		if base.get(e.key) == nil {
			merged.entries = append(merged.entries, e)
		}
	}
	return merged
}

func overlayValue(base, top *node) *node {
	if base.isTables() && top.isTables() {
		return overlayTables(base, top)
	}
	return overlay(base, top)
}

// outdoes tells whether a key of a table below means nothing any more.
func (n *node) outdoes(key string) bool {
	for _, o := range outdone {
		if own := n.get(o.key); own != nil && slices.Contains(o.others, key) && (o.value == "" || (own.kind == boolean || own.kind == text) && own.text == o.value) {
			return true
		}
	}
	return false
}

// isTables tells whether the node is a list of nothing but tables.
func (n *node) isTables() bool {
	return n.kind == array && len(n.items) > 0 && !slices.ContainsFunc(n.items, func(item *node) bool { return item.kind != table })
}

// overlayTables merges entries that have the same name or, where one of them has no name, the same source. The others are appended.
func overlayTables(base, top *node) *node {
	merged := &node{kind: array, pos: top.pos, origin: top.origin, items: slices.Clone(base.items)}
	for _, item := range top.items {
		at := slices.IndexFunc(base.items, func(below *node) bool { return sameText(below, item, "name") })
		if at < 0 {
			at = slices.IndexFunc(base.items, func(below *node) bool {
				return sameText(below, item, "source") && (below.get("name") == nil || item.get("name") == nil)
			})
		}
		if at >= 0 {
			merged.items[at] = overlay(merged.items[at], item)
		} else {
			merged.items = append(merged.items, item)
		}
	}
	return merged
}

// sameText tells whether both tables have the key with the same text.
func sameText(a, b *node, key string) bool {
	mine, other := a.get(key), b.get(key)
	return mine != nil && other != nil && mine.kind == text && other.kind == text && mine.text == other.text
}
