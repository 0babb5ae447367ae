package connectortest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"chute/connectors"
)

func (t *folderTest) listEmpty() {
	t.create(t.Work+"/1/a", "")
	t.must(t.Folder.Remove(t.ctx, t.Work+"/1/a"))
	t.wantNames(t.Work + "/1")
	t.wantNames(".", t.Work)
}

func (t *folderTest) listMissing() {
	_, err := t.Folder.List(t.ctx, "in")
	t.want(err, fs.ErrNotExist)
	t.put("in/file", "")
	if _, err := t.Folder.List(t.ctx, "in/file"); err == nil {
		t.Fatal("a file was listed as a folder")
	}
}

func (t *folderTest) listTells() {
	t.put("in/a", "12345")
	t.put("in/sub/b", "")
	t.wantNames("in", "a", "sub")
	files := t.list("in")
	a := files["a"]
	if a.Size != 5 || !a.Regular() || a.ModTime.IsZero() || a.Links > 1 {
		t.Fatalf("file: %+v", a)
	}
	if sub := files["sub"]; !sub.Mode.IsDir() || sub.Regular() {
		t.Fatalf("folder: %+v", sub)
	}
	if again := t.list("in")["a"]; !again.Same(a) {
		t.Fatalf("untouched, but first %+v, then %+v", a, again)
	}
	t.put("in/a", "123456")
	if again := t.list("in")["a"]; again.Same(a) {
		t.Fatalf("a longer file looks untouched: %+v", again)
	}
}

func (t *folderTest) listLarge() {
	const count = 5000
	for i := range count {
		t.put(fmt.Sprintf("in/%05d", i), "")
	}
	files := t.list("in")
	for i := range count {
		if _, ok := files[fmt.Sprintf("%05d", i)]; !ok {
			t.Fatalf("%05d isn't listed", i)
		}
	}
	if len(files) != count {
		t.Fatalf("%d entries, want %d", len(files), count)
	}
}

// listVanishing lists while another goroutine claims; no listing may fail, and what stays is always listed.
func (t *folderTest) listVanishing() { t.vanishing(t.list) }

// vanishing lets another goroutine claim all files but one during listings.
func (t *folderTest) vanishing(list func(dir string) map[string]connectors.File) {
	const count = 300
	t.put("in/stays", "")
	for i := range count {
		t.put(fmt.Sprintf("in/%d", i), "")
	}
	var renames sync.WaitGroup
	renames.Go(func() {
		for i := range count {
			if err := t.Folder.Rename(t.ctx, fmt.Sprintf("in/%d", i), fmt.Sprintf("%s/1/%d", t.Work, i)); err != nil {
				t.Error(err)
				return
			}
		}
	})
	defer renames.Wait()
	for len(list("in")) > 1 && !t.Failed() {
		if _, ok := list("in")["stays"]; !ok {
			t.Fatal("an entry that stays was left out")
		}
	}
}

func (t *folderTest) oddNames() {
	for _, name := range []string{
		" ", "a b", " leading", "new\nline", "tab\t", "-rf", "*", "~", "...", "quote'\"`", "back\\slash", "%s%20", "ünïcödé", "e\u0301",
		"\xff\xfe invalid utf-8 \x80", "\x01", strings.Repeat("n", 255),
	} {
		t.put("in/"+name, name)
		if _, ok := t.list("in")[name]; !ok {
			t.Fatalf("%q isn't listed", name)
		}
		t.wantContent("in/"+name, name)
		t.must(t.Folder.Rename(t.ctx, "in/"+name, t.Work+"/1/"+name))
		t.wantNames("in")
		t.create(t.Work+"/2/"+name, name)
		t.wantNames(t.Work+"/2", name)
		t.must(t.Folder.Remove(t.ctx, t.Work+"/2/"+name))
		t.wantContent(t.Work+"/1/"+name, name)
	}
	_, err := t.Folder.Create(t.ctx, t.Work+"/"+strings.Repeat("n", 256))
	if err == nil {
		err = t.Folder.Rename(t.ctx, t.Work+"/1/a b", t.Work+"/1/"+strings.Repeat("n", 256))
	}
	if err == nil {
		t.Fatal("a name of 256 bytes was given")
	}
}

