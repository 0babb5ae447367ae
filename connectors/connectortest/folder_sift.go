package connectortest

import (
	"fmt"
	"io/fs"
	"strings"

	"chute/connectors"
)

// sift returns the wanted entries of dir by name, from Sift where the folder has it; else there is nothing to be tested but List.
func (t *folderTest) sift(dir string, wanted func(name string, kind fs.FileMode) bool) map[string]connectors.File {
	t.Helper()
	sifter, ok := t.Folder.(connectors.Sifter)
	if !ok {
		files := t.list(dir)
		for name, f := range files {
			if !wanted(name, f.Mode.Type()) {
				delete(files, name)
			}
		}
		return files
	}
	files, err := sifter.Sift(t.ctx, dir, wanted)
	t.must(err)
	return t.byName(dir, files)
}

func (t *folderTest) sifts() {
	t.put("in/folder.csv/a", "")
	t.put("in/folder.dat/a", "")
	long := strings.Repeat("n", 240)
	for i := range 300 { // more than one answer of the kernel's holds
		t.put(fmt.Sprintf("in/%s%d.csv", long, i), "12345")
		t.put(fmt.Sprintf("in/%s%d.dat", long, i), "12345")
	}
	listed := t.list("in")
	if len(listed) != 602 {
		t.Fatalf("%d entries are listed", len(listed))
	}
	asked := make(map[string]bool)
	sifted := t.sift("in", func(name string, kind fs.FileMode) bool {
		want, ok := listed[name]
		if !ok || asked[name] || kind != want.Mode.Type() {
			t.Errorf("asked for %q of type %v (before: %t), listed is %+v", name, kind, asked[name], want)
		}
		asked[name] = true
		return strings.HasSuffix(name, ".csv")
	})
	if len(asked) != len(listed) || len(sifted) != 301 {
		t.Fatalf("asked for %d of %d entries, got %d", len(asked), len(listed), len(sifted))
	}
	for name, got := range sifted {
		if want := listed[name]; !got.Same(want) || got.Mode != want.Mode || got.Links != want.Links || !strings.HasSuffix(name, ".csv") {
			t.Fatalf("%+v, listed as %+v", got, want)
		}
	}
}

func (t *folderTest) siftMissing() {
	sifter, ok := t.Folder.(connectors.Sifter)
	if !ok {
		return
	}
	_, err := sifter.Sift(t.ctx, "in", func(string, fs.FileMode) bool { return true })
	t.want(err, fs.ErrNotExist)
}

// siftVanishing is listVanishing: whoever isn't wanted may be asked for late, but what is there is there.
func (t *folderTest) siftVanishing() {
	t.vanishing(func(dir string) map[string]connectors.File {
		return t.sift(dir, func(name string, _ fs.FileMode) bool { return name != "1" })
	})
}
