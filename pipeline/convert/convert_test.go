package convert

import (
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"chute/connectors"
	"chute/connectors/native"
)

func typeOf(t testing.TB, s string) *native.Type {
	t.Helper()
	p, err := native.ParseType(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func compiled(t testing.TB, columns ...Column) *Plan {
	t.Helper()
	p, err := Compile(columns)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// one converts a single text and returns the value or the reason.
func one(t failer, p *Plan, text string, quoted bool) (any, *connectors.Reason) {
	t.Helper()
	r := p.NewRows()
	reasons, ok := r.Append(1, [][]byte{[]byte(text)}, []bool{quoted}, nil)
	if !ok {
		if len(reasons) != 1 || r.Len() != 0 || r.Bytes() != 0 {
			t.Fatalf("%q: %d reasons, %d rows and %d bytes stay", text, len(reasons), r.Len(), r.Bytes())
		}
		return nil, &reasons[0]
	}
	if len(reasons) != 0 || r.Len() != 1 {
		t.Fatalf("%q: %d reasons, %d rows", text, len(reasons), r.Len())
	}
	return values(t, r)[0][0], nil
}

// values reads the rows back, column by column.
func values(t failer, r *Rows) [][]any {
	t.Helper()
	var b native.Block
	r.Block(&b)
	var out [][]any
	for i, c := range b.Columns {
		v, err := native.Values(c, b.Data[i], b.Rows)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

func same(a, b any) bool {
	if x, ok := a.(time.Time); ok {
		y, ok := b.(time.Time)
		return ok && x.Equal(y)
	}
	if x, ok := a.(*big.Int); ok {
		y, ok := b.(*big.Int)
		return ok && x.Cmp(y) == 0
	}
	return reflect.DeepEqual(a, b)
}

// code is what a table expects instead of a value when the text is to be refused.
type code string

// cases are texts in pairs with what becomes of them: a value or a code.
type cases []any

func (cs cases) run(t *testing.T, typ string, zone *time.Location) {
	t.Helper()
	p := compiled(t, Column{Name: "c", Label: "C", Type: typeOf(t, typ), Zone: zone})
	for i := 0; i < len(cs); i += 2 {
		text := cs[i].(string)
		v, reason := one(t, p, text, false)
		if want, refused := cs[i+1].(code); refused {
			if reason == nil {
				t.Errorf("%s: %q is taken as %v, want %s", typ, text, v, want)
			} else if reason.Code != string(want) {
				t.Errorf("%s: %q gives %s (%s), want %s", typ, text, reason.Code, reason.Message, want)
			}
			continue
		}
		if reason != nil {
			t.Errorf("%s: %q is refused: %s", typ, text, reason.Message)
		} else if !same(v, cs[i+1]) {
			t.Errorf("%s: %q is taken as %v, want %v", typ, text, v, cs[i+1])
		}
	}
}

func TestIntegers(t *testing.T) {
	cases{"0", uint64(0), "255", uint64(255), "256", code(OutOfRange), "300", code(OutOfRange), "-1", code(OutOfRange), "-0", uint64(0), "+7", uint64(7),
		"007", uint64(7), "000000000000000000000000255", uint64(255), "000000000000000000000000256", code(OutOfRange), "", code(Blank), " 1", code(NotANumber), "1 ", code(NotANumber),
		"-", code(NotANumber), "+", code(NotANumber), "--1", code(NotANumber), "1.0", code(NotANumber), "1e2", code(NotANumber), "0x1", code(NotANumber), "1_0", code(NotANumber),
		"１", code(NotANumber), "1\x00", code(NotANumber), "99999999999999999999x", code(NotANumber), strings.Repeat("9", 1000), code(OutOfRange)}.run(t, "UInt8", nil)
	cases{"127", int64(127), "128", code(OutOfRange), "-128", int64(-128), "-129", code(OutOfRange), "-0", int64(0)}.run(t, "Int8", nil)
	cases{"65535", uint64(65535), "65536", code(OutOfRange)}.run(t, "UInt16", nil)
	cases{"32767", int64(32767), "32768", code(OutOfRange), "-32768", int64(-32768), "-32769", code(OutOfRange)}.run(t, "Int16", nil)
	cases{"4294967295", uint64(4294967295), "4294967296", code(OutOfRange), "9999999999", code(OutOfRange)}.run(t, "UInt32", nil)
	cases{"2147483647", int64(2147483647), "2147483648", code(OutOfRange), "-2147483648", int64(-2147483648), "-2147483649", code(OutOfRange)}.run(t, "Int32", nil)
	cases{"18446744073709551615", uint64(18446744073709551615), "18446744073709551616", code(OutOfRange), "18446744073709551625", code(OutOfRange)}.run(t, "UInt64", nil)
	cases{"9223372036854775807", int64(9223372036854775807), "9223372036854775808", code(OutOfRange),
		"-9223372036854775808", int64(-9223372036854775808), "-9223372036854775809", code(OutOfRange), "-18446744073709551616", code(OutOfRange)}.run(t, "Int64", nil)
}

func TestWideIntegers(t *testing.T) {
	for bits, typ := range map[uint]string{128: "128", 256: "256"} {
		one := big.NewInt(1)
		most := new(big.Int).Sub(new(big.Int).Lsh(one, bits), one)
		half := new(big.Int).Lsh(one, bits-1)
		least := new(big.Int).Neg(half)
		text := func(n *big.Int, add int64) string { return new(big.Int).Add(n, big.NewInt(add)).String() }
		cases{text(most, 0), most, text(most, 1), code(OutOfRange), "-1", code(OutOfRange), "-0", new(big.Int), "0000" + text(most, 0), most, "", code(Blank),
			"1.", code(NotANumber), "-", code(NotANumber), strings.Repeat("9", 500), code(OutOfRange)}.run(t, "UInt"+typ, nil)
		cases{text(half, -1), new(big.Int).Sub(half, one), text(half, 0), code(OutOfRange), text(least, 0), least, text(least, -1), code(OutOfRange), "-1", big.NewInt(-1),
			"-" + text(most, 1), code(OutOfRange), "-" + text(most, 0), code(OutOfRange)}.run(t, "Int"+typ, nil)
	}
}

func TestFloats(t *testing.T) {
	both := cases{"1.5", 1.5, "-0.5", -0.5, ".5", 0.5, "5.", 5.0, "1e3", 1000.0, "1E+3", 1000.0, "25e-2", 0.25, "0e999999", 0.0, "0.000", 0.0, "+2", 2.0,
		"", code(Blank), ".", code(NotANumber), "e5", code(NotANumber), "1e", code(NotANumber), "1e+", code(NotANumber), "1.2.3", code(NotANumber), "inf", code(NotANumber),
		"-Infinity", code(NotANumber), "nan", code(NotANumber), "0x1p3", code(NotANumber), "1_0", code(NotANumber), " 1", code(NotANumber), "1,5", code(NotANumber),
		"1e999", code(OutOfRange), "-1e999", code(OutOfRange), "1e-999", code(OutOfRange)}
	both.run(t, "Float64", nil)
	both.run(t, "Float32", nil)
	cases{"1.7976931348623157e308", 1.7976931348623157e308, "1.7976931348623159e308", code(OutOfRange), "5e-324", 5e-324, "2e-324", code(OutOfRange), "0.1", 0.1}.run(t, "Float64", nil)
	cases{"3.4028235e38", float64(float32(3.4028235e38)), "3.4028236e38", code(OutOfRange), "1e-46", code(OutOfRange), "0.1", float64(float32(0.1))}.run(t, "Float32", nil)
}

func TestDecimals(t *testing.T) {
	cases{"123.45", "123.45", "999.99", "999.99", "-999.99", "-999.99", "1000", code(OutOfRange), "1234567.00", code(OutOfRange), "12.345", code(Scale), "12.340000", "12.34",
		"0012.3", "12.30", ".5", "0.50", "5.", "5.00", "-0", "0.00", "+1", "1.00", ".", code(NotANumber), "", code(Blank), "-", code(NotANumber), "1e2", code(NotANumber), "1.2.3", code(NotANumber),
		"1,2", code(NotANumber), " 1", code(NotANumber), "0.001", code(Scale), "1.-5", code(NotANumber)}.run(t, "Decimal(5, 2)", nil)
	cases{"1", code(OutOfRange), "0.123456789", "0.123456789", "0.1234567891", code(Scale)}.run(t, "Decimal(9, 9)", nil)
	cases{"99999999999999999", "99999999999999999.0", "100000000000000000", code(OutOfRange)}.run(t, "Decimal(18, 1)", nil)
	nines := strings.Repeat("9", 38)
	cases{nines, nines, "-" + nines, "-" + nines, "1" + nines, code(OutOfRange), nines + ".0", nines, nines + ".1", code(Scale)}.run(t, "Decimal(38, 0)", nil)
	nines = strings.Repeat("9", 76)
	cases{nines[:40] + "." + nines[40:], nines[:40] + "." + nines[40:], "-0.1", "-0.1" + strings.Repeat("0", 35), "1" + nines[:40], code(OutOfRange)}.run(t, "Decimal(76, 36)", nil)
	cases{"." + nines, "0." + nines, "-." + nines, "-0." + nines}.run(t, "Decimal(76, 76)", nil)
}

func TestTexts(t *testing.T) {
	cases{"", "", "a\x00b", "a\x00b", " x ", " x ", "\xff", "\xff"}.run(t, "String", nil)
	cases{"", "\x00\x00\x00", "ab", "ab\x00", "abc", "abc", "abcd", code(TooLong), "éé", code(TooLong)}.run(t, "FixedString(3)", nil)
	cases{"a", "a", "b c", "b c", "A", code(NotInEnum), "1", code(NotInEnum), "a ", code(NotInEnum), "", code(Blank)}.run(t, "Enum8('a'=1,'b c'=-2)", nil)
	cases{"a", "a", "", ""}.run(t, "Enum16('a'=1000,''=3)", nil)
	cases{"x", "x"}.run(t, "LowCardinality(String)", nil)
	cases{"x", "x", "", nil}.run(t, "LowCardinality(Nullable(String))", nil)
	cases{"7", uint64(7), "x", code(NotANumber)}.run(t, "SimpleAggregateFunction(sum, UInt64)", nil)
	cases{"true", true, "TRUE", true, "t", true, "Yes", true, "y", true, "1", true, "false", false, "F", false, "no", false, "N", false, "0", false,
		"", code(Blank), "2", code(NotABool), "01", code(NotABool), "on", code(NotABool), "truex", code(NotABool), "falsey", code(NotABool), " 1", code(NotABool)}.run(t, "Bool", nil)
}

func TestAddresses(t *testing.T) {
	id := "00112233-4455-6677-8899-aabbccddeeff"
	cases{id, id, strings.ToUpper(id), id, strings.ReplaceAll(id, "-", ""), id, "{" + id + "}", code(NotAUUID), id[1:], code(NotAUUID), id + "0", code(NotAUUID), "g" + id[1:], code(NotAUUID),
		strings.Replace(id, "-", "0", 1), code(NotAUUID), "0011223-34455-6677-8899-aabbccddeeff", code(NotAUUID), "", code(Blank)}.run(t, "UUID", nil)
	cases{"1.2.3.4", "1.2.3.4", "255.255.255.255", "255.255.255.255", "256.1.1.1", code(NotAnIP), "1.2.3", code(NotAnIP), "01.2.3.4", code(NotAnIP), "::1", code(NotAnIP),
		"::ffff:1.2.3.4", code(NotAnIP), "", code(Blank)}.run(t, "IPv4", nil)
	cases{"::1", "::1", "2001:DB8::1", "2001:db8::1", "1.2.3.4", "::ffff:1.2.3.4", "fe80::1%eth0", code(NotAnIP), ":::", code(NotAnIP), "", code(Blank),
		strings.Repeat("1", 5000), code(NotAnIP)}.run(t, "IPv6", nil)
}

// failer is what testing.TB and rapid.T have in common.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}
