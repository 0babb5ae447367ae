package config

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"chute/connectors/native"
)

// job judges one job by itself.
func (c checker) job(j *Job) {
	c.required("kind", `kind = "import"`)
	c.required("store", `store = "acme"`)
	c.required("inbox", `inbox = "in"`)
	c.required("target.table", `table = "orders" under [target]`)
	c.matching(j)
	c.folders(j)
	c.claim(j)
	c.order(j)
	c.format(&j.Format)
	c.columns(j)
	c.target(j)
	c.limits(j)
}

func (c checker) matching(j *Job) {
	switch {
	case c.has("match") && c.has("match_regexp"):
		c.bad("match_regexp", "only one of match and match_regexp can be given")
	case !c.has("match") && !c.has("match_regexp") && !c.tree.damaged:
		c.bad("match", `is missing; write for example match = "*.csv", or match_regexp`)
	}
	for _, name := range j.MatchRegexp.Captures() {
		if slices.Contains(ownVariables, name) {
			c.bad("match_regexp", "the capture %s has the name of a variable that every file has", name)
		}
	}
}

// ownVariables are what every file's name gives.
var ownVariables = []string{"name", "stem", "ext"}

// variables reports variables of a pattern that no file will have.
func (c checker) variables(j *Job, p Pattern) error {
	known := append(slices.Clone(ownVariables), j.MatchRegexp.Captures()...)
	for _, name := range p.Variables() {
		if !slices.Contains(known, name) {
			return fmt.Errorf("there is no variable {%s}; there are {%s}", name, strings.Join(known, "}, {"))
		}
	}
	return nil
}

func (c checker) folders(j *Job) {
	if j.Inbox != "" {
		if err := folderProblem(j.Inbox); err != nil {
			c.bad("inbox", "%v", err)
			j.Inbox = ""
		} else if path.Clean(j.Inbox) == "." {
			c.bad("inbox", "can't be the store itself: done, rejected and the work folder would be inside of it")
			j.Inbox = ""
		}
	}
	for key, pattern := range map[string]*Pattern{"done": &j.Done, "rejected": &j.Rejected} {
		n := c.tree.get(key)
		if n == nil || n.kind != text || n.text != "" && pattern.IsZero() { // not given, or reported
			continue
		}
		if err := folderProblem(pattern.shape("x")); err != nil {
			c.bad(key, "%v", err)
			*pattern = Pattern{}
			continue
		}
		if err := c.variables(j, *pattern); err != nil && !c.broken("match_regexp") {
			c.bad(key, "%v", err)
		}
	}
}

// claim judges how an inbox is looked at and files are taken.
func (c checker) claim(j *Job) {
	if j.Poll < Duration(time.Second) {
		c.bad("poll", "must be at least 1s")
	}
	if c.has("when_done") && j.Claim != "remember" && !c.broken("claim") {
		c.bad("when_done", `is only used with claim = "remember": a claimed file always moves to done or rejected`)
	}
	if j.UnmatchedAfter > 0 && j.Claim == "remember" && j.WhenDone != "move" && !c.broken("when_done") {
		c.bad("unmatched_after", `needs when_done = "move" beside claim = "remember": as it is, a rejected file stays in its inbox`)
	}
}

func (c checker) target(j *Job) {
	t := &j.Target
	c.notEmpty("target.run_column", "target.record_column", "target.partition_by")
	c.ownColumns(j)
	c.needs("target.lineage", t.Lineage, "run_column", "record_column")
	c.needs("target.create", t.Create, "order_by", "partition_by")
	if j.Redelivery.Changed == "replace" && !t.Lineage && !c.broken("target.lineage") {
		c.bad("redelivery.changed", `"replace" needs target.lineage = true: without it nobody can tell which rows came from the earlier file`)
	}
	if !t.Create {
		return
	}
	if len(j.Columns) == 0 && !c.has("column") && !c.tree.damaged {
		c.bad("target.create", "needs [[column]] entries with name and type to make the table from")
		return
	}
	for _, name := range t.OrderBy {
		if !j.hasColumn(name) && name != "" {
			c.bad("target.order_by", "there is no [[column]] with the name %q", name)
		}
	}
}

// needs refuses keys that mean something only when another one is true.
func (c checker) needs(other string, is bool, keys ...string) {
	for _, key := range keys {
		if c.has("target."+key) && !is && !c.broken(other) {
			c.bad("target."+key, "is only used with %s = true", other)
		}
	}
}

// filled are the columns that chute fills itself, by their keys.
func (t *Target) filled() [][2]string {
	all := [][2]string{{"file_column", t.FileColumn}, {"time_column", t.TimeColumn}}
	if t.Lineage {
		all = append([][2]string{{"run_column", t.RunColumn}, {"record_column", t.RecordColumn}}, all...)
	}
	return slices.DeleteFunc(all, func(c [2]string) bool { return c[1] == "" })
}

