package format

// Chunk is a number of whole records that follow each other. One goroutine at a time may use it.
type Chunk struct {
	dialect *dialect
	buf     []byte
	extents []extent
	ends    []uint32 // where the fields of swept records end
	lines   int      // line ends in buf

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

	first, fields uint32 // of a swept record: the index in ends of its first field, and how many it has
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
		ends:    c.ends[:0],
		source:  c.source[:0],
		widths:  c.widths[:0],
		offset:  r.offset,
		line:    r.line,
		number:  r.records,
	}
}

// Stretch is records of a chunk that follow each other, are right and have the same number of fields, which are known.
type Stretch struct {
	Number uint64   // of the first record
	Starts []uint32 // where each record begins in Bytes of the chunk
	Ends   []uint32 // where each field ends, record by record; between the fields of a record is one byte
	Quote  int      // a field that begins with this byte ends with it as well, and within it stands twice; -1: none does
	at     int      // of the first record
}

// Stretch takes the next records with so many fields, as many as it can up to most; false means that the next one, if there is any, is for Scan. Its memory
// is the chunk's and is valid until the next one.
func (c *Chunk) Stretch(width, most int, s *Stretch) bool {
	c.validate()
	*s = Stretch{Number: c.number + 1, Starts: s.Starts[:0], Quote: -1, at: c.next}
	first := uint32(0)
	for c.next < len(c.extents) && len(s.Starts) < most {
		e := &c.extents[c.next]
		if len(s.Starts) == 0 {
			first = e.first
		}
		if e.kind != swept || int(e.fields) != width || int(e.first-first) != len(s.Starts)*width || !c.valid && !isASCII(c.buf[e.start:e.end]) {
			break
		}
		s.Starts = append(s.Starts, e.start)
		c.next++
	}
	if len(s.Starts) == 0 {
		return false
	}
	c.number += uint64(len(s.Starts))
	s.Ends = c.ends[first : int(first)+len(s.Starts)*width]
	if c.dialect.quoting {
		s.Quote = int(c.dialect.quote)
	}
	return true
}

// ScanAgain reads the i-th record of a stretch that was just taken.
func (c *Chunk) ScanAgain(s *Stretch, i int, rec *Record) {
	c.scan(&c.extents[s.at+i], s.Number+uint64(i), rec)
}

// validate looks once at all of buf.
func (c *Chunk) validate() {
	if c.next == 0 && len(c.extents) > 0 {
		c.valid = c.dialect.charset.valid(c.buf)
	}
}

// Scan reads the next record of the chunk into rec; false means there is none.
func (c *Chunk) Scan(rec *Record) bool {
	if c.next == len(c.extents) {
		return false
	}
	c.validate()
	e := &c.extents[c.next]
	c.next++
	if e.kind != piece {
		c.number++
	}
	c.scan(e, c.number, rec)
	return true
}

func (c *Chunk) scan(e *extent, number uint64, rec *Record) {
	rec.Number = number
	rec.Line = c.line + int64(e.line)
	rec.Offset = c.offset + int64(e.start)
	rec.widths, rec.source = nil, nil // it may have come from another file
	raw := c.buf[e.start:e.end:e.end]
	if c.dialect.charset.decode {
		c.trace(rec, int(e.start), int(e.end))
	}
	rec.begin(c.dialect, raw, e.kind)
	if e.kind == swept {
		rec.fieldsOf(c, e)
	}
	rec.scan(raw, e.kind, c.valid || c.dialect.charset.valid(raw))
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
