package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"chute/config"
	"chute/connectors"
	"chute/connectors/native"
	"chute/pipeline/convert"
	"chute/pipeline/reconcile"
)

// mapping joins the file's fields to the table's columns. It is made once for each file, from its header.
type mapping struct {
	columns  []convert.Column
	fields   []int // for each column that isn't constant the index of its field
	warnings []string
}

// mapColumns finds where each column comes from. What the file lacks or has too much of is the file's fault only where a header says so; a job
// that doesn't fit its table is the operator's.
func mapColumns(job *config.Job, t *reconcile.Target, header []string, vars map[string]string) (*mapping, error) {
	m := &mapping{}
	wanted := job.TargetColumns()
	if len(job.Columns) == 0 {
		wanted = columnsOfTable(job, t, header)
	}
	for _, c := range wanted {
		if err := m.add(job, t, c, header, vars); err != nil {
			return nil, err
		}
	}
	if len(m.columns) == 0 {
		return nil, &connectors.Rejection{Code: "header", Message: "None of the file's columns is known: " + quotedList(header) + "."}
	}
	m.warnExtra(job, header)
	return m, m.addLineage(t)
}

// addLineage appends the columns that tell where a row came from.
func (m *mapping) addLineage(t *reconcile.Target) error {
	if !t.Lineage.Known() {
		return nil
	}
	number, err := native.ParseType("UInt64")
	if err != nil {
		return err
	}
	m.columns = append(m.columns,
		convert.Column{Name: t.Lineage.Run, Type: number, Origin: convert.Run},
		convert.Column{Name: t.Lineage.Record, Type: number, Origin: convert.Record})
	return nil
}

// columnsOfTable is the mapping for a job without [[column]]: the header's names that the table has, or its columns in order.
func columnsOfTable(job *config.Job, t *reconcile.Target, header []string) []config.Column {
	var columns []config.Column
	for _, c := range t.Columns {
		if t.Lineage.Known() && (c.Name == t.Lineage.Run || c.Name == t.Lineage.Record) {
			continue
		}
		if header != nil && c.Default && !slices.Contains(header, c.Name) {
			continue // the table fills it
		}
		column := config.Column{Name: c.Name, Source: c.Name, OnError: "reject"}
		if header == nil {
			column.Source, column.Position = "", len(columns)+1
		}
		columns = append(columns, column)
	}
	return columns
}

func (m *mapping) add(job *config.Job, t *reconcile.Target, c config.Column, header []string, vars map[string]string) error {
	have, ok := t.Column(c.Name)
	if !ok {
		return fmt.Errorf("%s: table %s has no column %s", c.Pos, t.Table(), native.Identifier(c.Name))
	}
	column := convert.Column{
		Name: c.Name, Label: c.Name, Type: have.Type, Default: c.Default, Required: c.Required, Zone: job.Timezone.Location(), Rules: rulesOf(c),
	}
	for _, word := range slices.Concat(job.Format.Null, c.Null) {
		column.Null = append(column.Null, []byte(word))
	}
	if c.Constant != nil {
		text, err := c.Constant.Expand(now(), vars)
		if err != nil {
			return fmt.Errorf("%s: constant: %w", c.Pos, err)
		}
		column.Constant = []byte(text)
		m.columns = append(m.columns, column)
		return nil
	}
	field, label, err := fieldOf(c, header)
	if err != nil {
		return err
	}
	column.Label = label
	m.columns = append(m.columns, column)
	m.fields = append(m.fields, field)
	return nil
}

// rulesOf are a column's reading rules. What isn't said in a job without [[column]] is as usual.
func rulesOf(c config.Column) convert.Rules {
	answers := map[string]convert.Answer{
		"reject": convert.Reject, "warn": convert.Warn, "default": convert.UseDefault, "reject-file": convert.RejectFile, "keep": convert.Keep,
	}
	rules := convert.Rules{
		Trim:      map[string]convert.Side{"left": convert.TrimLeft, "right": convert.TrimRight, "both": convert.TrimBoth}[c.Trim],
		Case:      map[string]convert.Case{"upper": convert.UpperCase, "lower": convert.LowerCase, "first": convert.FirstUpper}[c.Case],
		Map:       c.Map,
		MaxLength: c.MaxLength, Pattern: c.Regexp.Expression(), Format: c.Format, Decimal: string(c.Decimal), Thousands: string(c.Thousands),
		True: c.True, False: c.False, Min: string(c.Min), Max: string(c.Max),
		MapMissing: answers[c.MapMissing], OnError: answers[c.OnError], Secret: c.Secret,
	}
	if c.Timezone != nil {
		rules.TimeZone = c.Timezone.Location()
	}
	return rules
}

// fieldOf finds a column's field, by position or by the header, and what to call it to the partner.
func fieldOf(c config.Column, header []string) (field int, label string, err error) {
	if c.Position > 0 {
		if header == nil {
			return c.Position - 1, fmt.Sprintf("#%d", c.Position), nil
		}
		if c.Position > len(header) {
			return 0, "", &connectors.Rejection{Code: "header",
				Message: fmt.Sprintf("The file's header has %d columns; a column number %d is expected.", len(header), c.Position)}
		}
		return c.Position - 1, header[c.Position-1], nil
	}
	source := c.Source
	if source == "" {
		source = c.Name
	}
	i := slices.Index(header, source)
	if i < 0 {
		return 0, "", &connectors.Rejection{Code: "header",
			Message: fmt.Sprintf("The file's header lacks the column %q; it has %s.", source, quotedList(header))}
	}
	return i, source, nil
}

// width is how many fields a record of a file without a header has: up to the last one that a column, loaded or ignored, names.
func (m *mapping) width(job *config.Job) int {
	width := 0
	for _, field := range m.fields {
		width = max(width, field+1)
	}
	for _, c := range job.Columns {
		width = max(width, c.Position)
	}
	return width
}

// warnExtra names fields that nothing is made of, unless the job ignores them by name.
func (m *mapping) warnExtra(job *config.Job, header []string) {
	used := slices.Clone(m.fields)
	for _, c := range job.Columns {
		if c.Ignore {
			if field, _, err := fieldOf(c, header); err == nil {
				used = append(used, field)
			}
		}
	}
	var extra []string
	for i, name := range header {
		if !slices.Contains(used, i) {
			extra = append(extra, name)
		}
	}
	if len(extra) > 0 {
		m.warnings = append(m.warnings, "Columns of the file that aren't loaded: "+quotedList(extra)+".")
	}
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
