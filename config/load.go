package config

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// loader reads the files of one configuration, each once.
type loader struct {
	file     string
	chute    *Chute
	tree     *node            // of chute.toml
	names    []string         // of the jobs, sorted
	trees    map[string]*node // of job files, by job name
	problems Problems
}

// loadedJob is a job with the tree it came from, which knows positions.
type loadedJob struct {
	job  *Job
	tree *node
}

// finish adds what only a job without problems has.
func (l loadedJob) finish() *Job {
	l.job.Effective = effective(l.tree, reflect.TypeFor[Job]())
	l.job.SettleGiven = l.tree.get("settle") != nil
	l.job.Hash = hash(l.job.Effective)
	return l.job
}

func newLoader(file string) *loader {
	return &loader{file: file, chute: &Chute{}, trees: make(map[string]*node)}
}

// sizeLimit bounds a configuration file. Nobody writes a larger one by hand.
const sizeLimit = 1 << 20

// read parses a file. A file that can't be read is a problem like any other.
func (l *loader) read(file string) *node {
	data, err := os.ReadFile(file)
	if err == nil && len(data) > sizeLimit {
		err = fmt.Errorf("larger than %s", Size(sizeLimit))
	}
	if err == nil {
		return parse(file, data, &l.problems)
	}
	at := Position{File: file}
	l.problems.add(at, "", "can't be read: %v", reason(err))
	return &node{kind: table, pos: at, damaged: true}
}

// reason takes the path out of an error: the problem names it already.
func reason(err error) error {
	if inner, ok := errors.AsType[*os.PathError](err); ok {
		return inner.Err
	}
	return err
}

func (l *loader) readChute() {
	l.readInstallation()
	if len(l.tree.entries) > 0 || !l.tree.damaged {
		l.listJobs()
	}
}

// readInstallation reads chute.toml without a look at the jobs.
func (l *loader) readInstallation() {
	l.tree = l.read(l.file)
	decode(l.tree, l.chute, &l.problems)
	check := checker{l.tree, &l.problems}
	check.chute(l.chute)
	fillChute(l.chute, l.file)
}

var jobName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// listJobs finds the job files and checks their names.
func (l *loader) listJobs() {
	dir, at := l.chute.Jobs.Dir, l.tree.at("jobs.dir")
	entries, err := os.ReadDir(dir)
	if err != nil {
		l.problems.add(at, "jobs.dir", "the folder of the job files, %s, can't be read: %v", dir, reason(err))
		return
	}
	if filepath.Clean(dir) == filepath.Dir(l.file) {
		l.problems.add(at, "jobs.dir", "job files need a folder of their own: this one holds %s", filepath.Base(l.file))
		return
	}
	seen := make(map[string]string)
	for _, entry := range entries {
		name, ok := strings.CutSuffix(entry.Name(), ".toml")
		if !ok || strings.HasPrefix(name, ".") {
			continue
		}
		at := Position{File: l.jobFile(name)}
		folded := strings.ToLower(name)
		switch _, builtin := FindTemplate(folded); {
		case builtin:
			l.problems.add(at, "", "has the name of the built-in template %q, which can't be replaced: rename the file", folded)
		case !jobName.MatchString(name):
			l.problems.add(at, "", "a job's name has letters, digits, dots, dashes and underscores, at most 100, and begins with a letter or digit: rename the file")
		case seen[folded] != "":
			l.problems.add(at, "", "is the same job name as %s.toml: names that differ only in case are one name", seen[folded])
		default:
			seen[folded] = name
			l.names = append(l.names, name)
		}
	}
	slices.Sort(l.names)
}

func (l *loader) jobFile(name string) string { return filepath.Join(l.chute.Jobs.Dir, name+".toml") }

// jobTree makes a tree of a job's file, of what it extends, and of what is laid over it.
func (l *loader) jobTree(name string, above *node) *node {
	tree := l.resolve(name, nil)
	if above != nil {
		tree = overlay(tree, above)
		tree.pos = Position{l.jobFile(name), 1, 1}
	}
	return tree
}

// readJob makes an import of its tree.
func (l *loader) readJob(name string, tree *node) loadedJob {
	job := &Job{Name: name}
	decode(tree, job, &l.problems)
	check := checker{tree, &l.problems}
	check.job(job)
	l.knownStore(check, job.Store)
	fillJob(job)
	return loadedJob{job, tree}
}

