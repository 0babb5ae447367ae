package local

import (
	"io/fs"
	"maps"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSiftDoesNotLook: the kernel is asked about wanted entries alone, and what a listing tells is enough for the others.
func TestSiftDoesNotLook(t *testing.T) {
	f := store(t)
	kinds := map[string]fs.FileMode{"a.csv": 0, "b.csv": 0, "dir": fs.ModeDir, "link": fs.ModeSymlink, "pipe": fs.ModeNamedPipe}
	for name, mode := range kinds {
		if mode == 0 {
			put(t, f, "in/"+name, "12345")
		} else {
			special(t, f, "in/"+name, mode, "a.csv")
		}
	}
	var looked []string
	f.look = func(dir int, name string, st *unix.Stat_t) error {
		looked = append(looked, name)
		return lstat(dir, name, st)
	}
	asked := make(map[string]fs.FileMode)
	files, err := f.Sift(t.Context(), "in", func(name string, kind fs.FileMode) bool {
		asked[name] = kind
		return name == "a.csv"
	})
	if err != nil || len(files) != 1 || files[0].Name != "a.csv" || files[0].Size != 5 {
		t.Errorf("%+v, %v", files, err)
	}
	if !maps.Equal(asked, kinds) {
		t.Errorf("asked for %v, want %v", asked, kinds)
	}
	if !slices.Equal(looked, []string{"a.csv"}) {
		t.Errorf("looked at %q", looked)
	}
}

// entry is a directory entry as the kernel gives it.
func entry(name string, size int, kind byte) []byte {
	b := make([]byte, max(size, 19))
	b[16], b[17], b[18] = byte(size), byte(size>>8), kind // little end first, as on all machines that chute runs on
	return append(b[:19], append([]byte(name), b[19:]...)...)[:len(b)]
}

func TestCutEntry(t *testing.T) {
	two := append(entry("a\x00", 24, unix.DT_REG), entry("full", 23, unix.DT_DIR)...)
	name, kind, rest, err := cutEntry(two)
	if name != "a" || kind != unix.DT_REG || len(rest) != 23 || err != nil {
		t.Errorf("%q, type %d, %d bytes left, %v", name, kind, len(rest), err)
	}
	name, kind, rest, err = cutEntry(rest)
	if name != "full" || kind != unix.DT_DIR || len(rest) != 0 || err != nil {
		t.Errorf("%q, type %d, %d bytes left, %v", name, kind, len(rest), err)
	}
	for _, broken := range [][]byte{two[:19], entry("a\x00", 24, unix.DT_REG)[:23], entry("", 0, unix.DT_REG), entry("a", 19, unix.DT_REG)} {
		if name, _, _, err := cutEntry(broken); err == nil {
			t.Errorf("%q from %d bytes", name, len(broken))
		}
	}
}

// TestUnknownType: where a listing tells no types, each entry is looked at.
func TestUnknownType(t *testing.T) {
	f := store(t)
	put(t, f, "a", "12345")
	dir, err := os.Open(f.Root)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	entries := append(entry("a\x00", 24, unix.DT_UNKNOWN), entry("gone\x00", 24, unix.DT_UNKNOWN)...)
	for _, want := range []bool{true, false} {
		files, err := f.appendEntries(nil, int(dir.Fd()), entries, func(name string, kind fs.FileMode) bool {
			if name != "a" || kind != 0 {
				t.Errorf("asked for %q, type %v", name, kind)
			}
			return want
		})
		if err != nil || want != (len(files) == 1 && files[0].Size == 5) {
			t.Errorf("%+v, %v", files, err)
		}
	}
}
