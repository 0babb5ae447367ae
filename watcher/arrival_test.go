package watcher

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"chute/config"
	"chute/connectors"
	"chute/connectors/connectortest"
)

func TestFileIsTakenAfterSettle(t *testing.T) {
	simulate(t, func(x *world) {
		x.job("orders", "*.csv", nil)
		x.run()
		x.pass(time.Second)
		x.store.Put("in/a.csv", text(10))
		x.until(5900 * time.Millisecond)
		x.expectStates(map[string]string{"a.csv": "settling"})
		if e := x.waiting("a.csv"); e.Job != "orders" || e.Reason != "it has to rest unchanged for 5s" || e.Store != "acme" || e.Inbox != "in" {
			t.Errorf("waiting is %+v", e)
		}
		x.until(6100 * time.Millisecond)
		x.expectHanded("orders a.csv")
		x.pass(2 * time.Minute)
		x.expectHanded()
		x.expectStates(map[string]string{})
	})
}

func TestRestAtStartUpIsTheSame(t *testing.T) {
	simulate(t, func(x *world) {
		x.store.Put("in/a.csv", text(10))
		x.pass(time.Hour) // old for everybody but us
		x.job("orders", "*.csv", nil)
		x.run()
		x.pass(4900 * time.Millisecond)
		x.expectHanded()
		x.pass(200 * time.Millisecond)
		x.expectHanded("orders a.csv")
	})
}

func TestSlowWriter(t *testing.T) {
	simulate(t, func(x *world) {
		x.job("orders", "*.csv", nil)
		x.run()
		for i := range 30 {
			x.store.Put("in/a.csv", text(10+i))
			x.pass(4 * time.Second) // less than settle
		}
		x.expectHanded()
		x.pass(1100 * time.Millisecond)
		x.expectHanded("orders a.csv")
	})
}

func TestReplacedWhileSettling(t *testing.T) {
	simulate(t, func(x *world) {
		x.job("orders", "*.csv", nil)
		x.run()
		x.store.Put("in/a.csv", text(10))
		x.pass(4 * time.Second)
		x.store.Take("in/a.csv")
		x.store.Put("in/a.csv", text(10)) // another inode
		x.pass(2 * time.Second)
		x.expectHanded()
		x.pass(3100 * time.Millisecond)
		x.expectHanded("orders a.csv")
	})
}

func TestEmptyFileThatIsFilledLater(t *testing.T) {
	simulate(t, func(x *world) {
		x.job("orders", "*.csv", nil)
		x.run()
		x.store.Put("in/a.csv", nil)
		x.store.Put("in/b.csv", nil)
		x.pass(14 * time.Second)
		x.expectHanded()
		x.store.Put("in/a.csv", text(10))
		x.pass(1100 * time.Millisecond)
		x.expectHanded("orders b.csv") // 15s: empty it stayed
		x.pass(4 * time.Second)
		x.expectHanded("orders a.csv")
	})
}

func TestEmptyFileIgnored(t *testing.T) {
	simulate(t, func(x *world) {
		x.job("orders", "*.csv", func(j *Job) { j.Config.Empty = "ignore" })
		x.run()
		x.store.Put("in/a.csv", nil)
		x.pass(time.Hour)
		x.expectHanded()
		x.expectStates(map[string]string{"a.csv": "empty file ignored"})
		x.store.Put("in/a.csv", text(3))
		x.pass(6 * time.Second)
		x.expectHanded("orders a.csv")
	})
}

func TestLastLineWithoutEnd(t *testing.T) {
	simulate(t, func(x *world) {
		x.job("orders", "*.csv", nil)
		x.job("any", "*.txt", func(j *Job) { j.Config.Format.LastLine = "any" })
		x.run()
		x.store.Put("in/a.csv", []byte("a,b\n1,2"))
		x.store.Put("in/b.csv", []byte("\x1f\x8b compressed"))
		x.store.Put("in/c.csv", []byte("a,b\r\n1,2"))
		x.store.Put("in/d.txt", []byte("a,b\n1,2"))
		x.pass(5100 * time.Millisecond)
		x.expectHandedSorted("any d.txt", "orders b.csv")
		x.expectStates(map[string]string{"a.csv": "no final line end", "c.csv": "no final line end"})
		x.store.Put("in/c.csv", []byte("a,b\r\n1,2\r\n"))
		x.pass(6 * time.Second)
		x.expectHanded("orders c.csv")
		x.until(19900 * time.Millisecond)
		x.expectHanded()
		x.until(20100 * time.Millisecond) // settle and three times settle
		x.expectHanded("orders a.csv")
		if n := x.logged("no final line end"); n != 2 {
			t.Errorf("logged %d times, want once for each file:\n%s", n, x.log)
		}
	})
}

