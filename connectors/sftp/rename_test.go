package sftp

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"chute/connectors"
	"chute/connectors/connectortest/sshd"
)

// names are what is in a folder of the server's.
func names(t *testing.T, dir ...string) []string {
	t.Helper()
	found, err := os.ReadDir(filepath.Join(dir...))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range found {
		all = append(all, e.Name())
	}
	return all
}

// TestRenameWhoseAnswerIsLost: the request isn't made again; what became of it is looked up.
func TestRenameWhoseAnswerIsLost(t *testing.T) {
	for name, test := range map[string]struct {
		before, after bool // the rename is done before the line breaks; … after the look
		overwrites    bool
		want          error
	}{
		"done":                   {before: true},
		"not done":               {want: connectors.ErrUnavailable},
		"done by an overwriter":  {before: true, overwrites: true},
		"not done by overwriter": {overwrites: true, want: connectors.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			d := &sshd.Disk{Root: t.TempDir(), Overwrites: test.overwrites}
			var s *sshd.Stub
			asked := 0
			d.Before = func(what, name string) error {
				if what != "Rename" || !strings.HasPrefix(name, "in/") {
					return nil
				}
				if asked++; test.before {
					if err := os.Rename(filepath.Join(d.Root, name), filepath.Join(d.Root, ".chute/1/a")); err != nil {
						return err
					}
				}
				s.Cut()
				return errors.New("nobody hears this")
			}
			put(t, d.Root, "in/a", []byte("content"))
			s = stub(t, d.Serve)
			f := store(t, onStub(s, "/"), nil)
			if err := f.Rename(t.Context(), "in/a", ".chute/1/a"); !errors.Is(err, test.want) {
				t.Fatalf("error %v, want %v", err, test.want)
			}
			if asked != 1 {
				t.Fatalf("asked %d times", asked)
			}
		})
	}
}

// TestRemoveWhoseAnswerIsLost likewise.
func TestRemoveWhoseAnswerIsLost(t *testing.T) {
	d := &sshd.Disk{Root: t.TempDir()}
	var s *sshd.Stub
	asked := 0
	d.Before = func(what, name string) error {
		if what != "Remove" {
			return nil
		}
		asked++
		if err := os.Remove(filepath.Join(d.Root, name)); err != nil {
			return err
		}
		s.Cut()
		return errors.New("nobody hears this")
	}
	put(t, d.Root, ".chute/1/a", nil)
	s = stub(t, d.Serve)
	if err := store(t, onStub(s, "/"), nil).Remove(t.Context(), ".chute/1/a"); err != nil || asked != 1 {
		t.Fatalf("asked %d times, %v", asked, err)
	}
}

// TestReservedNames: where a rename overwrites, a name outside the work folder is taken first. Who dies in between finds it taken for himself; what a
// partner puts there is never replaced.
func TestReservedNames(t *testing.T) {
	d := &sshd.Disk{Overwrites: true}
	f, dir := disk(t, d)
	put(t, dir, ".chute/1/a", []byte("ours"))
	put(t, dir, ".chute/1/b", []byte("ours"))
	put(t, dir, "done/b", []byte("theirs"))
	if err := f.Rename(t.Context(), ".chute/1/b", "done/b"); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("error %v", err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "done/b")); err != nil || string(got) != "theirs" {
		t.Fatalf("%q, %v", got, err)
	}
	no := errors.New("not now")
	d.Before = func(what, name string) error {
		if what == "Rename" {
			return no
		}
		return nil
	}
	if err := f.Rename(t.Context(), ".chute/1/a", "done/a"); err == nil {
		t.Fatal("renamed")
	}
	if got := names(t, dir, "done"); !slices.Equal(got, []string{"b"}) {
		t.Fatalf("after a rename that was refused: %q", got)
	}
	d.Before = func(what, name string) error {
		if what == "Rename" || what == "Remove" { // as if killed before the rename
			return no
		}
		return nil
	}
	if err := f.Rename(t.Context(), ".chute/1/a", "done/a"); err == nil {
		t.Fatal("renamed")
	}
	if got := names(t, dir, "done"); !slices.Equal(got, []string{"a", "b"}) {
		t.Fatalf("%q", got)
	}
	d.Before = nil
	if err := f.Rename(t.Context(), ".chute/1/b", "done/a"); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("another took the name that was reserved: %v", err)
	}
	if err := f.Rename(t.Context(), ".chute/1/a", "done/a"); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "done/a")); err != nil || string(got) != "ours" {
		t.Fatalf("%q, %v", got, err)
	}
}

