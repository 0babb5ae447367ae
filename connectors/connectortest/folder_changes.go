package connectortest

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"

	"chute/connectors"
)

func (t *folderTest) createCommits() {
	p, err := t.Folder.Create(t.ctx, t.Work+"/1/a")
	t.must(err)
	defer p.Discard()
	for range 3 {
		n, err := p.Write([]byte("line\n"))
		if n != 5 || err != nil {
			t.Fatalf("write: %d, %v", n, err)
		}
	}
	if _, named := t.list(t.Work + "/1")["a"]; named {
		t.Fatal("the file has its name before its commit")
	}
	t.must(p.Commit(t.ctx))
	t.wantNames(t.Work+"/1", "a")
	t.wantContent(t.Work+"/1/a", "line\nline\nline\n")
	if _, err := p.Write([]byte("x")); err == nil {
		t.Fatal("a committed file was written to")
	}
	if err := p.Commit(t.ctx); err == nil {
		t.Fatal("a file was committed twice")
	}
	t.wantContent(t.Work+"/1/a", "line\nline\nline\n")
}

func (t *folderTest) createPrivate() {
	t.create(t.Work+"/1/2/a", "")
	for _, at := range [][2]string{{".", t.Work}, {t.Work, "1"}, {t.Work + "/1", "2"}} {
		if mode := t.list(at[0])[at[1]].Mode; mode != fs.ModeDir|0o700 {
			t.Fatalf("folder %q in %q has mode %v", at[1], at[0], mode)
		}
	}
}

func (t *folderTest) createOutside() {
	t.put("in/a", "")
	for _, name := range []string{"b", "in/b", "new/b", t.Work, t.Work + "x", t.Work + "x/b"} {
		_, err := t.Folder.Create(t.ctx, name)
		t.want(err, fs.ErrPermission)
	}
	t.wantNames("in", "a")
	t.wantNames(".", "in")
}

func (t *folderTest) discards() {
	p, err := t.Folder.Create(t.ctx, t.Work+"/1/a")
	t.must(err)
	_, err = p.Write([]byte("content"))
	t.must(err)
	t.must(p.Discard())
	t.must(p.Discard())
	t.wantNames(t.Work + "/1")
	if err := p.Commit(t.ctx); err == nil {
		t.Fatal("a file was committed that was given up")
	}
	t.wantNames(t.Work + "/1")
}

func (t *folderTest) discardCommitted() {
	p, err := t.Folder.Create(t.ctx, t.Work+"/1/a")
	t.must(err)
	t.must(p.Commit(t.ctx))
	t.must(t.Folder.Rename(t.ctx, t.Work+"/1/a", "done/a"))
	t.must(p.Discard())
	t.wantNames("done", "a")
	t.wantContent("done/a", "")
}

func (t *folderTest) commitExisting() {
	t.create(t.Work+"/1/a", "first")
	p, err := t.Folder.Create(t.ctx, t.Work+"/1/a")
	t.must(err)
	_, err = p.Write([]byte("second"))
	t.must(err)
	t.want(p.Commit(t.ctx), fs.ErrExist)
	t.must(p.Discard())
	t.wantNames(t.Work+"/1", "a")
	t.wantContent(t.Work+"/1/a", "first")
}

const racers = 20

// race runs act in many goroutines at once and returns the one that succeeded; the others must fail with kind.
func (t *folderTest) race(kind error, act func(i int) error) (winner int) {
	t.Helper()
	var wins atomic.Int32
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range racers {
		all.Go(func() {
			<-start
			switch err := act(i); {
			case err == nil:
				wins.Add(1)
				winner = i // the only one, or the test fails
			case !errors.Is(err, kind):
				t.Errorf("racer %d: error %v, want one that wraps %q", i, err, kind)
			}
		})
	}
	close(start)
	all.Wait()
	if wins.Load() != 1 {
		t.Fatalf("%d of %d racers won", wins.Load(), racers)
	}
	return winner
}

func (t *folderTest) commitRaces() {
	winner := t.race(fs.ErrExist, func(i int) error {
		p, err := t.Folder.Create(t.ctx, t.Work+"/1/a")
		if err != nil {
			return err
		}
		defer p.Discard()
		if _, err := fmt.Fprint(p, i); err != nil {
			return err
		}
		return p.Commit(t.ctx)
	})
	t.wantNames(t.Work+"/1", "a")
	t.wantContent(t.Work+"/1/a", fmt.Sprint(winner))
}

func (t *folderTest) removes() {
	t.create(t.Work+"/1/a", "")
	t.create(t.Work+"/1/b", "b")
	if err := t.Folder.Remove(t.ctx, t.Work+"/1"); err == nil {
		t.Fatal("a folder with files was removed")
	}
	t.must(t.Folder.Remove(t.ctx, t.Work+"/1/a"))
	t.wantNames(t.Work+"/1", "b")
	t.want(t.Folder.Remove(t.ctx, t.Work+"/1/a"), fs.ErrNotExist)
	t.must(t.Folder.Remove(t.ctx, t.Work+"/1/b"))
	t.must(t.Folder.Remove(t.ctx, t.Work+"/1"))
	t.wantNames(t.Work)
	t.want(t.Folder.Remove(t.ctx, t.Work+"/1"), fs.ErrNotExist)
	t.want(t.Folder.Remove(t.ctx, t.Work+"/1/b"), fs.ErrNotExist)
}

func (t *folderTest) removeOutside() {
	t.create(t.Work+"/1/own", "")
	t.put("in/a", "a")
	t.put(t.Work+"x/a", "a")
	for _, name := range []string{"in/a", "in", "missing", "missing/a", t.Work, t.Work + "x", t.Work + "x/a"} {
		t.want(t.Folder.Remove(t.ctx, name), fs.ErrPermission)
	}
	t.must(t.Folder.Remove(t.ctx, t.Work+"/1/own"))
	t.must(t.Folder.Remove(t.ctx, t.Work+"/1"))
	t.want(t.Folder.Remove(t.ctx, t.Work), fs.ErrPermission)
	t.wantContent("in/a", "a")
	t.wantContent(t.Work+"x/a", "a")
	t.wantNames(t.Work)
}

func (t *folderTest) syncs() {
	t.put("in/a", "")
	t.create(t.Work+"/1/b", "")
	t.must(t.Folder.Sync(t.ctx))
	t.must(t.Folder.Sync(t.ctx, "in", t.Work+"/1", "in", "."))
	t.want(t.Folder.Sync(t.ctx, "missing"), fs.ErrNotExist)
	t.want(t.Folder.Sync(t.ctx, "in", "missing/sub"), fs.ErrNotExist)
	if err := t.Folder.Sync(t.ctx, "in/a"); err == nil {
		t.Fatal("a file was synced as a folder")
	}
	if w, ok := t.Folder.(connectors.Sizer); ok {
		if free, err := w.Free(t.ctx); err != nil || free <= 0 {
			t.Fatalf("free: %d, %v", free, err)
		}
	}
}
