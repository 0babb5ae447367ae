package pipeline

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"testing"

	"chute/config"
	"chute/connectors/native"
	"chute/pipeline/format"
)

// benchBlock is rows of the benchmark's table as one block.
func benchBlock(t testing.TB, rows int) *native.Block {
	t.Helper()
	d := &delivery{ctx: t.Context(), from: bytes.NewReader(benchFile(rows, 0)), hash: sha256.New()}
	r, err := format.NewReader(d, config.Format{Header: true, Quote: `"`})
	if err != nil {
		t.Fatal(err)
	}
	plan := benchPlan(t)
	all := &native.Block{Columns: plan.Columns()[:11], Data: make([][]byte, 11)}
	p := &pump{plan: plan, fields: []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, run: 1, cores: 1, memory: defaultMemory}
	err = p.pour(t.Context(), r, func(x *portion) error {
		for i := range all.Data {
			all.Data[i] = append(all.Data[i], x.block.Data[i]...)
		}
		all.Rows += x.block.Rows
		return nil
	})
	if err != nil || all.Rows != rows {
		t.Fatalf("%d rows, %v", all.Rows, err)
	}
	return all
}

// BenchmarkPrinting is what a row costs one core, record by record as large blocks are printed, and column by column.
func BenchmarkPrinting(b *testing.B) {
	const rows = 16384
	block := benchBlock(b, rows)
	for _, as := range []string{"csv", "tsv", "jsonl", "export with a word for NULL"} {
		p, err := NewPrinting(as, block.Columns, nil, nil)
		if strings.HasPrefix(as, "export") {
			p, err = newExportPrinting(&config.ExportFormat{Type: "csv", Delimiter: ",", Quote: `"`, Escape: "double", LineEnd: "lf", Null: `\N`}, block.Columns, nil, nil)
		}
		if err != nil {
			b.Fatal(err)
		}
		var text []byte
		for name, print := range map[string]func() error{
			"rows":    func() error { return p.Write(io.Discard, block) },
			"columns": func() error { text, err = p.print(text[:0], block, 1, nil); return err },
		} {
			b.Run(fmt.Sprintf("%s/%s", as, name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := print(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
			})
		}
	}
}
