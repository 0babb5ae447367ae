package format

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"

	"chute/config"
	"chute/connectors/native"
)

// What a sheet of Excel has room for.
const (
	sheetRows       = 1 << 20
	sheetColumns    = 1 << 14
	sheetCharacters = 32767
	sheetDigits     = 15 // of a number, which is a float of 64 bits
)

// Workbook writes a workbook with one sheet. What doesn't fit into a little memory waits in a file of its scratch folder.
type Workbook struct {
	out     io.Writer
	scratch string
	size    int // of texts so far; -1 when the file is known to be there
	file    *excelize.File
	sheet   *excelize.StreamWriter
	columns []sheetColumn
	row     int
	cells   []any
	text    []byte
	replace bool
}

// sheetColumn says how a column's texts become cells.
type sheetColumn struct {
	name   string
	style  int
	number bool
	layout string // of times; "": it has none
	truth  bool
}

// NewWorkbook begins a workbook, with the columns' names as its first row if the format wants a header. scratch is a folder of its own, which it makes when
// there is a row and Discard removes.
func NewWorkbook(out io.Writer, f *config.ExportFormat, columns []native.Column, scratch string) (*Workbook, error) {
	if len(columns) > sheetColumns {
		return nil, unfit("columns", "%d columns are more than the %d that a sheet has room for", len(columns), sheetColumns)
	}
	w := &Workbook{
		out: out, scratch: scratch, file: excelize.NewFile(excelize.Options{TmpDir: scratch}), cells: make([]any, len(columns)), replace: f.Unmappable == "replace",
	}
	err := w.file.SetSheetName("Sheet1", f.Sheet)
	if err == nil {
		w.sheet, err = w.file.NewStreamWriter(f.Sheet)
	}
	for i, c := range columns {
		made, styleErr := w.column(c)
		w.columns = append(w.columns, made)
		w.cells[i], err = c.Name, errors.Join(err, styleErr)
	}
	if err == nil && f.Header {
		err = w.append()
	}
	if err != nil {
		w.Discard()
		return nil, fmt.Errorf("begin a workbook: %w", err)
	}
	return w, nil
}

// column chooses a style. Times are cells that Excel can compute with, if it shows all of their digits.
func (w *Workbook) column(c native.Column) (made sheetColumn, err error) {
	t := c.Type.Plain().Base()
	made = sheetColumn{name: c.Name, number: IsNumber(t), truth: t.Kind == native.Bool}
	shown := ""
	switch {
	case t.Kind == native.Decimal && t.Scale > 0 && t.Scale <= sheetDigits:
		shown = "0." + strings.Repeat("0", t.Scale)
	case t.Kind == native.Date || t.Kind == native.Date32:
		shown, made.layout = "yyyy-mm-dd", time.DateOnly
	case t.Kind == native.DateTime, t.Kind == native.DateTime64 && t.Scale == 0:
		shown, made.layout = "yyyy-mm-dd hh:mm:ss", time.DateTime
	case t.Kind == native.DateTime64 && t.Scale <= 3:
		shown, made.layout = "yyyy-mm-dd hh:mm:ss."+strings.Repeat("0", t.Scale), time.DateTime
	}
	if shown != "" {
		made.style, err = w.file.NewStyle(&excelize.Style{CustomNumFmt: &shown})
	}
	return made, err
}

// Write writes so many rows.
func (w *Workbook) Write(rows int, texts Texts) error {
	if w.size == 0 {
		if err := os.MkdirAll(w.scratch, 0o700); err != nil {
			return fmt.Errorf("make a folder for the rows of a workbook: %w", err)
		}
	}
	for range rows {
		if w.row == sheetRows {
			return unfit("too_large", "there are more rows than the %d that a sheet has room for, header included: choose another format, or fewer rows", sheetRows)
		}
		for i := range w.columns {
			var null bool
			w.text, null = texts.Append(w.text[:0], i)
			if w.size >= 0 {
				w.size += len(w.text) + 1
			}
			if w.cells[i] = nil; null {
				continue
			}
			var err error
			if w.cells[i], err = w.cell(&w.columns[i], w.text); err != nil {
				return err
			}
		}
		if err := w.append(); err != nil {
			return fmt.Errorf("write a row of the workbook: %w", err)
		}
		if w.size > excelize.StreamChunkSize {
			if err := w.spilled(); err != nil {
				return err
			}
			w.size = -1
		}
	}
	return nil
}

