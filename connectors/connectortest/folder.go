package connectortest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"testing"
	"time"

	"chute/connectors"
)

// FolderUnderTest is an empty store, and ways to do in it what partners do, past chute.
type FolderUnderTest struct {
	Folder connectors.Folder
	Work   string // the work folder's name, relative to the store's root

	// Put makes a partner's file, with the folders above it.
	Put func(t *testing.T, name string, content []byte)
	// Special makes a partner's entry of another kind: fs.ModeDir, fs.ModeNamedPipe, fs.ModeSocket, or fs.ModeSymlink, which
	// leads to target. nil where the store's owner can't: what needs it isn't tested then.
	Special func(t *testing.T, name string, mode fs.FileMode, target string)
}

// Folder runs the contract of connectors.Folder, a sub-test a line. open gives an empty store of its own to each of them.
func Folder(t *testing.T, open func(t *testing.T) FolderUnderTest) {
	tests := map[string]func(*folderTest){
		"list empty folder":                   (*folderTest).listEmpty,
		"list missing folder":                 (*folderTest).listMissing,
		"list tells size, time and kind":      (*folderTest).listTells,
		"list large folder":                   (*folderTest).listLarge,
		"list while entries vanish":           (*folderTest).listVanishing,
		"sift":                                (*folderTest).sifts,
		"sift missing folder":                 (*folderTest).siftMissing,
		"sift while entries vanish":           (*folderTest).siftVanishing,
		"odd names":                           (*folderTest).oddNames,
		"names that leave the root":           (*folderTest).namesOutside,
		"open reads":                          (*folderTest).openReads,
		"open missing":                        (*folderTest).openMissing,
		"open file after its rename":          (*folderTest).openRenamed,
		"create and commit":                   (*folderTest).createCommits,
		"create makes private folders":        (*folderTest).createPrivate,
		"create outside the work folder":      (*folderTest).createOutside,
		"discard":                             (*folderTest).discards,
		"discard after commit":                (*folderTest).discardCommitted,
		"commit onto an existing name":        (*folderTest).commitExisting,
		"commit races":                        (*folderTest).commitRaces,
		"rename":                              (*folderTest).renames,
		"rename missing":                      (*folderTest).renameMissing,
		"rename onto an existing name":        (*folderTest).renameExisting,
		"rename races for one name":           (*folderTest).renameRaces,
		"rename races for one file":           (*folderTest).renameRacesFrom,
		"rename makes missing folders":        (*folderTest).renameMakesFolders,
		"rename races to make folders":        (*folderTest).renameRacesFolders,
		"rename of own folders":               (*folderTest).renameOwnFolder,
		"rename of own folder onto another":   (*folderTest).renameFolderExisting,
		"rename of partners' folders refused": (*folderTest).renamePartnersFolder,
		"rename into itself":                  (*folderTest).renameIntoItself,
		"remove":                              (*folderTest).removes,
		"remove outside the work folder":      (*folderTest).removeOutside,
		"sync":                                (*folderTest).syncs,
	}
	special := map[string]func(*folderTest){
		"open what isn't a file":      (*folderTest).openIrregular,
		"links aren't followed":       (*folderTest).linksRefused,
		"links are listed as links":   (*folderTest).linksListed,
		"rename of what isn't a file": (*folderTest).renameIrregular,
	}
	run := func(name string, test func(*folderTest)) {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			test(&folderTest{T: t, FolderUnderTest: open(t), ctx: ctx})
		})
	}
	for _, name := range sorted(tests) {
		run(name, tests[name])
	}
	if open(t).Special == nil {
		return
	}
	for _, name := range sorted(special) {
		run(name, special[name])
	}
}

// folderTest is one sub-test with its store.
type folderTest struct {
	*testing.T
	FolderUnderTest
	ctx context.Context
}

func (t *folderTest) put(name, content string) {
	t.Helper()
	t.Put(t.T, name, []byte(content))
}

