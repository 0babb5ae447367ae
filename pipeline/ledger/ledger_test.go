package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chute/connectors"
)

// limit returns a context that ends before the test binary's own deadline would.
func limit(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func open(t *testing.T, path string) *Ledger {
	t.Helper()
	l, err := Open(limit(t), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func fresh(t *testing.T) *Ledger {
	t.Helper()
	return open(t, filepath.Join(t.TempDir(), "ledger.db"))
}

// TestForget: what claimed nothing leaves no trace but its number; nothing else can be forgotten.
func TestForget(t *testing.T) {
	l := fresh(t)
	runs := begin(t, l, 3)
	advance(t, l, runs[2:], Claimed)
	if err := l.Forget(limit(t), runs); !errors.Is(err, ErrState) {
		t.Errorf("forgot a claimed one: %v", err)
	}
	if err := l.Forget(limit(t), runs[:2]); err != nil {
		t.Fatal(err)
	}
	if err := l.Forget(limit(t), runs[:1]); !errors.Is(err, ErrState) {
		t.Errorf("forgot one twice: %v", err)
	}
	if err := l.Forget(limit(t), nil); err != nil {
		t.Fatal(err)
	}
	left, err := l.Unsettled(limit(t))
	if err != nil || len(left) != 1 || left[0].ID != runs[2].ID {
		t.Errorf("left %v, %v", left, err)
	}
	if next := begin(t, l, 1); next[0].ID != runs[2].ID+1 {
		t.Errorf("the next run has the number %d", next[0].ID)
	}
}

var files atomic.Uint64 // made by begin so far

// begin returns n runs of job "orders" for files that differ in name and bytes from all others.
func begin(t *testing.T, l *Ledger, n int) []Run {
	t.Helper()
	runs := make([]Run, n)
	for i := range runs {
		runs[i] = Run{
			Kind: "import", Job: "orders", JobHash: "j1", Store: "acme", Inbox: "in", Started: time.Now(),
			File: connectors.File{Name: fmt.Sprintf("orders_%d.csv", files.Add(1)), Size: 12, ModTime: time.Now(), Inode: uint64(i)},
		}
	}
	if err := l.Begin(limit(t), runs); err != nil {
		t.Fatal(err)
	}
	for i := range runs {
		runs[i].SHA256 = fmt.Sprintf("%x", sha256.Sum256([]byte(runs[i].File.Name)))
	}
	return runs
}

// advance records runs in each of the states in turn.
func advance(t *testing.T, l *Ledger, runs []Run, states ...State) {
	t.Helper()
	for _, s := range states {
		var reserve []Identity
		for i := range runs {
			runs[i].State = s
			reserve = append(reserve, identity(runs[i]))
		}
		if s != Publishing {
			if err := l.Update(limit(t), runs); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if taken, err := l.Publish(limit(t), runs, reserve); err != nil || taken != nil {
			t.Fatalf("publish: %v %v", taken, err)
		}
	}
}

func identity(r Run) Identity {
	return Identity{Run: r.ID, Job: r.Job, SHA256: r.SHA256, Name: r.File.Name}
}

func TestReopenKeepsIDAndNumbers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a folder with ?, # and %41", "ledger.db")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	first, err := Open(limit(t), path)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^[a-z2-7]{10}$`).MatchString(first.ID()) {
		t.Errorf("id %q", first.ID())
	}
	runs := begin(t, first, 2)
	if runs[0].ID != 1 || runs[1].ID != 2 || runs[1].Batch != 1 || runs[0].State != Claiming || runs[0].Status != Running {
		t.Errorf("begun as %+v", runs)
	}
	id := first.ID()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v: others could read it", info, err)
	}

	second := open(t, path)
	if second.ID() != id {
		t.Errorf("id %s became %s", id, second.ID())
	}
	if next := begin(t, second, 1); next[0].ID != 3 {
		t.Errorf("number %d after 2", next[0].ID)
	}
	if other := fresh(t); other.ID() == id {
		t.Error("two ledgers have one id")
	}
}

func TestNumbersAreNotReused(t *testing.T) {
	l := fresh(t)
	begin(t, l, 3)
	if _, err := l.write.ExecContext(limit(t), `DELETE FROM runs`); err != nil { // as retention will
		t.Fatal(err)
	}
	if again := begin(t, l, 1); again[0].ID != 4 {
		t.Errorf("number %d given again", again[0].ID)
	}
}

func TestPragmas(t *testing.T) {
	l := fresh(t)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000"} {
		var writer, reader string
		err := errors.Join(
			l.write.QueryRowContext(limit(t), `PRAGMA `+pragma).Scan(&writer),
			l.read.QueryRowContext(limit(t), `PRAGMA `+pragma).Scan(&reader))
		if err != nil || writer != want || reader != want {
			t.Errorf("%s is %q and %q, want %q (%v)", pragma, writer, reader, want, err)
		}
	}
	if _, err := l.read.ExecContext(limit(t), `DELETE FROM runs`); err == nil {
		t.Error("a reading connection writes")
	}
}

