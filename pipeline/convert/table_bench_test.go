package convert

import (
	"strings"
	"testing"
)

// BenchmarkTable converts a column of each of the usual types, a value's time and allocations.
func BenchmarkTable(b *testing.B) {
	for typ, value := range map[string]string{
		"UInt64": "1234567", "Int32": "-987654", "UInt8": "1", "Decimal(12, 2)": "123456.78", "Decimal(38, 4)": "123456.78", "Float64": "123.45678901234567",
		"Date": "2024-02-29", "DateTime": "2024-02-29 12:34:56", "DateTime64(3)": "2024-02-29 12:34:56.789", "DateTime('Europe/Berlin')": "2024-02-29 12:34:56",
		"String": "customer 123456", "Nullable(UInt32)": "123456", "UUID": "00112233-4455-6677-8899-aabbccddeeff", "Bool": "true", "IPv4": "192.168.1.20",
		"Enum8('one' = 1, 'two' = 2)": "two", "FixedString(2)": "DE",
	} {
		benchColumn(b, typ, typ, value)
	}
	benchColumn(b, "quoted String", "String", `"note, with ""quotes"" and number 123456789"`)
}

func benchColumn(b *testing.B, name, typ, value string) {
	const records = 4096
	p := compiled(b, Column{Name: "c", Label: "c", Type: typeOf(b, typ)})
	t := &Table{Width: 1, Quote: '"', Text: []byte(strings.Repeat(value+"\n", records))}
	for i := range records {
		t.Starts = append(t.Starts, uint32(i*(len(value)+1)))
		t.Ends = append(t.Ends, t.Starts[i]+uint32(len(value)))
	}
	b.Run(name, func(b *testing.B) {
		rows := p.NewRows()
		b.ReportAllocs()
		for b.Loop() {
			rows.Reset()
			if bad := rows.AppendTable(t, []int{0}, nil); len(bad) > 0 {
				b.Fatalf("%q is refused", value)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records, "ns/value")
	})
}
