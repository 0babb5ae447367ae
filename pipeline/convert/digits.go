package convert

import "encoding/binary"

// parseDigits reads up to 19 digits, eight at a time. ok tells that there is nothing else in text, which may be empty.
func parseDigits(text []byte) (n uint64, ok bool) {
	for len(text) >= 8 {
		word := binary.LittleEndian.Uint64(text)
		if !eightDigits(word) {
			return 0, false
		}
		n = n*1e8 + numberOf(word)
		text = text[8:]
	}
	if len(text) >= 4 { // the first and the last four, which overlap, behind as many zeros as are missing to eight
		missing := 64 - 8*uint(len(text))
		word := uint64(binary.LittleEndian.Uint32(text))<<(missing&63) | uint64(binary.LittleEndian.Uint32(text[len(text)-4:]))<<32 | 0x3030303030303030>>(64-missing&63)
		return n*powers[len(text)&7] + numberOf(word), eightDigits(word)
	}
	for _, c := range text {
		d := c - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + uint64(d)
	}
	return n, true
}

// eightDigits tells whether all bytes of a word are digits: they stay below 0x80 when 0x46 is added, and don't borrow when 0x30 is subtracted.
func eightDigits(word uint64) bool {
	return (word|(word+0x4646464646464646)|(word-0x3030303030303030))&0x8080808080808080 == 0
}

// numberOf is the number that a word's eight digits make, the first in the lowest byte: neighbours are joined to pairs, pairs to fours, fours to eight.
func numberOf(word uint64) uint64 {
	word -= 0x3030303030303030
	word = word*10 + word>>8
	return ((word&0x000000FF000000FF)*(100+1000000<<32) + (word>>16&0x000000FF000000FF)*(1+10000<<32)) >> 32
}