// TestCaseInsensitive: where case makes no difference, a name is taken when it is there in another case, and what has it stays.
func TestCaseInsensitive(t *testing.T) {
	for _, overwrites := range []bool{false, true} {
		f, dir := disk(t, &sshd.Disk{FoldsCase: true, Overwrites: overwrites})
		put(t, dir, ".chute/1/a", []byte("ours"))
		put(t, dir, ".chute/1/b", []byte("ours"))
		put(t, dir, "done/orders.csv", []byte("theirs"))
		for _, to := range []string{"done/ORDERS.csv", ".chute/1/B"} {
			if err := f.Rename(t.Context(), ".chute/1/A", to); !errors.Is(err, fs.ErrExist) {
				t.Errorf("overwrites %v, to %s: %v", overwrites, to, err)
			}
		}
		if err := upload(t.Context(), f, ".chute/1/B", []byte("new")); !errors.Is(err, fs.ErrExist) {
			t.Errorf("overwrites %v, a new file: %v", overwrites, err)
		}
		if err := f.Rename(t.Context(), ".chute/1/A", "done/Orders2.csv"); err != nil {
			t.Errorf("overwrites %v, to a free name: %v", overwrites, err)
		}
		for name, want := range map[string]string{"done/orders.csv": "theirs", "done/orders2.csv": "ours", ".chute/1/b": "ours"} {
			if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
				t.Errorf("overwrites %v: %s is %q, %v", overwrites, name, got, err)
			}
		}
		if left := names(t, dir, ".chute/1"); !slices.Equal(left, []string{"b"}) {
			t.Errorf("overwrites %v: it left %q", overwrites, left)
		}
	}
}

// TestAbilities: what each kind of server is found to be able to.
func TestAbilities(t *testing.T) {
	refuse := func(words ...string) func(what, name string) error {
		return func(what, name string) error {
			if slices.Contains(words, what) {
				return fs.ErrPermission
			}
			return nil
		}
	}
	for name, test := range map[string]struct {
		disk sshd.Disk
		want Abilities
		line string
	}{
		"plain":            {sshd.Disk{}, Abilities{Rename: Refuses, Exclusive: true, Modes: true}, "refused, so that nothing can be overwritten"},
		"overwrites":       {sshd.Disk{Overwrites: true}, Abilities{Rename: Overwrites, Exclusive: true, Modes: true}, "reserved with a small file"},
		"ignores excl":     {sshd.Disk{Overwrites: true, IgnoresExcl: true}, Abilities{Rename: Overwrites, Modes: true}, "it is looked for the name first"},
		"no rename":        {sshd.Disk{Before: refuse("Rename")}, Abilities{Rename: Never, Exclusive: true, Modes: true}, "can't be claimed or moved"},
		"no modes":         {sshd.Disk{Before: refuse("Setstat")}, Abilities{Rename: Refuses, Exclusive: true}, "permissions: can't be set"},
		"case-insensitive": {sshd.Disk{FoldsCase: true}, Abilities{Rename: Refuses, Exclusive: true, Modes: true, CaseInsensitive: true}, "upper and lower case are the same"},
	} {
		t.Run(name, func(t *testing.T) {
			d := test.disk
			f, dir := disk(t, &d)
			got, err := f.Probe(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if test.want.Server = "SSH-2.0-Go"; got != test.want {
				t.Fatalf("found %+v, want %+v", got, test.want)
			}
			if !strings.Contains(strings.Join(got.Lines(), "\n"), test.line) {
				t.Fatalf("%q doesn't say %q", got.Lines(), test.line)
			}
			if left := names(t, dir); len(left) > 0 {
				t.Fatalf("it left %q", left)
			}
		})
	}
}

func TestAbilitiesOfReadOnlyServer(t *testing.T) {
	for name, serve := range map[string]func(dir string) *sshd.Stub{
		"sftp-server -R": func(string) *sshd.Stub { return stub(t, sshd.Binary("-R")) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir, "in/a", []byte("content"))
			f := store(t, onStub(serve(dir), dir), nil)
			got, err := f.Probe(t.Context())
			if err != nil || got.ReadOnly == "" || !strings.Contains(strings.Join(got.Lines(), "\n"), "writing: refused") {
				t.Fatalf("%+v, %v", got, err)
			}
			if err := f.Rename(t.Context(), "in/a", ".chute/1/a"); !errors.Is(err, fs.ErrPermission) {
				t.Fatalf("error %v", err)
			}
			var all []byte
			if _, err := fetch(t.Context(), f, "in/a", &all, 0); err != nil || string(all) != "content" {
				t.Fatalf("%q, %v", all, err)
			}
		})
	}
}

