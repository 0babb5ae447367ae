package connectortest

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"chute/connectors"
)

// outcomes is every state that 300 power cuts after act leave, as "name=content name=content".
func outcomes(t *testing.T, act func(f connectors.Folder, m *Memory)) []string {
	t.Helper()
	seen := make(map[string]bool)
	for seed := range uint64(300) {
		m := NewMemory("w")
		act(m, m)
		tree := m.Crash(rand.New(rand.NewPCG(seed, 0))).Tree()
		var state []string
		for _, name := range sorted(tree) {
			state = append(state, name+"="+tree[name])
		}
		seen[strings.Join(state, " ")] = true
	}
	return sorted(seen)
}

func wantOutcomes(t *testing.T, act func(f connectors.Folder, m *Memory), want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := outcomes(t, act); !slices.Equal(got, want) {
		t.Errorf("a power cut leaves one of %q, want one of %q", got, want)
	}
}

func try(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// write makes an own file, committed or still pending.
func write(t *testing.T, f connectors.Folder, name, content string, commit bool) {
	t.Helper()
	p, err := f.Create(t.Context(), name)
	try(t, err)
	_, err = p.Write([]byte(content))
	try(t, err)
	if commit {
		try(t, p.Commit(t.Context()))
	}
}

func TestCrashForgetsWhatWasNotSynced(t *testing.T) {
	ctx := t.Context()
	for name, c := range map[string]struct {
		act  func(f connectors.Folder, m *Memory)
		want []string
	}{
		"partner's file": {func(f connectors.Folder, m *Memory) { m.Put("in/a", []byte("A")) }, []string{"in/a=A"}},
		"pending": {func(f connectors.Folder, m *Memory) { write(t, f, "w/a", "AB", false) },
			[]string{"", "w/.pending-3=", "w/.pending-3=A", "w/.pending-3=AB"}},
		"pending in a synced folder": {func(f connectors.Folder, m *Memory) {
			write(t, f, "w/a", "A", false)
			try(t, f.Sync(ctx, "w"))
		}, []string{"w/.pending-3=", "w/.pending-3=A"}},
		// The temporary name may be there beside the real one: both were given since the last sync.
		"committed": {func(f connectors.Folder, m *Memory) { write(t, f, "w/a", "AB", true) },
			[]string{"", "w/.pending-3=AB", "w/.pending-3=AB w/a=AB", "w/a=AB"}},
		"committed and synced": {func(f connectors.Folder, m *Memory) {
			write(t, f, "w/a", "AB", true)
			try(t, f.Sync(ctx, "w"))
		}, []string{"w/a=AB"}},
		"created together": {func(f connectors.Folder, m *Memory) {
			try(t, m.CreateAll(ctx, []connectors.NewFile{{Name: "w/a", Content: []byte("A")}, {Name: "w/b", Content: []byte("B")}}), f.Sync(ctx, "w"))
		}, []string{"w/a=A w/b=B"}},
		"removed": {func(f connectors.Folder, m *Memory) {
			write(t, f, "w/a", "A", true)
			try(t, f.Sync(ctx, "w"), f.Remove(ctx, "w/a"))
		}, []string{"", "w/a=A"}},
		"removed and synced": {func(f connectors.Folder, m *Memory) {
			write(t, f, "w/a", "A", true)
			try(t, f.Sync(ctx, "w"), f.Remove(ctx, "w/a"), f.Sync(ctx, "w"))
		}, []string{""}},
		"renamed": {func(f connectors.Folder, m *Memory) {
			m.Put("in/a", []byte("A"))
			try(t, f.Rename(ctx, "in/a", "w/1/a"))
		}, []string{"in/a=A", "w/1/a=A", "in/a=A w/1/a=A"}},
		"renamed, new folder synced": {func(f connectors.Folder, m *Memory) {
			m.Put("in/a", []byte("A"))
			try(t, f.Rename(ctx, "in/a", "w/1/a"), f.Sync(ctx, "w/1"))
		}, []string{"w/1/a=A", "in/a=A w/1/a=A"}},
		"renamed, old folder synced": {func(f connectors.Folder, m *Memory) {
			m.Put("in/a", []byte("A"))
			try(t, f.Rename(ctx, "in/a", "w/1/a"), f.Sync(ctx, "in"))
		}, []string{"", "w/1/a=A"}},
		"renamed, both synced": {func(f connectors.Folder, m *Memory) {
			m.Put("in/a", []byte("A"))
			try(t, f.Rename(ctx, "in/a", "w/1/a"), f.Sync(ctx, "w/1", "in"))
		}, []string{"w/1/a=A"}},
		"own folder renamed": {func(f connectors.Folder, m *Memory) {
			write(t, f, "w/1/a", "A", true)
			try(t, f.Sync(ctx, "w/1"), f.Rename(ctx, "w/1", "done/1"))
		}, []string{"w/1/a=A", "done/1/a=A"}},
		"name used again": {func(f connectors.Folder, m *Memory) {
			m.Put("in/a", []byte("A"))
			try(t, f.Rename(ctx, "in/a", "w/a"))
			m.Put("in/a", []byte("B")) // durable at once, and so is that the first has left it
			try(t, f.Sync(ctx, "w"))
		}, []string{"in/a=B w/a=A"}},
	} {
		t.Run(name, func(t *testing.T) { wantOutcomes(t, c.act, c.want...) })
	}
}

// TestCrashLosesNothingByRenames: files that are durable and only renamed, however often and with whatever synced in the safe order, are
// all there after a power cut, whole.
func TestCrashLosesNothingByRenames(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := NewMemory("w")
		const files = 4
		for i := range files {
			m.Put(fmt.Sprintf("in/%d", i), fmt.Append(nil, "file", i))
		}
		for range r.IntN(12) {
			from, to := fmt.Sprintf("%s/%d", []string{"in", "w"}[r.IntN(2)], r.IntN(files+1)), fmt.Sprintf("%s/%d", []string{"in", "w"}[r.IntN(2)], r.IntN(files+1))
			err := m.Rename(t.Context(), from, to)
			if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) {
				t.Fatal(err)
			}
		}
		found := make(map[string]bool)
		for _, content := range m.Crash(r).Tree() {
			found[content] = true
		}
		if len(found) != files {
			t.Fatalf("seed %d: only %q are left", seed, sorted(found))
		}
	}
}

