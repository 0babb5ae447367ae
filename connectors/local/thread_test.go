package local

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

const nobody = 65534

// alone runs act on a thread of its own, which ends afterwards: who it is and what it has mounted ends with it, however the test ends.
func alone(t *testing.T, act func() error) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked
		done <- act()
	}()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// asNobody runs act as a user without special rights, in a store that belongs to it. A plain user runs it as itself.
func asNobody(t *testing.T, f *Folder, act func() error) {
	t.Helper()
	if os.Getuid() != 0 {
		if err := act(); err != nil {
			t.Error(err)
		}
		return
	}
	for path := range map[string]bool{f.Root: true, filepath.Dir(f.Root): true} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(f.Root, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	alone(t, func() error {
		// The raw calls change this thread only.
		for _, call := range [][4]uintptr{{unix.SYS_SETGROUPS, 0, 0, 0}, {unix.SYS_SETRESGID, nobody, nobody, nobody}, {unix.SYS_SETRESUID, nobody, nobody, nobody}} {
			if _, _, errno := unix.RawSyscall(call[0], call[1], call[2], call[3]); errno != 0 {
				return errno
			}
		}
		return act()
	})
}

// withMounts runs act where it may mount what nobody else sees. It needs root.
func withMounts(t *testing.T, act func() error) {
	t.Helper()
	alone(t, func() error {
		if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
			return err
		}
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			return err
		}
		return act()
	})
}
