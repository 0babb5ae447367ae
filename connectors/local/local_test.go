package local

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"chute/connectors/connectortest"
)

// store is a store in a temporary folder.
func store(t *testing.T) *Folder {
	t.Helper()
	f, err := Open(t.TempDir(), ".chute")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// put makes a partner's file.
func put(t *testing.T, f *Folder, name, content string) {
	t.Helper()
	path := filepath.Join(f.Root, name)
	err := os.WriteFile(path, []byte(content), 0o644)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		err = os.WriteFile(path, []byte(content), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func special(t *testing.T, f *Folder, name string, mode fs.FileMode, target string) {
	t.Helper()
	path := filepath.Join(f.Root, name)
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		switch mode {
		case fs.ModeDir:
			err = os.Mkdir(path, 0o755)
		case fs.ModeSymlink:
			err = os.Symlink(target, path)
		case fs.ModeNamedPipe:
			err = unix.Mkfifo(path, 0o644)
		case fs.ModeSocket:
			err = bindSocket(t, path)
		default:
			err = fmt.Errorf("no way to make %v", mode)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func bindSocket(t *testing.T, path string) error {
	l, err := net.Listen("unix", path)
	if err == nil {
		t.Cleanup(func() { l.Close() })
	}
	return err
}

func underTest(t *testing.T, f *Folder) connectortest.FolderUnderTest {
	return connectortest.FolderUnderTest{
		Folder: f,
		Work:   f.Work,
		Put:    func(t *testing.T, name string, content []byte) { put(t, f, name, string(content)) },
		Special: func(t *testing.T, name string, mode fs.FileMode, target string) {
			special(t, f, name, mode, target)
		},
	}
}

func TestFolder(t *testing.T) {
	connectortest.Folder(t, func(t *testing.T) connectortest.FolderUnderTest { return underTest(t, store(t)) })
}

// TestFolderWithoutNoReplace runs the contract as on file systems that don't know RENAME_NOREPLACE, as NFS, under a kernel that can't walk by itself.
func TestFolderWithoutNoReplace(t *testing.T) {
	connectortest.Folder(t, func(t *testing.T) connectortest.FolderUnderTest {
		f := store(t)
		f.renameat2 = func(int, string, int, string, uint) error { return unix.EINVAL }
		f.stepwise.Store(true)
		return underTest(t, f)
	})
}
