package convert

import (
	"bytes"
	"strings"
	"testing"

	"chute/connectors/native"

	"pgregory.net/rapid"
)

// drawColumns draws columns with the rules that AppendTable treats in ways of its own.
func drawColumns(t *rapid.T) []Column {
	var columns []Column
	for range rapid.IntRange(1, 5).Draw(t, "columns") {
		name := rapid.SampledFrom(append([]string{"String", "String", "UInt8", "Int32", "Date", "DateTime('Europe/Berlin')"}, oracleTypes...)).Draw(t, "type")
		typ, err := native.ParseType(name)
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "nullable") {
			typ = &native.Type{Kind: native.Nullable, Elems: []*native.Type{typ}}
		}
		c := Column{Name: "c", Label: "c", Type: typ}
		switch rapid.IntRange(0, 9).Draw(t, "rule") {
		case 0:
			c.Required = true
		case 1:
			c.Null = [][]byte{[]byte("1"), []byte("x")}
		case 2:
			c.Trim = TrimBoth
		case 3:
			c.Min = "7"
		case 4:
			c.Default = text("1")
		case 5:
			c.Default = text(strings.Repeat("y", 200))
		case 6:
			c.Constant = []byte("1")
		case 7:
			c.Origin, c.Type = Record, &native.Type{Kind: native.UInt64}
		}
		if _, err := Compile([]Column{c}); err != nil { // the default, constant or bound doesn't fit the type
			c = Column{Name: "c", Label: "c", Type: c.Type}
		}
		columns = append(columns, c)
	}
	return columns
}

// TestTableSameAsAppend: what AppendTable makes of records is what Append makes of them one by one.
func TestTableSameAsAppend(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, err := Compile(drawColumns(t))
		if err != nil {
			t.Fatal(err)
		}
		one, many := p.NewRows(), p.NewRows()
		one.Run, many.Run = 7, 7
		for range rapid.IntRange(1, 3).Draw(t, "tables") { // into the same rows
			sameTable(t, p, one, many)
		}
		var want, got native.Block
		one.Block(&want)
		many.Block(&got)
		if want.Rows != got.Rows {
			t.Fatalf("%d rows, want %d", got.Rows, want.Rows)
		}
		for i := range want.Data {
			if !bytes.Equal(want.Data[i], got.Data[i]) {
				t.Fatalf("column %d, %s: %q, want %q", i, p.columns[i].Type, got.Data[i], want.Data[i])
			}
		}
	})
}

func sameTable(t *rapid.T, p *Plan, one, many *Rows) {
	surplus := rapid.IntRange(0, 1).Draw(t, "surplus")
	table := Table{Width: p.Fields() + surplus, Quote: '"', First: 100}
	if table.Width == 0 {
		return
	}
	fields := make([]int, p.Fields())
	for i := range fields {
		fields[i] = table.Width - 1 - i // not in the order of the columns
	}
	var wantBad []int
	simple := rapid.Float64Range(0, 1).Draw(t, "simple")
	for n := range rapid.SampledFrom([]int{1, 5, 255, 256, 257, 600}).Draw(t, "records") {
		table.Starts = append(table.Starts, uint32(len(table.Text)))
		row, quoted := make([][]byte, table.Width), make([]bool, table.Width)
		for i := range row {
			row[i], quoted[i] = drawField(t, simple)
			table.Text = append(table.Text, written(row[i], quoted[i])...)
			table.Ends = append(table.Ends, uint32(len(table.Text)))
			table.Text = append(table.Text, ',')
		}
		picked, ok := make([][]byte, p.Fields()), make([]bool, p.Fields())
		for i, f := range fields {
			picked[i], ok[i] = row[f], quoted[f]
		}
		if _, good := one.Append(table.First+uint64(n), picked, ok, nil); !good {
			wantBad = append(wantBad, n)
		}
	}
	if !p.Columnar() {
		t.Fatalf("the plan isn't columnar")
	}
	bad := many.AppendTable(&table, fields, nil)
	if len(bad) != len(wantBad) {
		t.Fatalf("%d bad records, want %d", len(bad), len(wantBad))
	}
	for i := range bad {
		if bad[i] != wantBad[i] {
			t.Fatalf("record %d is bad, want %d", bad[i], wantBad[i])
		}
	}
}

// drawField draws one of a few fields that many types take, or, more seldom the simpler, any text.
func drawField(t *rapid.T, simple float64) (field []byte, quoted bool) {
	if rapid.Float64Range(0, 1).Draw(t, "kind") <= simple {
		return []byte(rapid.SampledFrom([]string{"1", "7", "12"}).Draw(t, "number")), false
	}
	if rapid.IntRange(0, 3).Draw(t, "shape") == 0 {
		return []byte(rapid.SampledFrom([]string{"", "x", `"`, `""`, `say "hello" to everybody`, "2024-02-29", "2024-03-31 02:30:00", " 1 ", strings.Repeat("z", 130),
			strings.Repeat(`"z`, 70), `a"`}).Draw(t, "text")), true
	}
	field = []byte(drawText(t))
	return field, rapid.Bool().Draw(t, "quoted")
}

func written(field []byte, quoted bool) []byte {
	if !quoted {
		return field
	}
	return []byte(`"` + strings.ReplaceAll(string(field), `"`, `""`) + `"`)
}
