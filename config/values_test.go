package config

import (
	"encoding"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestValuesParseAndPrint(t *testing.T) {
	for _, test := range []struct {
		into     encoding.TextUnmarshaler
		in, want string // want "" means in
	}{
		{new(Size), "0B", ""}, {new(Size), "1B", ""}, {new(Size), "256MiB", ""}, {new(Size), "10MB", ""}, {new(Size), "1024KiB", "1MiB"},
		{new(Size), "10 GB", "10GB"}, {new(Size), "1KB", "1kB"}, {new(Size), "7TiB", ""}, {new(Size), "8388607TiB", ""}, {new(Size), "1500B", ""},
		{new(Duration), "0s", ""}, {new(Duration), "500ms", ""}, {new(Duration), "5s", ""}, {new(Duration), "24h", ""}, {new(Duration), "1h30m", ""},
		{new(Duration), "90s", "1m30s"}, {new(Duration), "1h0m5s", ""}, {new(Duration), "10m", ""}, {new(Duration), "20h", ""},
		{new(Tolerance), "any", ""}, {new(Tolerance), "0", ""}, {new(Tolerance), "100", ""},
		{new(Schedule), "0 6 * * Mon-Fri", ""}, {new(Schedule), "@daily", ""}, {new(Day), "2026-02-28", ""}, {new(Zone), "UTC", ""}, {new(Zone), "Europe/Paris", ""},
		{new(TableName), "orders", ""}, {new(TableName), "sales.orders", ""}, {new(TableName), "`sales`.orders", "sales.orders"},
		{new(TableName), "`a.b`.\"c d\"", "`a.b`.`c d`"}, {new(TableName), "`a\\`b`", ""}, {new(TableName), "`a\\\\b`", ""}, {new(TableName), "Straße", ""},
		{new(Glob), "orders_{a,b}?[0-9]*.csv", ""}, {new(Regexp), `^a(?P<day>\d+)$`, ""},
		{new(Pattern), "done/%Y/{day}", ""}, {new(Pattern), "100%%/{{x}}", ""}, {new(Pattern), "", ""},
	} {
		if test.want == "" {
			test.want = test.in
		}
		if err := test.into.UnmarshalText([]byte(test.in)); err != nil {
			t.Errorf("%T %q: %v", test.into, test.in, err)
		} else if got := fmt.Sprint(test.into); got != test.want {
			t.Errorf("%T %q prints %q, want %q", test.into, test.in, got, test.want)
		}
	}
}

func TestValuesRefuse(t *testing.T) {
	for _, test := range []struct {
		into encoding.TextUnmarshaler
		in   []string
	}{
		{new(Size), []string{"", "5", "MiB", "-1MiB", "1.5GiB", "1mib", "1 Mi B", "99999999999999999999B", "8388608TiB", "+1B"}},
		{new(Duration), []string{"", "5", "-5s", "5 s", "soon", "1d", "99999999h"}},
		{new(Tolerance), []string{"", "some", "-1", "1.5", "Any"}},
		{new(Zone), []string{"", "Local", "Europe/Pariss", "../UTC", "/etc/localtime"}},
		{new(Day), []string{"", "2026-02-29", "2026-2-1", "01/02/2026", "2026-01-01 "}},
		{new(TableName), []string{"", ".", "a.", ".a", "a.b.c", "a b", "`a", "``", "`a`b", "a`b`", "a;b", "`a\nb`", "a.`b`.c", "'a'"}},
		{new(Glob), []string{"", "a/b", "\xff", "\uFFFD", "[a", "{a", "a\\"}},
		{new(Regexp), []string{"", "(", "a(?P<x", "(?<!a)b"}},
		{new(Pattern), []string{"%q", "%", "a%", "{", "}", "{a", "a}", "{}", "{1a}", "{a b}", "{a-b}", "%{a}"}},
	} {
		for _, in := range test.in {
			if err := test.into.UnmarshalText([]byte(in)); err == nil {
				t.Errorf("%T accepts %q as %v", test.into, in, test.into)
			} else if msg := err.Error(); msg == "" || strings.HasPrefix(msg, strings.ToUpper(msg[:1])) && msg[0] >= 'A' && msg[0] <= 'Z' {
				t.Errorf("%T %q: the error isn't in lower case: %q", test.into, in, msg)
			}
		}
	}
}

func TestSizesInBytes(t *testing.T) {
	for text, want := range map[string]int64{"256MiB": 268435456, "10MB": 10000000, "3kB": 3000, "3KiB": 3072, "2TB": 2e12, "12B": 12} {
		var size Size
		if err := size.UnmarshalText([]byte(text)); err != nil || int64(size) != want {
			t.Errorf("%s is %d (%v), want %d", text, int64(size), err, want)
		}
	}
}

func TestTolerance(t *testing.T) {
	for _, test := range []struct {
		tolerance Tolerance
		n         int64
		exceeded  bool
	}{{Tolerance{}, 0, false}, {Tolerance{}, 1, true}, {Tolerance{N: 5}, 5, false}, {Tolerance{N: 5}, 6, true}, {Tolerance{Any: true}, 1 << 40, false}} {
		if got := test.tolerance.Exceeded(test.n); got != test.exceeded {
			t.Errorf("%v exceeded by %d: %v", test.tolerance, test.n, got)
		}
	}
}

func TestZeroZoneIsUTC(t *testing.T) {
	var zone Zone
	if zone.Location() != time.UTC || zone.String() != "UTC" {
		t.Errorf("%v", zone)
	}
}

func TestTableNameParts(t *testing.T) {
	for text, want := range map[string]TableName{
		"orders":             {Table: "orders"},
		"sales.orders":       {Database: "sales", Table: "orders"},
		"`my.db`.\"a`b\"":    {Database: "my.db", Table: "a`b"},
		"`back\\\\slash\\``": {Table: "back\\slash`"},
	} {
		var got TableName
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s: %#v (%v), want %#v", text, got, err, want)
		}
	}
}

