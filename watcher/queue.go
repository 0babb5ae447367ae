package watcher

import (
	"cmp"
	"slices"

	"chute/config"
)

// queue is what a look found at rest for one job, in order.
type queue struct {
	entries []*entry
	next    int  // those before it were taken out
	failed  bool // a file that failed waits for its next try
}

func (q *queue) reset() {
	clear(q.entries)
	q.entries, q.next, q.failed = q.entries[:0], 0, false
}

func (q *queue) add(e *entry) { q.entries = append(q.entries, e) }

// waiting are those that weren't taken out.
func (q *queue) waiting() []*entry { return q.entries[q.next:] }

// sort puts the queue into the job's order, those that failed before behind the others, and what is only to be put away behind all, and tells whether it
// holds anything. With strict it holds nothing while a file that failed waits, and that one doesn't lose its place.
func (q *queue) sort(order string, strict bool) bool {
	if strict && q.failed {
		q.reset()
	}
	slices.SortFunc(q.entries, func(a, b *entry) int {
		switch {
		case a.unmatched != b.unmatched && a.unmatched:
			return 1
		case a.unmatched != b.unmatched:
			return -1
		case a.tries != b.tries && !strict:
			return cmp.Compare(a.tries, b.tries)
		}
		return cmp.Or(compareBy(order, a, b), cmp.Compare(a.file.Name, b.file.Name))
	})
	return len(q.entries) > 0
}

// compareBy compares two files by the job's order; those that are equal in it are ordered by their names.
func compareBy(order string, a, b *entry) int {
	switch order {
	case "seen":
		return cmp.Compare(a.seen, b.seen)
	case "mtime":
		return a.file.ModTime.Compare(b.file.ModTime)
	case "sequence":
		return config.CompareSequence(a.sequence, b.sequence)
	}
	return 0
}

// batch takes the next files out of the queue that go together: at most limit.Files, at most limit.Bytes, none larger than may share
// a batch; a larger one goes alone. So does every file of a strict job.
func (q *queue) batch(limit config.Batch, strict bool) []*entry {
	if strict {
		limit.Files = 1
	}
	var size int64
	waiting := q.waiting()
	n := 0
	for ; n < len(waiting); n++ {
		file := waiting[n].file
		alone := file.Size > limit.MaxBatchFile() || limit.Files <= 1
		if n > 0 && (alone || n == limit.Files || size+file.Size > int64(limit.Bytes)) {
			break
		}
		size += file.Size
		if alone {
			n++
			break
		}
	}
	q.next += n
	return waiting[:n]
}
