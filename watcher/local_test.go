package watcher

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"chute/config"
	"chute/connectors"
	"chute/connectors/local"
)

// unnoticed is a local folder without notice of changes: inotify knows nothing of simulated time.
type unnoticed struct {
	connectors.Folder
	connectors.WriterSeer
}

// onDisk is simulate on real files: the clock is simulated, the folder in root isn't.
func onDisk(t *testing.T, test func(x *world, inbox string)) {
	t.Helper()
	root := t.TempDir()
	inbox := filepath.Join(root, "in")
	must(t, os.Mkdir(inbox, 0o755))
	synctest.Test(t, func(t *testing.T) {
		folder, err := local.Open(root, ".chute")
		must(t, err)
		x := &world{t: t, log: new(strings.Builder), start: time.Now(), stop: func() {}}
		x.w = &Watcher{Log: zerolog.New(&lockedWriter{to: x.log}).Level(zerolog.InfoLevel)}
		config := jobConfig(t, "orders", "*.csv")
		x.w.Jobs = []Job{{Config: config, Folder: &unnoticed{folder, folder}, Handle: moveAway(x, folder), Resume: noRuns}}
		defer func() { x.stop() }()
		x.run()
		test(x, inbox)
	})
}

func noRuns(context.Context, []uint64) []connectors.Verdict { return nil }