func TestGlobLiterals(t *testing.T) {
	for pattern, want := range map[string]struct {
		texts []string
		whole bool
	}{
		"orders.csv":         {[]string{"orders.csv"}, true},
		`a\*b\?.csv`:         {[]string{"a*b?.csv"}, true},
		"orders_*.csv":       {[]string{"orders_", ".csv"}, false},
		"*":                  {[]string{"", ""}, false},
		"?x*é.csv":           {[]string{"", "x", "é.csv"}, false},
		"orders_[0-9]*.csv":  {[]string{"orders_"}, false},
		"a*{orders,x}_*.csv": {[]string{"a", ""}, false},
	} {
		if texts, whole := glob(t, pattern).Literals(); !slices.Equal(texts, want.texts) || whole != want.whole {
			t.Errorf("%s: %q, %v", pattern, texts, whole)
		}
	}
}

func TestGlobMatches(t *testing.T) {
	for _, test := range []struct {
		glob     string
		yes, not []string
	}{
		{"orders_*.csv", []string{"orders_1.csv", "orders_.csv", "orders_\xff.csv"}, []string{"orders.csv", "Orders_1.csv", "orders_1.csv.gz", "xorders_1.csv"}},
		{"?.txt", []string{"a.txt", "é.txt", "\xff.txt"}, []string{".txt", "ab.txt"}},
		{"[a-c][!0-9].x", []string{"ab.x"}, []string{"a1.x", "da.x"}},
		{"{orders,returns}_*", []string{"orders_1", "returns_"}, []string{"order_1"}},
		{`\*`, []string{"*"}, []string{"a"}},
		{"*", []string{"", "a", ".a"}, nil},
	} {
		var glob Glob
		if err := glob.UnmarshalText([]byte(test.glob)); err != nil {
			t.Fatal(err)
		}
		for _, name := range test.yes {
			if !glob.Match(name) {
				t.Errorf("%s doesn't match %q", test.glob, name)
			}
		}
		for _, name := range test.not {
			if glob.Match(name) {
				t.Errorf("%s matches %q", test.glob, name)
			}
		}
	}
	if (Glob{}).Match("") {
		t.Error("the zero Glob matches")
	}
}

func TestPatternExpand(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	vars := map[string]string{"day": "x", "up": "..", "hidden": ".chute", "slash": "a/b", "empty": "", "dot": ".", "control": "a\nb"}
	for pattern, want := range map[string]string{
		"done":            "done",
		"d/%Y-%m-%d/%H%M": "d/2026-03-04/0506",
		"%S%j%y":          "0706326",
		"a%%b{{{day}}}":   "a%b{x}",
		"{day}{day}":      "xx",
		".own/{day}":      ".own/x",
		"a{up}":           "a..",
		"":                "",
		"{nosuch}":        "error",
		"a/{up}":          "error",
		"{hidden}/a":      "error",
		"a/{empty}/b":     "error",
		"a/{slash}":       "error",
		"{dot}{dot}":      "error",
		"a/{empty}{up}":   "error",
		"{empty}":         "error",
		"{empty}/a":       "error",
		"a{control}":      "error",
	} {
		var p Pattern
		if err := p.UnmarshalText([]byte(pattern)); err != nil {
			t.Fatal(err)
		}
		got, err := p.Expand(at, vars)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%q becomes %q (%v), want %q", pattern, got, err, want)
		}
	}
}

func TestConstantsKeepPercentAndDots(t *testing.T) {
	p, err := ParseConstant("100% {up}/{{x}} %Y")
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Expand(time.Time{}, map[string]string{"up": "../"})
	if err != nil || got != "100% ..//{x} %Y" {
		t.Errorf("%q, %v", got, err)
	}
}
