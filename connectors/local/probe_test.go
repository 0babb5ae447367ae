package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"chute/config"
	"chute/connectors"
)

// wholeTree is everything in the store: names, modes and contents.
func wholeTree(t *testing.T, root string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		content := []byte{}
		if info.Mode().IsRegular() {
			if content, err = os.ReadFile(name); err != nil {
				return err
			}
		}
		all[name] = info.Mode().String() + " " + string(content)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func wantSameTree(t *testing.T, root string, before map[string]string) {
	t.Helper()
	if after := wholeTree(t, root); !maps.Equal(before, after) {
		t.Errorf("before:\n%s\nafter:\n%s", strings.Join(slices.Sorted(maps.Keys(before)), "\n"), strings.Join(slices.Sorted(maps.Keys(after)), "\n"))
	}
}

// probe goes through the folders and returns what each of them said.
func probe(ctx context.Context, f *Folder, folders ...string) (errs map[string]error, err error) {
	p, err := f.NewProbe(ctx, folders)
	if err != nil {
		return nil, err
	}
	errs = map[string]error{}
	for _, dir := range folders {
		errs[dir] = p.Through(ctx, dir)
	}
	return errs, p.Close()
}

// TestProbe: folders that can be moved into, that would have to be made, and that can't be reached; nothing stays in any case.
func TestProbe(t *testing.T) {
	for name, work := range map[string]string{"new work folder": ".chute", "old work folder": "old", "deep work folder": "a/b/.chute"} {
		t.Run(name, func(t *testing.T) {
			f := store(t)
			f.Work = work
			put(t, f, "in/orders.csv", "a partner's")
			put(t, f, "old/ABC/1/claim.json", "{}")
			put(t, f, "file", "")
			special(t, f, "link", fs.ModeSymlink, "in")
			before := wholeTree(t, f.Root)
			errs, err := probe(t.Context(), f, "in", "done/2026/11", "rejected", ".", "link", "file")
			if err != nil {
				t.Fatal(err)
			}
			for dir, want := range map[string]error{"in": nil, "done/2026/11": nil, "rejected": nil, ".": nil, "link": fs.ErrInvalid, "file": unix.ENOTDIR} {
				if !errors.Is(errs[dir], want) {
					t.Errorf("%s: %v, want %v", dir, errs[dir], want)
				}
			}
			wantSameTree(t, f.Root, before)
		})
	}
}

// TestProbeIsHidden looks for the probe's file while it is in an inbox: no job may take it.
func TestProbeIsHidden(t *testing.T) {
	f := store(t)
	put(t, f, "in/orders.csv", "")
	var seen []string
	kernels := f.renameat2
	f.renameat2 = func(fromDir int, from string, toDir int, to string, flags uint) error {
		err := kernels(fromDir, from, toDir, to, flags)
		files, listErr := f.List(t.Context(), "in")
		for _, file := range files {
			seen = append(seen, file.Name)
		}
		return errors.Join(err, listErr)
	}
	if errs, err := probe(t.Context(), f, "in"); errs["in"] != nil || err != nil {
		t.Fatal(errs, err)
	}
	seen = slices.DeleteFunc(seen, func(name string) bool { return name == "orders.csv" })
	if len(seen) != 1 || !config.TemporaryName(seen[0]) {
		t.Errorf("seen in the inbox: %q", seen)
	}
}

// TestProbeOverMounts: a bind mount of the same file system looks like an ordinary folder to everything but a rename. Only root mounts for real; a plain user
// sees what is made of the kernel's word.
func TestProbeOverMounts(t *testing.T) {
	f := store(t)
	put(t, f, "in/a", "")
	put(t, f, "done/b", "")
	put(t, f, "elsewhere/c", "")
	before := wholeTree(t, f.Root)
	look := func() error {
		errs, err := probe(t.Context(), f, "in", "done", "done/2026")
		if errs["in"] != nil || !errors.Is(errs["done"], connectors.ErrCrossDevice) || !errors.Is(errs["done/2026"], connectors.ErrCrossDevice) {
			t.Errorf("%v", errs)
		}
		return err
	}
	if os.Getuid() != 0 {
		kernels := f.renameat2
		f.renameat2 = func(fromDir int, from string, toDir int, to string, flags uint) error {
			if isDone(fromDir) != isDone(toDir) {
				return unix.EXDEV
			}
			return kernels(fromDir, from, toDir, to, flags)
		}
		if err := look(); err != nil {
			t.Error(err)
		}
		wantSameTree(t, f.Root, before)
		return
	}
	withMounts(t, func() error {
		done := filepath.Join(f.Root, "done")
		if err := unix.Mount(filepath.Join(f.Root, "elsewhere"), done, "", unix.MS_BIND, ""); err != nil {
			return err
		}
		a, errA := f.Look(t.Context(), "in")
		b, errB := f.Look(t.Context(), "done")
		if errA != nil || errB != nil || a.Device != b.Device {
			t.Errorf("%v %v %v %v: this isn't the case that is meant", a, b, errA, errB)
		}
		return look()
	})
	wantSameTree(t, f.Root, before)
}

// isDone tells whether an open folder is the store's "done" or in it.
func isDone(fd int) bool {
	path, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	return err == nil && strings.Contains(path+"/", "/done/")
}

// TestProbeWithoutRights: each kind of folder in which we may not do something.
func TestProbeWithoutRights(t *testing.T) {
	f := store(t)
	for dir, mode := range map[string]fs.FileMode{"in": 0o755, "fixed": 0o555, "closed": 0o644} {
		special(t, f, dir, fs.ModeDir, "")
		err := os.Chmod(filepath.Join(f.Root, dir), mode)
		if os.Getuid() == 0 {
			err = errors.Join(err, os.Chown(filepath.Join(f.Root, dir), nobody, nobody))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(f.Root, "closed"), 0o755) })
	asNobody(t, f, func() error {
		before := wholeTree(t, filepath.Join(f.Root, "in"))
		errs, err := probe(t.Context(), f, "in", "fixed", "fixed/done", "closed", "closed/done")
		if errs["in"] != nil {
			t.Error(errs["in"])
		}
		for _, dir := range []string{"fixed", "fixed/done", "closed", "closed/done"} {
			if !errors.Is(errs[dir], fs.ErrPermission) {
				t.Errorf("%s: %v", dir, errs[dir])
			}
		}
		if err := os.Chmod(f.Root, 0o555); err != nil {
			return err
		}
		wantSameTree(t, filepath.Join(f.Root, "in"), before)
		_, failed := f.NewProbe(t.Context(), []string{"in"})
		if !errors.Is(failed, fs.ErrPermission) {
			t.Errorf("a work folder that can't be made: %v", failed)
		}
		return errors.Join(err, os.Chmod(f.Root, 0o755))
	})
}

