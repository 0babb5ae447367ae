package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// notice is a watch whose events the test judges itself.
type notice struct {
	*watch
	t     *testing.T
	any   atomic.Bool // a hint came
	marks chan string // the test's own files, as their events come
	made  int
}

// newNotice watches dirs, and a folder of its own.
func newNotice(t *testing.T, f *Folder, dirs ...string) *notice {
	t.Helper()
	special(t, f, "marks", fs.ModeDir, "")
	w, err := newWatch(f, append(dirs, "marks"))
	if err != nil {
		t.Fatal(err)
	}
	n := &notice{watch: w, t: t, marks: make(chan string, 1)}
	var reading sync.WaitGroup
	reading.Go(n.judge)
	t.Cleanup(func() { w.close(); reading.Wait() })
	return n
}

// judge is read with the test's own files told apart. There is no hint in the folder of the marks but a mark.
func (n *notice) judge() {
	for {
		select {
		case event, open := <-n.events.Events:
			switch {
			case !open:
				return
			case filepath.Dir(event.Name) != filepath.Join(n.folder.Root, "marks"):
				n.any.Store(n.any.Load() || n.hint(event))
			case n.hint(event):
				n.marks <- filepath.Base(event.Name)
			}
		case _, open := <-n.events.Errors:
			if !open {
				return
			}
			n.any.Store(true)
		}
	}
}

// hinted tells whether there were hints since it was last called. Events come in order, so those of everything done so far have come when
// that of a file made now has: nothing is waited for that doesn't happen.
func (n *notice) hinted() bool {
	n.t.Helper()
	n.made++
	mark := fmt.Sprint(n.made)
	put(n.t, n.folder, "marks/"+mark, "")
	select {
	case got := <-n.marks:
		if got != mark {
			n.t.Fatalf("mark %s instead of %s", got, mark)
		}
	case <-time.After(time.Minute):
		n.t.Fatal("the event of a new file didn't come")
	}
	return n.any.Swap(false)
}

// signaled tells whether a wake was asked for, and forgets it.
func (n *notice) signaled() bool {
	select {
	case <-n.changed:
		return true
	default:
		return false
	}
}

func TestWatch(t *testing.T) {
	f := store(t)
	special(t, f, "in", fs.ModeDir, "")
	special(t, f, "out", fs.ModeDir, "")
	put(t, f, "elsewhere/b", "")
	w := newNotice(t, f, "in", "late", "out")
	path := func(name string) string { return filepath.Join(f.Root, name) }
	for _, step := range []struct {
		what     string
		act      func() error
		hinted   bool
		signaled bool // because a folder is watched that wasn't
	}{
		{"the first look", w.refresh, false, true},
		{"nothing", w.refresh, false, false},
		{"a new file", func() error { return os.WriteFile(path("in/a"), nil, 0o644) }, true, false},
		{"a write, without the pause after it", func() error { return os.WriteFile(path("in/a"), []byte("a"), 0o644) }, false, false},
		{"another mode", func() error { return os.Chmod(path("in/a"), 0o600) }, false, false},
		{"a rename into a folder", func() error { return os.Rename(path("elsewhere/b"), path("out/b")) }, true, false},
		{"a second name", func() error { return os.Link(path("out/b"), path("in/b")) }, true, false},
		{"a claim", func() error { return f.Rename(t.Context(), "in/b", ".chute/1/b") }, false, false},
		{"a look", func() error { _, err := f.List(t.Context(), "in"); return err }, false, false},
		{"a removal", func() error { return os.Remove(path("in/a")) }, true, false},
		{"a folder that isn't watched yet", func() error { return os.Mkdir(path("late"), 0o755) }, false, false},
		{"a folder made late", w.refresh, false, true},
		{"a file in it", func() error { return os.WriteFile(path("late/a"), nil, 0o644) }, true, false},
		{"its removal", func() error { return os.RemoveAll(path("late")) }, true, false},
		{"a look while it is missing", w.refresh, false, false},
		{"the folder made anew", func() error { return os.Mkdir(path("late"), 0o755) }, false, false},
		{"a look at it", w.refresh, false, true},
		{"a file in the folder made anew", func() error { return os.WriteFile(path("late/a"), nil, 0o644) }, true, false},
		{"a folder that moves away", func() error { return os.Rename(path("in"), path("moved")) }, true, false},
		{"another under its name", func() error { return os.Mkdir(path("in"), 0o755) }, false, false},
		{"a look at the other", w.refresh, false, true},
		{"a file in what moved away", func() error { return os.WriteFile(path("moved/c"), nil, 0o644) }, false, false},
		{"a file in the other", func() error { return os.WriteFile(path("in/c"), nil, 0o644) }, true, false},
		{"a folder that became a link", func() error {
			return errors.Join(os.RemoveAll(path("in")), os.Symlink("moved", path("in")))
		}, true, false},
		{"a look at the link", w.refresh, false, false},
		{"a file behind the link", func() error { return os.WriteFile(path("in/d"), nil, 0o644) }, false, false},
		{"a folder that became a file", func() error {
			return errors.Join(os.RemoveAll(path("out")), os.WriteFile(path("out"), nil, 0o644))
		}, true, false},
		{"a look at the file", w.refresh, false, false},
	} {
		if err := step.act(); err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		if got := w.hinted(); got != step.hinted {
			t.Errorf("%s: hint %v, want %v", step.what, got, step.hinted)
		}
		if got := w.signaled(); got != step.signaled {
			t.Errorf("%s: signal %v, want %v", step.what, got, step.signaled)
		}
	}
}

