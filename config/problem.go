package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Position is a place in a configuration file. Line and Column count from 1, the column in bytes; 0 means the whole file.
type Position struct {
	File         string
	Line, Column int
}

func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Problem is one thing that is wrong with the configuration.
type Problem struct {
	Position
	Key     string // dotted: "format.delimiter", "column[2].type"; empty when no key is meant
	Message string // what is wrong and what would be right
}

func (p Problem) String() string {
	if p.Key == "" {
		return p.Position.String() + ": " + p.Message
	}
	return p.Position.String() + ": " + p.Key + ": " + p.Message
}

// Problems is everything that is wrong with a configuration, as one error. It is sorted by file and position and never
// says the same twice.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// add is how every check reports.
func (ps *Problems) add(at Position, key, format string, args ...any) {
	*ps = append(*ps, Problem{Position: at, Key: key, Message: fmt.Sprintf(format, args...)})
}

// err sorts, drops what was said twice (a shared parent is decoded once for each job that extends it), and returns nil
// when nothing is wrong.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Key, b.Key), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(ps)
}