// Every field comes back as it was, whatever bytes a partner put into a name and whatever time into a file.
func TestRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := open(t, path)
	want := begin(t, l, 1)[0]
	advance(t, l, []Run{want}, Claimed, Staging)
	odd := "caf\xe9 \x00\n\"☃\" 'x'"
	stored := Run{
		ID: want.ID, Batch: 77, Kind: "import", Job: "orders", JobHash: "j2", Store: "acme", Inbox: "in",
		File: connectors.File{
			Name: want.File.Name, Size: 1 << 40, Inode: 1<<64 - 2,
			ModTime: time.Date(2446, 5, 10, 1, 2, 3, 999_999_999, time.FixedZone("", 3600)).UTC(),
		},
		State: Staging, Status: Retrying, SHA256: "ab", Server: "embedded:/x", Target: "`a`.`b`", Stage: "`s`",
		Definition: "CREATE TABLE …", Lineage: `{"run":"_chute_run"}`,
		Records: 1 << 40, Accepted: 2, Rejects: 3, Warnings: 4,
		Moves: []Move{{odd, "done/" + odd}, {"", "x y"}}, Report: []byte(`{"a":"☃"}`), SameAs: 5, Attempts: 6, Error: "dial\x00 tcp",
		NextTry: time.Unix(0, 1_999_999_999_123_456_789).UTC(),
		Started: want.Started.UTC().Round(0), Finished: time.Unix(1, 1).UTC(),
	}
	if err := l.Update(limit(t), []Run{stored}); err != nil {
		t.Fatal(err)
	}
	got, err := open(t, path).Run(limit(t), want.ID)
	if err != nil {
		t.Fatal(err)
	}
	if g, w := fmt.Sprintf("%#v", got), fmt.Sprintf("%#v", stored); g != w {
		t.Errorf("\ngot  %s\nwant %s", g, w)
	}
	if zone := got.Started.Location(); zone != time.UTC {
		t.Errorf("times are in %v", zone)
	}
}

