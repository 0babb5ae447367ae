package ledger

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A backup that is put in the ledger's place knows what the ledger knew, and gives no number again.
func TestBackup(t *testing.T) {
	dir := t.TempDir()
	path, copied := filepath.Join(dir, "ledger.db"), filepath.Join(dir, "backup.db")
	l := open(t, path)
	before := begin(t, l, 3)
	r := reader(t, path)
	if err := r.Backup(limit(t), copied); err != nil {
		t.Fatal(err)
	}
	begin(t, l, 2) // in no backup
	if err := r.Backup(limit(t), copied); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second backup of the name gives %v", err)
	}
	info, err := os.Stat(copied)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the backup has the mode %v", info.Mode())
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".chute*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}

	restored := open(t, copied)
	if restored.ID() != l.ID() {
		t.Errorf("id %s, not %s", restored.ID(), l.ID())
	}
	if last, made := restored.Restored(); !made || last != before[2].ID {
		t.Errorf("restored from a backup: %v, up to run %d, not %d", made, last, before[2].ID)
	}
	runs, err := restored.Runs(limit(t), Filter{})
	if err != nil || len(runs) != len(before) {
		t.Errorf("%d runs, not %d: %v", len(runs), len(before), err)
	}
	next := begin(t, restored, 2)
	if first := next[0].ID; first < uint64(time.Now().Add(-time.Hour).Unix()) {
		t.Errorf("the first run has the number %d, which the ledger may have given after the backup", first)
	}
	again := open(t, copied)
	if begin(t, again, 1)[0].ID != next[1].ID+1 {
		t.Error("the numbers leap at each start")
	}
	if _, made := again.Restored(); made {
		t.Error("it counts as restored at each start")
	}
}
