package pipeline

import (
	"fmt"
	"io"

	"chute/config"
	"chute/connectors/native"
	"chute/pipeline/convert"
	"chute/pipeline/format"
)

// records are the inside of a file that is being written. One goroutine uses them.
type records interface {
	// take writes a block, which isn't needed any more when it returns.
	take(b *native.Block) error
	// tail ends the file.
	tail() error
	// close frees what is taken, whether the file was ended or not.
	close()
}

// newRecords begins a file in the job's format.
func (ex *Exporter) newRecords(out io.Writer, columns []native.Column) (records, error) {
	f := &ex.Job.Format
	if !f.Binary() {
		text, err := format.NewEncoder(out, f)
		if err != nil {
			return nil, err
		}
		return newPress(text, func() (*Printing, error) { return newExportPrinting(f, columns, ex.Job.Timezone.Location()) })
	}
	printer, err := convert.NewPrinter(columns, convert.PrintText, ex.Job.Timezone.Location())
	if err != nil {
		return nil, err
	}
	if f.Type == "parquet" {
		file, err := format.NewParquet(out, f, columns)
		return &parquetRecords{printer, file}, err
	}
	book, err := format.NewWorkbook(out, f, columns)
	return &sheetRecords{printer, book}, err
}

// parquetRecords are rows of a Parquet file.
type parquetRecords struct {
	printer *convert.Printer
	file    *format.Parquet
}

func (r *parquetRecords) take(b *native.Block) error {
	if err := r.printer.Begin(b); err != nil {
		return err
	}
	return r.file.Write(b, r.printer)
}

func (r *parquetRecords) tail() error { return r.file.Close() }
func (r *parquetRecords) close()      {}

// sheetRecords are rows of a workbook.
type sheetRecords struct {
	printer *convert.Printer
	book    *format.Workbook
}

func (r *sheetRecords) take(b *native.Block) error {
	if err := r.printer.Begin(b); err != nil {
		return err
	}
	return r.book.Write(b.Rows, r.printer)
}

func (r *sheetRecords) tail() error { return r.book.Close() }
func (r *sheetRecords) close()      { r.book.Discard() }

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
