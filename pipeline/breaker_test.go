package pipeline

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"chute/config"
	"chute/pipeline/ledger"
)

// TestBreaker: files that are loaded together count in their order, also when the last of them is good, and what came before a release doesn't.
func TestBreaker(t *testing.T) {
	for _, c := range []struct {
		name    string
		after   int
		batches [][]ledger.Status
		want    string // "": it isn't held
	}{
		{"one by one", 2, [][]ledger.Status{{ledger.Rejected}, {ledger.Rejected}}, "the last 2 files were rejected, f2 the last of them"},
		{"a good one between", 2, [][]ledger.Status{{ledger.Rejected}, {ledger.Finished}, {ledger.Rejected}}, ""},
		{"in a batch that ends well", 2, [][]ledger.Status{{ledger.Finished, ledger.Rejected, ledger.Rejected, ledger.Finished, ledger.Finished}}, "2 files in a row were rejected, f3 the last of them"},
		{"over two batches", 3, [][]ledger.Status{{ledger.Finished, ledger.Rejected}, {ledger.Rejected, ledger.Rejected, ledger.Finished}}, "3 files in a row were rejected, f4 the last of them"},
		{"an earlier batch", 2, [][]ledger.Status{{ledger.Rejected, ledger.Rejected, ledger.Finished}, {ledger.Finished}}, ""},
		{"not in a row", 2, [][]ledger.Status{{ledger.Rejected, ledger.Finished, ledger.Rejected, ledger.Finished}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := t.Context()
			l, err := ledger.Open(ctx, filepath.Join(t.TempDir(), "ledger.db"))
			must(t, err)
			defer l.Close()
			b := &Breaker{Job: &config.Job{Name: "j", Store: "s", HoldAfter: c.after, Batch: config.Batch{Files: 10}}, Ledger: l, Log: zerolog.Nop()}
			n := 0
			for i, statuses := range c.batches {
				runs := make([]ledger.Run, len(statuses))
				for k := range runs {
					n++
					runs[k] = ledger.Run{Kind: ledger.Import, Job: "j", Store: "s", Status: ledger.Running, Started: time.Unix(int64(i+1), 0)}
					runs[k].File.Name = "f" + string(rune('0'+n))
				}
				must(t, l.Begin(ctx, runs))
				for k := range runs {
					runs[k].State, runs[k].Status = ledger.Claimed, statuses[k]
				}
				must(t, l.Update(ctx, runs))
			}
			err = b.Held(ctx)
			if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("held: %v; want %q", err, c.want)
			}
			if _, err := l.Release(ctx, "j", time.Now()); err != nil {
				t.Fatal(err)
			}
			if err := b.Held(ctx); (err != nil) && c.want != "" {
				t.Errorf("held again: %v", err)
			}
		})
	}
}
