package format

import (
	"unicode/utf8"
)

// Chunk is a number of whole records that follow each other. One goroutine at a time may use it.
type Chunk struct {
	dialect *dialect
	buf     []byte
	extents []extent
	lines   int // line ends in buf

	offset int64
	line   int64
	number uint64 // of the record before the next one
	next   int
	valid  bool // buf is UTF-8, looked at once for all records
}

// extent is where a record lies in its chunk.
type extent struct {
	start, end uint32
	line       uint32 // line ends before it
	kind       kind
}

// Len returns how many records the chunk has; pieces of one that is too long count each.
func (c *Chunk) Len() int { return len(c.extents) }

// Bytes returns what the chunk was cut from: its records and the empty lines between them. All chunks together are the file between preamble and
// footer.
func (c *Chunk) Bytes() []byte { return c.buf }

func (c *Chunk) reset(r *Reader) {
	*c = Chunk{
		dialect: r.split.dialect,
		buf:     c.buf[:0],
		extents: c.extents[:0],
		offset:  r.base + int64(r.pos),
		line:    r.line,
		number:  r.records,
	}
}

// Scan reads the next record of the chunk into rec; false means there is none.
func (c *Chunk) Scan(rec *Record) bool {
	if c.next == len(c.extents) {
		return false
	}
	if c.next == 0 {
		c.valid = utf8.Valid(c.buf)
	}
	e := c.extents[c.next]
	c.next++
	if e.kind != piece {
		c.number++
	}
	rec.Number = c.number
	rec.Line = c.line + int64(e.line)
	rec.Offset = c.offset + int64(e.start)
	raw := c.buf[e.start:e.end:e.end]
	rec.scan(c.dialect, raw, e.kind, c.valid || utf8.Valid(raw))
	return true
}
