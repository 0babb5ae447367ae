// Package config is what an operator writes: chute.toml for the installation, and one TOML file for each job.
//
// The structs Chute and Job are the manual: every field's comment says what it means, in which unit, what is allowed and
// what holds when it is left out. Values have types that parse themselves (Size, Duration, Zone, Glob, Regexp, Pattern,
// Secret, TableName, Tolerance), so that whoever gets a Job gets nothing that could still be wrong.
//
// Load reads a whole configuration and finds every problem in it at once, each with its file, line, column, key and what
// would be allowed. It works in four steps: each file becomes a small tree that knows its positions, `extends` lays one
// tree over another, the tree is decoded into the structs by the tags of their fields, and the finished values are
// checked against each other.
package config

import "slices"

// Load reads chute.toml and all jobs; the exports among them are in Chute.Exports. Its error is Problems, everything that is wrong; then there is no configuration at all.
func Load(file string) (*Chute, []*Job, error) {
	l := newLoader(file)
	l.readChute()
	var jobs []loadedJob
	var exports []loadedExport
	for _, name := range l.names {
		if tree, export := l.kindOf(l.jobTree(name, nil)); export {
			exports = append(exports, l.readExport(name, tree))
		} else {
			jobs = append(jobs, l.readJob(name, tree))
		}
	}
	l.follows(exports, jobs)
	l.twins(exports)
	l.comeFirst(jobs, exports)
	checkFolders(l.chute, jobs, &l.problems)
	if err := l.problems.err(); err != nil {
		return nil, nil, err
	}
	made := make([]*Job, len(jobs))
	for i, j := range jobs {
		made[i] = j.finish()
	}
	for _, e := range exports {
		l.chute.Exports = append(l.chute.Exports, e.finish())
		e.export.Lineage = lineageIn(e.export.Table, made)
	}
	return l.chute, made, nil
}

// LoadJob reads chute.toml and one import for an occasional run. Each of set is KEY=VALUE and holds over the job's file: a dotted
// key, column.NAME.KEY for a column, and a TOML value or a text without quotes. Other jobs' mistakes don't matter here.
func LoadJob(file, name string, set []string) (*Chute, *Job, error) {
	l, tree, err := loadOne(file, name, set)
	if err != nil {
		return nil, nil, err
	}
	if tree.isExport() {
		l.problems.add(tree.at("kind"), "kind", `%q is an export, which writes files and reads none: chute export %s`, name, name)
		return nil, nil, l.problems.err()
	}
	job := l.readJob(name, tree)
	checkFolders(l.chute, []loadedJob{job}, &l.problems)
	if err := l.problems.err(); err != nil {
		return nil, nil, err
	}
	return l.chute, job.finish(), nil
}

// LoadExport is LoadJob for an export.
func LoadExport(file, name string, set []string) (*Chute, *Export, error) {
	l, tree, err := loadOne(file, name, set)
	if err != nil {
		return nil, nil, err
	}
	if kind := tree.get("kind"); !tree.isExport() && kind != nil && kind.kind == text && kind.text == "import" {
		l.problems.add(kind.pos, "kind", `%q is an import, which reads files: chute import %s FILE…`, name, name)
		return nil, nil, l.problems.err()
	}
	export := l.readExport(name, tree)
	if err := l.problems.err(); err != nil {
		return nil, nil, err
	}
	job := export.finish()
	job.Asked, job.Lineage = askedOtherwise(job, set), lineageIn(job.Table, l.imports())
	return l.chute, job, nil
}

// EffectiveJob is LoadJob for a job of either kind of which only the text is wanted: its hash, and itself after extends, as TOML.
func EffectiveJob(file, name string, set []string) (hash, effective string, err error) {
	l, tree, err := loadOne(file, name, set)
	switch {
	case err != nil:
		return "", "", err
	case tree.isExport():
		_, export, err := LoadExport(file, name, set)
		if err != nil {
			return "", "", err
		}
		return export.Hash, export.Effective, nil
	}
	_, job, err := LoadJob(l.file, name, set)
	if err != nil {
		return "", "", err
	}
	return job.Hash, job.Effective, nil
}

// loadOne reads chute.toml and the tree of one job.
func loadOne(file, name string, set []string) (*loader, *node, error) {
	l := newLoader(file)
	l.readChute()
	if len(l.problems) > 0 {
		return nil, nil, l.problems.err()
	}
	if !slices.Contains(l.names, name) {
		l.problems.add(l.tree.at("jobs.dir"), "jobs.dir", "there is no job %q in %s%s", name, l.chute.Jobs.Dir, Meant(name, l.names))
		return nil, nil, l.problems.err()
	}
	tree := l.jobTree(name, overrides(set, &l.problems))
	if judged, export := l.kindOf(tree); judged != tree {
		if export {
			l.readExport(name, judged)
		} else {
			checkFolders(l.chute, []loadedJob{l.readJob(name, judged)}, &l.problems)
		}
		return nil, nil, l.problems.err()
	}
	return l, tree, nil
}
