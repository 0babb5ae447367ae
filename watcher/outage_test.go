package watcher

import (
	"errors"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chute/connectors/connectortest"
)

func TestFolderGoneAndBack(t *testing.T) {
	simulate(t, func(x *world) {
		var failing atomic.Pointer[error]
		store := &connectortest.FaultyFolder{Folder: x.store, Before: func(c connectortest.Call) error {
			if err := failing.Load(); c.Op == "list" && err != nil {
				return *err
			}
			return nil
		}}
		x.job("orders", "*.csv", func(j *Job) { j.Folder = store })
		x.store.Put("in/a.csv", text(5))
		x.run()
		x.pass(4 * time.Second)
		var gone error = fs.ErrNotExist
		failing.Store(&gone)
		x.pass(10 * time.Minute)
		x.expectHanded()
		p := x.w.Snapshot().Inboxes[0]
		if p.Problem == "" || p.Entries != 0 || p.Since.IsZero() || time.Since(p.Looked) < 9*time.Minute {
			t.Errorf("place is %+v", p)
		}
		if n := x.logged("can't be looked at"); n != 1 {
			t.Errorf("logged %d times:\n%s", n, x.log)
		}
		failing.Store(nil)
		for x.w.Snapshot().Inboxes[0].Problem != "" {
			x.pass(100 * time.Millisecond)
		}
		x.pass(4800 * time.Millisecond)
		x.expectHanded() // what is there now has not been seen before
		x.pass(400 * time.Millisecond)
		x.expectHanded("orders a.csv")
		if p := x.w.Snapshot().Inboxes[0]; p.Problem != "" || x.logged("looked at again") != 1 {
			t.Errorf("place is %+v, log:\n%s", p, x.log)
		}
	})
}

// TestWhyWhileNothingIsSeen: a file of an inbox that can't be looked at waits for that, whatever it was seen to be before.
func TestWhyWhileNothingIsSeen(t *testing.T) {
	simulate(t, func(x *world) {
		var failing atomic.Bool
		store := &connectortest.FaultyFolder{Folder: x.store, Before: func(c connectortest.Call) error {
			if c.Op == "list" && failing.Load() {
				return errors.New("the server has another key")
			}
			return nil
		}}
		x.job("orders", "*.csv", func(j *Job) { j.Folder = store })
		x.store.Put("in/a.csv", text(5))
		x.run()
		x.pass(time.Second)
		failing.Store(true)
		x.pass(time.Minute)
		e := x.waiting("a.csv")
		if e.State != Settling || !strings.HasPrefix(e.Reason, "the inbox can't be looked at since 2000-01-01T00:00:0") || !strings.HasSuffix(e.Reason, "the server has another key") || !e.At.IsZero() {
			t.Errorf("%+v", e)
		}
		failing.Store(false)
		x.pass(2 * time.Minute)
		x.expectHanded("orders a.csv")
	})
}

func TestUnreadableFile(t *testing.T) {
	simulate(t, func(x *world) {
		var refuse atomic.Bool
		refuse.Store(true)
		store := &connectortest.FaultyFolder{Folder: x.store, Before: func(c connectortest.Call) error {
			if c.Op == "open" && c.Name == "in/a.csv" && refuse.Load() {
				return fs.ErrPermission
			}
			return nil
		}}
		x.job("orders", "*.csv", func(j *Job) { j.Folder = store })
		x.store.Put("in/a.csv", text(5))
		x.store.Put("in/b.csv", text(5))
		x.run()
		x.pass(10 * time.Minute)
		x.expectHanded("orders b.csv")
		x.expectStates(map[string]string{"a.csv": "unreadable"})
		if n := x.logged("unreadable"); n != 1 {
			t.Errorf("logged %d times:\n%s", n, x.log)
		}
		refuse.Store(false)
		x.pass(31 * time.Second)
		x.expectHanded("orders a.csv")
	})
}

func TestWithoutNotice(t *testing.T) {
	simulate(t, func(x *world) {
		var refuse atomic.Bool
		var asked atomic.Int64
		refuse.Store(true)
		store := &connectortest.FaultyFolder{Folder: x.store, Before: func(c connectortest.Call) error {
			if c.Op != "wake" {
				return nil
			}
			asked.Add(1)
			if refuse.Load() {
				return errors.New("no inotify watches left")
			}
			return nil
		}}
		x.job("orders", "*.csv", func(j *Job) { j.Folder = store })
		x.run()
		x.pass(time.Second)
		x.store.Put("in/a.csv", text(5))
		x.pass(28 * time.Second)
		x.expectStates(map[string]string{})
		x.pass(7 * time.Second) // the rescan sees it, and then settle
		x.expectHanded("orders a.csv")
		refuse.Store(false)
		x.pass(31 * time.Second)
		x.store.Put("in/b.csv", text(5))
		x.pass(5100 * time.Millisecond)
		x.expectHanded("orders b.csv")
		if n := x.logged("no inotify watches left"); n != 1 || asked.Load() > 4 {
			t.Errorf("logged %d times, asked %d times:\n%s", n, asked.Load(), x.log)
		}
	})
}
