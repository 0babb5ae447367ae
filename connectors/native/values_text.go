package native

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

func pow10(n int) int64 {
	p := int64(1)
	for ; n > 0; n-- {
		p *= 10
	}
	return p
}

func unsigned(b []byte) uint64 {
	var w [8]byte
	copy(w[:], b)
	return binary.LittleEndian.Uint64(w[:])
}

func signed(b []byte) int64 {
	shift := 64 - 8*len(b)
	return int64(unsigned(b)<<shift) >> shift
}

// bigInt reads a little-endian integer, with sign in two's complement.
func bigInt(b []byte, sign bool) *big.Int {
	be := slices.Clone(b)
	slices.Reverse(be)
	n := new(big.Int).SetBytes(be)
	if sign && be[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

func decimalText(n *big.Int, scale int) string {
	s := new(big.Int).Abs(n).String()
	if scale > 0 {
		if missing := scale + 1 - len(s); missing > 0 {
			s = strings.Repeat("0", missing) + s
		}
		s = s[:len(s)-scale] + "." + s[len(s)-scale:]
	}
	if n.Sign() < 0 {
		s = "-" + s
	}
	return s
}

// enumName returns the name of a stored number; one that the type doesn't have is shown as the number.
func (t *Type) enumName(n int64) string {
	i, ok := slices.BinarySearchFunc(t.Enum, n, func(v EnumValue, n int64) int { return int(int64(v.Value) - n) })
	if ok {
		return t.Enum[i].Name
	}
	return strconv.FormatInt(n, 10)
}

// uuidText undoes ClickHouse's layout: two little-endian words, the high one first.
func uuidText(b []byte) string {
	var u [16]byte
	for i := range 8 {
		u[7-i], u[15-i] = b[i], b[8+i]
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// clockText shows a Time or Time64 as hours, minutes and seconds.
func clockText(v int64, scale int) string {
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	unit := pow10(scale)
	s := v / unit
	text := fmt.Sprintf("%s%02d:%02d:%02d", sign, s/3600, s/60%60, s%60)
	if scale > 0 {
		text += fmt.Sprintf(".%0*d", scale, v%unit)
	}
	return text
}
