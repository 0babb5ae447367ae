package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func reader(t *testing.T, path string) *Reader {
	t.Helper()
	r, err := OpenReader(limit(t), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// A reader sees what the owner wrote last, and neither of them waits for the other: also not one who starts while a listing goes on.
func TestReaderBesideOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	owner := open(t, path)
	begin(t, owner, 3)
	r := reader(t, path)
	if r.ID() != owner.ID() {
		t.Errorf("id %s, not %s", r.ID(), owner.ID())
	}
	seen := 0
	for run, err := range r.Each(limit(t), Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen > 1 {
			continue
		}
		if run.ID != 3 {
			t.Errorf("the newest is run %d", run.ID)
		}
		begin(t, owner, 1)
		begin(t, open(t, path), 1) // somebody starts
	}
	if seen != 3 {
		t.Errorf("%d runs were listed", seen)
	}
	if runs, err := r.Runs(limit(t), Filter{}); err != nil || len(runs) != 5 {
		t.Errorf("%d runs afterwards, %v", len(runs), err)
	}
	if run, err := r.Run(limit(t), 5); err != nil || run.File.Name == "" {
		t.Errorf("%+v, %v", run, err)
	}
}

// The ledger's own file stays as it is, whether the last owner ended in order or not.
func TestReaderWritesNothing(t *testing.T) {
	for name, leave := range map[string]func(*testing.T, *Ledger, string) string{
		"in order": func(t *testing.T, l *Ledger, path string) string {
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			return path
		},
		"killed": func(t *testing.T, l *Ledger, path string) string { // what is on the disk then: the file and its log
			there := filepath.Join(t.TempDir(), "ledger.db")
			for _, suffix := range []string{"", "-wal"} {
				content, err := os.ReadFile(path + suffix)
				if err != nil {
					t.Fatal(err)
				}
				write(t, there+suffix, string(content))
			}
			return there
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ledger.db")
			l, err := Open(limit(t), path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			begin(t, l, 2)
			path = leave(t, l, path)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if runs, err := reader(t, path).Runs(limit(t), Filter{}); err != nil || len(runs) != 2 {
					t.Errorf("%d runs, %v", len(runs), err)
				}
			}
			if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
				t.Errorf("the file was changed (%v)", err)
			}
			begin(t, open(t, path), 1)
		})
	}
}

// Root reads the ledger of another user, and nothing of root's is left that the user couldn't open.
func TestReaderOfAnotherUser(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	l, err := Open(limit(t), path)
	if err != nil {
		t.Fatal(err)
	}
	begin(t, l, 1)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	user := os.Getuid()
	if user == 0 {
		user = 4711
	}
	for _, name := range []string{dir, path} {
		if err := os.Chown(name, user, -1); err != nil {
			t.Fatal(err)
		}
	}
	r := reader(t, path)
	if runs, err := r.Runs(limit(t), Filter{}); err != nil || len(runs) != 1 {
		t.Errorf("%d runs, %v", len(runs), err)
	}
	for closed := range 2 {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil {
				t.Fatal(err)
			}
			if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) != user || info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s belongs to %d with mode %v", e.Name(), owner, info.Mode())
			}
		}
		if closed == 0 {
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestReaderRefuses(t *testing.T) {
	none := filepath.Join(t.TempDir(), "ledger.db")
	if _, err := OpenReader(limit(t), none); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a ledger: %v", err)
	}
	if _, err := os.Stat(none); err == nil {
		t.Error("a ledger was made")
	}
	write(t, none, "")
	if _, err := OpenReader(limit(t), none); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of one that is being made: %v", err)
	}
	older := filepath.Join(t.TempDir(), "ledger.db")
	l := open(t, older)
	if _, err := l.write.ExecContext(limit(t), `PRAGMA user_version = 1`); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenReader(limit(t), older); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("version 1, this chute reads version %d: start the daemon", len(migrations))) {
		t.Errorf("of an older chute: %v", err)
	}
	other := filepath.Join(t.TempDir(), "ledger.db")
	write(t, other, "hello, this isn't a ledger at all")
	if _, err := OpenReader(limit(t), other); err == nil || !strings.Contains(err.Error(), other+" is damaged") {
		t.Errorf("of something else: %v", err)
	}
}

// A ledger of the first version gets what later ones have, with its runs.
func TestMigrate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	all := migrations
	migrations = all[:1]
	l, err := Open(limit(t), path)
	if err != nil {
		t.Fatal(err)
	}
	begin(t, l, 2)
	err = l.Close()
	migrations = all
	if err != nil {
		t.Fatal(err)
	}
	again := open(t, path)
	runs, err := again.Runs(limit(t), Filter{Stores: []string{"acme"}})
	if err != nil || len(runs) != 2 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	runs[0].SHA256, runs[1].SHA256 = "A", "B"
	advance(t, again, runs, Claimed, Staging, Publishing, Published, Settled)
	next := staged(t, again, runs[0].File.Name, "other bytes")[0]
	if c, by := publish(t, again, next, replacing(next)); c != "" {
		t.Errorf("%s by %d", c, by)
	}
	if left, err := again.Replacing(limit(t), next.ID); err != nil || len(left) != 1 || left[0].ID != runs[0].ID {
		t.Errorf("replaces %v (%v)", ids(left), err)
	}
}

// TestLook: looking leaves nothing beside a ledger that was closed in order, and finds the id of one that wasn't.
func TestLook(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	if _, err := Look(limit(t), path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a ledger that isn't there: %v", err)
	}
	l, err := Open(limit(t), path)
	if err != nil {
		t.Fatal(err)
	}
	want := l.ID()
	if id, err := Look(limit(t), path); err != nil || id != want {
		t.Errorf("%q beside its writer (%v), want %q", id, err, want)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if id, err := Look(limit(t), path); err != nil || id != want {
		t.Errorf("%q (%v), want %q", id, err, want)
	}
	if files, err := filepath.Glob(path + "*"); err != nil || len(files) != 1 {
		t.Errorf("beside it are %v (%v)", files, err)
	}
	if err := os.WriteFile(path, []byte("not a database, but long enough to be taken for one if nobody looked at it, and then some more"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Look(limit(t), path); !Unusable(err) {
		t.Errorf("a damaged one: %v", err)
	}
}
