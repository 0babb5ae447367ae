package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"chute/connectors"
	"chute/pipeline/ledger"
)

// keeping is a store that doesn't let files of the inbox be moved. Without a word for it, it says that it did.
type keeping struct {
	connectors.Folder
	word error
	only string // the file that it keeps; "": all
}

func (k keeping) Rename(ctx context.Context, from, to string) error {
	if !strings.HasPrefix(from, "in/") || k.only != "" && from != "in/"+k.only {
		return k.Folder.Rename(ctx, from, to)
	}
	if k.word != nil {
		return fmt.Errorf("rename %q to %q: %w", from, to, k.word)
	}
	return errors.Join(k.Folder.Rename(ctx, from, to), k.Folder.Rename(ctx, to, from)) // and the folders above are made
}

// TestKeptByTheStore: files that the store doesn't let go wait in their inbox, and no try leaves a run or a folder. The others go on.
func TestKeptByTheStore(t *testing.T) {
	w := newWorld(t, "chdb")
	w.job(orders)
	w.open()
	store := w.im.Store
	round := 0
	for said, word := range map[string]error{
		"permission denied":   fs.ErrPermission,
		"file does not exist": fs.ErrNotExist,
		"has it there":        nil,
	} {
		round++
		a, b := fmt.Sprintf("a%d.csv", round), fmt.Sprintf("b%d.csv", round)
		w.drop(a, lines(10+round))
		w.drop(b, lines(20+round))
		w.im.Store = keeping{Folder: store, word: word}
		texts := map[string]string{}
		for range 2 {
			for _, v := range w.importAll() {
				if v.Outcome != connectors.Later || v.Run != 0 || !errors.Is(v.Err, connectors.ErrUnclaimable) || errors.Is(v.Err, fs.ErrNotExist) || !strings.Contains(v.Err.Error(), said) {
					t.Errorf("%s: %+v", said, v)
				}
				if before, again := texts[v.File.Name]; again && before != v.Err.Error() {
					t.Errorf("first %s\nthen  %s", before, v.Err)
				}
				texts[v.File.Name] = v.Err.Error()
			}
		}
		if runs, err := w.im.Ledger.Runs(w.ctx, ledger.Filter{Statuses: []ledger.Status{ledger.Failed, ledger.Running}}); err != nil || len(runs) > 0 {
			t.Errorf("%s: runs %v, %v", said, runs, err)
		}
		w.wantSettled()
		w.im.Store = keeping{Folder: store, word: word, only: b}
		wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{a: connectors.Done, b: connectors.Later})
		w.wantSettled()
		w.im.Store = store
		wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{b: connectors.Done})
		w.wantSettled()
	}
	// The run that leads those that were claimed stays known.
	w.drop("a.csv", lines(30))
	w.drop("b.csv", lines(40))
	w.im.Store = keeping{Folder: store, word: fs.ErrPermission, only: "a.csv"}
	wantOutcomes(t, w.importAll(), map[string]connectors.Outcome{"a.csv": connectors.Later, "b.csv": connectors.Done})
	if runs, err := w.im.Ledger.Runs(w.ctx, ledger.Filter{Statuses: []ledger.Status{ledger.Failed}}); err != nil || len(runs) != 1 || runs[0].State != ledger.Withdrawn {
		t.Errorf("runs %v, %v", runs, err)
	}
	w.wantSettled()
}

// closing is a store that doesn't let a file be read that was claimed.
type closing struct {
	connectors.Folder
	name string
}

func (c closing) Open(ctx context.Context, name string) (connectors.OpenFile, error) {
	if strings.HasPrefix(name, ".chute/") && strings.HasSuffix(name, "/"+c.name) {
		return nil, fmt.Errorf("open %q: %w", name, fs.ErrPermission)
	}
	return c.Folder.Open(ctx, name)
}

// TestClosedByItsOwner: a file that may not be read any more once it was claimed is told apart from a store that is in trouble, alone and among others, and goes on when it may be.
func TestClosedByItsOwner(t *testing.T) {
	w := newWorld(t, "chdb")
	w.job(orders)
	w.open()
	store := w.im.Store
	for _, others := range [][]string{nil, {"b.csv", "c.csv"}} {
		w.im.Store = closing{store, "a.csv"}
		w.drop("a.csv", lines(30+len(others)))
		want := map[string]connectors.Outcome{"a.csv": connectors.Later}
		for i, name := range others {
			w.drop(name, lines(40+i))
			want[name] = connectors.Done
		}
		verdicts := w.importAll()
		wantOutcomes(t, verdicts, want)
		verdicts = append(verdicts, w.resumeAll()...)
		for _, v := range verdicts {
			if v.Outcome == connectors.Later && (v.Run == 0 || v.Stuck || !errors.Is(v.Err, connectors.ErrUnreadable) || errors.Is(v.Err, connectors.ErrUnavailable)) {
				t.Errorf("%+v", v)
			}
		}
		w.im.Store = store
		wantOutcomes(t, w.resumeAll(), map[string]connectors.Outcome{"a.csv": connectors.Done})
		w.wantSettled()
	}
}
