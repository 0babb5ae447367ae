package config

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// exportVariables are what the name of an exported file may hold.
var exportVariables = []string{"seq", "job"}

// splitVariables are what it may hold besides, where there are several files.
var splitVariables = []string{"part", "value"}

// export judges one export by itself.
func (c checker) export(e *Export) {
	c.required("store", `store = "acme"`)
	c.required("outbox", `outbox = "out"`)
	c.required("file", `file = "stock_%Y%m%d_{seq}.csv"`)
	c.exportSource(e)
	c.parameters(e)
	c.exportNames(e)
	c.exportSplit(e)
	c.splitNames(e)
	c.exportRows(e)
	c.exportSchedule(e)
	c.exportWatermark(e)
	c.retry(e.Retry)
	c.exportFormat(&e.Format)
	c.lines(e)
	c.exportColumns(e)
	c.exportGroups(e)
}

// exportSource judges what is exported.
func (c checker) exportSource(e *Export) {
	switch {
	case c.has("query") && c.has("table"):
		c.bad("table", "only one of query and table can be given")
	case !c.has("query") && !c.has("table") && !c.tree.damaged:
		c.bad("query", `is missing; write for example query = "SELECT …", or table = "sales.orders"`)
	case c.has("query"):
		for _, key := range []string{"columns", "filter", "order_by", "group_by", "distinct", "limit"} {
			if c.has(key) {
				c.bad(key, "is only used with table: a query says such things itself")
			}
		}
	}
	c.given("query", "table", "filter")
	if n := c.tree.get("columns"); n != nil && n.kind == array && len(n.items) == 0 {
		c.bad("columns", "can't be empty; leave the key out for all columns")
	}
	for i, name := range e.Columns {
		if name == "" || slices.Contains(e.Columns[:i], name) {
			c.bad("columns", "%q is there twice, or empty", name)
		}
	}
	for _, text := range e.OrderBy {
		if SortColumn(text).Name == "" {
			c.bad("order_by", `%q isn't a column's name, with DESC behind it or not`, text)
		}
	}
	c.atLeast("limit", int64(e.Limit), 0)
}

// given reports keys that are given and empty though they have no default.
func (c checker) given(keys ...string) {
	for _, key := range keys {
		if n := c.tree.find(key); n != nil && n.kind == text && strings.TrimSpace(n.text) == "" && !c.broken(key) {
			c.bad(key, "can't be empty")
		}
	}
}

// Sorting is one column to sort by.
type Sorting struct {
	Name string
	Desc bool
}

// SortColumn takes a text of order_by apart: a column's name, and perhaps DESC or ASC behind it.
func SortColumn(text string) Sorting {
	name, word := strings.TrimSpace(text), ""
	if at := strings.LastIndexByte(name, ' '); at > 0 {
		word = strings.ToUpper(name[at+1:])
	}
	if word == "ASC" || word == "DESC" {
		name = strings.TrimSpace(name[:len(name)-len(word)])
	}
	return Sorting{name, word == "DESC"}
}

// exportNames judges where files go and what they are called.
func (c checker) exportNames(e *Export) {
	if n := c.tree.get("outbox"); n != nil && n.kind == text && !e.Outbox.IsZero() {
		if err := folderProblem(e.Outbox.shape("x")); err != nil {
			c.bad("outbox", "%v", err)
			e.Outbox = Pattern{}
		} else if len(e.Outbox.Variables()) > 0 {
			c.bad("outbox", "there are no variables in it; it may hold %%Y, %%m, %%d, %%H, %%M, %%S, %%j, %%y")
		}
	}
	variables := exportVariables
	if !e.Split.IsZero() {
		variables = append(slices.Clone(variables), splitVariables...)
	}
	c.exportName("file", e.File, e, variables)
}

// exportName judges what a file, or several together, are called.
func (c checker) exportName(key string, name Pattern, e *Export, variables []string) {
	if !c.has(key) || c.broken(key) || name.IsZero() {
		return
	}
	values := maps.Clone(e.Parameters)
	if values == nil {
		values = map[string]string{}
	}
	known := append(slices.Clone(variables), slices.Sorted(maps.Keys(e.Parameters))...)
	for _, variable := range variables {
		values[variable] = "1"
	}
	for _, used := range name.Variables() {
		if !slices.Contains(known, used) {
			if slices.Contains(splitVariables, used) && e.Split.IsZero() {
				c.bad(key, "{%s} is for several files, and there is no split; there are {%s}", used, strings.Join(known, "}, {"))
			} else {
				c.bad(key, "there is no variable {%s}; there are {%s}", used, strings.Join(known, "}, {"))
			}
			values[used] = "1"
		}
	}
	made, err := name.Expand(time.Unix(0, 0).UTC(), values)
	if err == nil || strings.Contains(name.shape("1"), "/") {
		err = DeliveredName(cmp.Or(made, name.shape("1")))
	}
	if err != nil {
		c.bad(key, "%v", err)
	}
}

func (c checker) exportRows(e *Export) {
	c.atLeast("min_rows", int64(e.MinRows), 0)
	c.atLeast("max_rows", int64(e.MaxRows), 0)
	if e.MaxRows > 0 && e.MaxRows < e.MinRows {
		c.bad("max_rows", "must be at least min_rows, which is %d", e.MinRows)
	}
	if e.Limit > 0 && e.MinRows > e.Limit {
		c.bad("min_rows", "can't be more than limit, which is %d", e.Limit)
	}
	if e.MinRows > 0 && c.has("empty_result") && e.Empty == "write" && !c.broken("empty_result") {
		c.bad("empty_result", `"write" delivers a file without rows, and min_rows = %d forbids it: leave one of them out`, e.MinRows)
	}
}

func (c checker) exportFormat(f *ExportFormat) {
	charset, err := FindCharset(f.Encoding)
	if err != nil {
		c.bad("format.encoding", "%v", err)
		charset = unicodes["utf-8"]
	}
	if f.BOM && charset.Unit == 0 && charset.Name != "UTF-8" {
		c.bad("format.bom", "%s has no byte order mark", charset.Name)
	}
	c.formatKeys(f)
	if f.Type != "fixed" && !f.Delimited() && err == nil && charset.Name != "UTF-8" {
		c.bad("format.encoding", "%s is always UTF-8", f.Type)
	}
	c.otherFormats(f)
	if !f.Delimited() {
		return
	}
	s := signs{checker: c, charset: charset}
	reading := f.reading()
	s.quote(reading, s.delimiters(reading))
	switch {
	case strings.ContainsAny(f.Null, "\r\n") || f.Quote != "" && strings.Contains(f.Null, f.Quote):
		c.bad("format.null", "can't hold a line end or the quote")
	case f.Null != "" && strings.Contains(f.Null, cmp.Or(f.Delimiter, reading.defaultDelimiter())):
		c.bad("format.null", "can't hold the delimiter")
	case f.Quote == "" && f.Quoting != "needed" && c.has("format.quoting"):
		c.bad("format.quoting", `needs a quote, and there is none (format.quote = "")`)
	case f.Quote == "" && f.Escape != "double" && c.has("format.escape"):
		c.bad("format.escape", `needs a quote, and there is none (format.quote = "")`)
	}
}

// outbox keeps exports out of chute's own folder.
func (c checker) outbox(e *Export, store *Store) {
	if store != nil && !e.Outbox.IsZero() && overlapping(split(path.Clean(e.Outbox.shape(anything))), split(store.Work)) {
		c.bad("outbox", "overlaps or may overlap %q, the work folder of store %q: choose another folder", store.Work, store.Name)
	}
}
