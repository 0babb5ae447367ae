package pipeline

import (
	"errors"
	"sync"

	"chute/connectors/native"
)

// ahead is how many bytes of blocks may wait for the engine, where there is memory for that (see LimitMemory). It takes a block at a
// time, sorts, compresses and writes it, and doesn't read meanwhile: that long, reading and converting go on into here.
const ahead = 32 << 20

// aheadOfServer is that for a server, whose other connection takes blocks meanwhile. More of it fills only in the course of a large file, and brings nothing.
const aheadOfServer = 4 << 20

// backlog hands blocks to writers, goroutines of its own that take them in their order. Those that wait are copies; their memory is used again.
type backlog struct {
	room    int // bytes that may wait
	writers sync.WaitGroup

	mutex   sync.Mutex // guards what follows
	moved   sync.Cond  // one of these has changed
	waiting []*native.Block
	spare   []*native.Block
	bytes   int  // of blocks that wait or are being written
	ended   bool // no more blocks come
	err     error
}

var errDropped = errors.New("given up")

func newBacklog(room int) *backlog {
	q := &backlog{room: room}
	q.moved.L = &q.mutex
	return q
}

// join starts a writer. Not at the same time as end: both are the caller's.
func (q *backlog) join(write func(*native.Block) error) {
	q.writers.Go(func() { q.run(write) })
}

// add takes a copy of the block, as soon as there is room. The error is that of an earlier block.
func (q *backlog) add(b *native.Block) error {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	size := b.Size()
	for q.err == nil && q.bytes > 0 && q.bytes+size > q.room {
		q.moved.Wait()
	}
	if q.err != nil {
		return q.err
	}
	kept := &native.Block{}
	if last := len(q.spare) - 1; last >= 0 {
		kept, q.spare = q.spare[last], q.spare[:last]
	}
	copyBlock(kept, b)
	q.waiting = append(q.waiting, kept)
	q.bytes += size
	q.moved.Broadcast()
	return nil
}

// copyBlock makes to the same block as from, in its own memory.
func copyBlock(to, from *native.Block) {
	to.Columns, to.Rows = append(to.Columns[:0], from.Columns...), from.Rows
	if len(to.Data) != len(from.Data) {
		to.Data = make([][]byte, len(from.Data))
	}
	for i, data := range from.Data {
		to.Data[i] = append(to.Data[i][:0], data...)
	}
}

func (q *backlog) run(write func(*native.Block) error) {
	for {
		b := q.next()
		if b == nil {
			return
		}
		err := write(b)
		q.mutex.Lock()
		q.bytes -= b.Size()
		q.spare = append(q.spare, b)
		if q.err == nil {
			q.err = err
		}
		q.moved.Broadcast()
		q.mutex.Unlock()
	}
}

// next waits for a block, nil when there is none any more.
func (q *backlog) next() *native.Block {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	for q.err == nil && len(q.waiting) == 0 && !q.ended {
		q.moved.Wait()
	}
	if q.err != nil || len(q.waiting) == 0 {
		return nil
	}
	b := q.waiting[0]
	q.waiting = q.waiting[1:]
	return b
}

// drain waits until every block is written.
func (q *backlog) drain() error { return q.end(nil) }

// drop gives up what waits, and waits for the blocks that are being written.
func (q *backlog) drop() { _ = q.end(errDropped) }

func (q *backlog) end(err error) error {
	q.mutex.Lock()
	q.ended = true
	if q.err == nil {
		q.err = err
	}
	q.moved.Broadcast()
	q.mutex.Unlock()
	q.writers.Wait()
	return q.err
}
