package convert

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// TestBFloat16AgainstOracle: of the two neighbours the one that is nearer, and in the very middle the even one.
func TestBFloat16AgainstOracle(t *testing.T) {
	p := compiled(t, Column{Name: "c", Type: typeOf(t, "BFloat16")})
	rapid.Check(t, func(rt *rapid.T) {
		bits := rapid.Uint32Range(1, 0x7f7e).Draw(rt, "bits")
		low, high := wideBFloat(bits), wideBFloat(bits+1)
		middle := new(big.Rat).Quo(new(big.Rat).Add(low, high), big.NewRat(2, 1))
		off := new(big.Rat).Quo(new(big.Rat).Sub(high, low), new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(1), rapid.UintRange(2, 90).Draw(rt, "close"))))
		want, at := low, new(big.Rat).Sub(middle, off)
		switch rapid.IntRange(-1, 1).Draw(rt, "side") {
		case 1:
			want, at = high, new(big.Rat).Add(middle, off)
		case 0:
			at = middle
			if bits%2 == 1 {
				want = high
			}
		}
		text := at.FloatString(400)
		v, reason := one(rt, p, text, false)
		if wanted, _ := want.Float64(); reason != nil || v != wanted {
			rt.Fatalf("%.60s: got %v, %+v, want %v", text, v, reason, wanted)
		}
	})
	for _, text := range []string{"3.3961776e38", "1e-45", "-4.5e-41"} {
		if v, reason := one(t, p, text, false); reason == nil || reason.Code != OutOfRange {
			t.Error(fmt.Sprint(text, " is taken as ", v))
		}
	}
}

func wideBFloat(bits uint32) *big.Rat {
	return new(big.Rat).SetFloat64(float64(math.Float32frombits(bits << 16)))
}
