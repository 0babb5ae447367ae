package reject

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chute/connectors"
	"chute/connectors/connectortest"
)

var update = flag.Bool("update", false, "write the golden files")

const dir = ".chute/L1/7"

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// refusals are a few records as a reader and a converter refuse them.
var refusals = []struct {
	raw     string
	reasons []connectors.Reason
}{
	{"1,\"a\r\nb\",x\r\n", []connectors.Reason{
		{Record: 1, Line: 3, Offset: 20, Column: "amount", Code: "not_a_number", Value: []byte("x"), Message: `"x" isn't a number.`, Source: "text"},
		{Record: 1, Line: 3, Offset: 20, Column: "name", Code: "too_long", Value: []byte("a\r\nb"), Message: "At most 3 characters are allowed.", Source: "text"}}},
	{"2,Zo\xEB,5\n", []connectors.Reason{
		{Record: 2, Line: 5, Offset: 37, Column: "name", Code: "bad_encoding", Value: []byte("Zo\xEB\x01\x1b[31m\u009b\u202e\U000E0001\\"), Message: "The byte 0xEB isn't UTF-8.", Source: "text"}}},
	{"9,last,x", []connectors.Reason{
		{Record: 9, Line: 12, Offset: 99, Code: "key_twice", Message: "The key 9 is there twice.", Source: "database"}}},
	{"3,<b>&\u2028,x\r\n", []connectors.Reason{{Record: 3, Line: 6, Offset: 45, Column: "amount", Code: "not_a_number", Value: []byte("<b>&\u2028"), Message: "m", Source: "text"}}},
}

func writeAll(ctx context.Context, w *Writer) error {
	w.Begin([]byte("\xEF\xBB\xBFid,name,amount\r\n"), []byte("\r\n"))
	for _, r := range refusals {
		if err := w.Add(ctx, []byte(r.raw), r.reasons); err != nil {
			return err
		}
	}
	return nil
}

