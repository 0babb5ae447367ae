package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"chute/connectors"
)

// wantFile insists on the content of a file, past the package.
func wantFile(t *testing.T, f *Folder, name, content string) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(f.Root, name))
	if err != nil || string(got) != content {
		t.Errorf("%q holds %q (%v), want %q", name, got, err, content)
	}
}

func wantError(t *testing.T, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("error %v, want one that wraps %q", err, kind)
	}
}

// withoutNoReplace makes f's file system one that doesn't know RENAME_NOREPLACE.
func withoutNoReplace(f *Folder) *Folder {
	f.renameat2 = func(int, string, int, string, uint) error { return unix.EINVAL }
	return f
}

// TestRenameAcrossMounts mounts for real, so only root runs all of it; a plain user sees that the kernel's word is translated.
func TestRenameAcrossMounts(t *testing.T) {
	f := store(t)
	put(t, f, "in/a", "a")
	put(t, f, "bound/b", "b")
	if os.Getuid() != 0 {
		f.renameat2 = func(int, string, int, string, uint) error { return unix.EXDEV }
		wantError(t, f.Rename(t.Context(), "in/a", "done/a"), connectors.ErrCrossDevice)
		wantFile(t, f, "in/a", "a")
		return
	}
	withMounts(t, func() error {
		special(t, f, "other", fs.ModeDir, "")
		if err := unix.Mount("tmpfs", filepath.Join(f.Root, "other"), "tmpfs", 0, "size=1m"); err != nil {
			return err
		}
		bound := filepath.Join(f.Root, "bound")
		if err := unix.Mount(bound, bound, "", unix.MS_BIND, ""); err != nil {
			return err
		}
		put(t, f, "other/c", "c")
		for _, way := range [][2]string{{"in/a", "other/a"}, {"other/c", "in/c"}, {"in/a", "bound/a"}, {"bound/b", ".chute/1/b"}} {
			wantError(t, f.Rename(t.Context(), way[0], way[1]), connectors.ErrCrossDevice)
		}
		put(t, f, ".chute/1/own", "own")
		withoutNoReplace(f)
		for _, way := range [][2]string{{"bound/b", ".chute/1/b"}, {".chute/1/own", "other/a"}, {".chute/1/own", "bound/a"}, {".chute/1", "bound/a"}} {
			wantError(t, f.Rename(t.Context(), way[0], way[1]), connectors.ErrCrossDevice)
		}
		wantFile(t, f, ".chute/1/own", "own")
		wantFile(t, f, "in/a", "a")
		wantFile(t, f, "bound/b", "b")
		wantFile(t, f, "other/c", "c")
		for _, name := range []string{"in/c", "other/a", "bound/a", ".chute/1/b"} {
			if _, err := os.Lstat(filepath.Join(f.Root, name)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%q: %v, want it not to exist", name, err)
			}
		}
		return nil
	})
}

// TestHalfMoved: killed between link and remove, a file has both names; the move is finished when it is tried again.
func TestHalfMoved(t *testing.T) {
	f := withoutNoReplace(store(t))
	put(t, f, ".chute/1/a", "a")
	put(t, f, ".chute/2/a", "another")
	put(t, f, "done/b", "b")
	if err := os.Link(filepath.Join(f.Root, ".chute/1/a"), filepath.Join(f.Root, "done/a")); err != nil {
		t.Fatal(err)
	}
	wantError(t, f.Rename(t.Context(), ".chute/2/a", "done/a"), fs.ErrExist)
	if err := f.Rename(t.Context(), ".chute/1/a", "done/a"); err != nil {
		t.Fatal(err)
	}
	wantFile(t, f, "done/a", "a")
	wantFile(t, f, ".chute/2/a", "another")
	if files, err := f.List(t.Context(), ".chute/1"); err != nil || len(files) != 0 {
		t.Errorf("left: %v, %v", files, err)
	}
}

// TestPartnersFileWithoutNoReplace: there a partner's file can be claimed, but not moved elsewhere: between link and
// remove the partner could put another file under the name.
func TestPartnersFileWithoutNoReplace(t *testing.T) {
	f := withoutNoReplace(store(t))
	put(t, f, "in/a", "a")
	err := f.Rename(t.Context(), "in/a", "done/a")
	if err == nil || !strings.Contains(err.Error(), "can't rename without replacing") {
		t.Errorf("error %v", err)
	}
	wantFile(t, f, "in/a", "a")
	if err := f.Rename(t.Context(), "in/a", ".chute/1/a"); err != nil {
		t.Fatal(err)
	}
	wantFile(t, f, ".chute/1/a", "a")
}

// TestPartnersFile is the same where the kernel can: moved straight to done, as stores do in which nothing is claimed.
func TestPartnersFile(t *testing.T) {
	f := store(t)
	put(t, f, "in/a", "a")
	if err := f.Rename(t.Context(), "in/a", "done/x/a"); err != nil {
		t.Fatal(err)
	}
	wantFile(t, f, "done/x/a", "a")
}

// TestProtectedLinks: a claimed file of another user can't get a second name; it stays where it is.
func TestProtectedLinks(t *testing.T) {
	protected, err := os.ReadFile("/proc/sys/fs/protected_hardlinks")
	if err != nil {
		t.Fatal(err)
	}
	f := withoutNoReplace(store(t))
	for _, dir := range []string{"in", ".chute", "done"} {
		special(t, f, dir, fs.ModeDir, "")
		if err := os.Chmod(filepath.Join(f.Root, dir), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	put(t, f, "in/a", "a")
	foreign := os.Getuid() == 0 // root's file then; a plain user has only its own
	asNobody(t, f, func() error {
		if err := f.Rename(t.Context(), "in/a", ".chute/a"); err != nil {
			return err
		}
		err := f.Rename(t.Context(), ".chute/a", "done/a")
		if !foreign || strings.TrimSpace(string(protected)) == "0" {
			return err
		}
		if err == nil || !strings.Contains(err.Error(), "protected_hardlinks") {
			return fmt.Errorf("error %v, want it to name protected_hardlinks", err)
		}
		wantError(t, err, fs.ErrPermission)
		_, err = os.Stat(filepath.Join(f.Root, ".chute/a"))
		return err
	})
}

// TestPrivateNameRaces: looking for a free name and taking it are one step for this process. The conformance suite has such a race too;
// it takes more of them to hit the moment in between.
func TestPrivateNameRaces(t *testing.T) {
	f := withoutNoReplace(store(t))
	const rounds, racers = 50, 8
	for round := range rounds {
		var wins atomic.Int32
		var all sync.WaitGroup
		start := make(chan struct{})
		for i := range racers {
			name := fmt.Sprintf("in/%d", i)
			put(t, f, name, name)
			all.Go(func() {
				<-start
				err := f.Rename(t.Context(), name, fmt.Sprintf(".chute/%d", round))
				if err == nil {
					wins.Add(1)
				} else if !errors.Is(err, fs.ErrExist) {
					t.Error(err)
				}
			})
		}
		close(start)
		all.Wait()
		if wins.Load() != 1 {
			t.Fatalf("round %d: %d renames onto one name succeeded", round, wins.Load())
		}
	}
}
