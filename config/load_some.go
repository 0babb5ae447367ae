package config

import "errors"

// LoadSome is Load for those who can do without the jobs that can't be read: a mistake in the file of one job leaves that job out. mistakes is then what Load
// says, and chute isn't nil. Where chute.toml itself can't be read there is nothing but mistakes.
func LoadSome(file string) (chute *Chute, jobs []*Job, mistakes error) {
	chute, jobs, mistakes = Load(file)
	if _, ok := errors.AsType[Problems](mistakes); !ok {
		return chute, jobs, mistakes
	}
	all := newLoader(file)
	all.readInstallation()
	if len(all.problems) > 0 {
		return nil, nil, mistakes
	}
	all.listJobs()
	for _, name := range all.names {
		// Each by itself: what is wrong with a file that several extend is wrong with all of them.
		l := &loader{file: file, chute: all.chute, tree: all.tree, names: all.names, trees: make(map[string]*node)}
		if tree, export := l.kindOf(l.jobTree(name, nil)); export {
			if e := l.readExport(name, tree); len(l.problems) == 0 {
				all.chute.Exports = append(all.chute.Exports, e.finish())
			}
		} else if j := l.readJob(name, tree); len(l.problems) == 0 {
			jobs = append(jobs, j.finish())
		}
	}
	for _, e := range all.chute.Exports {
		e.Lineage = lineageIn(e.Table, jobs)
	}
	return all.chute, jobs, mistakes
}
