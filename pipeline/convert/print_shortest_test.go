package convert

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

// TestShortest: the digits are those of the library, but for one number of 32 bits, for numbers of all sizes: at random, at powers of two and of ten, beside these, and those of few digits.
func TestShortest(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	if text := string(appendFloat(nil, evenTie, 32, tensOf())); text != "0.00024414062" {
		t.Errorf("%x is %s", evenTie, text)
	}
	many := 400
	if testing.Short() {
		many = 40
	}
	for exponent := range 2047 {
		for i := range many / 4 {
			fraction := random.Uint64() >> 12
			if i < 4 { // the power of two and what is beside it
				fraction = []uint64{0, 1, 1<<52 - 1, 1 << 51}[i]
			}
			wantShortest64(t, math.Float64frombits(uint64(exponent)<<52|fraction))
		}
	}
	for power := -330; power < 309; power++ {
		for range many / 20 {
			f, _ := strconv.ParseFloat(fmt.Sprintf("%de%d", random.IntN(1e6), power), 64)
			for _, beside := range []float64{f, math.Nextafter(f, 0), math.Nextafter(f, math.Inf(1))} {
				wantShortest64(t, beside)
				wantShortest32(t, float32(beside))
			}
		}
	}
	for exponent := range 255 {
		for i := range many {
			fraction := random.Uint32() >> 9
			if i < 4 {
				fraction = []uint32{0, 1, 1<<23 - 1, 1 << 22}[i]
			}
			wantShortest32(t, math.Float32frombits(uint32(exponent)<<23|fraction))
		}
	}
}

func wantShortest64(t *testing.T, f float64) {
	t.Helper()
	if f != 0 && !math.IsInf(f, 0) {
		c, q, near := partsOf64(f)
		wantShortest(t, f, 64, c, q, near)
	}
}

// evenTie is as near to one number of eight digits as to another. The engine writes the even one, as it is right, and the library the other.
const evenTie = 0x1p-12

func wantShortest32(t *testing.T, f float32) {
	t.Helper()
	if f != evenTie && f != 0 && !math.IsInf(float64(f), 0) {
		c, q, near := partsOf32(f)
		wantShortest(t, float64(f), 32, c, q, near)
	}
}

func wantShortest(t *testing.T, f float64, bits int, c uint64, q int, near bool) {
	t.Helper()
	digits, exponent := shortest(c, q, near, tensOf())
	for digits%10 == 0 {
		digits, exponent = digits/10, exponent+1
	}
	text := strconv.FormatUint(digits, 10)
	got := fmt.Sprintf("%se%+03d", text[:1], exponent+len(text)-1)
	if len(text) > 1 {
		got = fmt.Sprintf("%s.%se%+03d", text[:1], text[1:], exponent+len(text)-1)
	}
	if want := strconv.FormatFloat(f, 'e', -1, bits); got != want {
		t.Fatalf("%x of %d bits is %s, not %s", f, bits, got, want)
	}
}
