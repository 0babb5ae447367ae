package convert

import (
	"encoding/binary"
	"math/bits"
)

// hundred are the numbers of two digits as two bytes.
var hundred = func() (pairs [100]uint16) {
	for i := range pairs {
		pairs[i] = uint16('0'+i/10) | uint16('0'+i%10)<<8
	}
	return pairs
}()

// digitsOf is how many digits n has.
func digitsOf(n uint64) int {
	about := bits.Len64(n|1) * 1233 >> 12 // the logarithm, or one too many
	if n|1 < powers[about] {
		return about
	}
	return about + 1
}

// appendUint writes a whole number.
func appendUint(dst []byte, n uint64) []byte {
	if n < 10 {
		return append(dst, byte('0'+n))
	}
	return appendDigits(dst, n, digitsOf(n))
}

// appendInt writes a whole number with its sign.
func appendInt(dst []byte, n int64) []byte {
	if n < 0 {
		return appendUint(append(dst, '-'), -uint64(n))
	}
	return appendUint(dst, uint64(n))
}

// appendDigits writes the last so many digits of n, with zeros in front.
func appendDigits(dst []byte, n uint64, digits int) []byte {
	if cap(dst)-len(dst) < digits {
		dst = append(dst, make([]byte, digits)...)[:len(dst)]
	}
	dst = dst[:len(dst)+digits]
	to := dst[len(dst)-digits:]
	for len(to) >= 2 {
		rest := n / 100
		binary.LittleEndian.PutUint16(to[len(to)-2:], hundred[n-100*rest])
		n, to = rest, to[:len(to)-2]
	}
	if len(to) == 1 {
		to[0] = byte('0' + n%10)
	}
	return dst
}