// Advance writes how far a run has come, by the same rules as Update, and leaves its details as they are.
func TestAdvance(t *testing.T) {
	l := fresh(t)
	run := begin(t, l, 1)[0]
	advance(t, l, []Run{run}, Claimed)
	run.State, run.Definition, run.Lineage, run.Moves, run.Report = Staging, "CREATE TABLE …", `{"run":"r"}`, []Move{{"a", "b"}}, []byte(`{"a":1}`)
	if err := l.Update(limit(t), []Run{run}); err != nil {
		t.Fatal(err)
	}
	next := Run{ID: run.ID, Batch: run.Batch, State: Claimed, Status: Retrying, Records: 7, Error: "later"}
	if err := l.Advance(limit(t), []Run{next}); err != nil {
		t.Fatal(err)
	}
	next.State = Publishing
	if err := l.Advance(limit(t), []Run{next}); !errors.Is(err, ErrState) {
		t.Errorf("publishing without Publish: %v", err)
	}
	got, err := l.Run(limit(t), run.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.State != Claimed || got.Status != Retrying || got.Records != 7 || got.Error != "later" {
		t.Errorf("not recorded: %+v", got)
	}
	if got.Definition != run.Definition || got.Lineage != run.Lineage || !slices.Equal(got.Moves, run.Moves) || !bytes.Equal(got.Report, run.Report) {
		t.Errorf("details were changed: %+v", got)
	}
}

func TestOddFileNames(t *testing.T) {
	l := fresh(t)
	names := []string{"latin-\xe9.csv", "latin-\xe8.csv", "nul-\x00.csv", "☃.csv", ""}
	var runs []Run
	for _, n := range names {
		runs = append(runs, Run{Job: "j", File: connectors.File{Name: n}})
	}
	if err := l.Begin(limit(t), runs); err != nil {
		t.Fatal(err)
	}
	for i, n := range names {
		got, err := l.Run(limit(t), runs[i].ID)
		if err != nil || got.File.Name != n {
			t.Errorf("%q became %q (%v)", n, got.File.Name, err)
		}
		if !got.File.ModTime.IsZero() || !got.NextTry.IsZero() || got.Started.IsZero() {
			t.Errorf("times of %q: %v %v %v", n, got.File.ModTime, got.NextTry, got.Started)
		}
		if n == "" {
			continue
		}
		pattern := strings.ToValidUTF8(n, "?") // which stands for any byte
		found, err := l.Runs(limit(t), Filter{File: glob(t, pattern)})
		if err != nil || !slices.ContainsFunc(found, func(r Run) bool { return r.ID == runs[i].ID }) || len(found) > 1 && pattern == n {
			t.Errorf("looking for %q found %v (%v)", pattern, found, err)
		}
	}
}

// Open must leave what it doesn't understand alone and say which file it is.
func TestOpenRefuses(t *testing.T) {
	sqliteFile := func(statements string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			l := open(t, path)
			if _, err := l.write.ExecContext(limit(t), statements); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := map[string]struct {
		make func(t *testing.T, path string)
		want string
	}{
		"text":         {func(t *testing.T, path string) { write(t, path, strings.Repeat("not a database\n", 100)) }, "is damaged"},
		"damaged page": {damage, "is damaged"},
		"newer":        {sqliteFile(`PRAGMA user_version = 99`), "version 99, this chute knows up to 10; install the newer chute again"},
		"foreign":      {sqliteFile(`PRAGMA application_id = 7`), "not a ledger of chute"},
		"no folder":    {func(t *testing.T, path string) {}, "no such file or directory"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ledger.db")
			if name == "no folder" {
				path = filepath.Join(filepath.Dir(path), "missing", "ledger.db")
			}
			test.make(t, path)
			before, _ := os.ReadFile(path)
			l, err := Open(limit(t), path)
			if err == nil {
				l.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %q lacks %q or the path", err, test.want)
			}
			if after, _ := os.ReadFile(path); !slices.Equal(before, after) {
				t.Error("the file was changed")
			}
		})
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// damage makes a ledger and overwrites its schema's page.
func damage(t *testing.T, path string) {
	t.Helper()
	l, err := Open(limit(t), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 100; i < 4096; i++ {
		content[i] = 0xff
	}
	write(t, path, string(content))
}

// A damage that shows only later is named as such too.
func TestDamagedWhileOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, err := Open(limit(t), path)
	if err != nil {
		t.Fatal(err)
	}
	begin(t, l, 2000)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 32 * 4096; i < len(content); i++ {
		content[i] = 0xff
	}
	write(t, path, string(content))
	_, err = open(t, path).Unsettled(limit(t))
	if err == nil || !strings.Contains(err.Error(), "ledger "+path+" is damaged") {
		t.Errorf("error %v", err)
	}
}

func TestOpenHeldByAnother(t *testing.T) {
	t.Parallel() // it waits for busyTimeout
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := open(t, path)
	tx, err := l.write.BeginTx(limit(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	ctx, cancel := context.WithTimeout(limit(t), 30*time.Second)
	defer cancel()
	other, err := Open(ctx, path)
	if err == nil {
		other.Close()
		t.Fatal("opened")
	}
	if !strings.Contains(err.Error(), "ledger "+path+" is held by another process") {
		t.Errorf("error %v", err)
	}
}

// A cancelled call writes nothing and doesn't hurt the next one.
func TestCancelled(t *testing.T) {
	l := fresh(t)
	runs := begin(t, l, 1)
	ctx, cancel := context.WithCancel(limit(t))
	cancel()
	runs[0].State = Claimed
	if err := l.Update(ctx, runs); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	got, err := l.Run(limit(t), runs[0].ID)
	if err != nil || got.State != Claiming {
		t.Errorf("state %q (%v)", got.State, err)
	}
	advance(t, l, runs, Claimed)
}

// A full disk writes nothing, says so, and is over when there is room again.
func TestFull(t *testing.T) {
	l := fresh(t)
	begin(t, l, 1)
	var pages int
	if err := l.write.QueryRowContext(limit(t), `PRAGMA page_count`).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	if _, err := l.write.ExecContext(limit(t), fmt.Sprintf(`PRAGMA max_page_count = %d`, pages)); err != nil {
		t.Fatal(err)
	}
	many := make([]Run, 500)
	if err := l.Begin(limit(t), many); err == nil || !strings.Contains(err.Error(), "can't grow") || many[0].ID != 0 {
		t.Errorf("run %d: %v", many[0].ID, err)
	}
	if runs, err := l.Unsettled(limit(t)); err != nil || len(runs) != 1 {
		t.Errorf("%d runs (%v)", len(runs), err)
	}
	if _, err := l.write.ExecContext(limit(t), `PRAGMA max_page_count = 4294967294`); err != nil {
		t.Fatal(err)
	}
	if err := l.Begin(limit(t), many); err != nil || many[0].ID != 2 {
		t.Errorf("run %d: %v", many[0].ID, err)
	}
}
