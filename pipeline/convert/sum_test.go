package convert

import (
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"chute/connectors/native"
)

// TestSum compares totals with those of package big, for all widths, signs and NULLs, over any rows of a block.
func TestSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"Int8", "UInt8", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64", "Int128", "UInt128", "Int256", "UInt256",
			"Decimal(9, 3)", "Decimal(18, 18)", "Decimal(38, 0)", "Decimal(76, 40)", "Nullable(Int16)", "Nullable(Decimal(9, 2))"}).Draw(t, "type")
		typ, err := native.ParseType(name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := NewSum(native.Column{Name: "x", Type: typ})
		if err != nil {
			t.Fatal(err)
		}
		s.Add(make([]byte, 2*(s.width+1)), 2, 0, 2)
		s.Reset()
		rows := rapid.IntRange(0, 20).Draw(t, "rows")
		values := rapid.SliceOfN(rapid.Byte(), rows*s.width, rows*s.width).Draw(t, "values")
		from := rapid.IntRange(0, rows).Draw(t, "from")
		to := rapid.IntRange(from, rows).Draw(t, "to")
		var data []byte
		if s.nullable {
			data = rapid.SliceOfN(rapid.ByteRange(0, 1), rows, rows).Draw(t, "nulls")
		}
		nulls := slices.Clone(data)
		want := new(big.Int)
		for i := from; i < to; i++ {
			one := slices.Clone(values[i*s.width : (i+1)*s.width])
			slices.Reverse(one)
			n := new(big.Int).SetBytes(one)
			if s.signed && one[0] >= 0x80 {
				n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*s.width)))
			}
			if nulls == nil || nulls[i] == 0 {
				want.Add(want, n)
			}
		}
		s.Add(append(data, values...), rows, from, to)
		unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(s.scale)), nil)
		got := s.Append([]byte("sum "))
		if exact := "sum " + new(big.Rat).SetFrac(want, unit).FloatString(s.scale); string(got) != exact {
			t.Errorf("%s: got %s, want %s", name, got, exact)
		}
	})
	for _, name := range []string{"Float64", "String", "Date", "Array(UInt8)", "Bool"} {
		typ, err := native.ParseType(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewSum(native.Column{Type: typ}); err == nil {
			t.Errorf("%s has a sum", name)
		}
	}
}
