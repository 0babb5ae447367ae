package config

import (
	"maps"
	"regexp"
	"slices"
)

// sqlPlaces matches texts, quoted names and comments of SQL, in which there are no places, and {name} and the beginning of {name:Type}.
var sqlPlaces = regexp.MustCompile("(?s)'(?:[^'\\\\]|\\\\.)*'|\"(?:[^\"\\\\]|\\\\.)*\"|`(?:[^`\\\\]|\\\\.)*`|--[^\n]*|/\\*.*?\\*/|\\{\\s*([A-Za-z_][A-Za-z0-9_]*)\\s*[:}]")

// asks are the names that have a place in the job's question.
func (e *Export) asks() (names []string) {
	for _, sql := range append([]string{e.Query, e.Filter}, e.expressions()...) {
		for _, found := range sqlPlaces.FindAllStringSubmatch(sql, -1) {
			if found[1] != "" {
				names = append(names, found[1])
			}
		}
	}
	return names
}

func (e *Export) expressions() (all []string) {
	for _, c := range e.Column {
		all = append(all, c.Expression)
	}
	return all
}

// named are the variables in names and lines of the job's files.
func (e *Export) named() []string {
	names := append(e.File.Variables(), e.Split.Name.Variables()...)
	for _, l := range append(slices.Clone(e.Format.Top), e.Format.Bottom...) {
		for _, p := range l.pieces {
			names = append(names, p.Variable)
		}
	}
	return names
}

// parameters judges what parameters are called, and whether there is a place for them.
func (c checker) parameters(e *Export) {
	places := append(e.asks(), e.named()...)
	given := slices.Sorted(maps.Keys(e.Parameters))
	inNames := e.named()
	unclear := slices.ContainsFunc([]string{"query", "filter", "file", "split", "split.name", "format", "format.top", "format.bottom", "column"}, func(key string) bool {
		return c.has(key) && c.broken(key)
	})
	own := []string{"since", "until", "runs", "seq", "job", "part", "value", "rows", "sum", "file"}
	for _, name := range given {
		switch {
		case slices.Contains(own, name):
			c.bad("parameters."+name, "is a variable of its own: choose another name")
		case !variableName(name):
			c.bad("parameters."+name, "must be called with letters, digits and _, to stand in braces")
		case e.Parameters[name] == "" && slices.Contains(inNames, name) && c.tree.at("parameters."+name).File == overrideFile:
			c.bad("parameters."+name, "is empty, and stands in a name; a shell variable without a value, perhaps")
		case !unclear && !c.tree.damaged && !slices.Contains(places, name):
			meant := ""
			others := slices.DeleteFunc(append(slices.Clone(places), given...), func(other string) bool { return other == name || slices.Contains(own, other) })
			if near := suggest(name, others); near != "" {
				meant = "; did you mean " + near + "?"
			}
			c.bad("parameters."+name, "has no place: nothing in the question is {%s:TYPE}, and no name or line has {%s}%s", name, name, meant)
		}
	}
}
