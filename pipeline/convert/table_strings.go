package convert

import (
	"encoding/binary"
	"math/bits"
)

// strings converts a column of Strings without rules. It writes into the column itself.
func (w *columnar) strings(c *cell, t *Table, n int) {
	w.anyNull = false
	blank := max(len(c.blanks[0].data), len(c.blanks[1].data))
	room := int(w.to[n-1]-w.from[0]) + n*(blank+binary.MaxVarintLen32) + atOnce // quotes are taken off: nothing gets longer
	to := c.builder.Lend(room)
	for i := range n {
		text := t.Text[w.from[i]:w.to[i]]
		switch {
		case len(text) > 0 && int(text[0]) != t.Quote:
			to = appendString(to, t.Text, w.from[i], w.to[i])
		case len(text) <= 2:
			to = append(to, w.blank(c, i, len(text) > 0).data...)
		default:
			to = appendQuoted(to, t.Text, w.from[i]+1, w.to[i]-1)
		}
	}
	c.builder.Return(to, n, w.takeNulls(n))
}

// atOnce is how many bytes are copied at once.
const atOnce = 16

// appendString appends text[from:to], with its length. A short one is copied with some of what is behind it, for which dst has room: that is quicker than
// copying as many bytes as it has.
func appendString(dst, text []byte, from, to uint32) []byte {
	n := to - from
	if n <= atOnce && int(from)+atOnce <= len(text) {
		at := len(dst)
		dst = dst[:at+1+atOnce]
		dst[at] = byte(n)
		*(*[atOnce]byte)(dst[at+1:]) = *(*[atOnce]byte)(text[from:])
		return dst[:at+1+int(n)]
	}
	dst = binary.AppendUvarint(dst, uint64(n))
	return append(dst, text[from:to]...)
}

// appendQuoted is appendString for text[from:to], which is between quotes.
func appendQuoted(dst, text []byte, from, to uint32) []byte {
	at := len(dst)
	dst = binary.AppendUvarint(dst, uint64(to-from))
	begin := len(dst)
	dst = appendUnquoted(dst, text, from, to)
	length := len(dst) - begin
	if length == int(to-from) {
		return dst
	}
	if size := binary.PutUvarint(dst[at:begin], uint64(length)); size < begin-at { // shorter by so much that its length is
		copy(dst[at+size:], dst[begin:])
		return dst[:at+size+length]
	}
	return dst
}

// appendUnquoted appends text[from:to] with one instead of every two quotes. At text[to] is a quote, too.
func appendUnquoted(dst, text []byte, from, to uint32) []byte {
	quote, i := text[to], int(from)
	pattern := uint64(quote) * 0x0101010101010101
	room := dst[len(dst):cap(dst)]
	k := 0
	for i+8 <= len(text) && k+8 <= len(room) {
		word := binary.LittleEndian.Uint64(text[i:])
		binary.LittleEndian.PutUint64(room[k:], word)
		word ^= pattern
		found := ^((word&low7 + low7) | word | low7) // the highest bit of each byte that is the quote
		if found == 0 {
			i, k = i+8, k+8
			continue
		}
		next := bits.TrailingZeros64(found) / 8
		i, k = i+next, k+next
		if i == int(to) {
			return dst[:len(dst)+k]
		}
		i, k = i+2, k+1
	}
	dst = dst[:len(dst)+k]
	for ; i < int(to); i++ {
		dst = append(dst, text[i])
		if text[i] == quote {
			i++
		}
	}
	return dst
}

const low7 = 0x7F7F7F7F7F7F7F7F
