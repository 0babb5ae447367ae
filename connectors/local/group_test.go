package local

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestGroup guards the partner's way to the sidecars: an own file that goes into a set-group-id folder gets its group, though it was made in
// the private work folder. Another group can only be given by root, so for anybody else the group is the process's own.
func TestGroup(t *testing.T) {
	root := t.TempDir()
	group := os.Getgid()
	if os.Geteuid() == 0 {
		group = 65534
	}
	done := filepath.Join(root, "done")
	if err := os.Mkdir(done, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(done, -1, group); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(done, 0o2750|os.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	f, err := Open(root, ".chute")
	if err != nil {
		t.Fatal(err)
	}
	p, err := f.Create(t.Context(), ".chute/x/1.log")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := f.Rename(t.Context(), ".chute/x/1.log", "done/a.csv.log"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(done, "a.csv.log"))
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Sys().(*syscall.Stat_t).Gid; int(got) != group {
		t.Errorf("the sidecar has group %d, its folder %d", got, group)
	}
}