func TestGolden(t *testing.T) {
	ctx := testContext(t)
	for _, c := range []struct {
		golden string
		max    int
	}{{"all", 100}, {"five", 5}, {"four", 4}, {"none", 0}} {
		store := connectortest.NewMemory(".chute")
		w := New(store, dir, "orders.csv.gz", c.max)
		if err := writeAll(ctx, w); err != nil {
			t.Fatal(err)
		}
		if tree := strings.Join(names(store), " "); strings.Contains(tree, "rejects") {
			t.Errorf("before Finish there is %s", tree)
		}
		made, err := w.Finish(ctx, []byte("TOTAL;3\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		want := []Output{{dir + "/orders.rejects.csv", "orders.rejects.csv"}, {dir + "/orders.rejects.jsonl", "orders.rejects.jsonl"}}
		if diff := cmp.Diff(want, made); diff != "" {
			t.Error(diff)
		}
		if err := w.Discard(); err != nil {
			t.Error(err)
		}
		tree := store.Tree()
		golden(t, c.golden+".jsonl", tree[made[1].Path])
		golden(t, "records.csv", tree[made[0].Path])
		if len(tree) != 2 || len(store.Misuses()) > 0 {
			t.Errorf("left: %q, misuses: %q", names(store), store.Misuses())
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (- golden, + written):\n%s", name, diff)
	}
}

func names(m *connectortest.Memory) []string {
	var list []string
	for name := range m.Tree() {
		list = append(list, name)
	}
	return list
}

func TestCounts(t *testing.T) {
	w := New(connectortest.NewMemory(".chute"), dir, "a.csv", 1)
	if err := writeAll(testContext(t), w); err != nil {
		t.Fatal(err)
	}
	want := Counts{Records: 4, Reasons: 5,
		ByCode:   map[string]uint64{"not_a_number": 2, "too_long": 1, "bad_encoding": 1, "key_twice": 1},
		ByColumn: map[string]uint64{"amount": 2, "name": 2, "": 1}}
	if diff := cmp.Diff(want, w.Counts()); diff != "" {
		t.Error(diff)
	}
}

func TestColumnsAreBounded(t *testing.T) {
	ctx := testContext(t)
	w := New(connectortest.NewMemory(".chute"), dir, "a.csv", 0)
	for i := range 5000 {
		if err := w.Add(ctx, nil, []connectors.Reason{{Column: fmt.Sprint("#", i), Code: "c"}}); err != nil {
			t.Fatal(err)
		}
	}
	if c := w.Counts(); len(c.ByColumn) != maxColumns+1 || c.ByColumn["…"] != 4000 || c.ByCode["c"] != 5000 {
		t.Errorf("%d columns, %d others, %d reasons", len(c.ByColumn), c.ByColumn["…"], c.ByCode["c"])
	}
}

func TestNothingWithoutRejects(t *testing.T) {
	ctx := testContext(t)
	store := connectortest.NewMemory(".chute")
	calls, seen := connectortest.Nth(0, nil)
	w := New(&connectortest.FaultyFolder{Folder: store, Before: calls}, dir, "a.csv", 10)
	w.Begin([]byte("a,b\n"), nil)
	made, err := w.Finish(ctx, []byte("end\n"))
	if err != nil || made != nil || seen() != 0 || len(store.Tree()) != 0 {
		t.Errorf("%v, %v, %d calls, %q", made, err, seen(), names(store))
	}
}

func TestPieces(t *testing.T) {
	ctx := testContext(t)
	store := connectortest.NewMemory(".chute")
	w := New(store, dir, "a.csv", 10)
	w.Begin([]byte("a\n"), []byte("\n"))
	reason := []connectors.Reason{{Record: 1, Code: "record_too_long"}}
	steps := []error{
		w.Add(ctx, []byte("first"), reason), w.Continue([]byte("-second")), w.Continue(nil), w.Continue([]byte("-third")),
		w.Add(ctx, []byte("next\n"), reason), w.Add(ctx, []byte("x"), nil), w.Continue([]byte("y\n")),
	}
	if err := errors.Join(steps...); err != nil {
		t.Fatal(err)
	}
	made, err := w.Finish(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := store.Tree()[made[0].Path], "a\nfirst-second-third\nnext\nxy\n"; got != want {
		t.Errorf("%q, expected %q", got, want)
	}
	if got := w.Counts().Records; got != 3 {
		t.Errorf("%d records", got)
	}
	if err := New(store, dir, "b.csv", 1).Continue([]byte("x")); err == nil {
		t.Error("a record that wasn't begun is continued")
	}
}

// A record gets the line end that it lacks in the file's own bytes, and none when it has one of several.
func TestEnds(t *testing.T) {
	for _, c := range []struct {
		lineEnd string
		ends    []string
		raw     []string
		want    string
	}{
		{"\n\x00", []string{"\n\x00"}, []string{"a\x00", "b\x00\n\x00", "c\x00\n\x00"}, "a\x00\n\x00b\x00\n\x00c\x00\n\x00"},
		{"\r\n", []string{"\n", "\r"}, []string{"a\r", "b\n", "c", "d\r\n"}, "a\rb\nc\r\nd\r\n"},
		{"\r\n", nil, []string{"a\r", "b\n", "c"}, "a\r\r\nb\nc\r\n"},
	} {
		ctx := testContext(t)
		store := connectortest.NewMemory(".chute")
		w := New(store, dir, "a.csv", 10)
		w.Begin(nil, []byte(c.lineEnd))
		var ends [][]byte
		for _, end := range c.ends {
			ends = append(ends, []byte(end))
		}
		w.Ends(ends)
		for _, raw := range c.raw {
			if err := w.Add(ctx, []byte(raw), []connectors.Reason{{Code: "x"}}); err != nil {
				t.Fatal(err)
			}
		}
		made, err := w.Finish(ctx, []byte("end"))
		if err != nil {
			t.Fatal(err)
		}
		if got := store.Tree()[made[0].Path]; got != c.want+"end" {
			t.Errorf("%q, expected %q and an end", got, c.want)
		}
	}
}

func TestRejectedAsAWhole(t *testing.T) {
	ctx := testContext(t)
	want := []Output{{dir + "/a.rejects.jsonl", "a.rejects.jsonl"}}
	for _, before := range []bool{true, false} {
		store := connectortest.NewMemory(".chute")
		w := New(store, dir, "a.csv", 10)
		if before {
			w.ReasonsOnly()
		}
		if err := writeAll(ctx, w); err != nil {
			t.Fatal(err)
		}
		if err := w.Continue([]byte("more")); err != nil {
			t.Fatal(err)
		}
		made, err := w.FinishReasons(ctx)
		if diff := cmp.Diff(want, made); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		if tree := store.Tree(); len(tree) != 1 || strings.Count(tree[made[0].Path], "\n") != 5 {
			t.Errorf("left: %q", tree)
		}
	}
}

// Whatever call fails, done or not: the error comes out, and Discard leaves at most what was committed.
func TestEveryCallFails(t *testing.T) {
	ctx := testContext(t)
	full := errors.New("no space left on device")
	run := func(f *connectortest.FaultyFolder) error {
		w := New(f, dir, "a.csv", 3)
		defer w.Discard()
		if err := writeAll(ctx, w); err != nil {
			return err
		}
		_, err := w.Finish(ctx, []byte("end\n"))
		return err
	}
	count, seen := connectortest.Nth(0, nil)
	if err := run(&connectortest.FaultyFolder{Folder: connectortest.NewMemory(".chute"), Before: count}); err != nil {
		t.Fatal(err)
	}
	if seen() < 6 {
		t.Fatalf("only %d calls", seen())
	}
	for n := 1; n <= 6; n++ { // the discards come after
		for _, after := range []bool{false, true} {
			store := connectortest.NewMemory(".chute")
			hook, _ := connectortest.Nth(n, full)
			f := &connectortest.FaultyFolder{Folder: store, Before: hook}
			if after {
				f.Before, f.After = nil, hook
			}
			if err := run(f); !errors.Is(err, full) {
				t.Errorf("call %d, after %v: %v", n, after, err)
			}
		}
	}
}

func TestDiscardLeavesNothing(t *testing.T) {
	ctx := testContext(t)
	store := connectortest.NewMemory(".chute")
	w := New(store, dir, "a.csv", 3)
	if err := writeAll(ctx, w); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Discard(), w.Discard()); err != nil {
		t.Error(err)
	}
	if left := names(store); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// sink is a folder that takes everything and keeps nothing, to see what the writer itself keeps.
type sink struct {
	connectors.Folder
	bytes int64
}

func (s *sink) Create(context.Context, string) (connectors.PendingFile, error) { return s, nil }

func (s *sink) Write(p []byte) (int, error) { s.bytes += int64(len(p)); return len(p), nil }
func (*sink) Commit(context.Context) error  { return nil }
func (*sink) Discard() error                { return nil }

func TestMemoryIsBounded(t *testing.T) {
	ctx := testContext(t)
	s := &sink{}
	w := New(s, dir, "a.csv", 10000)
	raw := []byte(strings.Repeat("x", 99) + "\n")
	reasons := []connectors.Reason{{Column: "amount", Code: "not_a_number", Value: []byte("x"), Message: "no", Source: "text"}}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 1_000_000 {
		reasons[0].Record = uint64(i)
		if err := w.Add(ctx, raw, reasons); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if _, err := w.Finish(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 1<<20 {
		t.Errorf("%d bytes are held after a million rejects", grown)
	}
	if s.bytes < 100_000_000 || s.bytes > 103_000_000 {
		t.Errorf("%d bytes written", s.bytes)
	}
}
