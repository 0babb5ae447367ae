package format

import (
	"bytes"
	"fmt"
	"io"

	"chute/config"
	"chute/connectors"
)

const (
	chunkSize    = 1 << 20
	chunkRecords = 1 << 15 // bounds the memory of a chunk of very short records
)

// Reader cuts delimited text into chunks of whole records. It isn't safe for concurrent use; its chunks are independent of it and of each
// other. It holds at most two and a half of the longest records allowed, and the lines of skip_bottom.
type Reader struct {
	input
	split splitter

	pos    int // buf[pos:limit] can be cut into records, what is behind may be footer
	limit  int
	base   int64 // offset of buf[0] in the text
	offset int64 // of buf[pos] in the file

	line      int64  // number of the line at pos
	records   uint64 // number of the last record given out
	chunk     int    // how many bytes make a chunk
	preamble  []byte
	footer    []byte
	lineEnd   []byte // as the file has it
	lastEnded bool
	done      error // what Next answers from now on
}

// NewReader reads the byte order mark, the lines to skip and the header. It returns a *connectors.Rejection when they aren't as they must be,
// the reader's own error when reading fails, and another error when f isn't valid.
func NewReader(r io.Reader, f config.Format) (*Reader, error) { return newReader(r, f, chunkSize) }

// NewReaderSize is NewReader with chunks of another size than 1 MiB.
func NewReaderSize(r io.Reader, f config.Format, chunk int) (*Reader, error) {
	return newReader(r, f, chunk)
}

func newReader(r io.Reader, f config.Format, chunk int) (*Reader, error) {
	d, err := newDialect(f)
	if err != nil {
		return nil, fmt.Errorf("format: %w", err)
	}
	n := &Reader{input: input{src: r, holdCR: d.cr == crEither}, split: newSplitter(d, max(chunk, minMaxRecord)), line: 1, chunk: chunk, lastEnded: true}
	n.begin(&d.charset)
	if err := n.readPreamble(); err != nil {
		return nil, err
	}
	if err := n.hold(); err != nil {
		return nil, err
	}
	return n, nil
}

// Header returns the names of the columns, nil without a header.
func (r *Reader) Header() []string { return r.split.names }

// Preamble returns the bytes before the first record: byte order mark, skipped lines, header. A file of refused records begins with them.
func (r *Reader) Preamble() []byte { return r.preamble }

// Footer returns, after io.EOF, the lines that skip_bottom left out.
func (r *Reader) Footer() []byte { return r.footer }

// Complete tells, after io.EOF, whether the last line had its end. A file without any line is complete.
func (r *Reader) Complete() bool { return r.lastEnded }

// LineEnd returns what the first line that was read so far ends with; before there is one, what the dialect prefers.
func (r *Reader) LineEnd() []byte {
	if r.lineEnd != nil {
		return r.lineEnd
	}
	return r.split.charset.bytesOf(r.split.preferred())
}

// LineEnds returns what a record that is whole may end with, in the file's own bytes.
func (r *Reader) LineEnds() [][]byte {
	ends := [][]byte{r.split.charset.bytesOf(string(r.split.last))}
	switch r.split.cr {
	case crRequired:
		ends[0] = r.LineEnd()
	case crEither:
		ends = append(ends, r.split.charset.bytesOf("\r"))
	}
	return ends
}

// SetWidth says how many fields a record must have, for files without a header. It is to be called before the first Next.
func (r *Reader) SetWidth(n int) { r.split.width = n }

// Width returns how many fields a record must have, 0 for any number.
func (r *Reader) Width() int { return r.split.width }

// Next fills c, whose memory is used again, with the next records: about 1 MiB, or one longer record alone. It returns io.EOF after
// the last, and then a *connectors.Rejection instead when the last line has no end but must have one. Whatever else src
// ended with comes through as it is, after the records before it.
func (r *Reader) Next(c *Chunk) error {
	for r.done == nil {
		if n := r.cut(c); n > 0 {
			r.take(c, n)
			return nil
		}
		if r.err == io.EOF {
			r.done = r.finish()
			break
		}
		r.done = r.fill()
		if r.done == nil {
			r.done = r.hold()
		}
	}
	c.reset(r)
	return r.done
}

