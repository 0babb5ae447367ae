package config

import (
	"slices"
	"strings"
)

// comeFirst reports names in the jobs' after that aren't other imports of this installation, and jobs that wait for each other.
func (l *loader) comeFirst(jobs []loadedJob, exports []loadedExport) {
	for _, j := range jobs {
		check := checker{j.tree, &l.problems}
		for i, name := range j.job.After {
			switch {
			case name == j.job.Name:
				check.bad("after", "a job can't wait for itself")
			case slices.Contains(j.job.After[:i], name):
				check.bad("after", "%q is there twice", name)
			case !slices.Contains(l.names, name):
				check.bad("after", "there is no job %q%s", name, Meant(name, l.names))
			case slices.ContainsFunc(exports, func(e loadedExport) bool { return e.export.Name == name }):
				check.bad("after", "%q is an export: only imports have files to wait for", name)
			}
		}
		if circle := waitsFor(jobs, j.job.Name, []string{j.job.Name}); circle != nil {
			check.bad("after", "goes round in a circle: %s", strings.Join(circle, " after "))
		}
	}
}

// waitsFor returns the way on which a job waits for itself through others, or nil. chain are the jobs so far.
func waitsFor(jobs []loadedJob, self string, chain []string) []string {
	i := slices.IndexFunc(jobs, func(j loadedJob) bool { return j.job.Name == chain[len(chain)-1] })
	if i < 0 {
		return nil
	}
	for _, name := range jobs[i].job.After {
		switch {
		case name == self && len(chain) > 1:
			return append(chain, name)
		case slices.Contains(chain, name): // a circle of others, or itself: said where it is
		default:
			if circle := waitsFor(jobs, self, append(slices.Clone(chain), name)); circle != nil {
				return circle
			}
		}
	}
	return nil
}
