package pipeline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"chute/config"
	"chute/connectors"
	"chute/pipeline/convert"
)

// headerWarning is something odd about a header that the job lets pass.
type headerWarning struct{ Code, Text string }

// headerRejection says what is wrong with the file's header.
func headerRejection(format string, args ...any) *connectors.Rejection {
	return &connectors.Rejection{Code: "header", Message: fmt.Sprintf(format, args...)}
}

// strictly follows a policy of strict_header.
func (m *mapping) strictly(policy string, w headerWarning) error {
	switch policy {
	case "reject":
		return headerRejection("%s", w.Text)
	case "warn":
		m.warnings = append(m.warnings, w)
	}
	return nil
}

// judgeHeader looks at what no column asks for, and at the order.
func (m *mapping) judgeHeader(job *config.Job, wanted []config.Column, header []string) error {
	if header == nil {
		return nil
	}
	strict := job.Format.StrictHeader
	ignored := ignoredFields(job, header)
	m.warnTwins(header, ignored)
	if extra := m.extra(header, ignored); len(extra) > 0 {
		odd := headerWarning{Code: "extra_columns", Text: "Columns of the file that aren't loaded: " + quotedList(extra) + "."}
		if err := m.strictly(cmp.Or(strict.Extra, "warn"), odd); err != nil {
			return err
		}
	}
	if before, after := reordered(job, wanted, header); after != "" {
		text := fmt.Sprintf("The file's columns are in another order than agreed: %.60q comes before %.60q.", after, before)
		return m.strictly(cmp.Or(strict.Reordered, "accept"), headerWarning{Code: "reordered_columns", Text: text})
	}
	return nil
}

// ignoredFields are the fields that the job ignores, by their names or positions.
func ignoredFields(job *config.Job, header []string) map[int]bool {
	ignored := map[int]bool{}
	for _, c := range job.Columns {
		if !c.Ignore {
			continue
		}
		for i, name := range header {
			if c.Position == i+1 || c.Position == 0 && name == sourceOf(c) {
				ignored[i] = true
			}
		}
	}
	return ignored
}

// warnTwins names columns that have the same name. One that was asked for by its name has rejected the file already.
func (m *mapping) warnTwins(header []string, ignored map[int]bool) {
	first := map[string]int{}
	var twins []string
	for i, name := range header {
		if _, twice := first[name]; !twice {
			first[name] = i
		} else if !ignored[i] && !slices.Contains(twins, name) {
			twins = append(twins, name)
		}
	}
	if len(twins) > 0 {
		m.warnings = append(m.warnings, headerWarning{Code: "duplicate_columns", Text: "Names that several columns of the file have: " + quotedList(twins) + "."})
	}
}

// extra are the names of fields that nothing is made of.
func (m *mapping) extra(header []string, ignored map[int]bool) (names []string) {
	used := map[int]bool{}
	for _, i := range m.fields {
		used[i] = true
	}
	for i, name := range header {
		if !used[i] && !ignored[i] {
			names = append(names, name)
		}
	}
	return names
}

// reordered returns two neighbours among the columns that are found by name which the file has the other way round.
func reordered(job *config.Job, wanted []config.Column, header []string) (before, after string) {
	if len(job.Columns) > 0 {
		wanted = job.Columns
	}
	place := map[string]int{}
	for i, name := range header {
		place[name] = i
	}
	last := ""
	for _, c := range wanted {
		at, ok := place[sourceOf(c)]
		if c.Position > 0 || c.Constant != nil || !ok {
			continue
		}
		if last != "" && at < place[last] {
			return last, sourceOf(c)
		}
		last = sourceOf(c)
	}
	return "", ""
}

// sourceOf is the name that the header should have for a column.
func sourceOf(c config.Column) string { return cmp.Or(c.Source, c.Name) }

// absent says that a column isn't in the file, where strict_header lets that pass. It gets its default from the job; without one it isn't inserted and
// gets the table's.
func (m *mapping) absent(job *config.Job, column convert.Column, missing *connectors.Rejection) error {
	policy := cmp.Or(job.Format.StrictHeader.Missing, "reject")
	if column.Required && column.Default == nil {
		policy = "reject"
	}
	if err := m.strictly(policy, headerWarning{Code: "missing_columns", Text: missing.Message}); err != nil {
		return err
	}
	if column.Default != nil {
		column.Constant = []byte{}
		m.columns = append(m.columns, column)
	}
	return nil
}

// fieldOf finds a column's field, by position or by the header, and what to call it to the partner. No field is found for a column that the header lacks.
func fieldOf(c config.Column, header []string) (field int, label string, missing *connectors.Rejection, err error) {
	if c.Position > 0 {
		switch {
		case header == nil:
			return c.Position - 1, fmt.Sprintf("#%d", c.Position), nil, nil
		case c.Position > len(header):
			missing = headerRejection("The file's header has %d columns; a column number %d is expected.", len(header), c.Position)
			return 0, "", missing, nil
		}
		return c.Position - 1, header[c.Position-1], nil, nil
	}
	source := sourceOf(c)
	i := slices.Index(header, source)
	if i < 0 {
		return 0, "", headerRejection("The file's header lacks the column %q; it has %s.", source, quotedList(header)), nil
	}
	if again := slices.Index(header[i+1:], source); again >= 0 {
		return 0, "", nil, headerRejection("The header has the name %.60q twice, for columns %d and %d.", source, i+1, i+again+2)
	}
	return i, source, nil, nil
}

// quotedList prints names for a person; at most twenty, so that a file can't fill a log with its header.
func quotedList(names []string) string {
	const most = 20
	var quoted []string
	for i, name := range names {
		if i == most {
			quoted = append(quoted, fmt.Sprintf("and %d more", len(names)-most))
			break
		}
		quoted = append(quoted, fmt.Sprintf("%.60q", name))
	}
	if len(quoted) == 0 {
		return "none"
	}
	return strings.Join(quoted, ", ")
}
