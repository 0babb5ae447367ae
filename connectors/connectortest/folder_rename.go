package connectortest

import (
	"fmt"
	"io/fs"
	"sync"
)

func (t *folderTest) renames() {
	t.put("in/a", "content")
	before := t.list("in")["a"]
	t.must(t.Folder.Rename(t.ctx, "in/a", t.Work+"/1/a"))
	t.wantNames("in")
	t.wantNames(t.Work+"/1", "a")
	if after := t.list(t.Work + "/1")["a"]; !after.Same(before) {
		t.Fatalf("the file was %+v and is %+v", before, after)
	}
	t.must(t.Folder.Rename(t.ctx, t.Work+"/1/a", t.Work+"/1/b"))
	t.wantNames(t.Work+"/1", "b")
	t.must(t.Folder.Rename(t.ctx, t.Work+"/1/b", "c"))
	t.wantNames(t.Work + "/1")
	t.wantContent("c", "content")
}

func (t *folderTest) renameMissing() {
	t.put("in/a", "")
	t.want(t.Folder.Rename(t.ctx, "in/b", "done/b"), fs.ErrNotExist)
	t.want(t.Folder.Rename(t.ctx, "missing/b", "done/b"), fs.ErrNotExist)
	t.wantNames("in", "a")
	t.wantNames(".", "in")
}

func (t *folderTest) renameExisting() {
	t.put("in/a", "new")
	t.put("done/a", "old")
	t.put("done/folder/b", "")
	t.want(t.Folder.Rename(t.ctx, "in/a", "done/a"), fs.ErrExist)
	t.want(t.Folder.Rename(t.ctx, "in/a", "done/folder"), fs.ErrExist)
	t.want(t.Folder.Rename(t.ctx, "in/a", "in/a"), fs.ErrExist)
	t.wantContent("in/a", "new")
	t.wantContent("done/a", "old")
	t.must(t.Folder.Rename(t.ctx, "in/a", t.Work+"/1/a"))
	t.want(t.Folder.Rename(t.ctx, "done/a", t.Work+"/1/a"), fs.ErrExist)
	t.want(t.Folder.Rename(t.ctx, t.Work+"/1/a", "done/a"), fs.ErrExist)
	t.want(t.Folder.Rename(t.ctx, t.Work+"/1/a", t.Work+"/1/a"), fs.ErrExist)
	t.wantContent("done/a", "old")
	t.wantContent(t.Work+"/1/a", "new")
}

// renameRaces: of many files renamed onto one name one gets it, and all the others stay what and where they are. It goes for
// claims and for what is settled.
func (t *folderTest) renameRaces() {
	for _, way := range []struct{ from, to string }{{"in", t.Work + "/claimed"}, {t.Work + "/settled", "done"}} {
		for i := range racers {
			name := fmt.Sprintf("%s/%d", way.from, i)
			if way.from == "in" {
				t.put(name, name)
			} else {
				t.create(name, name)
			}
		}
		winner := t.race(fs.ErrExist, func(i int) error {
			return t.Folder.Rename(t.ctx, fmt.Sprintf("%s/%d", way.from, i), way.to+"/a")
		})
		t.wantNames(way.to, "a")
		t.wantContent(way.to+"/a", fmt.Sprintf("%s/%d", way.from, winner))
		for i := range racers {
			if name := fmt.Sprintf("%s/%d", way.from, i); i != winner {
				t.wantContent(name, name)
			}
		}
	}
}

// renameRacesFrom: of many that claim one file one gets it.
func (t *folderTest) renameRacesFrom() {
	t.put("in/a", "content")
	winner := t.race(fs.ErrNotExist, func(i int) error {
		return t.Folder.Rename(t.ctx, "in/a", fmt.Sprintf("%s/%d/a", t.Work, i))
	})
	t.wantNames("in")
	t.wantContent(fmt.Sprintf("%s/%d/a", t.Work, winner), "content")
}

func (t *folderTest) renameMakesFolders() {
	t.put("in/a", "a")
	t.put("in/b", "b")
	t.must(t.Folder.Rename(t.ctx, "in/a", t.Work+"/ledger/7/a"))
	for _, at := range [][2]string{{".", t.Work}, {t.Work, "ledger"}, {t.Work + "/ledger", "7"}} {
		if mode := t.list(at[0])[at[1]].Mode; mode != fs.ModeDir|0o700 {
			t.Fatalf("folder %q in %q has mode %v", at[1], at[0], mode)
		}
	}
	t.must(t.Folder.Rename(t.ctx, t.Work+"/ledger/7/a", "done/2026/11/a"))
	t.wantContent("done/2026/11/a", "a")
	if mode := t.list(".")["done"].Mode; mode.Perm()&0o700 != 0o700 || mode.Perm()&0o022 != 0 {
		t.Fatalf("done has mode %v", mode)
	}
	if err := t.Folder.Rename(t.ctx, "in/b", "done/2026/11/a/b"); err == nil {
		t.Fatal("a file was taken for a folder")
	}
	t.wantNames("in", "b")
}

func (t *folderTest) renameRacesFolders() {
	var all sync.WaitGroup
	for i := range racers {
		t.create(fmt.Sprintf("%s/%d", t.Work, i), "")
	}
	for i := range racers {
		all.Go(func() {
			if err := t.Folder.Rename(t.ctx, fmt.Sprintf("%s/%d", t.Work, i), fmt.Sprintf("done/2026/11/%d", i)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := len(t.list("done/2026/11")); got != racers {
		t.Fatalf("%d files arrived, want %d", got, racers)
	}
}

func (t *folderTest) renameOwnFolder() {
	t.create(t.Work+"/1/sub/a", "a")
	t.must(t.Folder.Rename(t.ctx, t.Work+"/1", t.Work+"/old/2"))
	t.wantNames(t.Work, "old")
	t.wantContent(t.Work+"/old/2/sub/a", "a")
	t.must(t.Folder.Rename(t.ctx, t.Work+"/old/2", "done/2"))
	t.wantNames(t.Work + "/old")
	t.wantContent("done/2/sub/a", "a")
}

func (t *folderTest) renameFolderExisting() {
	t.create(t.Work+"/1/a", "a")
	t.create(t.Work+"/2/b", "b")
	t.must(t.Folder.Remove(t.ctx, t.Work+"/2/b")) // rename(2) would replace an empty folder
	t.create(t.Work+"/3/c", "c")
	t.put("done/file", "file")
	for _, to := range []string{t.Work + "/2", t.Work + "/3", "done", "done/file"} {
		t.want(t.Folder.Rename(t.ctx, t.Work+"/1", to), fs.ErrExist)
	}
	t.wantContent(t.Work+"/1/a", "a")
	t.wantContent("done/file", "file")
	t.wantNames(t.Work, "1", "2", "3")
	t.wantNames("done", "file")
}

func (t *folderTest) renamePartnersFolder() {
	t.put("in/folder/a", "a")
	t.want(t.Folder.Rename(t.ctx, "in/folder", t.Work+"/1/folder"), fs.ErrPermission)
	t.create(t.Work+"/1/own", "")
	t.want(t.Folder.Rename(t.ctx, t.Work, "elsewhere"), fs.ErrPermission)
	t.wantContent("in/folder/a", "a")
	t.wantNames(t.Work+"/1", "own")
}

func (t *folderTest) renameIntoItself() {
	t.create(t.Work+"/1/a", "a")
	t.want(t.Folder.Rename(t.ctx, t.Work+"/1", t.Work+"/1/b/c"), fs.ErrInvalid)
	t.wantNames(t.Work+"/1", "a")
}