func (t *folderTest) must(err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// want insists on the kind of an error.
func (t *folderTest) want(err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("error %v, want one that wraps %q", err, kind)
	}
}

// read returns the content of a file.
func (t *folderTest) read(name string) string {
	t.Helper()
	o, err := t.Folder.Open(t.ctx, name)
	t.must(err)
	defer o.Close()
	content, err := io.ReadAll(o)
	t.must(err)
	return string(content)
}

func (t *folderTest) wantContent(name, content string) {
	t.Helper()
	if got := t.read(name); got != content {
		t.Fatalf("%q holds %q, want %q", name, got, content)
	}
}

// create makes an own file.
func (t *folderTest) create(name, content string) {
	t.Helper()
	p, err := t.Folder.Create(t.ctx, name)
	t.must(err)
	defer p.Discard()
	_, err = p.Write([]byte(content))
	t.must(err)
	t.must(p.Commit(t.ctx))
}

// list returns the entries of dir by name.
func (t *folderTest) list(dir string) map[string]connectors.File {
	t.Helper()
	files, err := t.Folder.List(t.ctx, dir)
	t.must(err)
	return t.byName(dir, files)
}

// byName insists that no name comes twice.
func (t *folderTest) byName(dir string, files []connectors.File) map[string]connectors.File {
	t.Helper()
	byName := make(map[string]connectors.File)
	for _, f := range files {
		if _, twice := byName[f.Name]; twice {
			t.Fatalf("list %q has %q twice", dir, f.Name)
		}
		byName[f.Name] = f
	}
	return byName
}

// wantNames insists on what dir holds.
func (t *folderTest) wantNames(dir string, names ...string) {
	t.Helper()
	slices.Sort(names)
	if got := sorted(t.list(dir)); !slices.Equal(got, names) {
		t.Fatalf("%q holds %q, want %q", dir, got, names)
	}
}

func (t *folderTest) openReads() {
	content := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	t.Put(t.T, "in/a", content)
	o, err := t.Folder.Open(t.ctx, "in/a")
	t.must(err)
	defer o.Close()
	got, err := io.ReadAll(o)
	t.must(err)
	if !bytes.Equal(got, content) {
		t.Fatalf("read %d bytes that differ from the %d put", len(got), len(content))
	}
	part := make([]byte, 6)
	if n, err := o.ReadAt(part, 1600*16+10); n != 6 || err != nil || string(part) != "abcdef" {
		t.Fatalf("ReadAt: %d, %v, %q", n, err, part)
	}
	if n, err := o.ReadAt(part, int64(len(content))-2); n != 2 || err != io.EOF || string(part[:2]) != "ef" {
		t.Fatalf("ReadAt over the end: %d, %v, %q", n, err, part[:2])
	}
	file, err := o.Stat()
	t.must(err)
	if listed := t.list("in")["a"]; !file.Same(listed) || file.Mode != listed.Mode {
		t.Fatalf("Stat %+v, listed %+v", file, listed)
	}
}

func (t *folderTest) openMissing() {
	_, err := t.Folder.Open(t.ctx, "in/a")
	t.want(err, fs.ErrNotExist)
	t.put("in/b", "")
	_, err = t.Folder.Open(t.ctx, "in/a")
	t.want(err, fs.ErrNotExist)
}

func (t *folderTest) openRenamed() {
	t.put("in/a", "content")
	o, err := t.Folder.Open(t.ctx, "in/a")
	t.must(err)
	defer o.Close()
	before, err := o.Stat()
	t.must(err)
	t.must(t.Folder.Rename(t.ctx, "in/a", t.Work+"/1/a"))
	after, err := o.Stat()
	t.must(err)
	if !after.Same(before) || after.Name != "a" {
		t.Fatalf("after the rename %+v, before %+v", after, before)
	}
	content, err := io.ReadAll(o)
	t.must(err)
	if string(content) != "content" {
		t.Fatalf("read %q", content)
	}
}
