package pipeline

import (
	"context"
	"errors"
	"fmt"

	"chute/connectors"
	"chute/connectors/native"
	"chute/pipeline/ledger"
	"chute/pipeline/reconcile"
	"chute/pipeline/reject"
)

// load reads every file, sends its good records to the stage and its bad ones to its reject file, and counts. A file that came alone
// goes straight into the stage, however large it is. Files that came together are small: each is read and judged whole in
// memory before a row of it enters the stage they share, so that one of them can't harm the others.
func (im *Importer) load(ctx context.Context, b *batch) error {
	if b.tried {
		if err := im.clearOut(ctx, b); err != nil {
			return err
		}
	}
	b.tried = true
	defer func() { b.reading = nil }() // and its memory
	stage := &stageWriter{im: im, b: b}
	defer stage.abort()
	together := len(b.active()) > 1
	for _, it := range b.those(func(it *item) bool { return it.err == nil && it.rejection == nil }) {
		if err := im.loadOne(ctx, stage, it, together); err != nil {
			return err
		}
	}
	if len(b.accepted()) == 0 {
		return nil
	}
	if err := stage.commit(); err != nil {
		return err
	}
	return im.countStage(ctx, b)
}

// errLarge: a file of a batch is too large to be kept in memory. Its size as delivered didn't tell: it is compressed, or of very short records.
var errLarge = errors.New("the file is too large to be loaded together with others")

// loadOne reads one file and puts what is to become of it on record in the item. An error returned is everybody's: the stage failed.
func (im *Importer) loadOne(ctx context.Context, stage *stageWriter, it *item, together bool) error {
	var kept []*native.Block
	room := 4 * int(im.Job.Batch.Bytes)
	emit := func(insert []native.Column, block *native.Block) error { return stage.write(ctx, insert, block) }
	if together {
		emit = func(_ []native.Column, block *native.Block) error {
			if room -= block.Size(); room < 0 {
				return errLarge
			}
			kept = append(kept, block.Clone())
			return nil
		}
	}
	it.skip = nil
	rejects := reject.New(im.Store, stage.b.rejectFolder(it), it.run.File.Name, im.Job.Errors.MaxDetails)
	err := im.readFile(ctx, stage.b, it, rejects, emit)
	if err == nil {
		err = im.checkIdentity(ctx, stage.b, it)
	}
	switch outcomeOf(err) {
	case connectors.Rejected:
		errors.As(err, &it.rejection)
		return nil
	case connectors.Later:
		if !together || errors.As(err, new(stageError)) {
			return err
		}
		it.err = err
		return nil
	}
	if it.skip != nil {
		return nil
	}
	for _, block := range kept {
		if err := stage.write(ctx, it.result.insert, block); err != nil {
			return err
		}
	}
	return nil
}

// countStage compares what the stage holds with what was sent, before anything depends on it.
func (im *Importer) countStage(ctx context.Context, b *batch) error {
	items := b.accepted()
	wanted := rowsWanted(items)
	if wanted == 0 {
		return im.stageless(ctx, items)
	}
	n, err := reconcile.CountAll(ctx, b.session, items[0].run.Stage, im.statementID(items[0], "count"))
	if err != nil {
		return err
	}
	if n != wanted {
		return fmt.Errorf("the stage of %s holds %d records, not the %d that were sent", b.target.Table(), n, wanted)
	}
	return nil
}

// stageless takes files without records through the state in which others have a stage.
func (im *Importer) stageless(ctx context.Context, items []*item) error {
	for _, it := range items {
		if it.run.State == ledger.Claimed {
			it.run.State, it.run.Server, it.run.Target = ledger.Staging, "", ""
		}
	}
	return im.record(ctx, items)
}
