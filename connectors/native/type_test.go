package native

import (
	"strings"
	"testing"
)

func TestParseType(t *testing.T) {
	for _, c := range []struct{ in, want, plain string }{
		{"UInt8", "UInt8", ""},
		{" Nullable ( Int256 ) ", "Nullable(Int256)", ""},
		{"Decimal(10,2)", "Decimal(10, 2)", ""},
		{"Decimal", "Decimal(10, 0)", ""},
		{"Decimal(7)", "Decimal(7, 0)", ""},
		{"Decimal32(3)", "Decimal(9, 3)", ""},
		{"Decimal64(3)", "Decimal(18, 3)", ""},
		{"Decimal128(38)", "Decimal(38, 38)", ""},
		{"Decimal256(0)", "Decimal(76, 0)", ""},
		{"DateTime", "DateTime", ""},
		{"DateTime('Europe/Paris')", "DateTime('Europe/Paris')", ""},
		{"DateTime64(6, 'UTC')", "DateTime64(6, 'UTC')", ""},
		{"DateTime64", "DateTime64(3)", ""},
		{"Time64(9)", "Time64(9)", ""},
		{"Time", "Time", ""},
		{"IntervalDay", "IntervalDay", ""},
		{"FixedString(16)", "FixedString(16)", ""},
		{"Enum8('b'=2,'a'=1)", "Enum8('a' = 1, 'b' = 2)", ""},
		{"Enum('a','b')", "Enum8('a' = 1, 'b' = 2)", ""},
		{"Enum('a'=1000)", "Enum16('a' = 1000)", ""},
		{"Enum16('a'=-5,'b')", "Enum16('a' = -5, 'b' = -4)", ""},
		{`Enum8('it\'s' = 1, 'a''b' = 2, '\\' = 3, '\x41' = 4)`, `Enum8('it\'s' = 1, 'a\'b' = 2, '\\' = 3, 'A' = 4)`, ""},
		{"Array(Array(String))", "Array(Array(String))", ""},
		{"Tuple()", "Tuple()", ""},
		{"Tuple(UInt8,String)", "Tuple(UInt8, String)", ""},
		{"Tuple(a UInt8, `b c` String, \"d\" Date)", "Tuple(a UInt8, `b c` String, d Date)", ""},
		{"Map(LowCardinality(String), Array(LowCardinality(Nullable(String))))", "Map(LowCardinality(String), Array(LowCardinality(Nullable(String))))",
			"Map(String, Array(Nullable(String)))"},
		{"Nested(a UInt8, b LowCardinality(String))", "Nested(a UInt8, b LowCardinality(String))", "Nested(a UInt8, b String)"},
		{"LowCardinality(Nullable(FixedString(2)))", "LowCardinality(Nullable(FixedString(2)))", "Nullable(FixedString(2))"},
		{"SimpleAggregateFunction(sum, UInt64)", "SimpleAggregateFunction(sum, UInt64)", "UInt64"},
		{"SimpleAggregateFunction(groupArrayArray(3), Array(String))", "SimpleAggregateFunction(groupArrayArray(3), Array(String))", "Array(String)"},
		{"AggregateFunction(quantiles(0.5, 0.9), UInt64)", "AggregateFunction(quantiles(0.5, 0.9), UInt64)", ""},
		{"JSON", "JSON", ""},
		{"JSON(max_dynamic_paths=8, a.b UInt32, SKIP REGEXP ')')", "JSON(max_dynamic_paths=8, a.b UInt32, SKIP REGEXP ')')", ""},
		{"Variant(String, UInt8)", "Variant(String, UInt8)", ""},
		{"Array(Point)", "Array(Point)", ""},
	} {
		got, err := ParseType(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if got.String() != c.want {
			t.Errorf("%s: got %s, want %s", c.in, got, c.want)
		}
		if c.plain == "" {
			c.plain = c.want
		}
		if p := got.Plain().String(); p != c.plain {
			t.Errorf("%s: plain %s, want %s", c.in, p, c.plain)
		}
		if got.String() != c.want {
			t.Errorf("%s: Plain changed the type to %s", c.in, got)
		}
	}
}

func TestParseTypeRefuses(t *testing.T) {
	for _, in := range []string{
		"", " ", "Foo", "uint8", "UInt8 x", "UInt8)", "Nullable", "Nullable()", "Nullable(UInt8", "Nullable(UInt8, UInt8)",
		"Nullable(Nullable(UInt8))", "Nullable(Array(UInt8))", "Nullable(LowCardinality(String))", "LowCardinality(Array(String))",
		"LowCardinality(LowCardinality(String))", "Map(String)", "Map(String, UInt8, UInt8)", "Decimal(0, 0)", "Decimal(77, 1)",
		"Decimal(5, 6)", "Decimal(5, -1)", "Decimal32(10)", "Decimal(99999999999999999999, 1)", "FixedString(0)", "FixedString(16777216)",
		"FixedString", "DateTime64(10)", "DateTime64(-1)", "DateTime(UTC)", "DateTime('UTC", "Enum8()", "Enum8('a'=1,'a'=2)", "Enum8('a'=1,'b'=1)",
		"Enum8('a'=128)", "Enum8('a'=32768)", "Enum16('a'=32767,'b')", "Enum8('a'=1,)", "Tuple(a UInt8, String)", "Nested(UInt8)", "Nested()",
		"Tuple(UInt8,)", "JSON(", "Intervall", "IntervalFoo", "SimpleAggregateFunction(UInt64)", "SimpleAggregateFunction()",
		strings.Repeat("Array(", 100000), strings.Repeat("(", 1000), "JSON" + strings.Repeat("(", 100000), strings.Repeat("a", 2<<20),
	} {
		if got, err := ParseType(in); err == nil {
			t.Errorf("%q: accepted as %s", cut(in), got)
		} else if len(err.Error()) > 1000 {
			t.Errorf("%q: an error of %d bytes", cut(in), len(err.Error()))
		}
	}
}

func TestTypeHelpers(t *testing.T) {
	for in, want := range map[string]struct {
		nullable bool
		base     string
		elem     string
	}{
		"UInt8":                            {false, "UInt8", ""},
		"Nullable(UInt8)":                  {true, "UInt8", "UInt8"},
		"LowCardinality(String)":           {false, "String", "String"},
		"LowCardinality(Nullable(String))": {true, "String", "Nullable(String)"},
		"SimpleAggregateFunction(any, Nullable(Date))": {true, "Date", "Nullable(Date)"},
		"Array(Nullable(Date))":                        {false, "Array(Nullable(Date))", "Nullable(Date)"},
	} {
		p := mustType(t, in)
		if p.Nullable() != want.nullable || p.Base().String() != want.base {
			t.Errorf("%s: nullable %v, base %s", in, p.Nullable(), p.Base())
		}
		if e := p.Elem(); (e == nil) != (want.elem == "") || e != nil && e.String() != want.elem {
			t.Errorf("%s: elem %v", in, e)
		}
	}
}

func mustType(t testing.TB, s string) *Type {
	t.Helper()
	p, err := ParseType(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// FuzzParseType: no input panics, and what is accepted prints as something that is accepted and prints the same.
func FuzzParseType(f *testing.F) {
	for _, s := range []string{"Nullable(UInt8)", "Enum8('a\\'b'=1)", "Tuple(a UInt8, `b``c` Nested(d Map(String, JSON(x Int8))))", "DateTime64(3,'x')",
		"SimpleAggregateFunction(any, LowCardinality(Nullable(String)))", "AggregateFunction(sum, Decimal(3,1))", "FixedString(9)", "Tuple()"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParseType(s)
		if err != nil {
			return
		}
		again, err := ParseType(p.String())
		if err != nil {
			t.Fatalf("%q printed as %q: %v", s, p, err)
		}
		if again.String() != p.String() {
			t.Fatalf("%q printed as %q and then %q", s, p, again)
		}
		if _, err := ParseType(p.Plain().String()); err != nil {
			t.Fatalf("%q has the plain type %q: %v", s, p.Plain(), err)
		}
	})
}
