package watcher

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"chute/connectors"
	"chute/connectors/local"
)

// unnoticed is a local folder without notice of changes: inotify knows nothing of simulated time.
type unnoticed struct {
	connectors.Folder
	connectors.Sifter
	connectors.WriterSeer
}

// onDisk is simulate on real files: the clock is simulated, the folder in root isn't.
func onDisk(t *testing.T, test func(x *world, inbox string)) {
	t.Helper()
	root := t.TempDir()
	must(t, os.Mkdir(filepath.Join(root, "in"), 0o755))
	onDiskAt(t, root, nil, test)
}

// onDiskAt is onDisk with a store that needn't exist.
func onDiskAt(t *testing.T, root string, change func(*world, *Job), test func(x *world, inbox string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		folder, err := local.New(root, ".chute")
		must(t, err)
		x := &world{t: t, log: new(logText), start: time.Now(), stop: func() {}}
		x.w = &Watcher{Log: zerolog.New(x.log).Level(zerolog.InfoLevel)}
		config := jobConfig(t, "orders", "*.csv")
		job := Job{Config: config, Folder: &unnoticed{folder, folder, folder}, Handle: moveAway(x, folder), Resume: noRuns}
		if change != nil {
			change(x, &job)
		}
		x.w.Jobs = []Job{job}
		defer func() { x.stop() }()
		x.run()
		test(x, filepath.Join(root, "in"))
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

// TestDiskStoreMountedLate: a store that isn't there is said, its runs wait for it, and everything goes on when it is there.
func TestDiskStoreMountedLate(t *testing.T) {
	root := filepath.Join(t.TempDir(), "mount", "store")
	begun := func(x *world, j *Job) {
		j.Begun = []uint64{7}
		j.Resume = func(_ context.Context, runs []uint64) []connectors.Verdict {
			x.note(call{job: "orders", runs: runs})
			return []connectors.Verdict{{Run: 7, Outcome: connectors.Done}}
		}
	}
	onDiskAt(t, root, begun, func(x *world, inbox string) {
		x.pass(10 * rescan)
		x.expectHanded()
		s := x.w.Snapshot()
		if !strings.Contains(s.Inboxes[0].Problem, "no such file or directory") || !s.Inboxes[0].Looked.IsZero() || len(s.Jobs[0].Begun) != 1 {
			t.Errorf("snapshot is %+v", s)
		}
		if x.logged("can't be looked at") != 1 {
			t.Errorf("log:\n%s", x.log)
		}
		must(t, os.MkdirAll(inbox, 0o755))
		write(t, filepath.Join(inbox, "a.csv"), "1\n")
		x.pass(2 * rescan)
		x.expectHanded("orders runs [7]", "orders a.csv")
		if p := x.w.Snapshot().Inboxes[0]; p.Problem != "" || x.logged("looked at again") != 1 {
			t.Errorf("place is %+v, log:\n%s", p, x.log)
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
