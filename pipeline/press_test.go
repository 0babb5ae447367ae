package pipeline

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"chute/connectors/native"
)

// pressedBlocks are blocks of many sizes, a very large one in their middle.
func pressedBlocks() (columns []native.Column, blocks []*native.Block) {
	number, _ := native.ParseType("UInt64")
	text, _ := native.ParseType("String")
	columns = []native.Column{{Name: "n", Type: number}, {Name: "s", Type: text}}
	for i, rows := range []int{1, 0, 500, 3, 90000, 7, 7, 7, 1000, 1} {
		b := &native.Block{Columns: columns, Data: make([][]byte, 2), Rows: rows}
		for row := range rows {
			b.Data[0] = binary.LittleEndian.AppendUint64(b.Data[0], uint64(i*100000+row))
			s := fmt.Sprintf("a \"text\" of row %d, with a delimiter, which has to be quoted", row)
			b.Data[1] = append(append(b.Data[1], byte(len(s))), s...)
		}
		blocks = append(blocks, b)
	}
	return columns, blocks
}

// TestPress: several cores write what one does, byte by byte, though the blocks' memory is used again.
func TestPress(t *testing.T) {
	for _, as := range []string{"csv", "jsonl"} {
		columns, blocks := pressedBlocks()
		printing := func() (*Printing, error) { return NewPrinting(as, columns, nil, nil) }
		one, err := printing()
		if err != nil {
			t.Fatal(err)
		}
		var want, got bytes.Buffer
		p, err := newPress(&got, printing)
		if err != nil {
			t.Fatal(err)
		}
		err = one.Head(&want)
		for _, b := range blocks {
			err = errors.Join(err, one.Write(&want, b), p.take(b))
			for _, data := range b.Data {
				clear(data)
			}
		}
		err = errors.Join(err, one.Tail(&want), p.tail())
		p.close()
		if err != nil || !bytes.Equal(want.Bytes(), got.Bytes()) || strings.Count(got.String(), "\n") < 91526 {
			t.Errorf("%s: %v, %d bytes instead of %d", as, err, got.Len(), want.Len())
		}
	}
}

var errFull = errors.New("full")

// full takes so many bytes.
type full int

func (f *full) Write(p []byte) (int, error) {
	if *f -= full(len(p)); *f < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// TestPressFails: an error of the file, and of a block, comes out in the end and holds nobody up.
func TestPressFails(t *testing.T) {
	small := full(1000)
	broken := &native.Block{Data: [][]byte{{1}, {1}}, Rows: 3}
	for name, c := range map[string]struct {
		out  io.Writer
		more *native.Block
		want string
	}{"file": {&small, &native.Block{Data: make([][]byte, 2)}, "full"}, "block": {io.Discard, broken, "print 3 values"}} {
		columns, blocks := pressedBlocks() // take leaves other memory in them
		c.more.Columns = columns
		p, err := newPress(c.out, func() (*Printing, error) { return NewPrinting("csv", columns, nil, nil) })
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range append(blocks[2:4:4], c.more) {
			if err = errors.Join(err, p.take(b)); err != nil {
				break
			}
		}
		err = errors.Join(err, p.tail())
		p.close()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