// moveAway claims the files as the pipeline does and is done with them.
func moveAway(x *world, folder connectors.Folder) func(context.Context, []connectors.File) []connectors.Verdict {
	return func(ctx context.Context, files []connectors.File) []connectors.Verdict {
		x.note(call{job: "orders", names: namesOf(files)})
		var verdicts []connectors.Verdict
		for _, f := range files {
			v := connectors.Verdict{File: f, Outcome: connectors.Done}
			x.mu.Lock()
			x.claims++
			to := fmt.Sprintf(".chute/%d/%s", x.claims, f.Name)
			x.mu.Unlock()
			if err := folder.Rename(ctx, "in/"+f.Name, to); err != nil {
				v.Outcome, v.Err = connectors.Later, err
			}
			verdicts = append(verdicts, v)
		}
		return verdicts
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, name, content string) {
	t.Helper()
	must(t, os.WriteFile(name, []byte(content), 0o644))
}

// rescan is the default Rescan and a bit: what nothing wakes is seen by then.
const rescan = 31 * time.Second

func TestDiskSlowWriterWhoPausesLongerThanSettle(t *testing.T) {
	onDisk(t, func(x *world, inbox string) {
		f, err := os.Create(filepath.Join(inbox, "a.csv"))
		must(t, err)
		for range 5 {
			_, err := io.WriteString(f, "1,2,3\n")
			must(t, err)
			x.pass(10 * rescan)
			x.expectHanded()
		}
		x.expectStates(map[string]string{"a.csv": "being written"})
		must(t, f.Close())
		x.pass(rescan)
		x.expectHanded("orders a.csv")
	})
}

func TestDiskWriterWhoClosesInBetween(t *testing.T) {
	onDisk(t, func(x *world, inbox string) {
		for range 20 {
			f, err := os.OpenFile(filepath.Join(inbox, "a.csv"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
			must(t, err)
			_, err = io.WriteString(f, "1,2,3\n")
			must(t, err)
			must(t, f.Close())
			x.w.Look() // as inotify would
			x.pass(4 * time.Second)
		}
		x.expectHanded()
		x.pass(2 * time.Second)
		x.expectHanded("orders a.csv")
	})
}

func TestDiskCopyWithOldTime(t *testing.T) {
	onDisk(t, func(x *world, inbox string) {
		name := filepath.Join(inbox, "a.csv")
		old := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
		for i := range 3 { // cp -p, in pieces
			write(t, name, strings.Repeat("1,2\n", i+1))
			must(t, os.Chtimes(name, old, old))
			x.w.Look()
			x.pass(4 * time.Second)
		}
		x.expectHanded()
		x.pass(2 * time.Second)
		x.expectHanded("orders a.csv")
	})
}

func TestDiskReplacedBySameSizeAndTime(t *testing.T) {
	onDisk(t, func(x *world, inbox string) {
		name := filepath.Join(inbox, "a.csv")
		old := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
		write(t, name, "1,2\n")
		must(t, os.Chtimes(name, old, old))
		x.w.Look()
		x.pass(4 * time.Second)
		write(t, name+".tmp", "3,4\n")
		must(t, os.Chtimes(name+".tmp", old, old))
		must(t, os.Rename(name+".tmp", name))
		x.w.Look()
		x.pass(4 * time.Second)
		x.expectHanded()
		x.pass(2 * time.Second)
		x.expectHanded("orders a.csv")
	})
}

func TestDiskEmptyThenFilled(t *testing.T) {
	onDisk(t, func(x *world, inbox string) {
		name := filepath.Join(inbox, "a.csv")
		write(t, name, "")
		x.w.Look()
		x.pass(14 * time.Second)
		x.expectHanded()
		write(t, name, "1,2\n")
		x.w.Look()
		x.pass(4 * time.Second)
		x.expectHanded()
		x.pass(2 * time.Second)
		x.expectHanded("orders a.csv")
	})
}

func TestDiskOddEntries(t *testing.T) {
	onDisk(t, func(x *world, inbox string) {
		write(t, filepath.Join(inbox, "new\nline.csv"), "1\n")
		write(t, filepath.Join(inbox, "caf\xe9.csv"), "1\n")
		write(t, filepath.Join(inbox, "a.csv.filepart"), "1\n")
		write(t, filepath.Join(inbox, "one.csv"), "1\n")
		must(t, os.Link(filepath.Join(inbox, "one.csv"), filepath.Join(inbox, "two.txt")))
		must(t, os.Symlink("/etc/passwd", filepath.Join(inbox, "link.csv")))
		must(t, os.Mkdir(filepath.Join(inbox, "folder.csv"), 0o755))
		must(t, syscall.Mkfifo(filepath.Join(inbox, "pipe.csv"), 0o644)) // opening it would block for ever
		x.pass(10 * rescan)
		x.expectHanded("orders caf\xe9.csv")
		x.expectStates(map[string]string{
			"new\nline.csv": "odd name", "a.csv.filepart": "temporary name", "one.csv": "second hard link", "two.txt": "no job matches",
			"link.csv": "not a regular file", "folder.csv": "not a regular file", "pipe.csv": "not a regular file",
		})
		must(t, os.Remove(filepath.Join(inbox, "two.txt")))
		must(t, os.Rename(filepath.Join(inbox, "a.csv.filepart"), filepath.Join(inbox, "a.csv")))
		must(t, os.Remove(filepath.Join(inbox, "pipe.csv")))
		write(t, filepath.Join(inbox, "pipe.csv"), "1\n")
		x.pass(2 * rescan)
		got := strings.Join(x.handedNames(), " ")
		for _, name := range []string{"one.csv", "a.csv", "pipe.csv"} {
			if strings.Count(got, name) != 1 {
				t.Errorf("%s isn't handed over once: %q", name, got)
			}
		}
	})
}

func TestDiskFolderRemovedAndMadeAnew(t *testing.T) {
	onDisk(t, func(x *world, inbox string) {
		write(t, filepath.Join(inbox, "a.csv"), "1\n")
		x.w.Look()
		x.pass(4 * time.Second)
		must(t, os.RemoveAll(inbox))
		x.w.Look()
		x.pass(time.Minute)
		x.expectHanded()
		if p := x.w.Snapshot().Inboxes[0]; p.Problem == "" {
			t.Errorf("place is %+v", p)
		}
		must(t, os.Mkdir(inbox, 0o755))
		write(t, filepath.Join(inbox, "a.csv"), "1\n")
		x.pass(2 * rescan)
		x.expectHanded("orders a.csv")
		if x.logged("can't be looked at") != 1 || x.logged("looked at again") != 1 {
			t.Errorf("log:\n%s", x.log)
		}
	})
}

// TestDiskPermissions needs a user whom permissions stop: as root it runs itself as another one.
func TestDiskPermissions(t *testing.T) {
	if os.Getuid() == 0 {
		runAs(t, 65534)
		return
	}
	onDisk(t, func(x *world, inbox string) {
		name := filepath.Join(inbox, "a.csv")
		write(t, name, "1\n")
		must(t, os.Chmod(name, 0))
		write(t, filepath.Join(inbox, "b.csv"), "1\n")
		x.pass(10 * rescan)
		x.expectHanded("orders b.csv")
		if e := x.waiting("a.csv"); e.State != Unreadable || !strings.Contains(e.Reason, "permission denied: let chute read the file") {
			t.Errorf("waiting is %+v", e)
		}
		must(t, os.Chmod(name, 0o600))
		x.w.Look()
		x.pass(100 * time.Millisecond)
		x.expectHanded("orders a.csv")

		must(t, os.Chmod(inbox, 0))
		x.pass(10 * rescan)
		if p := x.w.Snapshot().Inboxes[0]; !strings.Contains(p.Problem, "permission denied") {
			t.Errorf("place is %+v", p)
		}
		must(t, os.Chmod(inbox, 0o755))
		write(t, filepath.Join(inbox, "c.csv"), "1\n")
		x.pass(3 * rescan)
		x.expectHanded("orders c.csv")
	})
}

// runAs runs the calling test in a process of its own under that user id.
func runAs(t *testing.T, uid uint32) {
	t.Helper()
	dir, err := os.MkdirTemp("", "runas")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	must(t, os.Chmod(dir, 0o755))
	tmp := filepath.Join(dir, "tmp")
	must(t, os.Mkdir(tmp, 0o755))
	must(t, os.Chown(tmp, int(uid), int(uid)))
	self, err := os.ReadFile("/proc/self/exe")
	must(t, err)
	program := filepath.Join(dir, "test")
	must(t, os.WriteFile(program, self, 0o755))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Dir = tmp
	cmd.Env = []string{"TMPDIR=" + tmp, "HOME=" + tmp}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("as user %d: %v\n%s", uid, err, out)
	}
}

// counted is a local folder that counts the looks.
type counted struct {
	*local.Folder
	looks, listed, longest atomic.Int64 // how many, and nanoseconds
}

func (c *counted) List(ctx context.Context, dir string) ([]connectors.File, error) {
	began := time.Now()
	files, err := c.Folder.List(ctx, dir)
	took := int64(time.Since(began))
	c.looks.Add(1)
	c.listed.Add(took)
	c.longest.Store(max(took, c.longest.Load())) // one goroutine looks
	return files, err
}

// live is a watcher in real time, with inotify, that hands over to a function.
func live(t *testing.T, handle func(*counted, []connectors.File) []connectors.Verdict) (folder *counted, inbox string) {
	t.Helper()
	root := t.TempDir()
	inbox = filepath.Join(root, "in")
	must(t, os.Mkdir(inbox, 0o755))
	opened, err := local.Open(root, ".chute")
	must(t, err)
	folder = &counted{Folder: opened}
	job := jobConfig(t, "orders", "*.csv")
	job.Settle = config.Duration(100 * time.Millisecond)
	w := &Watcher{Rescan: time.Hour, Log: zerolog.Nop(), Jobs: []Job{{Config: job, Folder: folder, Resume: noRuns,
		Handle: func(_ context.Context, files []connectors.File) []connectors.Verdict { return handle(folder, files) }}}}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	return folder, inbox
}

// soon receives, or fails after a time that no healthy machine needs.
func soon[T any](t *testing.T, from <-chan T) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(time.Minute):
		t.Fatal("nothing came within a minute")
	}
	return got
}

