package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"chute/connectors"
)

func wantMode(t *testing.T, f *Folder, name string, mode fs.FileMode) {
	t.Helper()
	info, err := os.Lstat(filepath.Join(f.Root, name))
	if err != nil {
		t.Error(err)
	} else if info.Mode() != mode {
		t.Errorf("%q has mode %v, want %v", name, info.Mode(), mode)
	}
}

// TestModes: modes are what the fields say under every umask, and a folder's set-group-id bit goes down.
func TestModes(t *testing.T) {
	for _, umask := range []int{0o077, 0, 0o022} {
		t.Run(fmt.Sprintf("umask %03o", umask), func(t *testing.T) {
			f := store(t)
			special(t, f, "acme", fs.ModeDir, "")
			if err := os.Chmod(filepath.Join(f.Root, "acme"), fs.ModeSetgid|0o755); err != nil {
				t.Fatal(err)
			}
			defer unix.Umask(unix.Umask(umask))
			for name, mode := range map[string]fs.FileMode{"a": 0o640, "b": 0o664, "c": 0o600} {
				p, err := f.Create(t.Context(), ".chute/1/"+name)
				if err != nil {
					t.Fatal(err)
				}
				defer p.Discard()
				if err := p.(*Pending).Chmod(mode); err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(p.(*Pending).Chown(-1, os.Getgid()), p.Commit(t.Context())); err != nil {
					t.Fatal(err)
				}
				wantMode(t, f, ".chute/1/"+name, mode)
			}
			if err := f.Rename(t.Context(), ".chute/1/a", "acme/done/2026/a"); err != nil {
				t.Fatal(err)
			}
			wantMode(t, f, ".chute", fs.ModeDir|0o700)
			wantMode(t, f, ".chute/1", fs.ModeDir|0o700)
			wantMode(t, f, "acme/done", fs.ModeDir|fs.ModeSetgid|0o750)
			wantMode(t, f, "acme/done/2026", fs.ModeDir|fs.ModeSetgid|0o750)
			wantMode(t, f, "acme/done/2026/a", 0o640)
		})
	}
}

// TestPermissions: what may not be done says so, and nothing is changed.
func TestPermissions(t *testing.T) {
	f := store(t)
	put(t, f, "in/closed", "closed")
	put(t, f, "fixed/a", "a")
	put(t, f, "hidden/a", "a")
	put(t, f, "private/a", "a")
	special(t, f, ".chute", fs.ModeDir, "")
	for name, mode := range map[string]fs.FileMode{"in/closed": 0, "in": 0o777, ".chute": 0o777, "fixed": 0o555, "hidden": 0o311, "private": 0o744} {
		path := filepath.Join(f.Root, name)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(path, 0o700) })
	}
	foreign := os.Getuid() == 0 // root's files then; a plain user has only its own
	asNobody(t, f, func() error {
		ctx := t.Context()
		_, err := f.Open(ctx, "in/closed")
		wantError(t, err, fs.ErrPermission)
		writing, err := f.BeingWritten(ctx, "in/closed")
		if writing || err != nil {
			t.Errorf("being written: %v, %v", writing, err)
		}
		wantError(t, f.Rename(ctx, "fixed/a", ".chute/a"), fs.ErrPermission)
		wantError(t, f.Rename(ctx, "in/closed", "fixed/a2"), fs.ErrPermission)
		wantError(t, f.Rename(ctx, "in/closed", "fixed/sub/a"), fs.ErrPermission)
		_, err = f.List(ctx, "hidden")
		wantError(t, err, fs.ErrPermission)
		o, err := f.Open(ctx, "hidden/a") // a folder on the way needs to be passable only
		if err != nil {
			return err
		}
		o.Close()
		if foreign { // its owner may pass
			_, err = f.Open(ctx, "private/a")
			wantError(t, err, fs.ErrPermission)
			_, err = f.List(ctx, "private")
			wantError(t, err, fs.ErrPermission)
		}
		return f.Rename(ctx, "in/closed", ".chute/1/closed") // what can't be read can still be moved
	})
	wantFile(t, f, "fixed/a", "a")
	wantMode(t, f, ".chute/1/closed", 0)
}

