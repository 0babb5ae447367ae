package convert

import (
	"strconv"
	"testing"
)

// Nothing is allocated for a value, whether its record is taken or left out.
func TestTableAllocatesNothing(t *testing.T) {
	p := compiled(t, Column{Name: "n", Label: "n", Type: typeOf(t, "Nullable(UInt32)")}, Column{Name: "s", Label: "s", Type: typeOf(t, "String")},
		Column{Name: "d", Label: "d", Type: typeOf(t, "DateTime('Europe/Berlin')")}, Column{Name: "u", Label: "u", Type: typeOf(t, "UUID")})
	table := &Table{Width: 4, Quote: '"'}
	for i := range 1000 {
		table.Starts = append(table.Starts, uint32(len(table.Text)))
		number := strconv.Itoa(i)
		if i%10 == 0 {
			number = "x"
		}
		for _, field := range []string{number, `"a ""b"" c"`, "2024-02-29 12:34:56", "00112233-4455-6677-8899-aabbccddeeff"} {
			table.Text = append(table.Text, field...)
			table.Ends = append(table.Ends, uint32(len(table.Text)))
			table.Text = append(table.Text, ',')
		}
	}
	rows := p.NewRows()
	var bad []int
	fill := func() {
		rows.Reset()
		bad = rows.AppendTable(table, []int{0, 1, 2, 3}, bad[:0])
	}
	fill()
	if len(bad) != 100 || rows.Len() != 900 {
		t.Fatalf("%d bad records, %d rows", len(bad), rows.Len())
	}
	if n := testing.AllocsPerRun(20, fill); n > 0 {
		t.Errorf("%v allocations for 4,000 values", n)
	}
}