func TestOpenForWriting(t *testing.T) {
	simulate(t, func(x *world) {
		x.job("orders", "*.csv", nil)
		x.run()
		x.store.Put("in/a.csv", text(10))
		x.store.SetWriting("in/a.csv", true)
		x.pass(time.Minute)
		x.expectHanded()
		x.expectStates(map[string]string{"a.csv": "being written"})
		if n := x.logged("being written"); n != 1 {
			t.Errorf("logged %d times, want once:\n%s", n, x.log)
		}
		x.store.SetWriting("in/a.csv", false)
		x.pass(5100 * time.Millisecond)
		x.expectHanded("orders a.csv")
	})
}

func TestNamesAndKinds(t *testing.T) {
	simulate(t, func(x *world) {
		x.job("orders", "*.csv*", nil)
		x.job("draft", "*.draft", func(j *Job) { j.Config.Enabled = false })
		x.run()
		for _, name := range []string{"a.csv.filepart", ".in.a.csv", "new\nline.csv", strings.Repeat("x", 250) + ".csv", "readme.md", "b.draft", "\xff\xfe.csv"} {
			x.store.Put("in/"+name, text(5))
		}
		x.store.Special("in/folder.csv", fs.ModeDir)
		x.store.Special("in/link.csv", fs.ModeSymlink)
		x.store.Special("in/pipe.csv", fs.ModeNamedPipe)
		x.store.Special("in/socket.csv", fs.ModeSocket)
		x.pass(time.Hour)
		x.expectHanded("orders \xff\xfe.csv")
		x.expectStates(map[string]string{
			"a.csv.filepart": "temporary name", ".in.a.csv": "temporary name", "new\nline.csv": "odd name",
			strings.Repeat("x", 250) + ".csv": "odd name", "readme.md": "no job matches", "b.draft": "job disabled",
			"folder.csv": "not a regular file", "link.csv": "not a regular file", "pipe.csv": "not a regular file", "socket.csv": "not a regular file",
		})
		for _, e := range x.w.Snapshot().Waiting {
			if e.Reason == "" || e.Since.IsZero() {
				t.Errorf("%q has no reason or no time: %+v", e.Name, e)
			}
			if n := strings.Count(x.log.String(), fmt.Sprintf(`"file":%q`, config.Shown(e.Name))); e.State != TemporaryName && n != 1 {
				t.Errorf("%q was logged %d times, want once", e.Name, n)
			}
		}
	})
}

func TestRenameIsAnArrival(t *testing.T) {
	simulate(t, func(x *world) {
		x.job("orders", "*.csv", nil)
		x.run()
		x.store.Put("in/a.csv.filepart", text(5))
		x.pass(time.Minute)
		if err := x.store.Rename(t.Context(), "in/a.csv.filepart", "in/a.csv"); err != nil {
			t.Fatal(err)
		}
		x.pass(4900 * time.Millisecond)
		x.expectHanded()
		x.pass(200 * time.Millisecond)
		x.expectHanded("orders a.csv")
	})
}

func TestOpenForWritingUntilJustBefore(t *testing.T) {
	simulate(t, func(x *world) {
		x.job("orders", "*.csv", nil)
		x.run()
		x.store.Put("in/a.csv", text(10))
		x.store.SetWriting("in/a.csv", true)
		x.pass(5500 * time.Millisecond)
		x.expectStates(map[string]string{"a.csv": "being written"})
		x.store.SetWriting("in/a.csv", false)
		x.pass(4 * time.Second)
		x.expectHanded() // its rest begins when it was last seen open
		x.pass(time.Second)
		x.expectHanded("orders a.csv")
	})
}

func TestChangedBetweenLookAndTaking(t *testing.T) {
	simulate(t, func(x *world) {
		var opened atomic.Bool
		store := &connectortest.FaultyFolder{Folder: x.store, Before: func(c connectortest.Call) error {
			if c.Op == "open" && opened.CompareAndSwap(false, true) {
				x.store.Put("in/a.csv", text(20))
				x.store.Take("in/b.csv")
			}
			return nil
		}}
		x.job("orders", "*.csv", func(j *Job) { j.Folder, j.Config.Format.LastLine = store, "any" })
		x.store.Put("in/a.csv", text(10))
		x.store.Put("in/b.csv", text(10))
		x.run()
		x.pass(9900 * time.Millisecond)
		x.expectHanded()
		x.expectStates(map[string]string{"a.csv": "settling"})
		x.pass(300 * time.Millisecond)
		x.expectHanded("orders a.csv")
	})
}

