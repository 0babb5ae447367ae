package config

import (
	"cmp"
	"reflect"
)

// isExport tells whether a job's tree is that of an export.
func (n *node) isExport() bool {
	kind := n.get("kind")
	return kind != nil && kind.kind == text && kind.text == "export"
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
