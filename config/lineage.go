package config

import "slices"

// lineageIn are the columns in which imports keep run and record in a table. Those that they have by default are always among them: the import may be gone, or
// another installation's.
func lineageIn(table TableName, imports []*Job) []string {
	names := []string{"_chute_run", "_chute_record"}
	for _, j := range imports {
		t := &j.Target
		same := t.Table.Database == table.Database || t.Table.Database == "" || table.Database == "" // "" is the default, which may be the other's
		if t.Lineage && t.Table.Table == table.Table && same {
			names = append(names, t.RunColumn, t.RecordColumn)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// imports are all jobs that read files, as far as they can be understood: their mistakes are theirs.
func (l *loader) imports() (jobs []*Job) {
	for _, name := range l.names {
		other := &loader{file: l.file, chute: l.chute, tree: l.tree, names: l.names, trees: make(map[string]*node)}
		if tree := other.jobTree(name, nil); !tree.isExport() {
			jobs = append(jobs, other.readJob(name, tree).job)
		}
	}
	return jobs
}
