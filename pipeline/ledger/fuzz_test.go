package ledger

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// FuzzMoves: moves come back as they were written, and lines that nobody wrote are an error or moves that come back.
func FuzzMoves(f *testing.F) {
	f.Add("work/1/a.csv", "done/a.csv", "\"a\" \"b\"\n")
	f.Add("\x00\n\xff", "\"", "`a` 'b'\n")
	f.Fuzz(func(t *testing.T, from, to, text string) {
		moves := []Move{{From: from, To: to}, {From: to, To: from}}
		if got, err := parseMoves(formatMoves(moves)); err != nil || !slices.Equal(got, moves) {
			t.Errorf("%q came back as %q, %v", moves, got, err)
		}
		if moves, err := parseMoves(text); err == nil {
			if got, err := parseMoves(formatMoves(moves)); err != nil || !slices.Equal(got, moves) {
				t.Errorf("%q came back as %q, %v", moves, got, err)
			}
		}
	})
}

// FuzzDamaged: whatever became of the ledger's file, reading it ends with runs or an error.
func FuzzDamaged(f *testing.F) {
	ctx, cancel := context.WithTimeout(f.Context(), time.Minute)
	defer cancel()
	path := filepath.Join(f.TempDir(), "ledger.db")
	l, err := Open(ctx, path)
	if err != nil {
		f.Fatal(err)
	}
	for _, job := range []string{"orders", "returns"} {
		if err := l.Begin(ctx, []Run{{Kind: "import", Job: job, Started: time.Now()}}); err != nil {
			f.Fatal(err)
		}
	}
	if err := l.Close(); err != nil { // which moves all of it into the one file
		f.Fatal(err)
	}
	sound, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(0), []byte("SQLite format 3\x00\xff"), uint32(0))
	f.Add(uint32(100), []byte("\x0d\x00\x00\xff\xff"), uint32(0))
	f.Add(uint32(4096), []byte("\x00\x00"), uint32(5000))
	f.Fuzz(func(t *testing.T, at uint32, patch []byte, lost uint32) {
		damaged := slices.Clone(sound)
		copy(damaged[int(at)%len(damaged):], patch)
		damaged = damaged[:len(damaged)-int(lost)%len(damaged)]
		path := filepath.Join(t.TempDir(), "ledger.db")
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		r, err := OpenReader(ctx, path)
		if err != nil {
			return
		}
		defer r.Close()
		_, err = r.Runs(ctx, Filter{})
		if err == nil {
			_, err = r.Unsettled(ctx)
		}
		if ctx.Err() != nil {
			t.Fatalf("reading doesn't end: %v", err)
		}
	})
}
