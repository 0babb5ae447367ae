package config

import (
	"path"
	"path/filepath"
	"strings"
)

// checkFolders judges the folders of all jobs together. Two jobs may share an inbox, done or rejected folder, but what is put away must
// never be where something looks for new files or keeps its own.
func checkFolders(chute *Chute, jobs []loadedJob, problems *Problems) {
	for _, l := range jobs {
		store := chute.Store(l.job.Store)
		if store == nil {
			continue
		}
		check := checker{l.tree, problems}
		check.workFolder(l.job, store)
		if l.job.Inbox == "" {
			continue
		}
		for _, other := range jobs {
			if other.job.Store == l.job.Store {
				check.inbox(l.job, other.job)
			}
		}
	}
}

// workFolder keeps a job's folders out of chute's own.
func (c checker) workFolder(j *Job, store *Store) {
	work := split(store.Work)
	if j.Inbox != "" && overlapping(split(j.Inbox), work) {
		c.bad("inbox", "is the same as, inside of, or around %q, the work folder of store %q", store.Work, store.Name)
	}
	for key, folder := range map[string]Pattern{"done": j.Done, "rejected": j.Rejected} {
		if !folder.IsZero() && overlapping(folder.segments(), work) {
			c.bad(key, "overlaps or may overlap %q, the work folder of store %q: choose another folder", store.Work, store.Name)
		}
	}
}

// inbox keeps where other puts its files away out of where j finds them.
func (c checker) inbox(j, other *Job) {
	whose := "this job"
	if other != j {
		whose = "job " + other.Name
	}
	for _, away := range []struct {
		key    string
		folder Pattern
	}{{"done", other.Done}, {"rejected", other.Rejected}} {
		if !away.folder.IsZero() && overlapping(split(j.Inbox), away.folder.segments()) {
			c.bad("inbox", "%q may be the same as, inside of, or around the %s folder of %s, %q: files put away there would arrive again", j.Inbox, away.key, whose, away.folder)
		}
	}
}

// anything stands in a segment for text that isn't known yet. It can't be in a path.
const anything = "\x00"

// split returns the parts of a clean path; none for the root of a store.
func split(folder string) []string {
	if folder = strings.Trim(filepath.ToSlash(folder), "/"); folder == "." || folder == "" {
		return nil
	}
	return strings.Split(folder, "/")
}

// segments returns the parts of the folder with anything for what is filled in later.
func (p Pattern) segments() []string { return split(path.Clean(p.shape(anything))) }

// shape returns the text with one word in place of all words and variables.
func (p Pattern) shape(word string) string {
	var b strings.Builder
	for _, piece := range p.pieces {
		if piece.kind == 't' {
			b.WriteString(piece.text)
		} else {
			b.WriteString(word)
		}
	}
	return b.String()
}

// overlapping tells whether two folders can be the same or one inside the other.
func overlapping(a, b []string) bool {
	for i := range min(len(a), len(b)) {
		if !canEqual(a[i], b[i]) {
			return false
		}
	}
	return true
}

// canEqual tells whether two segments can be the same. Two that both have unknown parts count as such: better refused once
// too often than a file that is loaded twice.
func canEqual(a, b string) bool {
	if strings.Contains(b, anything) {
		a, b = b, a
	}
	if !strings.Contains(a, anything) || strings.Contains(b, anything) {
		return a == b || strings.Contains(a, anything)
	}
	parts := strings.Split(a, anything)
	first, last := parts[0], parts[len(parts)-1]
	if len(b) < len(first)+len(last) || !strings.HasPrefix(b, first) || !strings.HasSuffix(b, last) {
		return false
	}
	if first == "" && strings.HasPrefix(b, ".") {
		return false // Expand refuses variables that make a hidden folder
	}
	rest := b[len(first) : len(b)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(rest, part)
		if at < 0 {
			return false
		}
		rest = rest[at+len(part):]
	}
	return true
}
