package ledger

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSpoiltNumbers: a ledger of a chute that leapt over a number which somebody made up opens again, its backup as well, and gives numbers that runs can have.
func TestSpoiltNumbers(t *testing.T) {
	for what, seq := range map[string]string{"no integer": "9223372036854775807 + 1000000", "above the highest": "1000000999998"} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			path, copied := filepath.Join(dir, "ledger.db"), filepath.Join(dir, "backup.db")
			l := open(t, path)
			begin(t, l, 3)
			if _, err := l.write.ExecContext(limit(t), "UPDATE sqlite_sequence SET seq = "+seq+" WHERE name = 'runs'"); err != nil {
				t.Fatal(err)
			}
			if err := reader(t, path).Backup(limit(t), copied); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{path, copied} {
				again := open(t, name)
				now := uint64(time.Now().Unix())
				_, made := again.Restored()
				if next := begin(t, again, 1)[0].ID; !again.Mended() && !made || next < now-3600 || next > now+2_000_000 {
					t.Errorf("mended %v, the next run is %d", again.Mended(), next)
				}
				if third := open(t, name); third.Mended() {
					t.Error("it is mended at each start")
				}
			}
		})
	}
}

// TestNumbersUsedUp: a ledger that has given a run the highest number gives none any more and says what to do; nothing is carried into the mark of ledgers.
func TestNumbersUsedUp(t *testing.T) {
	l := fresh(t)
	begin(t, l, 1)
	if last, err := l.Leap(limit(t), LastRun-1); err != nil || last != LastRun {
		t.Fatalf("leapt to %d (%v)", last, err)
	}
	err := l.Begin(limit(t), []Run{{Kind: Import}})
	if !Unusable(err) || !strings.Contains(err.Error(), "has no number left for another run") || !strings.Contains(err.Error(), "put a backup from before in its place") {
		t.Errorf("%v", err)
	}
	for _, seen := range []uint64{LastRun + 1, 1<<63 - 1, 1 << 63} {
		if _, err := l.Leap(limit(t), seen); err == nil {
			t.Errorf("leapt over %d", seen)
		}
	}
	if l.Mended() {
		t.Error("it was mended")
	}
	if last, err := l.Last(limit(t)); err != nil || last != LastRun {
		t.Errorf("the last number is %d (%v)", last, err)
	}
}

func TestPlausible(t *testing.T) {
	now := uint64(time.Now().Unix())
	for _, c := range []struct {
		run, last uint64
		is        bool
	}{
		{1, 0, true}, {10_000_000, 0, true}, {now, 4, true}, {now + 5_000_000, 4, true}, {now + 20_000_000, 4, false},
		{now + 20_000_000, now + 15_000_000, true}, {LastRun, 2091, false}, {LastRun - 1, LastRun, true}, {LastRun + 1, LastRun, false}, {1<<63 - 1, 4, false}, {1<<64 - 1, LastRun, false},
	} {
		t.Run(fmt.Sprint(c.run, " after ", c.last), func(t *testing.T) {
			if Plausible(c.run, c.last) != c.is {
				t.Errorf("want %v", c.is)
			}
		})
	}
}
