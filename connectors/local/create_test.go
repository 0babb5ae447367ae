package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"chute/connectors"
)

// thirty are small files in two folders.
func thirty() (files []connectors.NewFile) {
	for n := range 30 {
		files = append(files, connectors.NewFile{Name: "w/1/" + []string{"a", "b"}[n/15] + "/" + strconv.Itoa(n), Content: []byte{byte(n)}})
	}
	return files
}

// TestCreateAll counts the syncs: one for all files where the file system takes that, else one for each file and folder. What was
// to be durable by itself, the new folders, is either way.
func TestCreateAll(t *testing.T) {
	for _, whole := range []bool{true, false} {
		f, err := New(t.TempDir(), "w")
		if err != nil {
			t.Fatal(err)
		}
		var st unix.Statfs_t
		if err := unix.Statfs(f.Root, &st); err != nil {
			t.Fatal(err)
		}
		kind := int64(uint32(st.Type))
		was := syncedWhole[kind]
		syncedWhole[kind] = whole
		defer func() { syncedWhole[kind] = was }()

		recorded, all := record(t, f), 0
		f.syncfs = func(fd int) error { all++; return unix.Syncfs(fd) }
		if err := f.CreateAll(t.Context(), thirty()); err != nil {
			t.Fatal(err)
		}
		const folders = 4 // w, 1, a, b, each synced into the one above
		if whole && (all != 1 || len(recorded.names) != folders) {
			t.Errorf("%d syncs of all, and of %q", all, recorded.names)
		}
		if !whole && (all != 0 || len(recorded.names) != folders+30+2) {
			t.Errorf("%d syncs of all, and of %q", all, recorded.names)
		}
		for _, file := range thirty() {
			content, err := os.ReadFile(filepath.Join(f.Root, file.Name))
			if err != nil || string(content) != string(file.Content) {
				t.Errorf("%s holds %q (%v)", file.Name, content, err)
			}
			info, err := os.Stat(filepath.Join(f.Root, file.Name))
			if err != nil || info.Mode() != f.FileMode {
				t.Errorf("%s: mode %v (%v)", file.Name, info.Mode(), err)
			}
		}
	}
}

func TestCreateAllRefuses(t *testing.T) {
	f, err := New(t.TempDir(), "w")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.CreateAll(t.Context(), thirty()[:2]); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{
		"w/1/a/1": fs.ErrExist, "in/a": fs.ErrPermission, "w": fs.ErrPermission, "w/../a": fs.ErrInvalid, "/w/a": fs.ErrInvalid, "w/1/a/1/x": unix.ENOTDIR,
	} {
		if err := f.CreateAll(t.Context(), []connectors.NewFile{{Name: name, Content: []byte("new")}}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	if content, err := os.ReadFile(filepath.Join(f.Root, "w/1/a/1")); err != nil || string(content) != "\x01" {
		t.Errorf("an existing file was changed to %q (%v)", content, err)
	}
	f.syncfs, f.fsync = func(int) error { return unix.EIO }, func(int) error { return unix.EIO }
	if err := f.CreateAll(t.Context(), []connectors.NewFile{{Name: "w/1/a/2"}}); !errors.Is(err, unix.EIO) {
		t.Errorf("a failed sync: %v", err)
	}
}
