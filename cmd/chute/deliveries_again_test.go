package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"chute/config"
	"chute/pipeline"
	"chute/pipeline/ledger"
)

// TestHalfDelivered: what was asked for by hand, and can't be taken back any more, is gone on with by itself, with the pauses of its job.
func TestHalfDelivered(t *testing.T) {
	o := serverOffice(t, "zz_half")
	o.write("jobs.d/all.toml", "kind = \"export\"\nstore = \"acme\"\noutbox = \"out\"\nfile = \"all.csv\"\nquery = \"SELECT number FROM system.numbers LIMIT 3\"\n[retry]\nfirst = \"1m\"\n")
	chute, _, err := config.Load(filepath.Join(o.dir, "chute.toml"))
	must(t, err)
	o.d.config = chute
	ex, err := o.d.exporterTo(chute.Exports[0], "")
	must(t, err)
	out := filepath.Join(o.dir, "store/out")
	ex.Fault = func(effect string, before bool) error {
		if effect == "delivering" && !before {
			return os.WriteFile(out, nil, 0o644) // where the outbox is to be
		}
		return nil
	}
	if _, err := ex.Export(t.Context(), pipeline.Occasion{}); err == nil {
		t.Fatal("delivered into a file")
	}
	tried, began := map[uint64]*tries{}, time.Now()
	state := func(after time.Duration) (ledger.State, int) {
		t.Helper()
		o.d.repeatExports(t.Context(), began.Add(after), tried)
		run, err := o.d.ledger.Run(t.Context(), 1)
		must(t, err)
		return run.State, run.Attempts
	}
	for _, look := range []struct {
		after time.Duration
		tries int
	}{{0, 1}, {30 * time.Second, 1}, {2 * time.Minute, 2}, {2*time.Minute + 30*time.Second, 2}} {
		if is, n := state(look.after); is != ledger.Delivering || n != look.tries {
			t.Fatalf("after %v it is %s with %d tries", look.after, is, n)
		}
	}
	must(t, os.Remove(out))
	if is, n := state(time.Hour); is != ledger.Settled || len(tried) != 1 {
		t.Fatalf("it is %s with %d tries", is, n)
	}
	if text, err := os.ReadFile(filepath.Join(out, "all.csv")); err != nil || !bytes.HasSuffix(text, []byte("\n0\r\n1\r\n2\r\n")) {
		t.Errorf("delivered is %q (%v)", text, err)
	}
	if state(2 * time.Hour); len(tried) != 0 {
		t.Errorf("still to be tried: %v", tried)
	}
}