// ownColumns finds columns that would be filled twice.
func (c checker) ownColumns(j *Job) {
	keys := map[string]string{}
	for _, own := range j.Target.filled() {
		if other, twice := keys[own[1]]; twice {
			c.bad("target."+own[0], "must be another column than %s", other)
			continue
		}
		keys[own[1]] = own[0]
	}
	for i, column := range j.Columns {
		if key, own := keys[column.Name]; own && !column.Ignore {
			c.problems.add(column.Pos, fmt.Sprintf("column[%d].name", i+1), "%s is a column that chute fills itself: see %s", column.Name, key)
		}
	}
}

func (j *Job) hasColumn(name string) bool {
	for _, own := range j.Target.filled() {
		if own[1] == name {
			return true
		}
	}
	return slices.ContainsFunc(j.Columns, func(column Column) bool { return column.Name == name && !column.Ignore })
}

func (c checker) retry(r Retry) {
	c.atLeast("retry.attempts", int64(r.Attempts), 1)
	if r.First == 0 {
		c.bad("retry.first", "must be more than nothing")
	}
	if r.Longest < r.First {
		c.bad("retry.longest", "must be at least retry.first, which is %s", r.First)
	}
}

func (c checker) limits(j *Job) {
	c.retry(j.Retry)
	c.atLeast("hold_after", int64(j.HoldAfter), 0)
	c.atLeast("batch.files", int64(j.Batch.Files), 1)
	if percent := j.Errors.MaxRejectPercent; percent < 0 || percent > 100 {
		c.bad("errors.max_reject_percent", "must be from 0 to 100")
	}
	c.atLeast("errors.stop_if_first", int64(j.Errors.StopIfFirst), 0)
	c.atLeast("errors.max_reject_details", int64(j.Errors.MaxDetails), 0)
}

func (c checker) columns(j *Job) {
	first := make(map[string]int)
	for i, column := range j.Columns {
		tree := c.tree.get("column").items[i]
		if tree.kind != table {
			continue
		}
		each := entryChecker{checker{tree, c.problems}, "column[" + strconv.Itoa(i+1) + "]", c.tree.damaged}
		each.column(j, &column)
		if column.Name == "" || column.Ignore {
			continue
		}
		if line, twice := first[column.Name]; twice {
			each.bad("name", "another column has this name already, in line %d", line)
		} else {
			first[column.Name] = column.Pos.Line
		}
	}
}

// column judges one column by itself.
func (e entryChecker) column(j *Job, column *Column) {
	var given []string
	for _, key := range []string{"source", "position", "constant"} {
		if e.has(key) {
			given = append(given, key)
		}
	}
	if len(given) > 1 {
		e.bad(given[1], "only one of source, position and constant can be given; there is %s already", given[0])
	}
	if e.has("position") && column.Position < 1 && !e.broken("position") {
		e.bad("position", "must be at least 1: the first field of a record is 1")
	}
	if column.Ignore {
		e.ignored(column, given)
		return
	}
	e.required("name", `name = "order_id", the column of the table`)
	e.notEmpty("source", "type")
	if !j.Format.Header && column.Constant == nil && !e.has("position") && !e.has("constant") {
		e.bad("position", "is missing: the file has no header (format.header = false), so columns are found by position")
	}
	if j.Target.Create && !e.has("type") && !e.damaged {
		e.bad("type", "is missing: target.create = true needs the type of every column")
	}
	if column.Type != "" {
		if _, err := native.ParseType(column.Type); err != nil {
			e.bad("type", "%v", err)
		}
	}
	e.blanks(j, column)
	e.rules(column)
}

func (e entryChecker) notEmpty(keys ...string) {
	for _, key := range keys {
		if n := e.tree.get(key); n != nil && n.kind == text && n.text == "" {
			e.bad(key, "can't be empty")
		}
	}
}

func (e entryChecker) ignored(column *Column, given []string) {
	if e.has("constant") {
		e.bad("ignore", "a constant can't be ignored: leave the entry out")
	}
	if len(given) == 0 && column.Name == "" && !e.damaged {
		e.bad("ignore", "needs the source or position of the column to ignore")
	}
}

// blanks judges what a column does with blanks, and its constant.
func (e entryChecker) blanks(j *Job, column *Column) {
	if column.Required && column.Default != nil {
		e.bad("required", "with a default no blank can be left to reject: only one of both can be given")
	}
	if column.Constant == nil {
		return
	}
	for _, key := range []string{"required", "default"} {
		if e.has(key) && (key == "default" || column.Required) {
			e.bad(key, "a constant is never blank: only one of both can be given")
		}
	}
	if err := (checker{tree: e.tree, problems: e.problems}).variables(j, *column.Constant); err != nil {
		e.bad("constant", "%v", err)
	}
}
