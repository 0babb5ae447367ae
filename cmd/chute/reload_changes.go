package main

import (
	"fmt"
	"slices"
	"strings"

	"chute/config"
)

// changes are what a reload found.
type changes struct {
	Added, Changed, Removed []string // names of jobs
	Jobs                    int
	Held                    []string       // of those that are removed, now or before
	Stranded                map[string]int // files under way of jobs that are gone, by job; those that are being loaded are among them
}

// exports notes what became of jobs that nobody watches for.
func (c *changes) exports(old, now []*config.Export) {
	named := func(name string) func(*config.Export) bool {
		return func(e *config.Export) bool { return e.Name == name }
	}
	for _, e := range old {
		if !slices.ContainsFunc(now, named(e.Name)) {
			c.Removed = append(c.Removed, e.Name)
		}
	}
	for _, e := range now {
		if i := slices.IndexFunc(old, named(e.Name)); i < 0 {
			c.Added = append(c.Added, e.Name)
		} else if old[i].Hash != e.Hash {
			c.Changed = append(c.Changed, e.Name)
		}
	}
}

// withHolds are the jobs that are gone, those that were held marked.
func (c changes) withHolds() (gone []string) {
	for _, name := range c.Removed {
		if slices.Contains(c.Held, name) {
			name += " (held)"
		}
		gone = append(gone, name)
	}
	return gone
}

// String is what a reload found, for people.
func (c changes) String() string {
	var said []string
	for _, part := range []struct {
		what  string
		names []string
	}{{"new", c.Added}, {"changed", c.Changed}, {"gone", c.withHolds()}} {
		if len(part.names) > 0 {
			said = append(said, part.what+": "+strings.Join(part.names, ", "))
		}
	}
	said = append(said, "the others are as they were")
	if len(c.Held) > 0 {
		said = append(said, "no job is called "+strings.Join(c.Held, " or ")+", and one that is would be held, until `chute release`; one that was given another name isn't held")
	}
	if len(c.Stranded) > 0 {
		said = append(said, "nobody goes on with what isn't through of "+sayStranded(c.Stranded)+": bring the job back as it was, or, of what isn't being published, `chute cancel` the runs")
	}
	return fmt.Sprintf("%s in effect; %s", count(c.Jobs, "job"), strings.Join(said, "; "))
}