// cut finds the next chunk's records in the buffer and returns their length in bytes.
func (r *Reader) cut(c *Chunk) int {
	c.reset(r)
	data, base := r.buf[r.pos:r.limit], r.base+int64(r.pos)
	last := r.err == io.EOF
	at, line := 0, 0
	for at < len(data) && at < r.chunk && len(c.extents) < chunkRecords {
		from := at
		if at, line = r.split.trySweep(data[:min(len(data), r.chunk)], at, line, base, c); at > from {
			continue
		}
		end, k := r.split.record(data, at, base, last)
		if k == needMore || k < tooLong && at > 0 && end > r.chunk {
			break
		}
		if k != blank && k != remark {
			c.extents = append(c.extents, extent{start: uint32(at), end: uint32(end), line: uint32(line), kind: k})
		}
		switch k {
		case plain, badQuotes, blank:
			line++
		default:
			line += r.split.countLines(data[at:end])
		}
		at = end
	}
	c.lines = line
	return at
}

// take moves n bytes into c.
func (r *Reader) take(c *Chunk, n int) {
	r.offset += int64(r.length(r.pos, r.pos+n))
	if rest := len(r.buf) - n; r.pos == 0 && rest < n/8 && !r.decoding() {
		// Instead of copying the chunk, what is behind it is copied, and the buffers change places.
		c.buf, r.buf = r.buf[:n], append(c.buf[:0], r.buf[n:]...)
		r.base += int64(n)
		r.limit -= n
	} else {
		c.buf = append(c.buf, r.buf[r.pos:r.pos+n]...)
		if r.decoding() {
			c.source = append(c.source, r.original(r.pos, r.pos+n)...)
			c.widths = append(c.widths, r.widths[r.pos:r.pos+n]...)
		}
		r.pos += n
	}
	r.line += int64(c.lines)
	for _, e := range c.extents {
		if e.kind != piece {
			r.records++
		}
	}
}

// fill reads on until there is half as much again as is waiting, and at least a chunk: so a long record is searched a few times only,
// and chunks are the same however src delivers.
func (r *Reader) fill() error {
	if r.err != nil {
		return r.err
	}
	r.drop(r.pos)
	r.base += int64(r.pos)
	r.pos = 0
	have := len(r.buf)
	r.more(max(r.chunk, have+have/2+1) + 1)
	r.noteEnds()
	return nil
}

// noteEnds looks at the line ends that came in.
func (r *Reader) noteEnds() {
	d := r.split.dialect
	if len(r.buf) > 0 {
		r.lastEnded = d.ended(r.buf)
	}
	if r.lineEnd == nil {
		if end := d.lineEnd(r.buf, 0); end > 0 {
			r.lineEnd = bytes.Clone(r.original(len(d.text(r.buf[:end])), end))
		}
	}
}

// hold sets limit before the lines that may be the last ones to skip; an unfinished line is one of them.
func (r *Reader) hold() error {
	d := r.split.dialect
	r.limit = len(r.buf)
	if d.skipBottom == 0 {
		return nil
	}
	for range d.skipBottom {
		if r.limit <= r.pos {
			break
		}
		r.limit = max(r.pos, d.lineStart(d.text(r.buf[:r.limit])))
	}
	if waiting := len(r.buf) - r.pos; r.limit == r.pos && waiting > d.max*(d.skipBottom+1)+r.chunk {
		return &connectors.Rejection{Code: "record_too_long", Message: fmt.Sprintf(
			"Line %d or one of the next %d is longer than %d bytes.", r.line, d.skipBottom, d.max)}
	}
	return nil
}

// finish returns what Next says after the last record.
func (r *Reader) finish() error {
	r.footer = bytes.Clone(r.original(r.limit, len(r.buf)))
	if r.split.required && !r.lastEnded {
		return &connectors.Rejection{Code: "incomplete", Message: "The last line has no line end: the file isn't complete."}
	}
	return io.EOF
}
