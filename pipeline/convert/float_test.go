package convert

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

// The short way to a float comes to the same bits as strconv, also where a number is in the middle between two floats or nearly so.
func TestPlainFloat(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	same := func(text string) {
		t.Helper()
		want, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := plainFloat([]byte(text))
		if !ok || math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("%s: %v, %t, want %v", text, got, ok, want)
		}
	}
	for range 300_000 {
		digits := strconv.AppendUint(nil, random.Uint64N(powers[1+random.IntN(19)]), 10)
		if random.IntN(3) == 0 { // the middle between two floats, or next to it
			middle := (1<<53+2*random.Uint64N(1<<52)+1)<<random.IntN(10) - 1 + random.Uint64N(3)
			digits = strconv.AppendUint(nil, middle, 10)
		}
		at := random.IntN(len(digits) + 1)
		text := string(digits[:at]) + "." + string(digits[at:])
		same([]string{"", "-", "+"}[random.IntN(3)] + text)
		if at == len(digits) {
			same(string(digits))
		}
	}
	for _, text := range []string{"0", "-0", "0.0", "0000000000000000000", ".5", "5.", "9007199254740993", "9007199254740993.0", "9999999999999999999", "0.000000000000000001",
		"1.7976931348623157", "123.45678901234567"} {
		same(text)
	}
	for _, text := range []string{"", ".", "-", "1e5", "1..2", "1.2.3", "0x10", "12345678901234567890", "1_0", "inf", "nan", "1,5"} {
		if v, ok := plainFloat([]byte(text)); ok {
			t.Errorf("%q is %v", text, v)
		}
	}
}
