package pipeline

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rs/zerolog"

	"chute/config"
	"chute/connectors/connectortest"
	"chute/pipeline/ledger"
)

// TestForgedNumbers: folders that a partner makes in the work folder on its own server, and claims in them, shift the numbers of runs by no more than a restored backup does,
// stop nothing, and stay as they are.
func TestForgedNumbers(t *testing.T) {
	l, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Begin(t.Context(), make([]ledger.Run, 4)); err != nil {
		t.Fatal(err)
	}
	own := ".chute/" + l.ID() + "/"
	for forged, want := range map[string]uint64{
		"9223372036854775807": 0, "18446744073709551615": 0, "99999999999999999999999": 0, "999999999998": 0, "1000000000000": 0, "5000000000": 0,
		"0": 0, "007": 0, "+7": 0, "7": 7, "5000": 5000,
	} {
		t.Run(forged, func(t *testing.T) {
			store := connectortest.NewMemory(".chute")
			store.Put(own+forged+"/a.csv", []byte("id\n1\n"))
			store.Put(own+forged+"/"+claimFile, fmt.Appendf(nil, `{"runs":[{"run":9223372036854775807},{"run":999999999999},{"run":%d}]}`, want))
			im := &Importer{Job: &config.Job{Store: "globex"}, Store: store, Work: ".chute", Ledger: l, Log: zerolog.Nop()}
			var ignored []string
			n := &Numbers{Ledger: l, Database: tableless{}, Importers: []*Importer{im}, Ignored: func(store, folder string) { ignored = append(ignored, store+" "+folder) }}
			if found, err := n.Highest(t.Context()); err != nil || found != want {
				t.Errorf("the highest is %d (%v), want %d", found, err, want)
			}
			if said := slices.Contains(ignored, "globex "+own+forged); said != (want == 0 && forged != "+7") {
				t.Errorf("ignored: %q", ignored)
			}
			if err := im.Sweep(t.Context()); err != nil {
				t.Error(err)
			}
			if f, err := store.Open(t.Context(), own+forged+"/a.csv"); err != nil {
				t.Error(err)
			} else if err := f.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
