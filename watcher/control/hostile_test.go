package control

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestHostile puts into the control folder what isn't a request: it is refused and removed, nothing of it is run, and nothing that it points to is touched.
func TestHostile(t *testing.T) {
	good := `{"args":["query"],"dir":"/"}`
	write := func(dir, name, text string) error { return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600) }
	cases := map[string]struct {
		make func(dir, precious string) error
		want string
	}{
		"no arguments": {func(dir, _ string) error { return write(dir, requestFile, `{"dir":"/"}`) }, "lacks args"},
		"relative":     {func(dir, _ string) error { return write(dir, requestFile, `{"args":["x"],"dir":".."}`) }, "absolute dir"},
		"no JSON":      {func(dir, _ string) error { return write(dir, requestFile, "\x1b[31m") }, "invalid character"},
		"huge":         {func(dir, _ string) error { return write(dir, requestFile, strings.Repeat(" ", maxRequest+1)) }, "larger than"},
		"linked":       {func(dir, p string) error { return os.Symlink(p+"/request", filepath.Join(dir, requestFile)) }, "too many levels"},
		"second name":  {func(dir, p string) error { return os.Link(p+"/request", filepath.Join(dir, requestFile)) }, "names"},
		"FIFO":         {func(dir, _ string) error { return syscall.Mkfifo(filepath.Join(dir, requestFile), 0o600) }, "isn't a regular file"},
		"folder":       {func(dir, _ string) error { return os.Mkdir(filepath.Join(dir, requestFile), 0o700) }, "isn't a regular file"},
		"others' to write": {func(dir, _ string) error {
			return errors.Join(write(dir, requestFile, good), os.Chmod(filepath.Join(dir, requestFile), 0o666))
		}, "written by others"},
		"folder for others": {func(dir, _ string) error { return errors.Join(write(dir, requestFile, good), os.Chmod(dir, 0o755)) }, "private"},
		"linked progress": {func(dir, p string) error {
			return errors.Join(write(dir, requestFile, good), os.Remove(filepath.Join(dir, readFile)), os.Symlink(p+"/request", filepath.Join(dir, readFile)))
		}, "too many levels"},
		"linked answer": {func(dir, p string) error {
			return errors.Join(write(dir, requestFile, good), os.Mkdir(filepath.Join(dir, stdoutFile), 0o700), os.Symlink(p, filepath.Join(dir, stdoutFile, "x")))
		}, "is a directory"},
	}
	if os.Getuid() == 0 {
		cases["somebody else's"] = struct {
			make func(dir, precious string) error
			want string
		}{func(dir, _ string) error {
			return errors.Join(write(dir, requestFile, good), os.Chown(filepath.Join(dir, requestFile), 65534, 65534))
		}, "belongs to user 65534"}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir, precious := t.TempDir(), t.TempDir()
			if err := write(precious, "request", good); err != nil {
				t.Fatal(err)
			}
			folder := filepath.Join(dir, controlFolder, "1")
			if err := os.MkdirAll(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(filepath.Dir(folder), 0o700); err != nil {
				t.Fatal(err)
			}
			lock := holdClient(t, folder)
			defer lock.Close()
			if err := c.make(folder, precious); err != nil {
				t.Fatal(err)
			}
			o := serve(t, dir, func(context.Context, Request, io.Writer, io.Writer) int { t.Error("it was run"); return 0 })
			o.waitFor(t, "the request to be refused", func() bool { return len(list(t, dir)) == 0 })
			o.end()
			if !strings.Contains(o.log.String(), c.want) {
				t.Errorf("logged %s, want %q", o.log, c.want)
			}
			if text, err := os.ReadFile(precious + "/request"); err != nil || string(text) != good {
				t.Errorf("what it pointed to: %q, %v", text, err)
			}
		})
	}
}

// holdClient makes what each request has: a locked client and its progress.
func holdClient(t *testing.T, folder string) *os.File {
	t.Helper()
	lock, err := os.Create(filepath.Join(folder, clientFile))
	if err == nil {
		err = errors.Join(unix.Flock(int(lock.Fd()), unix.LOCK_EX), os.WriteFile(filepath.Join(folder, readFile), nil, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	return lock
}

// TestLeftovers: what processes left that were killed goes, whether it was handed in or not; what somebody still waits for stays his.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	control := filepath.Join(dir, controlFolder)
	for _, name := range []string{".half", "asked", "answered/x"} {
		if err := os.MkdirAll(filepath.Join(control, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	fresh := filepath.Join(control, ".fresh")
	old := time.Now().Add(-2 * abandoned)
	err := errors.Join(os.Mkdir(fresh, 0o700), os.Chmod(control, 0o700), os.Chtimes(filepath.Join(control, ".half"), old, old),
		os.Symlink("/etc", filepath.Join(control, "asked", clientFile)))
	if err != nil {
		t.Fatal(err)
	}
	o := serve(t, dir, func(context.Context, Request, io.Writer, io.Writer) int { t.Error("it was run"); return 0 })
	o.waitFor(t, "leftovers to go", func() bool { return len(list(t, dir)) == 1 })
	if left := list(t, dir); left[0] != ".fresh" {
		t.Errorf("left: %q", left)
	}
}

// TestOpenFolder: a control folder that others can write to isn't served.
func TestOpenFolder(t *testing.T) {
	dir := t.TempDir()
	control := filepath.Join(dir, controlFolder)
	if err := errors.Join(os.Mkdir(control, 0o700), os.Chmod(control, 0o777)); err != nil {
		t.Fatal(err)
	}
	if err := (&Server{Dir: dir}).Serve(t.Context()); err == nil || !strings.Contains(err.Error(), "private") {
		t.Errorf("got %v", err)
	}
	if err := errors.Join(os.Remove(control), os.Symlink(t.TempDir(), control)); err != nil {
		t.Fatal(err)
	}
	if err := (&Server{Dir: dir}).Serve(t.Context()); err == nil {
		t.Error("a link is served")
	}
}

// TestOwnerDies: an answer that its owner began and never ended is an error, and is begun by nobody else.
func TestOwnerDies(t *testing.T) {
	dir := t.TempDir()
	began := make(chan bool)
	died := context.WithoutCancel(t.Context())
	control := filepath.Join(dir, controlFolder)
	if err := os.MkdirAll(control, 0o700); err != nil {
		t.Fatal(err)
	}
	// The first owner is one by hand: it begins the request and lets go of all locks.
	serving, err := os.Create(filepath.Join(control, servingFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(serving.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		close(began)
		_, err := Call(died, dir, Request{Args: []string{"x"}, Dir: "/"}, io.Discard, io.Discard)
		answered <- err
	}()
	<-began
	root, err := openFolder(unix.AT_FDCWD, control)
	if err != nil {
		t.Fatal(err)
	}
	defer root.close()
	s := &Server{control: root}
	var a *answer
	(&owner{log: &bytes.Buffer{}}).waitFor(t, "a request", func() bool {
		for _, name := range list(t, dir) {
			if name[0] != '.' {
				a, err = s.begin(name)
				return a != nil
			}
		}
		return false
	})
	a.close()
	a.folder.close()
	serving.Close()
	if err := <-answered; !errors.Is(err, errCutOff) {
		t.Errorf("got %v", err)
	}
	if left := list(t, dir); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}
