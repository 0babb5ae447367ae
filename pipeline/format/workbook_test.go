package format

import (
	"io"
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