// knownStore reports a job's store that isn't in chute.toml.
func (l *loader) knownStore(check checker, name string) {
	if name == "" || l.chute.Store(name) != nil || (checker{l.tree, &l.problems}).broken("store") {
		return
	}
	var names []string
	for _, store := range l.chute.Stores {
		names = append(names, store.Name)
	}
	check.bad("store", "there is no store %q in %s%s", name, l.file, Meant(name, names))
}

// resolve returns the tree of a job, laid over that of what it extends. chain are the jobs on the way to this one.
func (l *loader) resolve(name string, chain []string) *node {
	tree, ok := l.trees[name]
	if !ok {
		tree = l.read(l.jobFile(name))
		l.trees[name] = tree
	}
	extends := tree.get("extends")
	if extends == nil {
		return tree
	}
	var base *node
	if extends.kind == text {
		base = l.base(extends, append(slices.Clone(chain), name))
	}
	if base != nil && tree.get("kind") != nil && base.isExport() != tree.isExport() && !tree.oddKind() && !base.oddKind() {
		l.problems.add(extends.pos, "extends", "%q is a job of the other kind: their keys aren't the same", extends.text)
		base = nil
	}
	if base == nil {
		damaged := *tree
		damaged.damaged = true // what is missing here may be in what wasn't found
		return &damaged
	}
	return overlay(base, tree)
}

func (l *loader) base(extends *node, chain []string) *node {
	name := extends.text
	if template, ok := FindTemplate(name); ok {
		return parse("template "+template.Name, []byte(template.Text), &l.problems)
	}
	switch {
	case name == chain[len(chain)-1]:
		l.problems.add(extends.pos, "extends", "a job can't extend itself")
	case slices.Contains(chain, name):
		l.problems.add(extends.pos, "extends", "goes round in a circle: %s", strings.Join(append(chain, name), " extends "))
	case !slices.Contains(l.names, name):
		known := slices.Clone(l.names)
		for _, template := range Templates() {
			known = append(known, template.Name)
		}
		l.problems.add(extends.pos, "extends", "there is no template and no job %q%s", name, Meant(name, known))
	default:
		return l.resolve(name, chain)
	}
	return nil
}

// Meant ends a message about an unknown name: with the known one that is most like it, or with "".
func Meant(name string, known []string) string {
	if near := suggest(name, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// fillChute fills in the defaults that depend on other values.
func fillChute(c *Chute, file string) {
	if !filepath.IsAbs(c.Jobs.Dir) {
		c.Jobs.Dir = filepath.Join(filepath.Dir(file), c.Jobs.Dir)
	}
	if c.Database.Engine == "chdb" {
		c.Database.Path = cmp.Or(c.Database.Path, filepath.Join(c.State.Dir, "chdb"))
	}
}

// fillJob fills in the defaults that depend on other values.
func fillJob(j *Job) {
	j.Label = cmp.Or(j.Label, j.Name)
	j.WhenDone = cmp.Or(j.WhenDone, map[string]string{"remember": "leave"}[j.Claim], "move")
	if j.Inbox != "" {
		j.Inbox = path.Clean(j.Inbox)
		j.Done = beside(j.Inbox, "done", j.Done)
		j.Rejected = beside(j.Inbox, "rejected", j.Rejected)
	}
	if f := &j.Format; f.Delimiter == "" {
		f.Delimiter = f.defaultDelimiter()
	}
	for i := range j.Columns {
		c := &j.Columns[i]
		if c.Source == "" && c.Position == 0 && c.Constant == nil {
			c.Source = c.Name
		}
	}
}

// Folders are those that files of an inbox end in. A default is beside the inbox that they came from, which isn't the job's own any more when that was changed while they were under way: what was
// one partner's never goes to another.
func (j *Job) Folders(inbox string) (done, rejected Pattern) {
	own := func(name string, given Pattern) Pattern {
		if given.beside {
			return beside(inbox, name, Pattern{})
		}
		return given
	}
	return own("done", j.Done), own("rejected", j.Rejected)
}

// beside returns the pattern of a folder, or, when there is none, of one of that name beside the inbox.
func beside(inbox, name string, given Pattern) Pattern {
	if !given.IsZero() {
		return given
	}
	folder := path.Join(path.Dir(inbox), name)
	pattern := strings.NewReplacer("%", "%%", "{", "{{", "}", "}}").Replace(folder)
	if err := given.compile(pattern, false); err != nil {
		panic(err) // unreachable: everything that has a meaning was doubled
	}
	given.beside = true
	return given
}
