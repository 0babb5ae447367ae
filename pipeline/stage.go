package pipeline

import (
	"context"
	"fmt"
	"slices"

	"chute/connectors"
	"chute/connectors/native"
	"chute/pipeline/reconcile"
)

// stageError marks errors of the stage: they are nobody's file's fault and concern the whole batch.
type stageError struct{ error }

func (e stageError) Unwrap() error { return e.error }

// stageWriter makes the stage when the first block comes, and keeps one insert open as long as the columns stay the same.
type stageWriter struct {
	im      *Importer
	b       *batch
	made    bool
	columns []native.Column
	insert  connectors.Inserter
	backlog *backlog // of insert
}

func (w *stageWriter) write(ctx context.Context, columns []native.Column, block *native.Block) error {
	if block.Rows == 0 {
		return nil
	}
	if err := w.ready(ctx, columns); err != nil {
		return stageError{err}
	}
	if err := w.backlog.add(block); err != nil {
		return stageError{w.failed(err)}
	}
	return nil
}

func (w *stageWriter) ready(ctx context.Context, columns []native.Column) error {
	if !w.made {
		if err := w.im.makeStage(ctx, w.b, w.b.active()); err != nil {
			return err
		}
		w.made = true
	}
	same := func(a, b native.Column) bool { return a.Name == b.Name }
	if w.insert != nil && slices.EqualFunc(w.columns, columns, same) {
		return nil
	}
	if err := w.commit(); err != nil {
		return err
	}
	first := w.b.active()[0] // one that left the batch has no stage
	insert, err := w.b.session.Insert(ctx, connectors.Statement{
		ID: w.im.statementID(first, "insert"), SQL: first.run.Stage, Settings: reconcile.Pinned(w.b.session.Server().Abilities),
	}, columns)
	if err != nil {
		return w.failed(err)
	}
	w.insert, w.columns = insert, columns
	w.backlog = startBacklog(w.im.backlogRoom(), func(block *native.Block) error {
		return w.im.effect("insert", func() error { return insert.Write(block) })
	})
	return nil
}

func (w *stageWriter) failed(err error) error {
	return fmt.Errorf("load into the stage of %s: %w", w.b.target.Table(), err)
}

func (w *stageWriter) commit() error {
	if w.insert == nil {
		return nil
	}
	err := w.backlog.drain()
	if err == nil {
		err = w.im.effect("commit", w.insert.Commit)
	}
	if err != nil {
		return w.failed(err)
	}
	w.insert = nil
	return nil
}

// abort ends an insert that wasn't committed: a server of 2018 doesn't drop a table that has an open one.
func (w *stageWriter) abort() {
	if w.insert != nil {
		w.backlog.drop()
		w.insert.Abort() // its error says nothing new: the stage is going to be dropped
	}
}
