package pipeline

import (
	"fmt"
	"slices"

	"chute/config"
	"chute/connectors"
	"chute/connectors/native"
	"chute/pipeline/convert"
	"chute/pipeline/ledger"
	"chute/pipeline/reconcile"
)

// mapping joins the file's fields to the table's columns. It is made once for each file, from its header.
type mapping struct {
	columns  []convert.Column
	fields   []int // for each column that isn't constant the index of its field
	warnings []headerWarning
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
	if err := m.judgeHeader(job, wanted, header); err != nil {
		return nil, err
	}
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
		if t.Lineage.Known() && (c.Name == t.Lineage.Run || c.Name == t.Lineage.Record) || c.Name == job.Target.FileColumn || c.Name == job.Target.TimeColumn {
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
	column := columnOf(job, c, t, have.Type)
	if c.Constant != nil {
		text, err := c.Constant.Expand(now(), vars)
		if err != nil {
			return fmt.Errorf("%s: constant: %w", c.Pos, err)
		}
		column.Constant = []byte(text)
		if err := checkConstant(c, column); err != nil {
			return err
		}
		m.columns = append(m.columns, column)
		return nil
	}
	field, label, missing, err := fieldOf(c, header)
	if err != nil {
		return err
	}
	if missing != nil {
		return m.absent(job, column, missing)
	}
	column.Label = label
	m.columns = append(m.columns, column)
	m.fields = append(m.fields, field)
	return nil
}

// columnOf is a column as it is read into one of the table's of that type.
func columnOf(job *config.Job, c config.Column, t *reconcile.Target, typ *native.Type) convert.Column {
	column := convert.Column{
		Name: c.Name, Label: c.Name, Type: typ, Default: c.Default, Required: c.Required, Zone: job.Timezone.Location(),
		EarlyDates: !t.LateDates, Rules: rulesOf(c),
	}
	for _, word := range slices.Concat(job.Format.Null, c.Null) {
		column.Null = append(column.Null, []byte(word))
	}
	return column
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

// checkConstant rejects a file when a constant that is made of its name doesn't fit the column. One that is the same for all files is the
// operator's to mend.
func checkConstant(c config.Column, column convert.Column) error {
	if len(c.Constant.Variables()) == 0 {
		return nil
	}
	valueless := column
	valueless.Constant = nil
	if _, err := convert.Compile([]convert.Column{valueless}); err != nil {
		return nil // whatever the name says: it comes up again when all columns are compiled
	}
	if _, err := convert.Compile([]convert.Column{column}); err != nil {
		return &connectors.Rejection{Code: "name",
			Message: fmt.Sprintf("The file's name says %.60q, which isn't a value that is expected there.", column.Constant)}
	}
	return nil
}

// origin is a column that says in words where a row came from.
type origin struct{ name, text string }

func origins(job *config.Job, run ledger.Run) (wanted []origin) {
	for _, o := range []origin{
		{job.Target.FileColumn, run.File.Name},
		{job.Target.TimeColumn, run.Started.UTC().Format("2006-01-02 15:04:05Z")},
	} {
		if o.name != "" {
			wanted = append(wanted, o)
		}
	}
	return wanted
}

// addOrigin appends the columns that say in words where a row came from, as far as the job names any.
func (m *mapping) addOrigin(job *config.Job, t *reconcile.Target, run ledger.Run) error {
	for _, c := range origins(job, run) {
		have, ok := t.Column(c.name)
		if !ok {
			return fmt.Errorf("table %s has no column %s, which the job wants for the file's name or the time of its run", t.Table(), native.Identifier(c.name))
		}
		m.columns = append(m.columns, convert.Column{Name: c.name, Type: have.Type, Constant: []byte(c.text)})
	}
	return nil
}
