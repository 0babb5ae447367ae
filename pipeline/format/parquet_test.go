package format

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/parquet-go/parquet-go"

	"chute/config"
	"chute/connectors/native"
)

// parquetBlock makes rows from one on: a number, a text that may be NULL, a UUID and an array, which Parquet gets as a text.
func parquetBlock(t testing.TB, from, rows int) *native.Block {
	t.Helper()
	b := &native.Block{Rows: rows, Data: make([][]byte, 4)}
	for _, c := range []struct{ name, kind string }{{"n", "UInt64"}, {"text", "Nullable(String)"}, {"id", "UUID"}, {"list", "Array(UInt8)"}} {
		kind, err := native.ParseType(c.kind)
		if err != nil {
			t.Fatal(err)
		}
		b.Columns = append(b.Columns, native.Column{Name: c.name, Type: kind})
	}
	for i := from; i < from+rows; i++ {
		b.Data[0] = append(b.Data[0], byte(i), byte(i>>8), byte(i>>16), 0, 0, 0, 0, 0)
		b.Data[1] = append(b.Data[1], byte(i%3/2))
		b.Data[2] = append(b.Data[2], bytes.Repeat([]byte{byte(i)}, 16)...)
	}
	for i := from; i < from+rows; i++ {
		text := parquetText(i)
		b.Data[1] = append(append(b.Data[1], byte(len(text))), text...)
	}
	return b
}

func parquetText(i int) string {
	if i%3 == 2 {
		return ""
	}
	return fmt.Sprintf("the text of row %d", i)
}

// listTexts stands for a printer of the fourth column.
type listTexts struct{ row int }

func (l *listTexts) Append(dst []byte, _ int) ([]byte, bool) {
	l.row++
	return fmt.Appendf(dst, "[%d]", l.row-1), false
}

// writeParquet writes blocks in row groups of so many bytes.
func writeParquet(t *testing.T, out io.Writer, most, blocks, rows int) (*Parquet, error) {
	t.Helper()
	left, texts := &Left{}, &listTexts{}
	p, err := NewParquet(out, &config.ExportFormat{Compression: "zstd"}, parquetBlock(t, 0, 0).Columns, left)
	if err != nil {
		t.Fatal(err)
	}
	p.groups.most = most
	for i := range blocks {
		left.Begin(parquetBlock(t, i*rows, rows))
		for _, n := range []int{1, rows - 1} { // as where a file ends in a block
			if err := p.Write(n, texts); err != nil {
				return p, err
			}
		}
	}
	return p, nil
}

// TestParquetGroups: rows stand in their order, whichever core has written them.
func TestParquetGroups(t *testing.T) {
	const blocks, rows = 40, 200
	var out bytes.Buffer
	p, err := writeParquet(t, &out, 20_000, blocks, rows)
	if err == nil {
		err = p.Close()
	}
	p.Discard()
	if err != nil {
		t.Fatal(err)
	}
	in, err := parquet.OpenFile(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(in.RowGroups()); n < 10 {
		t.Errorf("%d row groups, which is too few to show anything", n)
	}
	read := parquet.NewReader(in)
	defer read.Close()
	buffer := make([]parquet.Row, 1)
	for i := range blocks * rows {
		if n, err := read.ReadRows(buffer); n != 1 {
			t.Fatalf("row %d: %v", i, err)
		}
		row := buffer[0]
		id := bytes.Repeat([]byte{byte(i)}, 16)
		if row[0].Int64() != int64(i) || row[1].IsNull() != (i%3 == 2) || string(row[1].ByteArray()) != parquetText(i) ||
			!bytes.Equal(row[2].ByteArray(), id) || string(row[3].ByteArray()) != fmt.Sprintf("[%d]", i) {
			t.Fatalf("row %d is %v", i, row)
		}
	}
}

// fullAfter is a disk.
type fullAfter struct{ room int }

var errFull = errors.New("no space")

func (f *fullAfter) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// TestParquetFails: an error of writing is told, by Write or by Close, and nothing goes on running.
func TestParquetFails(t *testing.T) {
	p, err := writeParquet(t, &fullAfter{20_000}, 20_000, 100, 200)
	if err == nil {
		err = p.Close()
	}
	p.Discard()
	if !errors.Is(err, errFull) {
		t.Errorf("%v", err)
	}
	if p, err = writeParquet(t, &fullAfter{1 << 30}, 20_000, 20, 200); err != nil {
		t.Fatal(err)
	}
	p.Discard() // in the middle: it waits for all goroutines
	if !errors.Is(p.Close(), errGivenUp) {
		t.Error("a file that was given up was ended")
	}
}
