package format

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
	valid  bool // nothing in buf is to be decoded, looked at once for all records

	// Where text was decoded before it was cut (see input):
	source  []byte // what buf was decoded from
	widths  []byte // how many bytes of source each byte of buf stands for
	scanned int    // of buf
	taken   int    // of source: what scanned stands for
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
func (c *Chunk) Bytes() []byte {
	if c.dialect != nil && c.dialect.charset.decode {
		return c.source
	}
	return c.buf
}

func (c *Chunk) reset(r *Reader) {
	*c = Chunk{
		dialect: r.split.dialect,
		buf:     c.buf[:0],
		extents: c.extents[:0],
		source:  c.source[:0],
		widths:  c.widths[:0],
		offset:  r.offset,
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
		c.valid = c.dialect.charset.valid(c.buf)
	}
	e := c.extents[c.next]
	c.next++
	if e.kind != piece {
		c.number++
	}
	rec.Number = c.number
	rec.Line = c.line + int64(e.line)
	rec.Offset = c.offset + int64(e.start)
	rec.widths, rec.source = nil, nil // it may have come from another file
	raw := c.buf[e.start:e.end:e.end]
	if c.dialect.charset.decode {
		c.trace(rec, int(e.start), int(e.end))
	}
	rec.scan(c.dialect, raw, e.kind, c.valid || c.dialect.charset.valid(raw))
	return true
}

// trace finds the bytes that buf[start:end] was decoded from.
func (c *Chunk) trace(rec *Record, start, end int) {
	c.taken += sum(c.widths[c.scanned:start])
	rec.Offset = c.offset + int64(c.taken)
	rec.widths = c.widths[start:end]
	next := c.taken + sum(rec.widths)
	rec.source = c.source[c.taken:next:next]
	c.taken, c.scanned = next, end
}
