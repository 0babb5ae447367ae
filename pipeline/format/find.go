package format

import "encoding/binary"

// signs are the bytes that a sweep looks for, each repeated eight times. find_amd64.s knows its layout, and that of block.
type signs struct{ quote, delimiter, end uint64 }

// block is 64 bytes of a text: a bit for each that is a quote, a delimiter, the last byte of a line end; the lowest is for the first byte.
type block struct{ quotes, delimiters, ends uint64 }

// repeated fills a word with a byte.
func repeated(b byte) uint64 { return uint64(b) * 0x0101010101010101 }

// findByWords is find in eight bytes at a time, for processors that have no other way here.
func (s *signs) findByWords(text []byte, found []block) {
	for i := range found {
		var quotes, delimiters, ends uint64
		bytes := text[64*i : 64*i+64]
		for shift := uint(0); shift < 64; shift += 8 {
			word := binary.LittleEndian.Uint64(bytes[shift:])
			quotes |= others(word^s.quote) << shift
			delimiters |= others(word^s.delimiter) << shift
			ends |= others(word^s.end) << shift
		}
		found[i] = block{^quotes, ^delimiters, ^ends}
	}
}

const (
	low7  = 0x7F7F7F7F7F7F7F7F
	high1 = 0x8080808080808080
)

// others returns a bit for each byte of x that isn't zero.
func others(x uint64) uint64 { return ((x&low7 + low7 | x) & high1) * 0x0002040810204081 >> 56 }
