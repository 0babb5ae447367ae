package pipeline

import (
	"fmt"
	"io"
	"path/filepath"
	"strconv"

	"chute/config"
	"chute/connectors/native"
	"chute/pipeline/convert"
	"chute/pipeline/format"
)

// records are the inside of the files that are being written. One goroutine uses them.
type records interface {
	// take writes a block. When it returns the block's memory may be other memory, to be used again.
	take(b *native.Block) error
	// tail ends the last file's inside.
	tail() error
	// close frees what is taken, whether the files were ended or not.
	close()
}

// newRecords begins to write in the job's format.
func (ex *Exporter) newRecords(out *parts, columns []native.Column) (records, error) {
	b := binder{cutter: cutter{rule: ex.Job.Split}, parts: out}
	if ex.Job.Format.Binary() {
		return ex.newTables(b, columns)
	}
	f, zone := &ex.Job.Format, ex.Job.Timezone.Location()
	how, err := ex.writings(columns)
	if err != nil {
		return nil, err
	}
	printing := func() (p *Printing, err error) {
		if p, err = newExportPrinting(f, columns, zone, how); err == nil {
			p.keys, err = newKeys(ex, columns)
		}
		return p, err
	}
	if ex.Job.Split.IsZero() && len(f.Top)+len(f.Bottom) == 0 {
		if err := out.begin(""); err != nil {
			return nil, err
		}
		text, err := format.NewEncoder(out, f)
		if err != nil {
			return nil, err
		}
		return newPress(text, printing)
	}
	around, err := newEnvelope(ex, out.d, columns)
	if err != nil {
		return nil, err
	}
	around.restyle = func(i int, text []byte) []byte { return how[i].Number(text) }
	s, err := newSplitter(b, f, around, printing)
	if err != nil {
		return nil, err
	}
	return newSplittingPress(s, printing)
}

// newSplitter makes files of a format of text, with lines around their records.
func newSplitter(b binder, f *config.ExportFormat, around *envelope, printing func() (*Printing, error)) (*splitter, error) {
	frame, err := printing()
	if err != nil {
		return nil, err
	}
	s := &splitter{binder: b, frame: frame, envelope: around, between: len(frame.writer.Between(nil))}
	if s.size, err = format.NewSizer(f); err != nil {
		return nil, err
	}
	s.top = func() (err error) {
		if s.out, err = format.NewEncoder(s.parts, f); err != nil {
			return err
		}
		around.begin()
		s.tailed = s.size(frame.writer.Tail(nil)) + s.size(around.room(s.parts.open.name, s.parts.number()))
		if err := s.around(around.top); err != nil {
			return err
		}
		return frame.Head(s.out)
	}
	s.bottom = func() error {
		if err := frame.Tail(s.out); err != nil {
			return err
		}
		return s.around(around.bottom)
	}
	return s, nil
}

// around writes lines before or behind the records.
func (s *splitter) around(some []config.Line) error {
	text, err := s.envelope.append(nil, some, s.parts.open.name, s.parts.number(), s.rows)
	if err == nil && len(text) > 0 {
		_, err = s.out.Write(text)
	}
	return err
}

// table is a file whose inside has an order of its own.
type table interface {
	// Write writes the next rows.
	Write(rows int, texts format.Texts) error
	Close() error
	Discard()
}

// tables are such files.
type tables struct {
	binder
	printer *convert.Printer
	left    format.Left
	keys    *keys
	marks   marks
	file    table // the open one
}

func (ex *Exporter) newTables(b binder, columns []native.Column) (records, error) {
	f := &ex.Job.Format
	printer, err := convert.NewPrinter(columns, convert.PrintText, ex.Job.Timezone.Location())
	if err != nil {
		return nil, err
	}
	t := &tables{binder: b, printer: printer}
	scratch := filepath.Join(ex.Scratch, strconv.FormatUint(b.parts.d.run.ID, 10))
	if t.keys, err = newKeys(ex, columns); err != nil {
		return nil, err
	}
	t.top = func() error {
		if f.Type == "parquet" {
			file, err := format.NewParquet(t.parts, f, columns, &t.left)
			if err == nil {
				t.file = file
			}
			return err
		}
		file, err := format.NewWorkbook(t.parts, f, columns, scratch)
		if err == nil {
			t.file = file
		}
		return err
	}
	t.bottom = func() error {
		defer t.close()
		return t.file.Close()
	}
	return t, nil
}

func (t *tables) take(b *native.Block) error {
	if err := t.printer.Begin(b); err != nil {
		return err
	}
	t.left.Begin(b)
	if err := t.keys.read(b, &t.marks); err != nil {
		return err
	}
	for row := 0; row < b.Rows; {
		n := t.next(&t.marks, row, b.Rows)
		if n == 0 {
			if err := t.begin(&t.marks, row); err != nil {
				return err
			}
			continue
		}
		if err := t.file.Write(n, t.printer); err != nil {
			return err
		}
		t.rows += n
		row += n
	}
	return nil
}

func (t *tables) tail() error { return t.finish() }

// close frees what the open file has.
func (t *tables) close() {
	if t.file != nil {
		t.file.Discard()
		t.file = nil
	}
}

// checkInside opens a file whose inside has an order of its own again.
func checkInside(f *config.ExportFormat, in io.ReaderAt, size int64, rows uint64, columns int) error {
	switch f.Type {
	case "parquet":
		return format.CheckParquet(in, size, rows, columns)
	case "xlsx":
		if f.Header {
			rows++
		}
		if err := format.CheckWorkbook(in, size, int(rows)); err != nil {
			return fmt.Errorf("%w; look at the disk", err)
		}
	}
	return nil
}
