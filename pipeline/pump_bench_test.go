package pipeline

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"chute/config"
	"chute/connectors/native"
	"chute/pipeline/convert"
	"chute/pipeline/format"
)

// benchFile is records of the kind that "chute bench load" makes, badEvery-th of them with a wrong date; 0: none.
func benchFile(records, badEvery int) []byte {
	random := rand.New(rand.NewPCG(26, 0))
	var b bytes.Buffer
	b.WriteString("id,customer,product,amount,qty,country,ordered,day,note,score,flag\n")
	for i := range records {
		day := fmt.Sprintf("2024-%02d-%02d", 1+random.IntN(12), 1+random.IntN(28))
		if badEvery > 0 && i%badEvery == 0 {
			day = "2024-02-30"
		}
		fmt.Fprintf(&b, "%d,customer %d,product-%d,%d.%02d,%d,%s,%s %02d:%02d:%02d,%s,\"note, with \"\"quotes\"\" and number %d\",%v,%d\n",
			i, random.IntN(200_000), random.IntN(5_000), random.IntN(1_000_000), random.IntN(100), random.IntN(2_000_000)-1_000_000,
			[]string{"DE", "FR", "US", "GB", "JP", "BR"}[random.IntN(6)], day, random.IntN(24), random.IntN(60), random.IntN(60), day,
			random.IntN(1_000_000_000), random.Float64()*1000, random.IntN(2))
	}
	return b.Bytes()
}

// benchPlan is that of the benchmark's table, lineage included.
func benchPlan(t testing.TB) *convert.Plan {
	t.Helper()
	var columns []convert.Column
	for _, c := range [][2]string{{"id", "UInt64"}, {"customer", "String"}, {"product", "String"}, {"amount", "Decimal(12, 2)"}, {"qty", "Int32"}, {"country", "String"},
		{"ordered", "DateTime"}, {"day", "Date"}, {"note", "String"}, {"score", "Float64"}, {"flag", "UInt8"}, {"_chute_run", "UInt64"}, {"_chute_record", "UInt64"}} {
		typ, err := native.ParseType(c[1])
		if err != nil {
			t.Fatal(err)
		}
		columns = append(columns, convert.Column{Name: c[0], Label: c[0], Type: typ})
	}
	columns[11].Origin, columns[12].Origin = convert.Run, convert.Record
	plan, err := convert.Compile(columns)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// BenchmarkPump is all that a file costs without an engine: hashing, cutting, converting and the blocks. cpu-ns/record is of all cores together.
func BenchmarkPump(b *testing.B) {
	const records = 500_000
	for name, badEvery := range map[string]int{"clean": 0, "1 % bad": 100} {
		in, plan := benchFile(records, badEvery), benchPlan(b)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			began := cpuTime(b)
			for b.Loop() {
				d := &delivery{ctx: b.Context(), from: bytes.NewReader(in), hash: sha256.New()}
				r, err := format.NewReader(d, config.Format{Header: true, Quote: `"`})
				if err != nil {
					b.Fatal(err)
				}
				p := &pump{plan: plan, fields: []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, run: 1, cores: 2, memory: defaultMemory}
				taken := uint64(0)
				if err := p.pour(b.Context(), r, func(x *portion) error { taken += x.records; return nil }); err != nil || taken != records {
					b.Fatalf("%d records, %v", taken, err)
				}
			}
			b.ReportMetric(float64(cpuTime(b)-began)/float64(b.N)/records, "cpu-ns/record")
		})
	}
}

// cpuTime is what this process has used so far.
func cpuTime(t testing.TB) time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		t.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
