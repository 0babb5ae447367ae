package format

import (
	"archive/zip"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
)

// sheetPart is where a workbook has its sheet.
const sheetPart = "xl/worksheets/sheet1.xml"

// sheetZip is the archive of a workbook. It writes where the workbook goes to: left to itself the library makes the whole archive in memory first.
type sheetZip struct {
	*zip.Writer
	large bool // the sheet has 4 GiB or more before it is compressed
	begun bool
}

func newSheetZip(out io.Writer, large bool) *sheetZip {
	return &sheetZip{Writer: zip.NewWriter(&headers{out: out, large: large}), large: large}
}

// Create begins a part.
func (z *sheetZip) Create(name string) (io.Writer, error) {
	if z.large && (name == sheetPart) == z.begun {
		return nil, errors.New("the sheet of a workbook isn't its first part, and it is too large for another place") // unreachable while the library writes it first
	}
	z.begun = true
	return z.Writer.Create(name)
}

// headers hands on what is written. Into the header of a first part of 4 GiB or more it puts the version that such parts need: archive/zip, which doesn't know yet how long the part will be,
// writes it at the archive's end only, and Excel takes that for damage.
type headers struct {
	out   io.Writer
	large bool // what comes next is the header of such a part: the archive begins with it
}

func (h *headers) Write(p []byte) (int, error) {
	const version, zip64 = 4, 45
	if h.large && len(p) >= version+2 {
		h.large = false
		p = append([]byte(nil), p...)
		binary.LittleEndian.PutUint16(p[version:], zip64)
	}
	return h.out.Write(p)
}

// largeSheet tells whether the sheet, which waits in the scratch folder when it has ended, has 4 GiB or more.
func (w *Workbook) largeSheet() bool {
	inside, _ := os.ReadDir(w.scratch) // where there is none the sheet is small
	var size int64
	for _, file := range inside {
		if info, err := file.Info(); err == nil {
			size += info.Size()
		}
	}
	return size >= math.MaxUint32
}
