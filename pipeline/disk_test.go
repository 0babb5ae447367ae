package pipeline

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"chute/connectors"
	"chute/connectors/connectortest"
)

// TestDisk fills the store's file system, or makes it read-only, behind an effect of a run. Files wait and say why; when there is room again everything comes to
// its end as if nothing had been. (full_state.txtar fills the state's. It can't become read-only while chute has its ledger open: the kernel refuses.)
func TestDisk(t *testing.T) {
	if testing.Short() {
		return // the race detector has seen TestFaultTable
	}
	full, readOnly := (*connectortest.Disk).Fill, func(d *connectortest.Disk) { d.ReadOnly(true) }
	room, writable := (*connectortest.Disk).Clear, func(d *connectortest.Disk) { d.ReadOnly(false) }
	for _, c := range []struct {
		trouble      string
		strike, heal func(*connectortest.Disk)
		effects      []string
	}{
		{"full", full, room, []string{"claiming", "rename", "claimed", "stage", "commit", "published"}},
		{"read-only", readOnly, writable, []string{"claiming", "claimed", "commit", "publishing", "published", "move"}},
	} {
		for _, effect := range c.effects {
			t.Run(strings.ReplaceAll(c.trouble+"/"+effect, " ", "_"), func(t *testing.T) {
				disk := connectortest.StartDisk(t, 2<<10, 500)
				w := newWorld(t, "clickhouse")
				w.moveTo(disk)
				w.job(orders)
				dropFour(w)
				w.open()
				struck := w.strikeAt(effect, func() { c.strike(disk) })
				verdicts := w.importAll()
				if !*struck {
					t.Fatalf("the effect %q wasn't reached", effect)
				}
				wantLater(t, verdicts)
				w.wantReason(verdicts, c.trouble)
				c.heal(disk)
				w.im.Fault = nil
				w.goOn()
				wantFour(w)
			})
		}
	}
}

// moveTo puts the store on a disk of its own.
func (w *world) moveTo(disk *connectortest.Disk) {
	w.t.Helper()
	there, here := filepath.Join(disk.Path, "store"), filepath.Join(w.Dir, "store")
	for _, err := range []error{os.RemoveAll(here), os.MkdirAll(filepath.Join(there, "in"), 0o755), os.Symlink(there, here)} {
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// strikeAt does something behind an effect, the first time.
func (w *world) strikeAt(effect string, strike func()) (struck *bool) {
	struck = new(bool)
	w.im.Fault = func(at string, before bool) error {
		if at == effect && !before && !*struck {
			*struck = true
			strike()
		}
		return nil
	}
	return struck
}

// wantReason: there is a file that waits, and whichever does tells of the disk.
func (w *world) wantReason(verdicts []connectors.Verdict, trouble string) {
	w.t.Helper()
	want, words := error(syscall.ENOSPC), "no space"
	if trouble == "read-only" {
		want, words = syscall.EROFS, "read-only"
	}
	waits := 0
	for _, v := range verdicts {
		if v.Outcome != connectors.Later {
			continue
		}
		waits++
		if text := strings.ToLower(v.Err.Error()); !errors.Is(v.Err, want) && !strings.Contains(text, words) {
			w.t.Errorf("%q waits because: %v", v.File.Name, v.Err)
		}
	}
	if waits == 0 {
		w.t.Error("no file has noticed")
	}
}
