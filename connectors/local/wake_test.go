package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// TestWatch reads the kernel's queue itself: an event is in it when the call that made it returns, so nothing is waited for.
func TestWatch(t *testing.T) {
	f := store(t)
	special(t, f, "in", fs.ModeDir, "")
	special(t, f, "out", fs.ModeDir, "")
	put(t, f, "elsewhere/b", "")
	w, err := newWatch(f.Root)
	if err != nil {
		t.Fatal(err)
	}
	defer w.events.Close()
	path := func(name string) string { return filepath.Join(f.Root, name) }
	refresh := func() error { return w.refresh([]string{"in", "late", "out"}) }
	for _, step := range []struct {
		what   string
		act    func() error
		events bool // in the kernel's queue
		signal bool // because a folder is watched that wasn't
	}{
		{"the first look", refresh, false, true},
		{"nothing", refresh, false, false},
		{"a new file", func() error { return os.WriteFile(path("in/a"), nil, 0o644) }, true, false},
		{"a rename into a folder", func() error { return os.Rename(path("elsewhere/b"), path("out/b")) }, true, false},
		{"a second name", func() error { return os.Link(path("out/b"), path("in/b")) }, true, false},
		{"a claim", func() error { return f.Rename(t.Context(), "in/b", ".chute/1/b") }, false, false},
		{"a look", func() error { _, err := f.List(t.Context(), "in"); return err }, false, false},
		{"a removal", func() error { return os.Remove(path("in/a")) }, true, false},
		{"a folder that isn't watched yet", func() error { return os.Mkdir(path("late"), 0o755) }, false, false},
		{"a folder made late", refresh, false, true},
		{"a file in it", func() error { return os.WriteFile(path("late/a"), nil, 0o644) }, true, false},
		{"its removal", func() error { return os.RemoveAll(path("late")) }, true, false},
		{"a look while it is missing", refresh, false, false},
		{"the folder made anew", func() error { return os.Mkdir(path("late"), 0o755) }, false, false},
		{"a look at it", refresh, false, true},
		{"a file in the folder made anew", func() error { return os.WriteFile(path("late/a"), nil, 0o644) }, true, false},
		{"a folder that moves away", func() error { return os.Rename(path("in"), path("moved")) }, true, false},
		{"another under its name", func() error { return os.Mkdir(path("in"), 0o755) }, false, false},
		{"a look at the other", refresh, true, true}, // the old watch's end is an event
		{"a file in what moved away", func() error { return os.WriteFile(path("moved/c"), nil, 0o644) }, false, false},
		{"a file in the other", func() error { return os.WriteFile(path("in/c"), nil, 0o644) }, true, false},
		{"a folder that became a link", func() error {
			return errors.Join(os.RemoveAll(path("in")), os.Symlink("moved", path("in")))
		}, true, false},
		{"a look at the link", refresh, false, false},
		{"a file behind the link", func() error { return os.WriteFile(path("in/d"), nil, 0o644) }, false, false},
	} {
		if err := step.act(); err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		if got := drain(t, w); got != step.events {
			t.Errorf("%s: events %v, want %v", step.what, got, step.events)
		}
		if got := len(w.changed) == 1; got != step.signal {
			t.Errorf("%s: signal %v, want %v", step.what, got, step.signal)
		}
		select {
		case <-w.changed:
		default:
		}
	}
}

// drain empties the kernel's queue and tells whether there was anything in it.
func drain(t *testing.T, w *watch) (any bool) {
	t.Helper()
	raw, err := w.events.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64<<10)
	err = raw.Control(func(fd uintptr) {
		for {
			if _, err := unix.Read(int(fd), buf); err != nil {
				return
			}
			any = true
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return any
}

// TestWake: the first call comes at once, another one after an event, none after the end, and nothing is left running.
func TestWake(t *testing.T) {
	leak := goleak.IgnoreCurrent()
	f := store(t)
	special(t, f, "in", fs.ModeDir, "")
	ctx, cancel := context.WithCancel(t.Context())
	rang := make(chan struct{})
	refresh, err := f.Wake(ctx, []string{"in", "missing"}, func() {
		select {
		case rang <- struct{}{}:
		case <-ctx.Done():
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "in/a"} {
		if name != "" {
			put(t, f, name, "")
		}
		select {
		case <-rang:
		case <-time.After(20 * time.Second):
			t.Fatalf("no wake for %q", name)
		}
	}
	cancel()
	special(t, f, "missing", fs.ModeDir, "")
	refresh() // does nothing, and does no harm
	goleak.VerifyNone(t, leak)
}

// TestWakeFlood: while wake is being called fifty thousand events come. They don't block, they become few calls, none of which overlap, and
// one of them begins after the last event.
func TestWakeFlood(t *testing.T) {
	f := store(t)
	special(t, f, "in", fs.ModeDir, "")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var running, calls atomic.Int32
	gate, entered, settled := make(chan struct{}), make(chan struct{}, 1), make(chan struct{}, 1)
	_, err := f.Wake(ctx, []string{"in"}, func() {
		if running.Add(1) != 1 {
			t.Error("two calls at a time")
		}
		defer running.Add(-1)
		calls.Add(1)
		select {
		case entered <- struct{}{}:
		default:
		}
		_, missing := os.Lstat(filepath.Join(f.Root, "in/last"))
		<-gate
		if missing == nil {
			select {
			case settled <- struct{}{}:
			default:
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	<-entered                                                                       // the first call comes at once
	names := []string{filepath.Join(f.Root, "in/a"), filepath.Join(f.Root, "in/b")} // the kernel drops an event that is like the one before
	for i := range 50_000 {
		file, err := os.OpenFile(names[i%2], os.O_WRONLY|os.O_CREATE, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		file.Close()
	}
	gate <- struct{}{} // ends the first call, which began before the last file came
	put(t, f, "in/last", "")
	close(gate)
	select {
	case <-settled:
	case <-time.After(20 * time.Second):
		t.Fatal("no call saw the last file")
	}
	if n := calls.Load(); n > 1000 {
		t.Errorf("%d calls: they aren't coalesced", n)
	}
}

func TestWakeRefuses(t *testing.T) {
	f := store(t)
	put(t, f, "file", "")
	for _, dir := range []string{"../in", "/in", ""} {
		_, err := f.Wake(t.Context(), []string{dir}, func() {})
		wantError(t, err, fs.ErrInvalid)
	}
}

// TestWakeLimits uses up a user's inotify instances.
func TestWakeLimits(t *testing.T) {
	f := store(t)
	leak := goleak.IgnoreCurrent()
	ctx, cancel := context.WithCancel(t.Context())
	asNobody(t, f, func() error {
		_, err := f.Wake(ctx, []string{"."}, func() {})
		for err == nil { // ends with the limit: what is watched stays so
			_, err = f.Wake(ctx, []string{"."}, func() {})
		}
		if !strings.Contains(err.Error(), "fs.inotify.max_user_instances") {
			return fmt.Errorf("error %v, want it to name the limit", err)
		}
		return nil
	})
	cancel()
	goleak.VerifyNone(t, leak) // the next test needs some
	if err := explain(unix.ENOSPC); !strings.Contains(err.Error(), "fs.inotify.max_user_watches") {
		t.Errorf("error %v, want it to name the limit", err)
	}
}
