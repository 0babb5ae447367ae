package config

import (
	"strings"
)

// overrideFile is the file that positions of overrides name.
const overrideFile = "--set"

// overrides makes a tree of KEY=VALUE texts, to be laid over a job. A later one holds over an earlier one.
func overrides(set []string, problems *Problems) *node {
	all := &node{kind: table, pos: Position{File: overrideFile}}
	for _, one := range set {
		key, value, ok := strings.Cut(one, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok || key == "" || strings.ContainsAny(one, "\r\n") {
			problems.add(all.pos, "", "%q isn't KEY=VALUE, as format.delimiter=;", one)
			continue
		}
		tree := overrideTree(key, value, problems)
		if tree.get("extends") != nil {
			problems.add(all.pos, "extends", "can't be set: it is resolved before")
			continue
		}
		all = overlay(all, tree)
	}
	return all
}

// overrideTree parses one override: as TOML, or else with its value as a text.
func overrideTree(key, value string, problems *Problems) *node {
	var asTOML, asText Problems
	tree := parse(overrideFile, []byte(key+" = "+value), &asTOML)
	if len(asTOML) > 0 || len(tree.entries) != 1 {
		tree = parse(overrideFile, []byte(key+" = "+tomlString(value)), &asText)
	}
	if len(asText) > 0 || len(tree.entries) != 1 {
		problems.add(Position{File: overrideFile}, key, "isn't a key: write names with dots between them, as format.delimiter")
		return &node{kind: table}
	}
	return columnsByName(unplaced(tree))
}

// unplaced takes line and column off a tree: on a command line they say nothing.
func unplaced(n *node) *node {
	made := *n
	made.pos = Position{File: overrideFile}
	made.bare = n.kind == integer || n.kind == float || n.kind == boolean || n.kind == date
	made.entries, made.items = nil, nil
	for _, e := range n.entries {
		made.set(e.key, made.pos, unplaced(e.value))
	}
	for _, item := range n.items {
		made.items = append(made.items, unplaced(item))
	}
	return &made
}

// columnsByName turns column.NAME.KEY into a [[column]] entry with that name, to be merged like those of a file.
func columnsByName(tree *node) *node {
	columns := tree.get("column")
	if columns == nil || columns.kind != table {
		return tree
	}
	list := &node{kind: array, pos: tree.pos, origin: headed}
	for _, e := range columns.entries {
		if e.value.kind != table {
			return tree // reported as what it is: a table where a list is needed
		}
		column := &node{kind: table, pos: tree.pos, entries: []entry{{"name", tree.pos, &node{kind: text, pos: tree.pos, text: e.key}}}}
		list.items = append(list.items, overlay(column, e.value))
	}
	made := &node{kind: table, pos: tree.pos}
	made.set("column", tree.pos, list)
	return made
}
