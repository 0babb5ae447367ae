package watcher

import (
	"time"

	"chute/connectors"
)

// What follows are pure functions of looks: whether a file is at rest depends on nothing else.

// span is the time that a listing took. What it shows was true at some moment of it, so the rest of a file counts from the
// end of the first look that saw it to the beginning of the last one.
type span struct{ began, ended moment }

// sight is what looks know of an entry: how it is, and since when it has been so.
type sight struct {
	file  connectors.File
	since moment // end of the first look that showed it so
}

// next is the sight after one more look. Rest is about size, time and inode; the number of links and the mode are taken over as they are.
func (s sight) next(f connectors.File, look span) sight {
	if s.file.Same(f) {
		return sight{f, s.since}
	}
	return sight{f, look.ended}
}

// rested tells whether the file was the same in two looks at least need apart, of which look is the second.
func (s sight) rested(look span, need time.Duration) bool {
	return look.began > s.since && look.began-s.since >= need
}

// emptyRest is the shortest rest of an empty file.
const emptyRest = 15 * time.Second

// restNeeded is how long a file must rest: settle; three times that, and never under emptyRest, while it is empty, since many
// programs create first and write much later; four times settle for a text whose last line has no end.
func restNeeded(settle time.Duration, size int64, unfinished bool) time.Duration {
	switch {
	case size == 0:
		return max(3*settle, emptyRest)
	case unfinished:
		return 4 * settle
	}
	return settle
}

// gap is how long an inbox isn't looked at after a look that took d: looks take at most a tenth of the time, whatever arrives,
// and no inbox is looked at more than twenty times a second.
func gap(d time.Duration) time.Duration { return max(9*d, 50*time.Millisecond) }
