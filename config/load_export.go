package config

import (
	"cmp"
	"reflect"
	"slices"
)

// isExport tells whether a job's tree is that of an export.
func (n *node) isExport() bool {
	kind := n.get("kind")
	return kind != nil && kind.kind == text && kind.text == "export"
}

// oddKind tells whether the kind is none of those that there are.
func (n *node) oddKind() bool {
	kind := n.get("kind")
	return kind != nil && (kind.kind != text || kind.text != "import" && kind.text != "export")
}

// kindOf tells whether a job is an export. Where its kind can't be made out that is said, and the job's keys tell for what it is taken: then judged is its tree with
// nothing missing, so that only what is really wrong with the rest is said.
func (l *loader) kindOf(tree *node) (judged *node, export bool) {
	if kind := tree.get("kind"); !tree.damaged && kind == nil || kind != nil && l.isKind(kind) {
		return tree, tree.isExport()
	}
	guess := *tree
	guess.damaged = true
	guess.entries = slices.DeleteFunc(slices.Clone(tree.entries), func(e entry) bool { return e.key == "kind" })
	return &guess, strangers(tree, reflect.TypeFor[Export]()) < strangers(tree, reflect.TypeFor[Job]())
}

// isKind tells whether there is such a kind, and says it if there isn't. Why one couldn't be read was said.
func (l *loader) isKind(kind *node) bool {
	field, _ := reflect.TypeFor[Job]().FieldByName("Kind")
	d := decoder{problems: &l.problems}
	return kind.kind != broken && d.wants(kind, text, "kind") && d.allowed(kind, field, "kind")
}

// strangers are how many keys of a job a kind doesn't have.
func strangers(tree *node, t reflect.Type) (count int) {
	known := make(map[string]bool)
	for i := range t.NumField() {
		known[t.Field(i).Tag.Get("toml")] = true
	}
	for _, e := range tree.entries {
		if !known[e.key] {
			count++
		}
	}
	return count
}

// loadedExport is an export with the tree it came from.
type loadedExport struct {
	export *Export
	tree   *node
}

// finish adds what only an export without problems has.
func (l loadedExport) finish() *Export {
	l.export.Effective = effective(l.tree, reflect.TypeFor[Export]())
	l.export.Hash = hash(l.export.Effective)
	return l.export
}

// readExport makes an export of its tree.
func (l *loader) readExport(name string, tree *node) loadedExport {
	export := &Export{Name: name}
	decode(tree, export, &l.problems)
	check := checker{tree, &l.problems}
	check.export(export)
	l.knownStore(check, export.Store)
	check.outbox(export, l.chute.Store(export.Store))
	export.Label = cmp.Or(export.Label, name)
	export.Format.Delimiter = cmp.Or(export.Format.Delimiter, export.Format.reading().defaultDelimiter())
	if export.Format.Type == "fixed" && !check.has("format.header") {
		export.Format.Header = false
	}
	return loadedExport{export, tree}
}
