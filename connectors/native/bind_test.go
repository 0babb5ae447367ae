package native

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestIdentifier(t *testing.T) {
	for in, want := range map[string]string{
		"":             "``",
		"a b":          "`a b`",
		"a`b\\c":       "`a\\`b\\\\c`",
		"é\n\x00\xff'": "`é\\x0A\\x00\\xFF'`",
	} {
		if got := Identifier(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
	if got := Table("d", "t"); got != "`d`.`t`" {
		t.Error(got)
	}
	if got := Table("", "t.u"); got != "`t.u`" {
		t.Error(got)
	}
}

func TestBind(t *testing.T) {
	at := time.Date(2026, 3, 29, 2, 30, 0, 0, time.FixedZone("", 3600))
	for _, c := range []struct {
		sql  string
		args []any
		want string
	}{
		{"SELECT 1", nil, "SELECT 1"},
		{"", nil, ""},
		{"?", []any{"a'; DROP TABLE x --"}, `'a\'; DROP TABLE x --'`},
		{"? ?", []any{`\`, "?"}, `'\\' '?'`},
		{"?", []any{[]byte("\x00\xff\n")}, `'\x00\xFF\x0A'`},
		{"a-?", []any{-1}, "a-(-1)"},
		{"?,?,?,?,?", []any{int8(-128), int16(1), int32(2), int64(math.MinInt64), 7}, "(-128),1,2,(-9223372036854775808),7"},
		{"?,?,?,?,?", []any{uint8(1), uint16(2), uint32(3), uint64(math.MaxUint64), uint(4)}, "1,2,3,18446744073709551615,4"},
		{"?,?", []any{true, false}, "1,0"},
		{"?,?,?,?", []any{1.0, -2.5, 1e300, float32(0.1)}, "1.0,(-2.5),1e+300,0.1"},
		{"?,?,?", []any{math.NaN(), math.Inf(1), math.Inf(-1)}, "nan,inf,(-inf)"},
		{"?", []any{at}, "toDateTime('2026-03-29 01:30:00', 'UTC')"},
		{"?", []any{at.Add(5 * time.Microsecond)}, "toDateTime64('2026-03-29 01:30:00.000005000', 9, 'UTC')"},
		{"x IN ?", []any{[]string{"a", "b'"}}, `x IN ('a', 'b\'')`},
		{"x IN ?", []any{[]string{}}, "x IN (NULL)"},
		{"x IN ?", []any{[]uint64{1, 2}}, "x IN (1, 2)"},
		{"x IN ?", []any{[]uint64(nil)}, "x IN (NULL)"},
		{"x IN ?", []any{[]int64{-1}}, "x IN ((-1))"},
		{"'?' \"?\" `?` ?", []any{1}, "'?' \"?\" `?` 1"},
		{`'\'?' ?`, []any{1}, `'\'?' 1`},
		{`'it''s ?' ?`, []any{1}, `'it''s ?' 1`},
		{"-- ?\n? -- ?", []any{1}, "-- ?\n1 -- ?"},
		{"/* ? */ ? # ?", []any{1}, "/* ? */ 1 # ?"},
		{"$a$ ? $b$ $a$ ?", []any{1}, "$a$ ? $b$ $a$ 1"},
		{"a$b$ ? $", []any{1}, "a$b$ 1 $"},
	} {
		got, err := Bind(c.sql, c.args...)
		if err != nil || got != c.want {
			t.Errorf("%s %v: got %s, %v; want %s", c.sql, c.args, got, err, c.want)
		}
	}
}

func TestBindRefuses(t *testing.T) {
	for _, c := range []struct {
		sql  string
		args []any
	}{
		{"?", nil}, {"", []any{1}}, {"?", []any{1, 2}}, {"'?'", []any{1}}, {"?", []any{nil}}, {"?", []any{struct{}{}}},
		{"?", []any{[]any{1}}}, {"'a ?", []any{1}}, {"`a ?", []any{1}}, {"? /* a", []any{1}}, {"/* /* ? */ */ ?", []any{1}}, {"$a$ ?", []any{1}},
		{"?", []any{time.Unix(-1, 0)}}, {"?", []any{time.Unix(1<<32, 0)}}, {"?", []any{time.Date(2300, 1, 1, 0, 0, 0, 1, time.UTC)}}, {`'\`, nil},
	} {
		if got, err := Bind(c.sql, c.args...); err == nil {
			t.Errorf("%s %v: accepted as %s", c.sql, c.args, got)
		}
	}
}

// TestQuoteRoundTrip reads hostile bytes back with the package's own reader of ClickHouse's quoted text.
func TestQuoteRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "s"))
		q := rapid.SampledFrom([]byte{'\'', '`'}).Draw(t, "quote")
		lit := quote(s, q)
		p := &typeParser{s: lit}
		got, err := p.quoted(q)
		if err != nil || got != s || p.i != len(lit) {
			t.Fatalf("%q is written as %s and read as %q, %v", s, lit, got, err)
		}
		if !utf8.ValidString(lit) || strings.ContainsAny(lit, "\x00\r\n") {
			t.Fatalf("%q is written as %q", s, lit)
		}
	})
}

// FuzzBind: an argument never changes what the SQL around it means. The statement holds one ? in the open; with any text put there
// a second scan has to see the same structure.
func FuzzBind(f *testing.F) {
	for _, s := range []string{"'", "\\", "?", "--", "/*", "a\x00b", "\xff", "$a$", "`"} {
		f.Add("SELECT ?, '?'", s)
		f.Add("SELECT "+s+" ?", "x")
	}
	f.Fuzz(func(t *testing.T, sql, arg string) {
		got, err := Bind(sql, arg)
		if err != nil {
			return
		}
		n, err := plainPrefix(sql)
		if err != nil {
			t.Fatal(err)
		}
		want := sql[:n] + quote(arg, '\'') + sql[n+1:]
		if got != want {
			t.Fatalf("%q with %q gives %q", sql, arg, got)
		}
		if again, err := Bind(got); err != nil || again != got {
			t.Fatalf("%q with %q gives %q, which still has something to bind or isn't closed: %v", sql, arg, got, err)
		}
	})
}
