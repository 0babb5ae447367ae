package format

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"chute/config"
)

// TestRowsSameAsFields: records written many at a time are those written field by field, in any dialect and format.
func TestRowsSameAsFields(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := &config.ExportFormat{
			Type:      rapid.SampledFrom([]string{"csv", "csv", "csv", "xml", "json", "jsonl"}).Draw(t, "type"),
			Delimiter: rapid.SampledFrom([]string{",", ";", "\t", "|", "x", "||", ";;"}).Draw(t, "delimiter"),
			Quote:     rapid.SampledFrom([]string{`"`, `"`, "'", ""}).Draw(t, "quote"),
			Escape:    rapid.SampledFrom([]string{"double", "double", `\`}).Draw(t, "escape"),
			Quoting:   rapid.SampledFrom([]string{"needed", "texts", "all"}).Draw(t, "quoting"),
			Null:      rapid.SampledFrom([]string{"", "", "NULL", "nan"}).Draw(t, "null"),
			LineEnd:   rapid.SampledFrom([]string{"crlf", "lf", "cr"}).Draw(t, "line end"),
			Record:    "r", Root: "R", GuardFormulas: rapid.Bool().Draw(t, "guard"),
		}
		fields := make([]Field, rapid.IntRange(1, 3).Draw(t, "fields"))
		for i := range fields {
			fields[i] = Field{Name: string(rune('a' + i)), Bare: rapid.Bool().Draw(t, "bare"), Nullable: rapid.Bool().Draw(t, "nullable")}
		}
		w, err := NewExportWriter(f, fields)
		if err != nil {
			t.Fatal(err)
		}
		rows := rapid.IntRange(0, 5).Draw(t, "rows")
		columns := drawnColumns(t, fields, rows)
		want := []byte("before")
		var ends, wantEnds []int
		for row := range rows {
			if row > 0 {
				want = w.Between(want)
			}
			for i := range columns {
				want = w.Begin(want, i)
				start, null := len(want), columns[i].null(row)
				if !null {
					want = append(want, columns[i].bytes(row)...)
				}
				want = w.End(want, i, start, null)
			}
			wantEnds = append(wantEnds, len(want))
		}
		failed := w.Err()
		again, err := NewExportWriter(f, fields)
		if err != nil {
			t.Fatal(err)
		}
		got := AppendRows(again, []byte("before"), columns, rows, true, &ends)
		if !bytes.Equal(got, want) || !slices.Equal(ends, wantEnds) || (failed == nil) != (again.Err() == nil) {
			t.Fatalf("%+v: %q (%v) instead of %q (%v)", f, got, again.Err(), want, failed)
		}
	})
}

// drawnColumns are values of the fields, as they lie in a block or in memory for texts.
func drawnColumns(t *rapid.T, fields []Field, rows int) []Column {
	bare := rapid.SampledFrom([]string{"0", "-12.5", "2024-02-29 12:34:56", "nan", "12345678901234567890"})
	free := rapid.StringOfN(rapid.SampledFrom([]rune("abx,;|\"'\\\r\n\t=é")), 0, 40, -1)
	columns := make([]Column, len(fields))
	for i, f := range fields {
		c := &columns[i]
		if f.Nullable {
			c.Nulls = make([]byte, rows)
		}
		for row := range rows {
			text := ""
			switch {
			case f.Nullable && rapid.Bool().Draw(t, "null"):
				c.Nulls[row] = 1
			case f.Bare:
				text = bare.Draw(t, "value")
			default:
				text = rapid.OneOf(free, rapid.SampledFrom([]string{"NULL", "nan", "plain text", "a longer text without anything in it"})).Draw(t, "text")
			}
			from := len(c.Text)
			c.Text = append(c.Text, text...)
			c.Spans = append(c.Spans, [2]uint32{uint32(from), uint32(len(c.Text))})
			c.Text = append(c.Text, rapid.SampledFrom([]string{"", "#"}).Draw(t, "between")...)
		}
	}
	return columns
}
