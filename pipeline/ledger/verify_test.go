package ledger

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestVerify: a page that nothing has read yet is found, on a ledger that is open and on one that isn't.
func TestVerify(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, err := Open(limit(t), path)
	if err != nil {
		t.Fatal(err)
	}
	begin(t, l, 2000)
	if err := l.Verify(limit(t)); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Inspect(limit(t), path); err != nil {
		t.Error(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xff}, 4096), 40*4096); err != nil {
		t.Fatal(err)
	}
	if err := Inspect(limit(t), path); !Unusable(err) {
		t.Errorf("a ledger with a damaged page: %v", err)
	}
	if err := open(t, path).Verify(limit(t)); !Unusable(err) {
		t.Errorf("an open ledger with a damaged page: %v", err)
	}
}
