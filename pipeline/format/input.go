package format

import (
	"bytes"
	"encoding/binary"
	"io"

	"chute/connectors"
)

// input is the part of a file that is at hand, as text to be cut. For most charsets the text is the file's own bytes. Where it is decoded first, a width
// for each of its bytes leads back to them, so that everything that is handed out can be what was delivered.
type input struct {
	src    io.Reader
	err    error // what src ended with
	buf    []byte
	holdCR bool // a CR at the end of buf is held back until it is known what follows
	held   bool // one is

	charset *charset
	dec     charsetDecoder // nil when buf is the file's own bytes
	widths  []byte         // for each byte of buf the number of the file's bytes that it stands for
	orig    []byte         // the file's bytes from buf's first on, a CR that is held back included
	raw     []byte         // not decoded yet
	heldBy  byte           // width of the CR held back
}

// begin gets ready to decode.
func (in *input) begin(c *charset) {
	in.charset = c
	if c.decode && !c.Marked {
		in.dec = c.newDecoder()
	}
}

// decoding tells whether buf isn't the file's own bytes.
func (in *input) decoding() bool { return in.charset.decode }

// length returns how many bytes of the file buf[from:to] stands for.
func (in *input) length(from, to int) int {
	if !in.decoding() {
		return to - from
	}
	return sum(in.widths[from:to])
}

// sum adds widths, none of which is more than 4, eight at a time: up to 63 of them fit into a byte.
func sum(widths []byte) int {
	total := 0
	for len(widths) >= 8 {
		var lanes uint64
		n := min(len(widths)/8, 63)
		for range n {
			lanes += binary.LittleEndian.Uint64(widths)
			widths = widths[8:]
		}
		for ; lanes != 0; lanes >>= 8 {
			total += int(lanes & 0xFF)
		}
	}
	for _, w := range widths {
		total += int(w)
	}
	return total
}

// original returns the file's bytes that buf[from:to] stands for.
func (in *input) original(from, to int) []byte {
	if !in.decoding() {
		return in.buf[from:to]
	}
	start := in.length(0, from)
	return in.orig[start : start+in.length(from, to)]
}

// drop forgets the first n bytes of buf.
func (in *input) drop(n int) {
	if in.decoding() {
		in.orig = in.orig[:copy(in.orig, in.orig[in.length(0, n):])]
		in.widths = in.widths[:copy(in.widths, in.widths[n:])]
	}
	in.buf = in.buf[:copy(in.buf, in.buf[n:])]
}

// more reads on until buf has as many bytes as wanted, or a little less, and at least one more.
func (in *input) more(want int) {
	if in.held {
		in.held = false
		in.buf = append(in.buf, '\r')
		if in.decoding() {
			in.widths = append(in.widths, in.heldBy)
		}
	}
	if want > cap(in.buf) {
		in.buf = append(make([]byte, 0, want), in.buf...)
	}
	for len(in.buf) < want && in.err == nil {
		if in.decoding() {
			in.raw = in.read(in.raw, want-len(in.buf))
			in.decode()
		} else {
			in.buf = in.read(in.buf, want-len(in.buf))
		}
	}
	if n := len(in.buf); in.holdCR && in.err == nil && in.buf[n-1] == '\r' {
		in.held, in.buf = true, in.buf[:n-1]
		if in.decoding() {
			in.heldBy, in.widths = in.widths[n-1], in.widths[:n-1]
		}
	}
}

// read appends up to n bytes to b.
func (in *input) read(b []byte, n int) []byte {
	have := len(b)
	if have+n > cap(b) {
		b = append(make([]byte, 0, have+n), b...)
	}
	for range 100 {
		var got int
		got, in.err = in.src.Read(b[have : have+n])
		if got > 0 || in.err != nil {
			return b[:have+got]
		}
	}
	in.err = io.ErrNoProgress
	return b[:have]
}

func (in *input) decode() {
	if in.dec == nil && !in.findOrder() {
		return
	}
	var n int
	in.buf, in.widths, n = in.dec.decode(in.buf, in.widths, in.raw, in.err == io.EOF)
	in.orig = append(in.orig, in.raw[:n]...)
	in.raw = in.raw[:copy(in.raw, in.raw[n:])]
}

// findOrder looks at the byte order mark of a file whose charset says that it has one.
func (in *input) findOrder() bool {
	unit := in.charset.Unit
	if len(in.raw) < unit && in.err == nil || len(in.raw) == 0 {
		return false
	}
	for _, big := range []bool{false, true} {
		mark := charset{Charset: in.charset.Charset, decode: true}
		mark.Big = big
		if bytes.HasPrefix(in.raw, mark.encode(0xFEFF)) {
			in.charset.Big = big
			in.dec = in.charset.newDecoder()
			return true
		}
	}
	if in.err == nil || in.err == io.EOF {
		in.err = &connectors.Rejection{Code: "bad_encoding", Message: "The file has no byte order mark, as " + in.charset.Name +
			" must have. Without one it must be agreed whether it is " + in.charset.Name + "LE or " + in.charset.Name + "BE."}
	}
	return false
}