func TestChangedWhileWaitingForASlot(t *testing.T) {
	simulate(t, func(x *world) {
		x.w.Parallel = 1
		release := make(chan struct{})
		x.job("slow", "*.txt", func(j *Job) { x.hang(j, release) })
		x.job("orders", "*.csv", nil)
		x.run()
		x.store.Put("in/a.txt", text(2))
		x.pass(6 * time.Second)
		for _, name := range []string{"changed", "gone", "replaced", "stays"} {
			x.store.Put("in/"+name+".csv", text(10))
		}
		x.pass(6 * time.Second) // all of them wait for the slot now
		x.expectHanded("slow a.txt")
		x.store.Put("in/changed.csv", text(20))
		x.store.Take("in/gone.csv")
		x.store.Take("in/replaced.csv")
		x.store.Put("in/replaced.csv", text(10))
		x.pass(time.Second)
		close(release)
		x.pass(time.Second)
		x.expectHanded("orders stays.csv")
		x.pass(4 * time.Second)
		got := x.handedNames() // together or not: a look may have come between the two changes
		if all := strings.Join(got, " "); strings.Count(all, "csv") != 2 || !strings.Contains(all, "changed.csv") || !strings.Contains(all, "replaced.csv") {
			t.Errorf("handed over %q", got)
		}
	})
}

func TestNotReadyAnyMoreWhileWaitingForASlot(t *testing.T) {
	simulate(t, func(x *world) {
		var closed atomic.Bool
		x.w.Parallel = 1
		x.w.Ready = func(context.Context) error {
			if closed.Load() {
				return errors.New("closed")
			}
			return nil
		}
		release := make(chan struct{})
		x.job("slow", "*.txt", func(j *Job) { x.hang(j, release) })
		x.job("orders", "*.csv", nil)
		x.run()
		x.store.Put("in/a.txt", text(2))
		x.pass(6 * time.Second)
		x.store.Put("in/a.csv", text(2))
		x.pass(6 * time.Second)
		closed.Store(true)
		close(release)
		x.pass(time.Minute)
		x.expectHanded("slow a.txt")
		closed.Store(false)
		x.w.Look()
		x.pass(100 * time.Millisecond)
		x.expectHanded("orders a.csv")
	})
}

// linked is a store in which every file seems to have that many names.
type linked struct {
	*connectortest.Memory
	links atomic.Uint64
}

func (l *linked) Sift(ctx context.Context, dir string, wanted func(string, fs.FileMode) bool) ([]connectors.File, error) {
	files, err := l.Memory.Sift(ctx, dir, wanted)
	for i := range files {
		files[i].Links = l.links.Load()
	}
	return files, err
}

func TestSecondHardLink(t *testing.T) {
	simulate(t, func(x *world) {
		store := &linked{Memory: x.store}
		store.links.Store(2)
		x.job("orders", "*.csv", func(j *Job) { j.Folder = store })
		x.store.Put("in/a.csv", text(5))
		x.run()
		x.pass(time.Minute)
		x.expectHanded()
		x.expectStates(map[string]string{"a.csv": "second hard link"})
		store.links.Store(1)
		x.pass(31 * time.Second) // the next rescan
		x.expectHanded("orders a.csv")
	})
}

func TestSameNameAgainWhileRunning(t *testing.T) {
	simulate(t, func(x *world) {
		release := make(chan struct{})
		x.job("orders", "*.csv", func(j *Job) {
			done := j.Handle
			j.Handle = func(ctx context.Context, files []connectors.File) []connectors.Verdict {
				verdicts := done(ctx, files)
				<-release
				return verdicts
			}
		})
		x.run()
		x.store.Put("in/a.csv", text(10))
		x.pass(6 * time.Second)
		x.expectHanded("orders a.csv")
		x.expectStates(map[string]string{"a.csv": "running"})
		x.store.Put("in/a.csv", text(20)) // the next delivery
		x.pass(time.Minute)
		x.expectHanded()
		close(release)
		synctest.Wait()
		x.expectHanded("orders a.csv") // it has rested meanwhile
	})
}
