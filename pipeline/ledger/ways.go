package ledger

import (
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// way is an index that a listing can be read along. All end with the start, so that behind each of the values of what the index begins with
// the newest runs come first; the range of names is the exception, and is only taken when it is short.
type way struct {
	index  string
	where  string  // on what the index begins with
	values [][]any // for where, one after the other
}

// ways are those that a filter allows, the best ones first.
func (f Filter) ways() []way {
	var all []way
	name, whole := f.File.Literals()
	if whole && !f.File.IsZero() {
		all = append(all, way{"runs_name", "name = ?", [][]any{{[]byte(name[0])}}})
	}
	if len(f.Jobs) > 0 && len(f.Statuses) > 0 {
		w := way{index: "runs_job_and_status", where: "job = ? AND status = ?"}
		for _, job := range unique(f.Jobs) {
			for _, status := range unique(f.Statuses) {
				w.values = append(w.values, []any{job, string(status)})
			}
		}
		all = append(all, w)
	}
	all = append(all, along("runs_job", "job", f.Jobs)...)
	all = append(all, along("runs_status", "status", f.Statuses)...)
	all = append(all, along("runs_store", "store", f.Stores)...)
	all = append(all, along("runs_kind", "kind", f.Kinds)...)
	if !whole && name[0] != "" {
		first, next := []byte(name[0]), []byte(name[0])
		next[len(next)-1]++ // valid UTF-8 doesn't end with 0xff
		all = append(all, way{"runs_name", "name >= ? AND name < ?", [][]any{{first, next}}})
	}
	return all
}

// along is the way for the values of one column, if there are any.
func along[T ~string](index, column string, values []T) []way {
	if len(values) == 0 {
		return nil
	}
	w := way{index: index, where: column + " = ?"}
	for _, v := range unique(values) {
		w.values = append(w.values, []any{string(v)})
	}
	return []way{w}
}

// unique are the values, each once: a run found along two ways would be listed twice.
func unique[T ~string](values []T) []T {
	return slices.Compact(slices.Sorted(slices.Values(values)))
}

// conditions are what a WHERE has, and the values bound to it.
type conditions struct {
	texts []string
	args  []any
}

func (c *conditions) add(text string, args ...any) {
	if text != "" {
		c.texts, c.args = append(c.texts, text), append(c.args, args...)
	}
}

func (c *conditions) String() string {
	if len(c.texts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.texts, " AND ")
}

// rest are all conditions of a filter. A unary + keeps a column from having a say in which index is used, and how.
func (f Filter) rest() conditions {
	var c conditions
	f.period(&c)
	oneOf(&c, "+job", f.Jobs)
	oneOf(&c, "+status", f.Statuses)
	oneOf(&c, "+store", f.Stores)
	oneOf(&c, "+kind", f.Kinds)
	if !f.File.IsZero() {
		texts, _ := f.File.Literals()
		c.add("CAST(name AS TEXT) GLOB ?", rough(texts))
	}
	return c
}

func (f Filter) period(c *conditions) {
	if !f.Since.IsZero() {
		c.add("started >= ?", bound(f.Since))
	}
	if !f.Until.IsZero() {
		c.add("started < ?", bound(f.Until))
	}
}

// bound is a moment as it is stored, or the nearest one that can be: nanoseconds reach from 1678 to 2262.
func bound(t time.Time) int64 {
	switch year := t.UTC().Year(); {
	case year < 1678:
		return math.MinInt64
	case year > 2261:
		return math.MaxInt64
	default:
		return t.UnixNano()
	}
}

func oneOf[T ~string](c *conditions, column string, values []T) {
	if len(values) == 0 {
		return
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = string(v)
	}
	c.add(column+" IN (?"+strings.Repeat(", ?", len(values)-1)+")", args...)
}

// rough makes a pattern of SQLite's that fits every name with these texts in it, in this order. Characters beyond ASCII are left out: in
// a name that isn't UTF-8 SQLite sees others than we do.
func rough(texts []string) string {
	var b strings.Builder
	for _, text := range texts {
		for i := range len(text) {
			switch c := text[i]; {
			case c == '*', c == '?', c == '[':
				b.WriteString("[" + string(c) + "]")
			case c < utf8.RuneSelf:
				b.WriteByte(c)
			case !strings.HasSuffix(b.String(), "*"):
				b.WriteByte('*')
			}
		}
		b.WriteByte('*')
	}
	return b.String()
}