func TestCrashIsDeterminate(t *testing.T) {
	crash := func(seed uint64) map[string]string {
		m := NewMemory("w")
		for i := range 20 {
			write(t, m, fmt.Sprintf("w/%d/%d", i%3, i), "content", i%2 == 0)
		}
		return m.Crash(rand.New(rand.NewPCG(seed, 0))).Tree()
	}
	if a, b := crash(7), crash(7); !maps.Equal(a, b) {
		t.Errorf("one seed, two outcomes: %q and %q", a, b)
	}
	if a, b := crash(7), crash(8); maps.Equal(a, b) {
		t.Errorf("two seeds, one outcome: %q", a)
	}
}

// TestAfterDeath: what was opened before a death is of no use after it, and the folder after it is a whole one.
func TestAfterDeath(t *testing.T) {
	for name, die := range map[string]func(*Memory) *Memory{
		"kill":  (*Memory).Kill,
		"crash": func(m *Memory) *Memory { return m.Crash(rand.New(rand.NewPCG(1, 1))) },
	} {
		t.Run(name, func(t *testing.T) {
			m := NewMemory("w")
			m.Put("in/a", []byte("A"))
			o, err := m.Open(t.Context(), "in/a")
			try(t, err)
			p, err := m.Create(t.Context(), "w/b")
			try(t, err)
			after := die(m)
			_, read := o.Read(make([]byte, 1))
			_, wrote := p.Write([]byte("B"))
			_, list := m.List(t.Context(), "in")
			for _, err := range []error{read, wrote, list, p.Commit(t.Context()), p.Discard(), m.Rename(t.Context(), "in/a", "w/a"), m.Sync(t.Context(), "in")} {
				if !errors.Is(err, ErrGone) {
					t.Errorf("error %v, want ErrGone", err)
				}
			}
			try(t, after.Rename(t.Context(), "in/a", "w/1/a"), after.Sync(t.Context(), "w/1", "in"))
			if tree := after.Tree(); tree["w/1/a"] != "A" {
				t.Errorf("afterwards: %q", tree)
			}
		})
	}
	m := NewMemory("w")
	write(t, m, "w/a", "A", true)
	write(t, m, "w/b", "B", false)
	want := map[string]string{"w/a": "A", "w/.pending-4": "B"}
	if tree := m.Kill().Tree(); !maps.Equal(tree, want) {
		t.Errorf("kill left %q, want %q", tree, want)
	}
}