func (t *folderTest) namesOutside() {
	t.put("in/a", "a")
	t.put("in/sub/b", "b")
	t.create(t.Work+"/1/own", "")
	for _, name := range []string{
		"", "/", "/etc/passwd", "..", "../a", "in/..", "in/../../a", "in/../in/a", t.Work + "/../in/a", t.Work + "/..", "in//a", "in/a/", "in/./a", "in/a\x00b",
	} {
		_, err := t.Folder.Open(t.ctx, name)
		t.want(err, fs.ErrInvalid)
		_, err = t.Folder.List(t.ctx, name)
		t.want(err, fs.ErrInvalid)
		_, err = t.Folder.Create(t.ctx, name)
		t.want(err, fs.ErrInvalid)
		t.want(t.Folder.Rename(t.ctx, name, t.Work+"/1/new"), fs.ErrInvalid)
		t.want(t.Folder.Rename(t.ctx, "in/a", name), fs.ErrInvalid)
		t.want(t.Folder.Remove(t.ctx, name), fs.ErrInvalid)
		t.want(t.Folder.Sync(t.ctx, name), fs.ErrInvalid)
	}
	t.wantNames("in", "a", "sub")
	t.wantNames(t.Work+"/1", "own")
}

// within fails the test when act doesn't return soon: some entries block those who open them.
func (t *folderTest) within(what string, act func(ctx context.Context)) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		act(t.ctx)
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s blocks", what)
	}
}

func (t *folderTest) openIrregular() {
	t.put("in/file", "")
	t.Special(t.T, "in/pipe", fs.ModeNamedPipe, "")
	t.Special(t.T, "in/socket", fs.ModeSocket, "")
	t.Special(t.T, "in/folder", fs.ModeDir, "")
	t.Special(t.T, "in/link", fs.ModeSymlink, "file")
	t.Special(t.T, "in/dangling", fs.ModeSymlink, "nothing")
	for _, name := range []string{"pipe", "socket", "folder", "link", "dangling"} {
		t.within("open of a "+name, func(ctx context.Context) {
			if _, err := t.Folder.Open(ctx, "in/"+name); !errors.Is(err, connectors.ErrIrregular) {
				t.Errorf("open of a %s: error %v, want one that wraps ErrIrregular", name, err)
			}
		})
	}
}

func (t *folderTest) linksListed() {
	t.put("in/file", "longer than the link")
	t.Special(t.T, "in/link", fs.ModeSymlink, "file")
	t.Special(t.T, "in/dangling", fs.ModeSymlink, "nothing")
	t.Special(t.T, "in/up", fs.ModeSymlink, "../..")
	files := t.list("in")
	for _, name := range []string{"link", "dangling", "up"} {
		if f, ok := files[name]; !ok || f.Mode.Type() != fs.ModeSymlink || f.Regular() {
			t.Fatalf("%s: listed %v as %+v", name, ok, f)
		}
	}
}

// linksRefused: neither the way in nor the way to a new name goes through a link, not even one that stays inside.
func (t *folderTest) linksRefused() {
	t.put("in/file", "file")
	t.put("other/file", "other")
	t.create(t.Work+"/1/own", "own")
	t.Special(t.T, "up", fs.ModeSymlink, "..")
	t.Special(t.T, "in/inside", fs.ModeSymlink, "../other")
	t.Special(t.T, "in/root", fs.ModeSymlink, "/")
	for _, dir := range []string{"up", "in/inside", "in/root"} {
		_, err := t.Folder.List(t.ctx, dir)
		t.want(err, fs.ErrInvalid)
		_, err = t.Folder.Open(t.ctx, dir+"/file")
		t.want(err, fs.ErrInvalid)
		t.want(t.Folder.Rename(t.ctx, dir+"/file", t.Work+"/1/new"), fs.ErrInvalid)
		t.want(t.Folder.Rename(t.ctx, "in/file", dir+"/new"), fs.ErrInvalid)
		t.want(t.Folder.Rename(t.ctx, "in/file", dir+"/sub/new"), fs.ErrInvalid)
		t.want(t.Folder.Sync(t.ctx, dir), fs.ErrInvalid)
	}
	t.wantContent("in/file", "file")
	t.wantNames("other", "file")
	t.wantNames(t.Work+"/1", "own")
}

func (t *folderTest) renameIrregular() {
	t.put("in/file", "file")
	t.Special(t.T, "in/pipe", fs.ModeNamedPipe, "")
	t.Special(t.T, "in/link", fs.ModeSymlink, "file")
	for _, name := range []string{"pipe", "link"} {
		t.want(t.Folder.Rename(t.ctx, "in/"+name, t.Work+"/1/"+name), connectors.ErrIrregular)
	}
	t.Special(t.T, "done/file", fs.ModeSymlink, "nothing")
	t.want(t.Folder.Rename(t.ctx, "in/file", "done/file"), fs.ErrExist)
	t.wantNames("in", "file", "link", "pipe")
}