// TestAbilitiesOfOpenSSH: everything, and leftovers of probes that were killed long ago are removed.
func TestAbilitiesOfOpenSSH(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, ".chute/probe-OLD/one", nil)
	put(t, dir, ".chute/probe-NEW/one", nil)
	if err := os.Chtimes(filepath.Join(dir, ".chute/probe-OLD"), time.Time{}, time.Now().Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	f := store(t, on(sshd.Start(t), dir), nil)
	got, err := f.Probe(t.Context())
	if !strings.HasPrefix(got.Server, "SSH-2.0-OpenSSH_") {
		t.Fatalf("%+v, %v", got, err)
	}
	got.Server = ""
	want := Abilities{Rename: Refuses, Exclusive: true, Modes: true, SyncsFiles: true, SyncsFolders: true, TellsFree: true}
	if err != nil || got != want {
		t.Fatalf("found %+v, %v; want %+v", got, err, want)
	}
	if left := names(t, dir, ".chute"); !slices.Equal(left, []string{"probe-NEW"}) {
		t.Fatalf("it left %q", left)
	}
}

// TestReadOnlyForNow: that nothing can be made isn't remembered, so that a rename that overwrites isn't taken for one that doesn't.
func TestReadOnlyForNow(t *testing.T) {
	d := &sshd.Disk{Overwrites: true, Before: func(what, _ string) error {
		if what == "Mkdir" {
			return syscall.EACCES
		}
		return nil
	}}
	f, dir := disk(t, d)
	put(t, dir, "in/a", []byte("new"))
	put(t, dir, "in/b", []byte("old"))
	if got, err := f.Probe(t.Context()); err != nil || got.ReadOnly == "" {
		t.Fatalf("%+v, %v", got, err)
	}
	if err := f.Rename(t.Context(), "in/a", "in/b"); !errors.Is(err, fs.ErrPermission) {
		t.Fatalf("error %v", err)
	}
	d.Before = nil
	if err := f.Rename(t.Context(), "in/a", "in/b"); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("error %v", err)
	}
	if got, err := f.Probe(t.Context()); err != nil || got.Rename != Overwrites {
		t.Fatalf("%+v, %v", got, err)
	}
	f.abilities.Store(&Abilities{Server: "SSH-2.0-Go of last year", Rename: Refuses})
	if got, err := f.able(t.Context()); err != nil || got.Rename != Overwrites {
		t.Fatalf("of a server of another version: %+v, %v", got, err)
	}
}

// TestCreateAll: many small files at a time; one whose name is taken ends it.
func TestCreateAll(t *testing.T) {
	dir := t.TempDir()
	f := store(t, onStub(stub(t, sshd.Binary()), dir), nil)
	var files []connectors.NewFile
	for i := range 50 {
		files = append(files, connectors.NewFile{Name: fmt.Sprintf(".chute/%d/%d", i%3, i), Content: []byte(fmt.Sprint("content of ", i))})
	}
	if err := f.CreateAll(t.Context(), files); err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if got, err := os.ReadFile(filepath.Join(dir, file.Name)); err != nil || string(got) != string(file.Content) {
			t.Fatalf("%s: %q, %v", file.Name, got, err)
		}
	}
	if err := f.CreateAll(t.Context(), files[7:8]); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), files[7].Name) {
		t.Fatalf("error %v", err)
	}
	if err := f.CreateAll(t.Context(), []connectors.NewFile{{Name: "in/a"}}); !errors.Is(err, fs.ErrPermission) {
		t.Fatalf("error %v", err)
	}
}
