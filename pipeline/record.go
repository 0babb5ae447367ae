package pipeline

import (
	"context"
	"time"

	"chute/pipeline/ledger"
)

// record writes the runs of items into the ledger as they are now, in one transaction.
func (im *Importer) record(ctx context.Context, items []*item) error {
	if len(items) == 0 {
		return nil
	}
	return im.Ledger.Update(ctx, runsOf(items))
}

func runsOf(items []*item) []ledger.Run {
	runs := make([]ledger.Run, len(items))
	for i, it := range items {
		runs[i] = it.run
	}
	return runs
}

// keep takes over what the ledger filled in.
func keep(items []*item, runs []ledger.Run) {
	for i := range items {
		items[i].run = runs[i]
	}
}

func runIDs(items []*item) []uint64 {
	ids := make([]uint64, len(items))
	for i, it := range items {
		ids[i] = it.run.ID
	}
	return ids
}

// now is a time as the ledger keeps it.
func now() time.Time { return time.Now().UTC() }
