package pipeline

import (
	"cmp"
	"slices"

	"chute/config"
	"chute/connectors/native"
	"chute/pipeline/convert"
	"chute/pipeline/format"
)

// writings are how the columns of an answer are written: as [[column]] says, or else the format.
func (ex *Exporter) writings(columns []native.Column) ([]convert.Writing, error) {
	f := &ex.Job.Format
	how := make([]convert.Writing, len(columns))
	for i, c := range columns {
		how[i] = convert.Writing{Decimal: string(f.Decimal), Thousands: string(f.Thousands), Decimals: -1, True: f.True, False: f.False, Format: f.TimeFormat}
		if kind := c.Type.Plain().Base().Kind; kind == native.Date || kind == native.Date32 {
			how[i].Format = f.DateFormat
		}
	}
	for _, own := range ex.Job.Column {
		at := slices.IndexFunc(columns, func(c native.Column) bool { return c.Name == own.Name })
		if at < 0 {
			return nil, refuse("columns", "[[column]]: the answer has no column %q", own.Name)
		}
		if key, what := misplaced(&own, columns[at].Type); key != "" {
			return nil, refuse("type", "[[column]] %q: %s is for %s, and the column is %s", own.Name, key, what, columns[at].Type)
		}
		w := &how[at]
		w.Decimal, w.Thousands = cmp.Or(string(own.Decimal), w.Decimal), cmp.Or(string(own.Thousands), w.Thousands)
		w.Decimals, w.Labels, w.Unlabelled = own.Decimals, own.Labels, own.Unlabelled
		if own.True+own.False != "" {
			w.True, w.False = own.True, own.False
		}
		if !own.Format.IsZero() {
			w.Format = own.Format
		}
	}
	return how, nil
}

// misplaced finds a key that a type has no use for. What labels are for is judged with their values.
func misplaced(c *config.ExportColumn, t *native.Type) (key, what string) {
	inner := t.Plain().Base()
	number := format.IsNumber(inner)
	switch {
	case !c.Format.IsZero() && (inner.Kind < native.Date || inner.Kind > native.DateTime64):
		return "format", "dates and times"
	case c.Decimal != "" && !number:
		return "decimal", "numbers"
	case c.Thousands != "" && !number:
		return "thousands", "numbers"
	case c.Decimals >= 0 && !number:
		return "decimals", "numbers"
	case c.True+c.False != "" && inner.Kind != native.Bool:
		return "true", "Bool"
	}
	return "", ""
}