// spilled looks for the file, once there must be one: where it can't be made the library keeps all rows in memory, and says nothing.
func (w *Workbook) spilled() error {
	switch inside, err := os.ReadDir(w.scratch); {
	case err != nil:
		return fmt.Errorf("look for the file that the rows of a workbook wait in: %w", err)
	case len(inside) == 0:
		return fmt.Errorf("no file for the rows of a workbook can be made in %s: look at its rights and its file system", w.scratch)
	}
	return nil
}

func (w *Workbook) append() error {
	w.row++
	return w.sheet.SetRow("A"+strconv.Itoa(w.row), w.cells)
}

// cell makes a cell of a text: a number, time or truth value if that loses nothing, else the text itself.
func (w *Workbook) cell(c *sheetColumn, text []byte) (any, error) {
	switch {
	case c.truth:
		return string(text) == "true", nil
	case c.number:
		if n, err := strconv.ParseFloat(string(text), 64); err == nil && digitsIn(text) <= sheetDigits && n-n == 0 {
			return excelize.Cell{StyleID: c.style, Value: n}, nil
		}
	case c.layout != "":
		// Excel's calendar has a 29 February in 1900.
		if at, err := time.Parse(c.layout, string(text)); err == nil && at.Year() > 1900 && at.Year() < 10000 {
			return excelize.Cell{StyleID: c.style, Value: at}, nil
		}
	}
	shown, wrong := shownXML(text, w.replace)
	if wrong != "" {
		return nil, unfit("unmappable", "column %q has %s, which can't stand in a workbook: take it out in the query, or choose unmappable = \"replace\"", c.name, wrong)
	}
	if len(shown) > sheetCharacters {
		if n := len(utf16.Encode([]rune(shown))); n > sheetCharacters {
			return nil, unfit("too_wide", "column %q has a text of %d characters, and a cell has room for %d: cut it in the query", c.name, n, sheetCharacters)
		}
	}
	return shown, nil
}

// digitsIn counts digits from the first that isn't zero.
func digitsIn(text []byte) (n int) {
	for _, c := range text {
		if c == 'e' {
			break
		}
		if c >= '1' && c <= '9' || c == '0' && n > 0 {
			n++
		}
	}
	return n
}

// Close ends the workbook and writes it.
func (w *Workbook) Close() error {
	if err := w.sheet.Flush(); err != nil {
		return err
	}
	large := w.largeSheet()
	w.file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return newSheetZip(w.out, large) })
	return w.file.Write(io.Discard)
}

// Discard removes what waits in the scratch folder, and the folder.
func (w *Workbook) Discard() {
	_ = w.file.Close()
	if w.size != 0 {
		_ = os.RemoveAll(w.scratch) // what it leaves is removed at the next start
	}
}

// CheckWorkbook opens a written workbook again: all of its parts must be whole, and the sheet have so many rows.
func CheckWorkbook(in io.ReaderAt, size int64, rows int) error {
	archive, err := zip.NewReader(in, size)
	if err != nil {
		return fmt.Errorf("open the written workbook again: %w", err)
	}
	for _, part := range archive.File {
		r, err := part.Open()
		if err != nil {
			return err
		}
		found, err := countRows(r)
		if err := errors.Join(err, r.Close()); err != nil {
			return fmt.Errorf("read %s of the written workbook again: %w", part.Name, err)
		}
		if part.Name == "xl/worksheets/sheet1.xml" && found != rows {
			return fmt.Errorf("the written workbook has %d rows instead of %d", found, rows)
		}
	}
	return nil
}

// countRows reads a part to its end, with its checksum.
func countRows(r io.Reader) (rows int, err error) {
	in := bufio.NewReader(r)
	for {
		element, err := in.ReadSlice('<')
		if bytes.HasPrefix(element, []byte("row ")) {
			rows++
		}
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return rows, err
		}
	}
}
