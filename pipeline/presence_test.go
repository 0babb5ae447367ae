package pipeline

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chute/connectors"
	"chute/connectors/local"
	"chute/pipeline/ledger"
)

// TestPresence: a store that is used for the first time mustn't be empty; and it is lost as long as the ledger's folder isn't in it, once that was made.
func TestPresence(t *testing.T) {
	dir := t.TempDir()
	l, err := ledger.Open(t.Context(), filepath.Join(dir, "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	root := filepath.Join(dir, "store")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	store, err := local.New(root, ".chute")
	if err != nil {
		t.Fatal(err)
	}
	s := site{store, l, ".chute", root}
	want := func(when string, err error, lost string) {
		t.Helper()
		if lost == "" && err != nil || lost != "" && (!errors.Is(err, ErrLost) || !errors.Is(err, connectors.ErrUnavailable) || !strings.Contains(err.Error(), lost)) {
			t.Errorf("%s: %v; want %q", when, err, lost)
		}
	}
	present := func() error { return Present(t.Context(), store, l, root, ".chute") }
	fit := func(outbox string) error { return s.fit(t.Context(), outbox) }
	want("never used", present(), "")
	want("never used, empty", fit("out"), "is empty: if its file system isn't mounted, mount it; if it is new, make the folder out in it")
	want("never used, delivers into the root", fit("."), "")
	if err := os.Mkdir(filepath.Join(root, "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	want("never used, not empty", fit("out"), "")

	for range 2 {
		if err := s.used(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	want("without the mark", present(), "has no .chute/"+l.ID()+" any more")
	if said := present().Error(); !strings.HasPrefix(said, root+" has no ") || !strings.HasSuffix(said, "make that folder, as chute's user") {
		t.Errorf("it says %q", said)
	}
	want("without the mark", fit("."), "any more")
	if err := os.MkdirAll(filepath.Join(root, s.mark()), 0o700); err != nil {
		t.Fatal(err)
	}
	want("with the mark", errors.Join(present(), fit("out")), "")
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	want("without the store", present(), "any more")
	if _, err := (site{store, l, ".chute", root + "2"}).present(t.Context()); err != nil {
		t.Errorf("another place: %v", err)
	}
}