func TestProbeOfFileSystem(t *testing.T) {
	f := store(t)
	for _, folder := range []*Folder{f, withoutNoReplace(store(t))} {
		p, err := folder.NewProbe(t.Context(), []string{"in"})
		if err != nil {
			t.Fatal(err)
		}
		replaces, err := p.Replaces(t.Context())
		if replaces != (folder != f) || err != nil {
			t.Errorf("replaces %t, %v", replaces, err)
		}
		if leases, err := p.Leases(t.Context()); !leases || err != nil {
			t.Errorf("leases %t, %v", leases, err)
		}
		if err := errors.Join(p.Through(t.Context(), "in"), p.Close()); err != nil {
			t.Error(err)
		}
	}
}

// TestProbeIsSwapped: somebody puts a file of their own in the place of the probe's. It stays theirs.
func TestProbeIsSwapped(t *testing.T) {
	f := store(t)
	put(t, f, "in/theirs", "theirs")
	kernels := f.renameat2
	f.renameat2 = func(fromDir int, from string, toDir int, to string, flags uint) error {
		if strings.HasPrefix(from, hiddenProbe) {
			if err := os.Rename(filepath.Join(f.Root, "in/theirs"), filepath.Join(f.Root, "in", from)); err != nil {
				return err
			}
			f.renameat2 = kernels
		}
		return kernels(fromDir, from, toDir, to, flags)
	}
	errs, err := probe(t.Context(), f, "in")
	if errs["in"] == nil || err != nil {
		t.Errorf("%v, %v", errs, err)
	}
	left, err := filepath.Glob(filepath.Join(f.Root, "in", hiddenProbe+"*"))
	if err != nil || len(left) != 1 {
		t.Fatal(left, err)
	}
	wantFile(t, f, "in/"+filepath.Base(left[0]), "theirs")
}

// killAt, in the environment, makes the test binary a child that probes the store named behind the number and is killed at so many calls.
const killAt = "CHUTE_LOCAL_TEST_PROBE"

// TestProbeKilled kills a probing process before and after each of its renames and syncs: what is left is swept, also after a sweep that
// was killed, and while the process lives nothing of it is touched.
func TestProbeKilled(t *testing.T) {
	if task := os.Getenv(killAt); task != "" {
		probeAndDie(t, task)
		return
	}
	for at := 1; ; at++ {
		f := store(t)
		put(t, f, "in/orders.csv", "a partner's")
		before := wholeTree(t, f.Root)
		child := exec.Command(os.Args[0], "-test.run=^TestProbeKilled$")
		child.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", killAt, at, f.Root))
		out, err := child.CombinedOutput()
		status, _ := child.ProcessState.Sys().(syscall.WaitStatus)
		if err == nil {
			if at < 10 {
				t.Errorf("only %d calls", at-1)
			}
			return
		}
		if status.Signal() != syscall.SIGKILL {
			t.Fatalf("call %d: %v: %s", at, err, out)
		}
		plans, err := filepath.Glob(filepath.Join(f.Root, f.Work, probePrefix+"*", planFile))
		if err := errors.Join(err, f.SweepProbes(t.Context())); err != nil {
			t.Errorf("call %d: %v", at, err)
		}
		if len(plans) == 0 { // an empty work folder says nothing of who made it: it stays
			_ = os.Remove(filepath.Join(f.Root, f.Work))
		}
		wantSameTree(t, f.Root, before)
	}
}

