package main

import (
	"context"
	"sync"

	"chute/connectors"
	"chute/pipeline/ledger"
)

// guardLedger makes a context that ends when the ledger turns out to be damaged: without it nothing is loaded exactly once, and every file that is claimed
// makes the damage larger. It is read through in the background, since a large one takes seconds. At the end judge says what it was that ended Run: the damage,
// or what came instead.
func (d *daemon) guardLedger(ctx context.Context) (guarded context.Context, judge func(error) error) {
	guarded, d.giveUp = context.WithCancelCause(ctx)
	var reading sync.WaitGroup
	reading.Go(func() { d.judgeLedger(d.ledger.Verify(guarded)) })
	return guarded, func(err error) error {
		d.giveUp(nil)
		reading.Wait()
		if cause := context.Cause(guarded); ledger.Unusable(cause) {
			return cause
		}
		return err
	}
}

// judgeLedger ends Run when an error says that the ledger can't be used any more.
func (d *daemon) judgeLedger(err error) {
	if ledger.Unusable(err) && d.giveUp != nil { // a benchmark has none
		d.giveUp(err)
	}
}

// guarded has what becomes of files, or of runs that are gone on with, judged for damage of the ledger.
func guarded[T any](d *daemon, handle func(context.Context, []T) []connectors.Verdict) func(context.Context, []T) []connectors.Verdict {
	return func(ctx context.Context, what []T) []connectors.Verdict {
		verdicts := handle(ctx, what)
		for _, v := range verdicts {
			d.judgeLedger(v.Err)
		}
		return verdicts
	}
}
