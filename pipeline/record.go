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

// advance is record where only how far the files have come is new, and not what will lie where.
func (im *Importer) advance(ctx context.Context, items []*item) error {
	if len(items) == 0 {
		return nil
	}
	return im.Ledger.Advance(ctx, runsOf(items))
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

// lineage are the numbers under which the files' rows are in a table.
func (im *Importer) lineage(items []*item) []uint64 {
	numbers := make([]uint64, len(items))
	for i, it := range items {
		numbers[i] = im.Ledger.Lineage(it.run.ID)
	}
	return numbers
}

// now is a time as the ledger keeps it.
func now() time.Time { return time.Now().UTC() }
