package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"chute/connectors"
	"chute/connectors/native"
	"chute/pipeline/reconcile"
)

// stageError marks errors of the stage: they are nobody's file's fault and concern the whole batch.
type stageError struct{ error }

func (e stageError) Unwrap() error { return e.error }

const (
	// spread is how many bytes of rows each connection has had before there is another one: it costs a statement and a part, so small files have one.
	spread = 8 << 20
	// partitionedBlock is how many bytes of rows a partitioned stage takes together: with many partitions the parts that come of them are most of the work.
	partitionedBlock = 256 << 20
)

// stageWriter makes the stage when the first block comes, and keeps one load open as long as the columns stay the same: an insert, and with many rows
// further ones over connections of their own, because a server sorts, compresses and writes what comes over one connection on one core, and doesn't
// read meanwhile.
type stageWriter struct {
	im       *Importer
	b        *batch
	made     bool
	columns  []native.Column
	settings map[string]string // of each insert
	inserts  []connectors.Inserter
	most     int      // inserts there may be
	each     int      // bytes of rows for every one of them
	sent     int      // bytes of rows in this load
	backlog  *backlog // of all inserts
}

func (w *stageWriter) write(ctx context.Context, columns []native.Column, block *native.Block) error {
	if block.Rows == 0 {
		return nil
	}
	if err := w.ready(ctx, columns); err != nil {
		return stageError{err}
	}
	if err := w.widen(ctx); err != nil {
		return stageError{w.failed(err)}
	}
	if err := w.backlog.add(block); err != nil {
		return stageError{w.failed(err)}
	}
	w.sent += block.Size()
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
	if len(w.inserts) > 0 && slices.EqualFunc(w.columns, columns, same) {
		return nil
	}
	if err := w.commit(); err != nil {
		return err
	}
	w.columns, w.sent = columns, 0
	w.plan(w.b.target, w.b.session.Server())
	room := w.im.backlogRoom()
	if !w.b.session.Server().Embedded {
		room = min(room, aheadOfServer)
	}
	w.backlog = newBacklog(room)
	if err := w.begin(ctx); err != nil {
		return w.failed(err)
	}
	return nil
}

// plan decides how many inserts there may be and what they share.
func (w *stageWriter) plan(target *reconcile.Target, server connectors.Server) {
	can := server.Abilities
	w.settings, w.most, w.each = reconcile.Pinned(can), max(w.im.Connections, 1), spread
	if server.Embedded || target.Ordered(can) {
		w.most = 1
	}
	memory := w.im.EngineMemory / int64(w.most)
	if memory > 0 && w.most > 1 {
		w.settings["max_memory_usage"] = strconv.FormatInt(memory, 10)
	}
	if target.Partitioned(can) && !server.Embedded && memory > 0 && can.Settings["min_insert_block_size_bytes"] {
		w.each = int(min(partitionedBlock, memory/8)) // an insert takes a few times that
		w.settings["min_insert_block_size_bytes"] = strconv.Itoa(w.each)
	}
}

// begin starts an insert, which takes blocks from the backlog from now on.
func (w *stageWriter) begin(ctx context.Context) error {
	first := w.b.active()[0] // one that left the batch has no stage
	insert, err := w.b.session.Insert(ctx, connectors.Statement{
		ID: w.im.statementID(first, "insert"), SQL: first.run.Stage, Settings: w.settings,
	}, w.columns)
	if err != nil {
		return err
	}
	w.inserts = append(w.inserts, insert)
	w.backlog.join(func(block *native.Block) error {
		return w.im.effect("insert", func() error { return insert.Write(block) })
	})
	return nil
}

// widen starts another insert when there are rows enough. A server that has no connection to spare is left with what it gave.
func (w *stageWriter) widen(ctx context.Context) error {
	if len(w.inserts) >= w.most || w.sent < w.each*len(w.inserts) {
		return nil
	}
	err := w.begin(ctx)
	if errors.Is(err, connectors.ErrUnavailable) && ctx.Err() == nil {
		w.most = len(w.inserts)
		return nil
	}
	return err
}

func (w *stageWriter) failed(err error) error {
	return fmt.Errorf("load into the stage of %s: %w", w.b.target.Table(), err)
}

func (w *stageWriter) commit() error {
	if len(w.inserts) == 0 {
		return nil
	}
	err := w.backlog.drain()
	if err == nil {
		err = w.commitAll()
	}
	if err != nil {
		return w.failed(err)
	}
	w.inserts = nil
	return nil
}

// commitAll commits side by side: the server writes each connection's last rows now.
func (w *stageWriter) commitAll() error {
	errs := make([]error, len(w.inserts))
	var committing sync.WaitGroup
	for i, insert := range w.inserts {
		committing.Go(func() { errs[i] = w.im.effect("commit", insert.Commit) })
	}
	committing.Wait()
	return errors.Join(errs...)
}

// abort ends inserts that weren't committed: a server of 2018 doesn't drop a table that has an open one.
func (w *stageWriter) abort() {
	if len(w.inserts) == 0 {
		return
	}
	w.backlog.drop()
	for _, insert := range w.inserts {
		insert.Abort() // its error says nothing new: the stage is going to be dropped
	}
}
