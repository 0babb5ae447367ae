package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"chute/connectors/local"
	"chute/pipeline"
)

// TestStillLost: a store that was found lost is asked before each claim, until it is what it was; an error of another kind leaves it as it is.
func TestStillLost(t *testing.T) {
	d, dir := newDaemonAt(t)
	root := filepath.Join(dir, "store")
	must(t, os.Mkdir(root, 0o755))
	store, err := local.New(root, ".chute")
	must(t, err)
	d.stores["acme"] = store
	s := d.config.Store("acme")
	must(t, d.ledger.AddPlace(t.Context(), filepath.Join(place(s), s.Work), time.Now()))
	must(t, d.stillLost(t.Context(), "acme")) // nobody has found out
	lost := d.present(t.Context(), s)
	if !errors.Is(lost, pipeline.ErrLost) || d.lost.all()["acme"] != lost.Error() {
		t.Fatalf("%v, and %q is known to be lost", lost, d.lost.all())
	}
	d.lost.note("acme", errors.New("no answer"))
	if err := d.stillLost(t.Context(), "acme"); !errors.Is(err, pipeline.ErrLost) {
		t.Fatalf("before a claim: %v", err)
	}
	if disks := d.lostFar(); len(disks) != 0 {
		t.Errorf("a store on this machine is told of twice: %+v", disks)
	}
	must(t, os.MkdirAll(filepath.Join(root, ".chute", d.ledger.ID()), 0o700))
	must(t, d.stillLost(t.Context(), "acme"))
	if len(d.lost.all()) != 0 {
		t.Errorf("%q is lost still", d.lost.all())
	}
}
