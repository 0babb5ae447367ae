package local

import (
	"context"
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
	for _, step := range []struct {
		what string
		act  func()
	}{
		{"the beginning", func() {}},
		{"a new file", func() { put(t, f, "in/a", "") }},
		{"content written into it", func() { put(t, f, "in/a", "a") }},
		{"more content", func() { put(t, f, "in/a", "abc") }},
	} {
		step.act()
		select {
		case <-rang:
		case <-time.After(time.Minute):
			t.Fatalf("no wake for %s", step.what)
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
	<-entered // the first call comes at once
	put(t, f, "in/a", "")
	names := []string{filepath.Join(f.Root, "in/a"), filepath.Join(f.Root, "in/b")}
	for i := range 50_000 {
		if err := os.Rename(names[i%2], names[(i+1)%2]); err != nil {
			t.Fatal(err)
		}
	}
	gate <- struct{}{} // ends the first call, which began before the last file came
	put(t, f, "in/last", "")
	close(gate)
	select {
	case <-settled:
	case <-time.After(time.Minute):
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
