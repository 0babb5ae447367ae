package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/pipeline/report"
)

var (
	// errInterrupted is why the work on a batch is broken off. It isn't counted as a failure of the others.
	errInterrupted = fmt.Errorf("somebody wants something else of a file of the batch: %w", context.Canceled)
	// errPaused: nobody works on the run until somebody wants that.
	errPaused = fmt.Errorf("the run is paused: %w", connectors.ErrParked)
	// errCancelled: whoever gave the file by hand takes it back.
	errCancelled = errors.New("the run was cancelled")
)

// Interrupts break off the work on runs of which somebody wants something else than what they were begun for. What is wanted stands in the ledger: they only
// make that it is looked at soon.
type Interrupts struct {
	mu      sync.Mutex
	working map[uint64]context.CancelCauseFunc
}

// Interrupt breaks off the work on a run, and tells whether somebody was at it.
func (i *Interrupts) Interrupt(run uint64) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	cancel, found := i.working[run]
	if found {
		cancel(errInterrupted)
	}
	return found
}

// Working tells whether somebody is at a run.
func (i *Interrupts) Working(run uint64) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	_, found := i.working[run]
	return found
}

// enter makes that the work on the batch can be broken off, from when its runs have numbers.
func (i *Interrupts) enter(b *batch) {
	if i == nil || b.breakOff == nil || b.entered || len(b.begun()) == 0 {
		return
	}
	b.entered = true
	for _, it := range b.begun() {
		i.put(it.run.ID, b.breakOff)
	}
}

func (i *Interrupts) leave(b *batch) {
	for _, it := range b.begun() {
		i.remove(it.run.ID)
	}
}

// put makes that the work on a run can be broken off.
func (i *Interrupts) put(run uint64, breakOff context.CancelCauseFunc) {
	if i == nil || run == 0 {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.working == nil {
		i.working = map[uint64]context.CancelCauseFunc{}
	}
	i.working[run] = breakOff
}

func (i *Interrupts) remove(run uint64) {
	if i == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.working, run)
}

// advanceUnless is advance, until somebody wants something else of one of the files: then it is broken.
func (b *batch) advanceUnless(ctx context.Context, from int) (broken bool, err error) {
	own, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	b.breakOff = cancel
	defer b.im.Interrupts.leave(b)
	err = b.advance(own, from)
	return err != nil && context.Cause(own) == errInterrupted || errors.Is(err, ledger.ErrWished), err
}

// grant does with files what is wanted of them, each by itself, and takes them out of the batch.
func (im *Importer) grant(ctx context.Context, b *batch, tell func(*item, connectors.Verdict)) error {
	var ids []uint64
	for _, it := range b.begun() {
		if undecided(it.run.State) {
			ids = append(ids, it.run.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	wishes, err := im.Ledger.Wishes(ctx, ids...)
	if err != nil {
		return err
	}
	var wished []*item
	b.items = slices.DeleteFunc(b.items, func(it *item) bool {
		_, found := wishes[it.run.ID]
		if found = found && undecided(it.run.State); found {
			wished = append(wished, it)
		}
		return found
	})
	for _, it := range wished {
		it.err = nil
		alone := &batch{im: im, folder: b.folder, items: []*item{it}, session: b.session, began: now(), tried: true, resumed: true}
		im.conclude(ctx, alone, im.fulfil(ctx, alone, wishes[it.run.ID]), tell)
	}
	return nil
}

// undecided tells whether a run can still be given up.
func undecided(s ledger.State) bool {
	return s == ledger.Claiming || s == ledger.Claimed || s == ledger.Staging
}

// fulfil does with the batch's only file what is wanted of it. A paused one lets go of everything and begins anew; of the others nothing is loaded, and the
// file goes where rejected ones go, without a look into it.
func (im *Importer) fulfil(ctx context.Context, b *batch, w ledger.Wish) error {
	if w.Want == ledger.Pause {
		if err := im.cleanStage(ctx, b); err != nil {
			im.Log.Debug().Err(err).Msg("the stage of a paused run can't be dropped now; it is when the run goes on")
		}
		return errPaused
	}
	if im.InPlace && !im.remembers {
		return errCancelled
	}
	it := b.items[0]
	it.rejection, it.skip, it.result = decision(w), nil, result{}
	it.run.Records, it.run.Accepted, it.run.Rejects, it.run.Error = 0, 0, 0, ""
	way := []step{{"clear", im.clearTry}, {"let go", im.letGo}, {"judge", im.judge}, {"settle", im.settle}}
	if it.run.State == ledger.Claiming {
		way = append([]step{{"locate", im.locate}}, way...)
	}
	return b.through(ctx, way)
}

// letGo withdraws a run that is given up and whose file isn't in the work folder any more: somebody has taken it, perhaps a chute that adopted it. There is
// nothing to move then.
func (im *Importer) letGo(ctx context.Context, b *batch) error {
	if im.InPlace || im.remembers {
		return nil
	}
	it := b.items[0]
	f, err := im.Store.Open(ctx, b.fileName(it))
	if err == nil {
		return f.Close()
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil // what it is, settling finds out
	}
	it.err = errGone
	it.run.State, it.run.Status, it.run.Finished = ledger.Withdrawn, ledger.Rejected, now()
	if it.rejection.Code == "cancelled" {
		it.run.Status = ledger.Cancelled
	}
	return nil
}

// clearTry takes back what was done for the files since they were claimed.
func (im *Importer) clearTry(ctx context.Context, b *batch) error {
	if err := im.cleanStage(ctx, b); err != nil {
		return err
	}
	return im.clearOut(ctx, b)
}

func decision(w ledger.Wish) *connectors.Rejection {
	r := &connectors.Rejection{Code: "cancelled", Message: "The load was cancelled by the operators; nothing of the file was loaded."}
	switch w.Want {
	case ledger.Reject:
		r = &connectors.Rejection{Code: "refused_by_operator", Message: "The file was refused by the operators; nothing of it was loaded."}
	case ledger.Unmatched:
		r = &connectors.Rejection{Code: "unmatched", Message: "No file of this name is expected here; nothing of it was loaded. Is the name misspelt, or meant for another folder?"}
	}
	if w.Reason != "" && w.Want != ledger.Cancel { // why somebody gives a run up is no business of the partner's: nothing is wrong with the file
		r.Message += " The reason: " + w.Reason
	}
	return r
}

// wasCancelled tells by the report of a run whether somebody cancelled it.
func wasCancelled(run ledger.Run) bool {
	var told report.Partner
	return json.Unmarshal(run.Report, &told) == nil && told.Rejection != nil && told.Rejection.Code == "cancelled"
}
