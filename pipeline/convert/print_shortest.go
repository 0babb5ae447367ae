package convert

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/bits"
	"sync"
)

// shortest returns the decimal number digits·10^exponent with the fewest digits of all that are read back as c·2^q, and of these the nearest. c is at most 2^53, and not 0. near tells that the next
// smaller number is half as far away as the next larger one. It is the method that Raffaele Giulietti calls Schubfach: boundaries and number are multiplied by a power of ten, known to 128 bits, which
// decides exactly.
func shortest(c uint64, q int, near bool, tens *powersOfTen) (digits uint64, exponent int) {
	left, k := 4*c-2, q*1262611>>22 // the logarithm of 2^q
	if near {
		left, k = 4*c-1, (q*1262611-524031)>>22 // of three quarters of it
	}
	h := q + (-k*1741647)>>19 + 1
	g := &tens[-k-tensLeast]
	lower, at, upper := roundToOdd(g, left<<h), roundToOdd(g, 4*c<<h), roundToOdd(g, (4*c+2)<<h)
	if c&1 != 0 { // numbers halfway to the next are read back as an even one
		lower++
		upper--
	}
	s := at / 4
	if s >= 10 {
		ten := 40 * (s / 10)
		if down, up := lower <= ten, ten+40 <= upper; down != up {
			if s /= 10; up {
				s++
			}
			return s, k + 1
		}
	}
	up := at&3 > 2 || at&3 == 2 && s&1 != 0
	if down, fits := lower <= 4*s, 4*s+4 <= upper; down != fits {
		up = fits
	}
	if up {
		s++
	}
	return s, k
}

// roundToOdd returns the upper 64 bits of the product, the last of which is set too if any below it is.
func roundToOdd(g *[2]uint64, n uint64) uint64 {
	above, _ := bits.Mul64(g[1], n)
	high, low := bits.Mul64(g[0], n)
	low, carry := bits.Add64(low, above, 0)
	if high += carry; low > 1 {
		high |= 1
	}
	return high
}

// The powers of ten that numbers of 64 bits need.
const (
	tensLeast = -292
	tensMost  = 324
)

// powersOfTen has 128 bits of each, high word first, rounded up.
type powersOfTen [tensMost - tensLeast + 1][2]uint64

var tensOf = sync.OnceValue(func() *powersOfTen {
	all := new(powersOfTen)
	for i := range all {
		power := i + tensLeast
		n := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(power, -power))), nil)
		if power < 0 { // 2^far/10^-power, with more bits than are wanted
			const far = 1200
			n.Div(new(big.Int).Lsh(big.NewInt(1), far), n)
		}
		n.Lsh(n, 128) // there are enough bits to round now
		rest := uint(n.BitLen() - 128)
		exact := power >= 0 && n.TrailingZeroBits() >= rest
		if n.Rsh(n, rest); !exact {
			n.Add(n, big.NewInt(1))
		}
		var words [16]byte
		n.FillBytes(words[:])
		all[i] = [2]uint64{binary.BigEndian.Uint64(words[:8]), binary.BigEndian.Uint64(words[8:])}
	}
	return all
})

// partsOf64 takes a number apart, without its sign.
func partsOf64(f float64) (c uint64, q int, near bool) {
	c, q = math.Float64bits(f)&(1<<52-1), int(math.Float64bits(f)>>52&0x7ff)
	if q == 0 {
		return c, 1 - 1075, false
	}
	return c | 1<<52, q - 1075, c == 0 && q > 1
}

func partsOf32(f float32) (c uint64, q int, near bool) {
	c, q = uint64(math.Float32bits(f)&(1<<23-1)), int(math.Float32bits(f)>>23&0xff)
	if q == 0 {
		return c, 1 - 150, false
	}
	return c | 1<<23, q - 150, c == 0 && q > 1
}
