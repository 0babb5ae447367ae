package main

import (
	"bufio"
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
)

// benchColumns are those of the benchmarks' files.
var benchColumns = []struct{ name, typ string }{
	{"id", "UInt64"}, {"customer", "String"}, {"product", "String"}, {"amount", "Decimal(12, 2)"}, {"qty", "Int32"}, {"country", "String"},
	{"ordered", "DateTime"}, {"day", "Date"}, {"note", "String"}, {"score", "Float64"}, {"flag", "UInt8"},
}

// writeBenchFile writes n records, always the same ones, and returns the file's size.
func writeBenchFile(name string, n int) (int64, error) { return writeBenchPart(name, 0, n) }

// writeBenchPart writes the n records from number first on.
func writeBenchPart(name string, first, n int) (int64, error) {
	f, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	for i, c := range benchColumns {
		if i > 0 {
			w.WriteByte(',')
		}
		w.WriteString(c.name)
	}
	w.WriteByte('\n')
	random := rand.New(rand.NewPCG(26, uint64(first)))
	var line []byte
	for i := range n {
		line = appendBenchRecord(line[:0], random, uint64(first+i))
		w.Write(line)
	}
	err = w.Flush() // keeps the first error of all writes
	info, statErr := f.Stat()
	if err := errors.Join(err, statErr, f.Close()); err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func appendBenchRecord(b []byte, random *rand.Rand, id uint64) []byte {
	b = strconv.AppendUint(b, id, 10)
	b = append(b, ",customer "...)
	b = strconv.AppendInt(b, random.Int64N(200_000), 10)
	b = append(b, ",product-"...)
	b = strconv.AppendInt(b, random.Int64N(5_000), 10)
	b = append(b, ',')
	b = strconv.AppendInt(b, random.Int64N(1_000_000), 10)
	b = append(b, '.')
	b = appendTwo(b, random.IntN(100))
	b = append(b, ',')
	b = strconv.AppendInt(b, random.Int64N(2_000_000)-1_000_000, 10)
	b = append(b, ',')
	b = append(b, []string{"DE", "FR", "US", "GB", "JP", "BR"}[random.IntN(6)]...)
	b = append(b, ",2024-"...)
	month, day := 1+random.IntN(12), 1+random.IntN(28)
	b = append(appendTwo(append(appendTwo(b, month), '-'), day), ' ')
	b = appendTwo(append(appendTwo(append(appendTwo(b, random.IntN(24)), ':'), random.IntN(60)), ':'), random.IntN(60))
	b = append(b, ",2024-"...)
	b = appendTwo(append(appendTwo(b, month), '-'), day)
	b = append(b, `,"note, with ""quotes"" and number `...)
	b = strconv.AppendInt(b, random.Int64N(1_000_000_000), 10)
	b = append(b, `",`...)
	b = strconv.AppendFloat(b, random.Float64()*1000, 'g', -1, 64)
	b = append(b, ',', byte('0'+random.IntN(2)), '\n')
	return b
}

func appendTwo(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }
