package connectortest

import (
	"fmt"
	"io/fs"
	"strings"

	"chute/connectors"
)

// sift returns the entries of dir by name, from Sift where the folder has it: else there is nothing to be tested but List.
func (t *folderTest) sift(dir string, wanted func(name string) bool) map[string]connectors.File {
	t.Helper()
	sifter, ok := t.Folder.(connectors.Sifter)
	if !ok {
		return t.list(dir)
	}
	files, err := sifter.Sift(t.ctx, dir, wanted)
	t.must(err)
	return t.byName(dir, files)
}

func wantCSV(name string) bool { return strings.HasSuffix(name, ".csv") }

func (t *folderTest) sifts() {
	t.put("in/folder.csv/a", "")
	t.put("in/folder.dat/a", "")
	long := strings.Repeat("n", 240)
	for i := range 300 { // more than one answer of the kernel's holds
		t.put(fmt.Sprintf("in/%s%d.csv", long, i), "12345")
		t.put(fmt.Sprintf("in/%s%d.dat", long, i), "12345")
	}
	asked := make(map[string]bool)
	sifted := t.sift("in", func(name string) bool {
		if asked[name] {
			t.Errorf("asked twice for %q", name)
		}
		asked[name] = true
		return wantCSV(name)
	})
	listed := t.list("in")
	if len(sifted) != len(listed) || len(listed) != 602 {
		t.Fatalf("%d entries, listed are %d", len(sifted), len(listed))
	}
	for name, want := range listed {
		got, ok := sifted[name]
		if !ok || got.Name != name || got.Mode.Type() != want.Mode.Type() {
			t.Fatalf("%q: %+v (%t), listed as %+v", name, got, ok, want)
		}
		if wantCSV(name) && (!got.Same(want) || got.Mode != want.Mode || got.Links != want.Links) {
			t.Fatalf("wanted %+v, listed as %+v", got, want)
		}
	}
}

func (t *folderTest) siftMissing() {
	sifter, ok := t.Folder.(connectors.Sifter)
	if !ok {
		return
	}
	_, err := sifter.Sift(t.ctx, "in", wantCSV)
	t.want(err, fs.ErrNotExist)
}

// siftVanishing is listVanishing: whoever isn't wanted may be told late, but what is there is there.
func (t *folderTest) siftVanishing() {
	t.vanishing(func(dir string) map[string]connectors.File {
		return t.sift(dir, func(name string) bool { return name == "1" })
	})
}