// TestWatchReplaced: a folder that is replaced is watched after the next refresh, and the old one isn't, whether or not their events were read
// before it, and also when the new one has got the old one's inode number.
func TestWatchReplaced(t *testing.T) {
	f := store(t)
	special(t, f, "in", fs.ModeDir, "")
	w := newNotice(t, f, "in")
	path := func(name string) string { return filepath.Join(f.Root, name) }
	for i := range 40 {
		moved := fmt.Sprintf("moved%d", i)
		if err := w.refresh(); err != nil {
			t.Fatal(err)
		}
		err := os.Rename(path("in"), path(moved))
		if i%2 == 0 {
			err = errors.Join(err, os.Remove(path(moved)))
		}
		if err := errors.Join(err, os.Mkdir(path("in"), 0o755)); err != nil {
			t.Fatal(err)
		}
		if i%4 < 2 {
			w.hinted()
		}
		if err := w.refresh(); err != nil {
			t.Fatal(err)
		}
		w.hinted()
		if i%2 != 0 {
			put(t, f, moved+"/a", "")
		}
		if w.hinted() {
			t.Errorf("replacement %d: a hint from the old folder", i)
		}
		put(t, f, "in/a", "")
		if !w.hinted() {
			t.Errorf("replacement %d: no hint from the new folder", i)
		}
		if err := os.Remove(path("in/a")); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWriting: a file counts as paused once, when it wasn't written to for a while, however many others are being written.
func TestWriting(t *testing.T) {
	start := time.Now()
	files := make(writing)
	for i, step := range []struct {
		written string
		paused  bool
	}{{"a", false}, {"a", false}, {"a", false}, {"ab", false}, {"b", false}, {"b", true}, {"a", false}, {"", true}, {"", true}, {"", false}} {
		now := start.Add(time.Duration(i) * (quiet/2 + 1))
		for _, name := range step.written {
			files[string(name)] = now
		}
		if got := files.paused(now); got != step.paused {
			t.Errorf("step %d: paused %v, want %v", i, got, step.paused)
		}
	}
	if len(files) != 0 {
		t.Errorf("%v are kept", files)
	}
}

// TestWatchOverflow: more events than the kernel keeps, none of them a hint, wake all the same.
func TestWatchOverflow(t *testing.T) {
	f := store(t)
	put(t, f, "in/a", "")
	put(t, f, "in/b", "")
	w, err := newWatch(f, []string{"in"})
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	if err := w.refresh(); err != nil {
		t.Fatal(err)
	}
	<-w.changed // the folder's
	text, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	if err != nil {
		t.Fatal(err)
	}
	limit, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	names := []string{filepath.Join(f.Root, "in/a"), filepath.Join(f.Root, "in/b")} // the kernel drops an event that is like the one before
	for i := range limit + 10_000 {                                                 // what fsnotify took before the queue was full doesn't count
		if err := os.Chmod(names[i%2], 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.changed) != 0 {
		t.Fatal("a wake before the events were read")
	}
	go w.read()
	select {
	case <-w.changed:
	case <-time.After(time.Minute):
		t.Fatal("no wake though events were lost")
	}
}
