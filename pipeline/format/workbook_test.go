package format

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chute/config"
	"chute/connectors/native"
)

// sameText is an answer with the same text in all of its cells.
type sameText string

func (s sameText) Append(dst []byte, _ int) ([]byte, bool) { return append(dst, s...), false }

// TestWorkbookScratch: rows that memory has no room for wait in the folder that was given, which is gone with the workbook; where they can't, it fails.
func TestWorkbookScratch(t *testing.T) {
	text, err := native.ParseType("String")
	if err != nil {
		t.Fatal(err)
	}
	begin := func(t *testing.T, scratch string) *Workbook {
		w, err := NewWorkbook(io.Discard, &config.ExportFormat{Sheet: "Sheet1", Header: true}, []native.Column{{Name: "a", Type: text}}, scratch)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	const short = sameText("0123456789abcdef")
	scratch := filepath.Join(t.TempDir(), "scratch", "7")
	w := begin(t, scratch)
	if _, err := os.Stat(scratch); err == nil {
		t.Error("the folder is made before there is a row")
	}
	if err := w.Write(1, short); err != nil {
		t.Fatal(err)
	}
	if err := w.spilled(); err == nil || !strings.Contains(err.Error(), "no file for the rows of a workbook can be made in "+scratch) {
		t.Errorf("a folder without a file: %v", err)
	}
	if !testing.Short() { // 17 MB take their time
		if err := w.Write(530, sameText(strings.Repeat(string(short), 2000))); err != nil {
			t.Fatal(err)
		}
		if inside, err := os.ReadDir(scratch); err != nil || len(inside) != 1 || w.size >= 0 {
			t.Errorf("in the folder there are %v, %v, with %d bytes", inside, err, w.size)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w.Discard()
	if _, err := os.Stat(scratch); err == nil {
		t.Error("the folder is still there")
	}

	taken := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(taken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w = begin(t, filepath.Join(taken, "7"))
	defer w.Discard()
	if err := w.Write(1, short); err == nil || !strings.Contains(err.Error(), "make a folder for the rows") {
		t.Errorf("without a folder: %v", err)
	}
}

// portions notes how much there was in all, and in the largest portion.
type portions struct{ all, largest int }

func (p *portions) Write(data []byte) (int, error) {
	p.all, p.largest = p.all+len(data), max(p.largest, len(data))
	return len(data), nil
}

// random is an answer that can't be compressed much.
type random struct{ *rand.ChaCha8 }

func (r random) Append(dst []byte, _ int) ([]byte, bool) {
	return hex.AppendEncode(dst, binary.BigEndian.AppendUint64(nil, r.Uint64())), false
}

// TestWorkbookStreams: a workbook is written piece by piece, not made in memory first.
func TestWorkbookStreams(t *testing.T) {
	text, err := native.ParseType("String")
	if err != nil {
		t.Fatal(err)
	}
	var out portions
	w, err := NewWorkbook(&out, &config.ExportFormat{Sheet: "Sheet1"}, []native.Column{{Name: "a", Type: text}}, filepath.Join(t.TempDir(), "scratch"))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Discard()
	if err := errors.Join(w.Write(50_000, random{rand.NewChaCha8([32]byte{})}), w.Close()); err != nil {
		t.Fatal(err)
	}
	if out.all < 400_000 || out.largest > 64<<10 {
		t.Errorf("%d bytes, at most %d at a time", out.all, out.largest)
	}
}

// TestLargeSheet: the header of a part of 4 GiB has the version that its entry at the archive's end has, others theirs.
func TestLargeSheet(t *testing.T) {
	for _, large := range []bool{false, true} {
		var out bytes.Buffer
		z := newSheetZip(&out, large)
		for _, name := range []string{sheetPart, "next.xml", "last.xml"} {
			part, err := z.Create(name)
			if err == nil {
				_, err = io.WriteString(part, "<a/>")
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, err := z.Create(sheetPart); (err != nil) != large {
			t.Errorf("the sheet behind others: %v", err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil || len(r.File) < 3 {
			t.Fatal(err)
		}
		for _, f := range r.File[:3] {
			at, err := f.DataOffset()
			if err != nil {
				t.Fatal(err)
			}
			version, want := binary.LittleEndian.Uint16(out.Bytes()[int(at)-30-len(f.Name)+4:]), uint16(20)
			if large && f.Name == sheetPart {
				want = 45
			}
			if version != want {
				t.Errorf("large %v: %s needs version %d, want %d", large, f.Name, version, want)
			}
		}
	}
}