func TestLiveNotice(t *testing.T) {
	t.Parallel()
	handed := make(chan string, 10)
	_, inbox := live(t, func(c *counted, files []connectors.File) []connectors.Verdict {
		var verdicts []connectors.Verdict
		for _, f := range files {
			if err := os.Remove(filepath.Join(c.Root, "in", f.Name)); err != nil {
				t.Error(err)
			}
			handed <- f.Name
			verdicts = append(verdicts, connectors.Verdict{File: f, Outcome: connectors.Done})
		}
		return verdicts
	})
	// The rescan is an hour away: only inotify can tell.
	write(t, filepath.Join(inbox, "a.csv"), "1\n")
	if got := soon(t, handed); got != "a.csv" {
		t.Errorf("handed over %q", got)
	}
	write(t, filepath.Join(inbox, "b.csv.tmp"), "1\n")
	must(t, os.Rename(filepath.Join(inbox, "b.csv.tmp"), filepath.Join(inbox, "b.csv")))
	if got := soon(t, handed); got != "b.csv" {
		t.Errorf("handed over %q", got)
	}
	must(t, os.RemoveAll(inbox))
	must(t, os.Mkdir(inbox, 0o755))
	write(t, filepath.Join(inbox, "c.csv"), "1\n")
	if got := soon(t, handed); got != "c.csv" {
		t.Errorf("handed over %q", got)
	}
}

