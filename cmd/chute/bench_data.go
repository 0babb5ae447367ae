package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// benchColumns are those of the benchmarks' files.
var benchColumns = []struct{ name, typ string }{
	{"id", "UInt64"}, {"customer", "String"}, {"product", "String"}, {"amount", "Decimal(12, 2)"}, {"qty", "Int32"}, {"country", "String"},
	{"ordered", "DateTime"}, {"day", "Date"}, {"note", "String"}, {"score", "Float64"}, {"flag", "UInt8"},
}

// benchStructure is the columns as statements have them.
func benchStructure() string {
	var columns []string
	for _, c := range benchColumns {
		columns = append(columns, c.name+" "+c.typ)
	}
	return strings.Join(columns, ", ")
}

// benchExported names all columns of the table, in its order, as a job has them.
func benchExported() string {
	var columns []string
	for _, c := range benchColumns {
		columns = append(columns, strconv.Quote(c.name))
	}
	return strings.Join(append(columns, `"_chute_run"`, `"_chute_record"`), ", ")
}

// benchRecordSize is about how long a record is.
const benchRecordSize = 152

// benchFile is a file of the benchmarks: always the same bytes for the same numbers.
type benchFile struct {
	name    string
	first   int // id of the first record
	records int
	every   int // each so-many-th record can't be loaded; 0: all can
}

// rejects is how many records can't be loaded.
func (f benchFile) rejects() int {
	if f.every == 0 {
		return 0
	}
	return f.records / f.every
}

func (f benchFile) base() string { return filepath.Base(f.name) }

// rejectsName is what the file of its refused records is called.
func (f benchFile) rejectsName() string { return strings.TrimSuffix(f.base(), ".csv") + ".rejects.csv" }

// write makes the file and returns its size.
func (f benchFile) write() (int64, error) {
	out, err := os.Create(f.name)
	if err != nil {
		return 0, err
	}
	w := bufio.NewWriterSize(out, 1<<20)
	for i, c := range benchColumns {
		if i > 0 {
			w.WriteByte(',')
		}
		w.WriteString(c.name)
	}
	w.WriteByte('\n')
	random := rand.New(rand.NewPCG(26, uint64(f.first)))
	var line []byte
	for i := 1; i <= f.records; i++ {
		line = appendBenchRecord(line[:0], random, uint64(f.first+i-1))
		if f.every > 0 && i%f.every == 0 {
			line = spoil(line, i/f.every)
		}
		w.Write(line)
	}
	err = w.Flush() // keeps the first error of all writes
	info, statErr := out.Stat()
	if err := errors.Join(err, statErr, out.Close()); err != nil {
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

// spoil gives a record one of the faults that partners' records have, in turn.
func spoil(record []byte, turn int) []byte {
	switch turn % 4 {
	case 0: // a value out of range
		return append([]byte("-"), record...)
	case 1: // a day that there isn't
		return bytes.Replace(record, []byte(",2024-"), []byte(",2024-13-"), 1)
	case 2: // a field too few
		return append(record[:bytes.LastIndexByte(record, ',')], '\n')
	default: // text for a number
		return append(record[:len(record)-2], "yes\n"...)
	}
}

// countLines counts the lines of a text.
func countLines(name string) (int, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	lines := 0
	buffer := make([]byte, 64<<10)
	for {
		n, err := f.Read(buffer)
		lines += bytes.Count(buffer[:n], []byte{'\n'})
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return 0, err
		}
	}
}