// probeAndDie counts the calls of the kernel that the package can be told to count; every one of them has a moment before and one after it.
func probeAndDie(t *testing.T, task string) {
	number, root, _ := strings.Cut(task, " ")
	left, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(root, ".chute")
	if err != nil {
		t.Fatal(err)
	}
	count := func() {
		if left--; left == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	renameat2, fsync := f.renameat2, f.fsync
	f.renameat2 = func(fromDir int, from string, toDir int, to string, flags uint) error {
		count()
		defer count()
		return renameat2(fromDir, from, toDir, to, flags)
	}
	f.fsync = func(fd int) error {
		count()
		defer count()
		return fsync(fd)
	}
	if errs, err := probe(t.Context(), f, "in", "done"); err != nil || errs["in"] != nil || errs["done"] != nil {
		t.Fatal(errs, err)
	}
}

// TestSweepProbes: the living are left alone, and so is a file that only has the probe's name.
func TestSweepProbes(t *testing.T) {
	f := store(t)
	put(t, f, "in/a", "")
	before := wholeTree(t, f.Root)
	p, err := f.NewProbe(t.Context(), []string{"in"})
	if err != nil {
		t.Fatal(err)
	}
	outside := "in/" + p.hidden
	if err := f.Rename(t.Context(), p.at(probeFile), outside); err != nil {
		t.Fatal(err)
	}
	during := wholeTree(t, f.Root)
	if err := f.SweepProbes(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantSameTree(t, f.Root, during)

	if err := errors.Join(f.Rename(t.Context(), outside, p.at(probeFile)), unix.Close(p.lock)); err != nil { // as if it were killed
		t.Fatal(err)
	}
	put(t, f, outside, "a partner's")
	if err := f.SweepProbes(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantFile(t, f, outside, "a partner's")
	if err := os.Remove(filepath.Join(f.Root, outside)); err != nil {
		t.Fatal(err)
	}
	wantSameTree(t, f.Root, before)
}

// TestProbesTogether: several processes may check one store at a time, and sweep.
func TestProbesTogether(t *testing.T) {
	f := store(t)
	put(t, f, "in/a", "")
	put(t, f, ".chute/ABC/1/claim.json", "{}")
	before := wholeTree(t, f.Root)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	failed := make(chan error)
	for range 8 {
		go func() {
			var err error
			for range 5 {
				errs, closed := probe(ctx, f, "in", "done")
				err = errors.Join(err, errs["in"], errs["done"], closed, f.SweepProbes(ctx))
			}
			failed <- err
		}()
	}
	for range 8 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	wantSameTree(t, f.Root, before)
}

func TestLook(t *testing.T) {
	f := store(t)
	special(t, f, "in", fs.ModeDir, "")
	special(t, f, "drop", fs.ModeDir, "")
	if err := os.Chmod(filepath.Join(f.Root, "drop"), 0o777|fs.ModeSticky); err != nil {
		t.Fatal(err)
	}
	in, err := f.Look(t.Context(), "in")
	if err != nil || in.UID != uint32(os.Getuid()) || in.OthersWrite() || in.KeepsOthersFiles() || in.Mode != fs.ModeDir|0o755 {
		t.Errorf("%+v, %v", in, err)
	}
	drop, err := f.Look(t.Context(), "drop")
	if err != nil || !drop.OthersWrite() || drop.KeepsOthersFiles() || drop.Inode == in.Inode {
		t.Errorf("%+v, %v", drop, err)
	}
	if os.Getuid() == 0 {
		root := drop
		asNobody(t, f, func() error {
			if SeesWriters() {
				t.Error("nobody sees others' writers")
			}
			if !(Place{UID: 0, Mode: root.Mode}).KeepsOthersFiles() {
				t.Error("nobody takes others' files out of root's sticky folder")
			}
			return nil
		})
	}
	put(t, f, "in/orders.csv", "")
	if os.Getuid() == 0 {
		if err := os.Chown(filepath.Join(f.Root, "in/orders.csv"), nobody, nobody); err != nil {
			t.Fatal(err)
		}
		if foreign, err := f.Foreign(t.Context(), "in"); fmt.Sprint(foreign) != "[orders.csv]" || err != nil {
			t.Errorf("foreign in in: %q, %v", foreign, err)
		}
	}
	if foreign, err := f.Foreign(t.Context(), "drop"); len(foreign) != 0 || err != nil {
		t.Errorf("foreign in drop: %q, %v", foreign, err)
	}
	for dir, want := range map[string]string{"in": "in", "in/a/b": "in", "x/y": ".", ".": "."} {
		if got, err := f.Landing(t.Context(), dir); got != want || err != nil {
			t.Errorf("landing of %q: %q, %v", dir, got, err)
		}
	}
}
