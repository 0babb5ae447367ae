package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// sameWords is why two words can't be the same.
const sameWords = "is the same word as true: who reads the file couldn't tell them apart"

// ExportColumn says how a column is written where that isn't as its type is.
type ExportColumn struct {
	// Name is the column of the answer. Required.
	Name string `toml:"name"`
	// Expression is, with Table, the SQL expression that the column is made of: "sum(qty)". The column must be one of Columns. Default: the table's column of that name.
	Expression string `toml:"expression"`
	// Format is how its dates and times are written, in strftime words as imports read them: "%d.%m.%Y %H:%M". Default: format.date_format or format.time_format.
	Format TimeFormat `toml:"format"`
	// Decimal is the character before the fraction of its numbers. Default: format.decimal.
	Decimal Separator `toml:"decimal"`
	// Thousands is the character between groups of three digits of its numbers. Default: format.thousands.
	Thousands Separator `toml:"thousands"`
	// Decimals is how many digits the fraction of its numbers has, from 0 to 76: zeros are added, or left out at the end; other digits never are. -1: as they come. Default -1.
	Decimals int `toml:"decimals" default:"-1"`
	// True is the word for true of a Bool; it needs False. Default: format.true.
	True string `toml:"true"`
	// False is the word for false; it needs True. Default: format.false.
	False string `toml:"false"`
	// Labels are texts to write instead of values: of enums, texts, whole numbers and Bool. Default: none.
	Labels map[string]string `toml:"labels"`
	// Unlabelled is what a value does that Labels lacks: "keep" (default) writes it as it is, "fail" fails the run.
	Unlabelled string   `toml:"unlabelled" default:"keep" oneof:"keep,fail"`
	Pos        Position `toml:"-"`
}

// exportColumns judges how single columns are written.
func (c checker) exportColumns(e *Export) {
	f := &e.Format
	c.separators("format.decimal", "format.thousands", string(f.Decimal), string(f.Thousands))
	c.together("format.true", "format.false")
	if e.Format.True != "" && e.Format.True == e.Format.False {
		c.bad("format.false", sameWords)
	}
	if f.DateFormat.Has("HIMSfpzZs") {
		c.bad("format.date_format", "is for days, and has words for a time of day: format.time_format has those")
	}
	first := map[string]int{}
	for i, column := range e.Column {
		tree := c.tree.get("column").items[i]
		if tree.kind != table {
			continue
		}
		each := entryChecker{checker{tree, c.problems}, "column[" + strconv.Itoa(i+1) + "]", c.tree.damaged}
		each.exported(f, &column)
		switch {
		case each.has("expression") && strings.TrimSpace(column.Expression) == "":
			each.bad("expression", "can't be empty")
		case column.Expression != "" && e.Query != "":
			each.bad("expression", "is only used with table: a query says such things itself")
		case column.Expression != "" && !slices.Contains(e.Columns, column.Name):
			each.bad("expression", "the column must be one of columns, to have its place among them")
		}
		if line, twice := first[column.Name]; twice {
			each.bad("name", "another entry is for this column already, in line %d", line)
		}
		first[column.Name] = column.Pos.Line
	}
}

// exported judges one entry by itself.
func (e entryChecker) exported(f *ExportFormat, c *ExportColumn) {
	e.required("name", `name = "price", a column of the answer`)
	if e.has("decimal") && c.Decimal == "" && !e.broken("decimal") {
		e.bad("decimal", `can't be empty; write for example decimal = ","`)
	}
	if point := cmp.Or(c.Decimal, f.Decimal); c.Thousands != "" && c.Thousands == point {
		e.bad("thousands", "must be another character than decimal, which is %q", string(point))
	}
	if c.Decimals < -1 || c.Decimals > 76 {
		e.bad("decimals", "must be from 0 to 76, or -1")
	}
	if e.has("true") != e.has("false") {
		key, other := "true", "false"
		if !e.has(key) {
			key, other = other, key
		}
		e.bad(key, "needs %s as well", other)
	} else if c.True != "" && c.True == c.False {
		e.bad("false", sameWords)
	}
	if e.has("unlabelled") && !e.has("labels") {
		e.bad("unlabelled", "says something about values that labels lacks, but there is no labels")
	}
	for _, key := range []string{"format", "decimal", "thousands", "decimals", "true", "false", "labels"} {
		inJSON := key == "format" || key == "decimals" || key == "labels"
		if e.has(key) && (f.Binary() || f.JSON() && !inJSON) {
			e.bad(key, "isn't for format.type = %q, which has types of its own", f.Type)
		}
	}
}

// separators judges characters in numbers.
func (c checker) separators(decimal, thousands, point, group string) {
	if c.has(decimal) && point == "" && !c.broken(decimal) {
		c.bad(decimal, `can't be empty; write for example decimal = ","`)
	}
	if group != "" && group == point {
		c.bad(thousands, "must be another character than decimal, which is %q", point)
	}
}

// together reports one of two keys without the other.
func (c checker) together(a, b string) {
	if c.has(a) && !c.has(b) {
		c.bad(a, "needs %s as well", b)
	}
	if c.has(b) && !c.has(a) {
		c.bad(b, "needs %s as well", a)
	}
}

// computed tells whether a column of the job is made of an expression.
func (e *Export) computed(name string) bool { return e.Expression(name) != "" }

// Expression is what a column of the job's table is made of; "": it is one itself.
func (e *Export) Expression(name string) string {
	for _, c := range e.Column {
		if c.Name == name {
			return c.Expression
		}
	}
	return ""
}

// exportGroups judges group_by.
func (c checker) exportGroups(e *Export) {
	if len(e.GroupBy) == 0 {
		return
	}
	if len(e.Columns) == 0 && !c.broken("columns") {
		c.bad("group_by", "needs columns: those of group_by, and others that have an expression in their [[column]]")
	}
	for i, name := range e.GroupBy {
		if name == "" || slices.Contains(e.GroupBy[:i], name) {
			c.bad("group_by", "%q is there twice, or empty", name)
		}
	}
	for _, name := range e.Columns {
		if !slices.Contains(e.GroupBy, name) && !e.computed(name) {
			c.bad("columns", "%q is neither in group_by nor has it an expression in its [[column]]: which of a group's values is meant?", name)
		}
	}
}
