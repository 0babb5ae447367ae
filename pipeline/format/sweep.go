package format

import "math/bits"

// Most of nearly every file is records whose quotes are where they belong, in a dialect of one delimiter of one byte. The sweep cuts such
// records into fields 64 bytes at a time, without looking at any byte by itself: from a bit for each quote, delimiter and line end
// it computes what is within quotes, for all 64 at once. Where a quote isn't where it belongs, or anything else needs a second look, it stops before
// that record and leaves it to the splitter's other ways, which know all rules.

// within sets every bit that has an odd number of the given ones at and below it: from an opening quote up to before its closing one.
func within(quotes uint64) uint64 {
	quotes ^= quotes << 1
	quotes ^= quotes << 2
	quotes ^= quotes << 4
	quotes ^= quotes << 8
	quotes ^= quotes << 16
	return quotes ^ quotes<<32
}

// sweep is a walk through data that begins where a record does.
type sweep struct {
	*splitter
	c    *Chunk
	data []byte

	start int // of the record that the walk is in
	first int // index in c.ends of where its first field ends
	line  int // line ends before it

	lines     int    // line ends so far
	inside    uint64 // all bits: within quotes
	wasCut    uint64 // 1: the byte before was a delimiter or line end
	wasClosed uint64 // 1: it was a closing quote
}

// sweep cuts the records of data[at:] into c, as many as it can, and returns the position and the line ends behind them.
func (s *splitter) sweep(data []byte, at, line int, c *Chunk) (int, int) {
	w := sweep{splitter: s, c: c, data: data, start: at, first: len(c.ends), line: line, lines: line, wasCut: 1}
	for ahead, more := 4, true; more && at < len(data); ahead = min(2*ahead, len(s.found)) { // a sweep may be over soon
		n := min(ahead, (len(data)-at)/64)
		if n == 0 {
			var text [64]byte
			there := copy(text[:], data[at:])
			s.signs.find(text[:], s.found[:1])
			w.block(&s.found[0], at, there)
			break
		}
		s.signs.find(data[at:], s.found[:n])
		for i := 0; i < n && more; i++ {
			more = w.block(&s.found[i], at, 64)
			at += 64
		}
	}
	c.ends = c.ends[:w.first]
	return w.start, w.line
}

// block goes through what was found in data[at:at+n], and tells whether to go on.
func (w *sweep) block(found *block, at, n int) (more bool) {
	there := ^uint64(0) >> (64 - uint(n))
	quotes, delimiters, ends := found.quotes&there, found.delimiters, found.ends
	if !w.quoting {
		quotes = 0
	}
	inside := within(quotes) ^ w.inside
	cuts := (delimiters | ends) &^ inside & there
	opening, closing := quotes&inside, quotes&^inside
	afterClosing := closing<<1 | w.wasClosed
	odd := (opening&^(cuts<<1|w.wasCut|afterClosing) | afterClosing&^(cuts|opening)) & there
	if odd != 0 {
		odd = w.reallyOdd(odd, at)
	}
	if odd != 0 {
		cuts &= odd&-odd - 1 // what is before it is right
	}
	fields := len(w.c.ends)
	w.c.mark(cuts, at)
	for lineEnds := ends & cuts; lineEnds != 0; lineEnds &= lineEnds - 1 {
		upTo := lineEnds ^ (lineEnds - 1) // the lowest one and all below
		i := bits.TrailingZeros64(lineEnds)
		if !w.record(at+i, fields+bits.OnesCount64(cuts&upTo)-1) {
			return false
		}
		if w.line = w.lines + bits.OnesCount64(ends&upTo); len(w.c.extents) >= chunkRecords {
			return false
		}
	}
	if len(w.c.ends)-w.first > maxFields {
		return false
	}
	w.lines += bits.OnesCount64(ends & there)
	w.inside = uint64(int64(inside) >> 63)
	w.wasCut, w.wasClosed = cuts>>63, closing>>63
	return odd == 0
}

// reallyOdd takes out of odd the bits of a CR between a closing quote and its record's end.
func (w *sweep) reallyOdd(odd uint64, at int) (really uint64) {
	for ; odd != 0; odd &= odd - 1 {
		i := at + bits.TrailingZeros64(odd)
		if w.cr != crOptional || w.data[i] != '\r' || i+1 == len(w.data) || w.data[i+1] != '\n' {
			return odd
		}
	}
	return 0
}

// record ends the record at the line end whose last byte is at data[last] and whose field is the one with this index in c.ends. It returns false
// for one that is too long or has too many fields.
func (w *sweep) record(last, field int) bool {
	if last >= w.start+w.max || field-w.first >= maxFields {
		return false
	}
	if w.cr == crOptional && last > w.start && w.data[last-1] == '\r' {
		w.c.ends[field]--
	}
	if empty := int(w.c.ends[field]) == w.start; !empty || !w.skipEmpty {
		w.c.extents = append(w.c.extents, extent{
			start: uint32(w.start), end: uint32(last + 1), line: uint32(w.line), kind: swept, first: uint32(w.first), fields: uint32(field + 1 - w.first),
		})
	}
	w.start, w.first = last+1, field+1
	return true
}

// mark appends the positions of the bits to the ends of fields. It writes eight at a time: how many there are is hard to guess, for a processor too.
func (c *Chunk) mark(cuts uint64, at int) {
	n := len(c.ends)
	if cap(c.ends) < n+64 {
		c.ends = append(make([]uint32, 0, 2*n+1024), c.ends...)
	}
	room := (*[64]uint32)(c.ends[n : n+64])
	c.ends = c.ends[:n+bits.OnesCount64(cuts)]
	base := uint32(at)
	for i := 0; cuts != 0; i += 8 {
		eight := (*[8]uint32)(room[i&63 : i&63+8])
		for j := range eight {
			eight[j] = base + uint32(bits.OnesCount64(^cuts&(cuts-1))) // quicker than TrailingZeros64 where that isn't one instruction
			cuts &= cuts - 1
		}
	}
}

// newSplitter makes a splitter, which sweeps if its dialect is one that the sweep knows.
func newSplitter(d *dialect, piece int) splitter {
	s := splitter{dialect: d, piece: piece}
	s.sweeps = d.single && d.only != nil && !d.repeat && !d.escaping && len(d.comment) == 0 && !d.charset.decode && (d.cr == crOptional || d.cr == crData)
	if s.sweeps {
		s.signs = signs{repeated(d.quote), repeated(d.only[0]), repeated(d.last)}
	}
	return s
}

// trySweep is sweep where it may help; elsewhere it does nothing. What a search for a closing quote has gone through in vain isn't swept, and where sweeps find
// nothing they get rarer: so they cost little, whatever is in a file.
func (s *splitter) trySweep(data []byte, at, line int, base int64, c *Chunk) (int, int) {
	if !s.sweeps || s.inLong || base+int64(at) < s.reach {
		return at, line
	}
	if s.rest > 0 {
		s.rest--
		return at, line
	}
	behind, lines := s.sweep(data, at, line, c)
	if behind == at {
		s.tired = min(2*s.tired+1, 63)
	} else {
		s.tired = 0
	}
	s.rest = s.tired
	return behind, lines
}
