package config

import (
	"strconv"
	"strings"
)

// TargetColumns are the columns that are loaded: all but the ignored ones.
func (j *Job) TargetColumns() []Column {
	var columns []Column
	for _, c := range j.Columns {
		if !c.Ignore {
			columns = append(columns, c)
		}
	}
	return columns
}

// Returned tells whether a name says that the file holds refused records that come back, mended: orders.rejects.csv.
func (j *Job) Returned(name string) bool {
	_, ok := WithoutRejects(name)
	return ok
}

// Variables are those of a file's name for the job's patterns. A file given by hand needn't match: then it has name, stem and ext only.
func (j *Job) Variables(name string) map[string]string {
	if vars, ok := j.Matches(name); ok {
		return vars
	}
	vars := map[string]string{"name": name}
	vars["stem"], vars["ext"] = splitName(name)
	return vars
}

// Shown is a file's name for people: as it is, or, when it has bytes that aren't UTF-8 or characters that don't print, with those escaped.
func Shown(name string) string {
	quoted := strconv.Quote(name)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