func TestBeingWritten(t *testing.T) {
	f := store(t)
	put(t, f, "in/a", "a")
	want := func(want bool) {
		t.Helper()
		if got, err := f.BeingWritten(t.Context(), "in/a"); got != want || err != nil {
			t.Errorf("being written: %v, %v, want %v", got, err, want)
		}
	}
	path := filepath.Join(f.Root, "in/a")
	want(false)
	writer, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	want(true)
	reader, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	want(true)
	writer.Close()
	want(false)
	// Were the lease still there, this would be refused or wait for it.
	writer, err = os.OpenFile(path, os.O_WRONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	writer.Close()

	_, err = f.BeingWritten(t.Context(), "in/missing")
	wantError(t, err, fs.ErrNotExist)
	special(t, f, "in/pipe", fs.ModeNamedPipe, "")
	_, err = f.BeingWritten(t.Context(), "in/pipe")
	wantError(t, err, connectors.ErrIrregular)
}

// TestBeingWrittenForeign: whether another user's file is being written can't be told without CAP_LEASE, and that is no error.
func TestBeingWrittenForeign(t *testing.T) {
	f := store(t)
	put(t, f, "in/a", "a")
	writer, err := os.OpenFile(filepath.Join(f.Root, "in/a"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	foreign := os.Getuid() == 0 // root's file then; a plain user has only its own
	asNobody(t, f, func() error {
		writing, err := f.BeingWritten(t.Context(), "in/a")
		if writing == foreign {
			t.Errorf("being written: %v", writing)
		}
		return err
	})
}

// TestStoreMadeAnew: nothing is kept open, so a store that is mounted or made anew is the next call's store.
func TestStoreMadeAnew(t *testing.T) {
	root := filepath.Join(t.TempDir(), "store")
	if _, err := Open(root, ".chute"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("open of a missing store: %v", err)
	}
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(root, "../work"); !errors.Is(err, fs.ErrInvalid) {
		t.Fatalf("a work folder outside the store: %v", err)
	}
	f, err := Open(root, ".chute")
	if err != nil {
		t.Fatal(err)
	}
	put(t, f, "in/a", "old")
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	_, err = f.List(t.Context(), "in")
	wantError(t, err, fs.ErrNotExist)
	wantError(t, f.Rename(t.Context(), "in/a", ".chute/1/a"), fs.ErrNotExist)
	put(t, f, "in/a", "new")
	if err := f.Rename(t.Context(), "in/a", ".chute/1/a"); err != nil {
		t.Fatal(err)
	}
	wantFile(t, f, ".chute/1/a", "new")
}

// TestStoreMadeLate: New doesn't need the store; until it is there every call says so and makes nothing, and then it works, notice included.
func TestStoreMadeLate(t *testing.T) {
	if _, err := New(t.TempDir(), "../work"); !errors.Is(err, fs.ErrInvalid) {
		t.Fatalf("a work folder outside the store: %v", err)
	}
	root := filepath.Join(t.TempDir(), "mount", "store")
	f, err := New(root, ".chute")
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	wakes := make(chan struct{}, 100)
	refresh, err := f.Wake(ctx, []string{"in"}, func() { wakes <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	<-wakes // the first
	_, listErr := f.List(ctx, "in")
	_, openErr := f.Open(ctx, "in/a")
	_, createErr := f.Create(ctx, ".chute/1/a")
	_, freeErr := f.Free(ctx)
	for _, err := range []error{listErr, openErr, createErr, freeErr, f.Rename(ctx, "in/a", ".chute/1/a"), f.Remove(ctx, ".chute/1/a"), f.Sync(ctx, "in")} {
		wantError(t, err, fs.ErrNotExist)
	}
	if _, err := os.Lstat(filepath.Dir(root)); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("something was made where the store will be: %v", err)
	}
	put(t, f, "in/a", "a")
	refresh()
	<-wakes
	if err := f.Rename(ctx, "in/a", ".chute/1/a"); err != nil {
		t.Fatal(err)
	}
	wantFile(t, f, ".chute/1/a", "a")
}
