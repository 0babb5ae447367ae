package pipeline

import (
	"context"
	"errors"
	"iter"

	"chute/pipeline/ledger"
	"chute/pipeline/reconcile"
)

// errEnough ends a query whose rest nobody wants.
var errEnough = errors.New("enough")

// counts are what the table has of the runs, in their order. The rows of a run are on one server, which may have several addresses.
func (c *comparison) counts(ctx context.Context, places []tableAt) iter.Seq2[reconcile.RunCount, error] {
	if len(places) == 1 {
		return c.countsAt(ctx, places[0])
	}
	half := len(places) / 2
	return merged(c.counts(ctx, places[:half]), c.counts(ctx, places[half:]))
}

func (c *comparison) countsAt(ctx context.Context, p tableAt) iter.Seq2[reconcile.RunCount, error] {
	return func(yield func(reconcile.RunCount, error) bool) {
		from, to := c.Ledger.Lineage(c.of.First), c.Ledger.Lineage(ledger.LastRun)
		if c.Since.IsZero() {
			from = c.Ledger.Lineage(0)
		}
		err := reconcile.CountRuns(ctx, p.session, p.target, from, to, "", func(count reconcile.RunCount) error {
			if !yield(count, nil) {
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(reconcile.RunCount{}, err)
		}
	}
}

// merged goes through two sequences in order; of a run that both have it takes the one with more rows.
func merged(a, b iter.Seq2[reconcile.RunCount, error]) iter.Seq2[reconcile.RunCount, error] {
	return func(yield func(reconcile.RunCount, error) bool) {
		nextA, stopA := iter.Pull2(a)
		defer stopA()
		nextB, stopB := iter.Pull2(b)
		defer stopB()
		x, errX, moreX := nextA()
		y, errY, moreY := nextB()
		for moreX || moreY {
			if err := errors.Join(errX, errY); err != nil {
				yield(reconcile.RunCount{}, err)
				return
			}
			takeX, takeY := moreX && (!moreY || x.Run <= y.Run), moreY && (!moreX || y.Run <= x.Run)
			one := y
			if takeX && (!takeY || x.Rows >= y.Rows) {
				one = x
			}
			if !yield(one, nil) {
				return
			}
			if takeX {
				x, errX, moreX = nextA()
			}
			if takeY {
				y, errY, moreY = nextB()
			}
		}
	}
}