func TestLiveFiftyThousandAtOnce(t *testing.T) {
	const files, every = 50_000, 50
	seen := make(map[string]bool) // only touched by Handle, which is called by one goroutine
	all := make(chan struct{})
	folder, inbox := live(t, func(c *counted, batch []connectors.File) []connectors.Verdict {
		verdicts := make([]connectors.Verdict, len(batch))
		for i, f := range batch {
			if seen[f.Name] {
				t.Errorf("%s is handed over twice", f.Name)
			}
			seen[f.Name] = true
			if err := os.Remove(filepath.Join(c.Root, "in", f.Name)); err != nil {
				t.Error(err)
			}
			verdicts[i] = connectors.Verdict{File: f, Outcome: connectors.Done}
		}
		if len(seen) == files/every {
			close(all)
		}
		return verdicts
	})
	began := time.Now()
	for i := range files {
		if i%every == 0 {
			write(t, filepath.Join(inbox, fmt.Sprintf("%05d.csv", i)), "1,2,3\n")
		} else {
			must(t, syscall.Mknod(filepath.Join(inbox, fmt.Sprintf("%05d.txt", i)), syscall.S_IFREG|0o644, 0))
		}
	}
	soon(t, all)
	took := time.Since(began)
	listed, longest := time.Duration(folder.listed.Load()), time.Duration(folder.longest.Load())
	t.Logf("%d looks, %v of %v", folder.looks.Load(), listed, took)
	if listed > took/10+2*longest { // two: the first look, before began, and the last, whose gap isn't over
		t.Errorf("looks took %v of %v", listed, took)
	}
}

// crowded lists a hundred thousand files, always the same.
type crowded struct {
	*local.Folder
	files []connectors.File
	looks atomic.Int64
}

func (c *crowded) List(context.Context, string) ([]connectors.File, error) {
	c.looks.Add(1)
	return c.files, nil
}

func TestAHundredThousandWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := &crowded{files: make([]connectors.File, 100_000)}
		for i := range folder.files {
			name := fmt.Sprintf("invoice-of-an-important-customer-%06d.pdf", i)
			folder.files[i] = connectors.File{Name: name, Size: 1, Inode: uint64(i), Links: 1, ModTime: time.Unix(1e9, int64(i))}
		}
		log := new(strings.Builder)
		w := &Watcher{Log: zerolog.New(&lockedWriter{to: log}).Level(zerolog.InfoLevel), Jobs: []Job{{
			Config: jobConfig(t, "orders", "*.csv"), Folder: &unnoticed{Folder: folder}, Resume: noRuns,
			Handle: func(context.Context, []connectors.File) []connectors.Verdict {
				t.Error("something is handed over")
				return nil
			},
		}}}
		before := heap()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.Run(ctx) }()
		<-time.After(2 * time.Minute)
		synctest.Wait()
		if each := (heap() - before) / len(folder.files); each > 250 {
			t.Errorf("%d bytes are kept for each file", each)
		}
		if looks := folder.looks.Load(); looks > 5 {
			t.Errorf("%d looks in two quiet minutes", looks)
		}
		if lines := strings.Count(log.String(), "\n"); lines > 102 {
			t.Errorf("%d lines in the log", lines)
		}
		if got := len(w.Snapshot().Waiting); got != len(folder.files) {
			t.Errorf("%d files wait", got)
		}
		cancel()
		must(t, <-ended)
	})
}

// heap is how many bytes are in use.
func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
