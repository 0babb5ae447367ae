package connectortest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"testing"

	"chute/connectors"
)

var errFault = errors.New("fault")

// everyCall uses every method there is once; it stops at the first error.
func everyCall(ctx context.Context, f *FaultyFolder) error {
	if _, err := f.List(ctx, "in"); err != nil {
		return err
	}
	if _, err := f.BeingWritten(ctx, "in/a"); err != nil {
		return err
	}
	if _, err := f.Free(ctx); err != nil {
		return err
	}
	if _, err := f.Wake(ctx, []string{"in"}, func() {}); err != nil {
		return err
	}
	if err := f.Rename(ctx, "in/a", "w/1/a"); err != nil {
		return err
	}
	if err := f.Sync(ctx, "w/1", "in"); err != nil {
		return err
	}
	if err := readOnce(ctx, f); err != nil {
		return err
	}
	if err := writeOnce(ctx, f); err != nil {
		return err
	}
	if err := f.CreateAll(ctx, []connectors.NewFile{{Name: "w/2/c", Content: []byte("C")}, {Name: "w/2/d"}}); err != nil {
		return err
	}
	return f.Remove(ctx, "w/1/b")
}

func readOnce(ctx context.Context, f *FaultyFolder) error {
	o, err := f.Open(ctx, "w/1/a")
	if err != nil {
		return err
	}
	defer o.Close()
	if _, err := o.Stat(); err != nil {
		return err
	}
	_, err = o.ReadAt(make([]byte, 1), 0)
	return err
}

func writeOnce(ctx context.Context, f *FaultyFolder) error {
	p, err := f.Create(ctx, "w/1/b")
	if err != nil {
		return err
	}
	if _, err := io.WriteString(p, "B"); err != nil {
		return err
	}
	if err := p.Commit(ctx); err != nil {
		return err
	}
	return p.Discard()
}

// TestFaultyFolder fails each call of a program in turn: before, with nothing done by it, and after, with all of it done.
func TestFaultyFolder(t *testing.T) {
	var calls []Call
	var states []map[string]string // after each call
	m := NewMemory("w")
	m.Put("in/a", []byte("A"))
	err := everyCall(t.Context(), &FaultyFolder{Folder: m, After: func(c Call) error {
		calls = append(calls, c)
		states = append(states, m.Tree())
		return nil
	}})
	try(t, err)
	var ops []string
	for _, c := range calls {
		ops = append(ops, c.Op)
	}
	want := []string{"list", "writing", "free", "wake", "rename", "sync", "sync", "open", "stat", "read", "create", "write", "commit", "discard", "create all", "remove"}
	if !slices.Equal(ops, want) {
		t.Fatalf("calls %q, want %q", ops, want)
	}
	if calls[4] != (Call{Op: "rename", Name: "in/a", To: "w/1/a"}) || calls[6] != (Call{Op: "sync", Name: "in"}) {
		t.Errorf("calls %+v", calls)
	}
	for i := range calls {
		for _, done := range []bool{false, true} {
			m := NewMemory("w")
			m.Put("in/a", []byte("A"))
			f := &FaultyFolder{Folder: m}
			hook, seen := Nth(i+1, errFault)
			state := fmt.Sprint(map[string]string{"in/a": "A"})
			if done {
				f.After = hook
				state = fmt.Sprint(states[i])
			} else {
				f.Before = hook
				if i > 0 {
					state = fmt.Sprint(states[i-1])
				}
			}
			if err := everyCall(t.Context(), f); !errors.Is(err, errFault) || seen() != i+1 {
				t.Errorf("%+v, done %v: error %v after %d calls", calls[i], done, err, seen())
			}
			if got := fmt.Sprint(m.Tree()); got != state {
				t.Errorf("%+v, done %v: left %s, want %s", calls[i], done, got, state)
			}
		}
	}
}

// plain is a folder that can't do more than it must.
type plain struct{ connectors.Folder }

func TestFaultyFolderOfPlainOne(t *testing.T) {
	f := &FaultyFolder{Folder: plain{NewMemory("w")}}
	if writing, err := f.BeingWritten(t.Context(), "in/a"); writing || err != nil {
		t.Errorf("being written: %v, %v", writing, err)
	}
	_, free := f.Free(t.Context())
	_, wake := f.Wake(t.Context(), nil, func() {})
	create := f.CreateAll(t.Context(), nil)
	if !errors.Is(free, errors.ErrUnsupported) || !errors.Is(wake, errors.ErrUnsupported) || !errors.Is(create, errors.ErrUnsupported) {
		t.Errorf("free: %v, wake: %v, create: %v", free, wake, create)
	}
}

func TestMisuses(t *testing.T) {
	m := NewMemory("w")
	m.Put("in/sub/a", nil)
	write(t, m, "w/a", "", true)
	try(t, m.Remove(t.Context(), "w/a"))
	if abuses := m.Misuses(); len(abuses) != 0 {
		t.Fatalf("right use is called misuse: %q", abuses)
	}
	for i, misuse := range []func() error{
		func() error { return m.Remove(t.Context(), "in/sub/a") },
		func() error { _, err := m.Create(t.Context(), "in/b"); return err },
		func() error { return m.Rename(t.Context(), "in/sub", "w/sub") },
	} {
		if err := misuse(); !errors.Is(err, fs.ErrPermission) || len(m.Misuses()) != i+1 {
			t.Errorf("error %v, misuses %q", err, m.Misuses())
		}
	}
	if abuses := m.Kill().Misuses(); len(abuses) != 3 {
		t.Errorf("after a kill: %q", abuses)
	}
}

func TestMemoryWakes(t *testing.T) {
	m := NewMemory("w")
	ctx, cancel := context.WithCancel(t.Context())
	var seen []int
	refresh, err := m.Wake(ctx, []string{"in"}, func() {
		files, err := m.List(t.Context(), "in") // it may look at once
		try(t, err)
		seen = append(seen, len(files))
	})
	try(t, err)
	m.Put("in/a", nil)
	m.Put("other/a", nil)
	m.Put("in/b", nil)
	refresh()
	m.SetWriting("in/b", true)
	try(t, m.Rename(t.Context(), "in/a", "w/a"))
	cancel()
	m.Put("in/c", nil)
	if want := []int{1, 2, 2, 1}; !slices.Equal(seen, want) {
		t.Errorf("wakes saw %v files, want %v", seen, want)
	}
	if writing, err := m.BeingWritten(t.Context(), "in/b"); !writing || err != nil {
		t.Errorf("being written: %v, %v", writing, err)
	}
}
