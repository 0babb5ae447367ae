package pipeline

import (
	"context"
	"slices"
	"time"

	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/pipeline/reconcile"
	"chute/pipeline/report"
)

// batch is some files on their way together, one run each.
type batch struct {
	im      *Importer
	folder  string // in the store: <work>/LEDGER/BATCH
	items   []*item
	session connectors.Session
	reading *reading // of its last file, for others with the same header
	target  *reconcile.Target
	began   time.Time
	steps   []report.Step // so far, in this try
	tried   bool          // an earlier try may have left something in the out folder
	resumed bool          // begun in an earlier call: what it left on the server may be gone

	unmatched bool // no job's pattern matches the names: they are rejected without a look into them

	breakOff context.CancelCauseFunc // of advanceUnless
	entered  bool                    // breakOff can be called by others
}

// item is one file of a batch.
type item struct {
	run       ledger.Run // as the ledger has it, or about to have it
	vars      map[string]string
	result    result
	err       error                 // why it left the batch: later
	rejection *connectors.Rejection // why the file is rejected
	skip      *ledger.Taken         // loaded before
	progress  *Progress             // nil: nobody wants to know, or nothing was read yet
	claimErr  error                 // what the claiming rename answered
	lost      bool                  // the claim found no file: somebody else has it, or it stayed in the inbox
}

func (im *Importer) newBatch(files []connectors.File) *batch {
	b := &batch{im: im, began: time.Now()}
	store, inbox := im.Job.Store, im.Job.Inbox
	if im.InPlace && !im.remembers {
		store, inbox = im.Place, im.Dir
	}
	for _, f := range files {
		it := &item{vars: im.Job.Variables(f.Name), run: ledger.Run{
			Kind: ledger.Import, Job: im.Job.Name, JobHash: im.Job.Hash, Store: store, Inbox: inbox,
			File: f, Status: ledger.Running, Started: b.began,
		}}
		if im.remembers {
			it.run.Moves = []ledger.Move{im.lastMove(it, "")}
		}
		b.items = append(b.items, it)
	}
	return b
}

// advance runs the steps from the given one on, as long as there are files left in the batch.
func (b *batch) advance(ctx context.Context, from int) error {
	return b.through(ctx, b.im.steps()[from:])
}

// through runs steps. What the store alone has to do is done apart, as much of it together as there is.
func (b *batch) through(ctx context.Context, way []step) error {
	for len(way) > 0 && len(b.active()) > 0 {
		n, apart := 1, way[0].apart()
		for n < len(way) && way[n].apart() == apart {
			n++
		}
		some := way[:n]
		way = way[n:]
		do := func() error { return b.follow(ctx, some) }
		var err error
		if apart {
			err = b.im.apart(ctx, do)
		} else {
			err = do()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) follow(ctx context.Context, way []step) error {
	for _, s := range way {
		if len(b.active()) == 0 {
			return nil
		}
		b.im.Interrupts.enter(b)
		for _, it := range b.active() {
			it.progress.at(s.name)
		}
		began := now()
		err := s.do(ctx, b)
		b.steps = append(b.steps, report.Step{Name: s.name, Began: began, Took: time.Since(began)})
		if err != nil {
			return err
		}
	}
	return nil
}

// active are the files that are still on their way.
func (b *batch) active() []*item {
	return b.those(func(it *item) bool { return it.err == nil })
}

// left are the files that left the batch.
func (b *batch) left() []*item {
	return b.those(func(it *item) bool { return it.err != nil })
}

// begun are those that have a run.
func (b *batch) begun() []*item {
	return b.those(func(it *item) bool { return it.run.ID != 0 })
}

// accepted are those that are to be loaded.
func (b *batch) accepted() []*item {
	return b.those(func(it *item) bool { return it.err == nil && it.rejection == nil && it.skip == nil })
}

// setAside takes those out of the batch that are too large for it.
func (b *batch) setAside() (large []*item) {
	b.items = slices.DeleteFunc(b.items, func(it *item) bool {
		if it.err != errLarge {
			return false
		}
		it.err = nil
		large = append(large, it)
		return true
	})
	return large
}

func (b *batch) those(which func(*item) bool) []*item {
	var some []*item
	for _, it := range b.items {
		if which(it) {
			some = append(some, it)
		}
	}
	return some
}

func (b *batch) state() ledger.State { return b.items[0].run.State }
