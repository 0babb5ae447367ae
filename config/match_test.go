package config

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"pgregory.net/rapid"
)

func glob(t *testing.T, pattern string) Glob {
	t.Helper()
	var g Glob
	if err := g.UnmarshalText([]byte(pattern)); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestJobMatches(t *testing.T) {
	byGlob := Job{Match: glob(t, "orders_*.csv"), IgnoreNames: []Glob{glob(t, "*_test.csv")}}
	zipped := Job{Match: glob(t, "orders_*.csv.{gz,zst}")}
	noExtension := Job{Match: glob(t, "orders")}
	own := Job{Match: glob(t, "*.rejects.csv")}
	byRegexp := Job{}
	if err := byRegexp.MatchRegexp.UnmarshalText([]byte(`^orders_(?P<day>\d{8})(?P<part>_\d)?\.csv$`)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		job  *Job
		name string
		vars map[string]string // nil: doesn't match
	}{
		{&byGlob, "orders_1.csv", map[string]string{"name": "orders_1.csv", "stem": "orders_1", "ext": ".csv"}},
		{&byGlob, "orders_1.rejects.csv", map[string]string{"name": "orders_1.rejects.csv", "stem": "orders_1.rejects", "ext": ".csv"}},
		{&byGlob, "orders_1.txt", nil},
		{&byGlob, "orders_test.csv", nil},
		{&byGlob, "orders_test.rejects.csv", nil},
		{&byGlob, "orders_\xff.csv", map[string]string{"name": "orders_\xff.csv", "stem": "orders_\xff", "ext": ".csv"}},
		{&zipped, "orders_1.csv", nil},
		{&zipped, "orders_1.rejects.csv", map[string]string{"name": "orders_1.rejects.csv", "stem": "orders_1.rejects", "ext": ".csv"}},
		{&zipped, "orders_1.rejects.csv.gz", map[string]string{"name": "orders_1.rejects.csv.gz", "stem": "orders_1.rejects.csv", "ext": ".gz"}},
		{&noExtension, "orders.rejects", map[string]string{"name": "orders.rejects", "stem": "orders", "ext": ".rejects"}},
		{&noExtension, ".rejects", nil},
		{&own, "orders.rejects.csv", map[string]string{"name": "orders.rejects.csv", "stem": "orders.rejects", "ext": ".csv"}},
		{&byRegexp, "orders_20260304.csv", map[string]string{"name": "orders_20260304.csv", "stem": "orders_20260304", "ext": ".csv", "day": "20260304", "part": ""}},
		{&byRegexp, "orders_20260304_1.rejects.rejects.csv", map[string]string{"name": "orders_20260304_1.rejects.rejects.csv", "stem": "orders_20260304_1.rejects.rejects", "ext": ".csv", "day": "20260304", "part": "_1"}},
		{&byRegexp, "orders_2026.csv", nil},
		{&Job{}, "anything", nil},
	} {
		vars, ok := test.job.Matches(test.name)
		if ok != (test.vars != nil) || !maps.Equal(vars, test.vars) {
			t.Errorf("%q: %v %v, want %v", test.name, ok, vars, test.vars)
		}
	}
}

func TestReturned(t *testing.T) {
	var job Job
	for name, want := range map[string]bool{"a.rejects.csv": true, "a.rejects.csv.gz": true, "a.rejects": true, "a.csv": false, "rejects.csv": false,
		".rejects.csv": false, "a.rejects.b.csv": false, "arejects.csv": false} {
		if job.Returned(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}

func TestTargetColumns(t *testing.T) {
	job := Job{Columns: []Column{{Name: "a"}, {Source: "b", Ignore: true}, {Name: "c"}}}
	if got := job.TargetColumns(); len(got) != 2 || got[0].Name != "a" || got[1].Name != "c" {
		t.Errorf("%+v", got)
	}
}

func TestTemporaryNames(t *testing.T) {
	for _, name := range []string{"a.filepart", "a.csv.part", "a.PARTIAL", "a.tmp", ".hidden", "a.crdownload", "a.writing", "a.camelLock", "~$a.xlsx",
		".in.a.csv", "a.swp", ".ocTransferId123", "a.csv.ocTransferId99", ".a.csv.Xy12z", "a.csv~"} {
		if !TemporaryName(name) {
			t.Errorf("%q isn't temporary", name)
		}
	}
	for _, name := range []string{"a.csv", "part", "tmp", "tmp.csv", "a.part.csv", "in.csv", "~a.csv", "a.rejects.csv", "template.csv", "a.parts"} {
		if TemporaryName(name) {
			t.Errorf("%q is temporary", name)
		}
	}
}

// TestTemporaryNamesAreGlobs: the tables say what the globs say, of every name that can be in a folder.
func TestTemporaryNamesAreGlobs(t *testing.T) {
	var pieces []string // of the globs, so that near misses come up
	for _, pattern := range temporaryNames {
		for piece := range strings.SplitSeq(pattern, "*") {
			pieces = append(pieces, piece, strings.ToUpper(piece), strings.Trim(piece, ".~"))
		}
	}
	part := rapid.OneOf(rapid.SampledFrom(append(pieces, "a", "\u212a", "\xff", "\n", "[", "{a,b}", "\\")), rapid.StringN(0, 3, -1))
	rapid.Check(t, func(t *rapid.T) {
		name := strings.ReplaceAll(strings.Join(rapid.SliceOfN(part, 0, 4).Draw(t, "parts"), ""), "/", "")
		want := slices.ContainsFunc(temporaryNames, func(pattern string) bool {
			ok, err := doublestar.Match(pattern, strings.ToLower(name))
			return ok && err == nil
		})
		if TemporaryName(name) != want {
			t.Errorf("%q: %v, want %v", name, !want, want)
		}
	})
}

// TestGlobsAreCompiledRight: what is told from a pattern's ends is what the whole pattern says.
func TestGlobsAreCompiledRight(t *testing.T) {
	part := rapid.SampledFrom([]string{"a", "ab", "b", "é", ".csv", "*", "**", "?", "[a-b]", "[!a]", "{a,b}", "{,ab}", "{a*,?b}", `\*`, `\a`, ",", "-", "!"})
	piece := rapid.SampledFrom([]string{"a", "ab", "b", "é", ".csv", "*", ",", "-", "!", "\xff", "\n"})
	rapid.Check(t, func(t *rapid.T) {
		pattern := strings.Join(rapid.SliceOfN(part, 1, 5).Draw(t, "pattern"), "")
		name := strings.Join(rapid.SliceOfN(piece, 0, 5).Draw(t, "name"), "")
		var g Glob
		if err := g.UnmarshalText([]byte(pattern)); err != nil {
			t.Fatalf("%q: %v", pattern, err)
		}
		want, err := doublestar.Match(pattern, name)
		if got := g.Match(name); got != want || err != nil {
			t.Errorf("%q matches %q: %v, want %v (%v)", pattern, name, got, want, err)
		}
	})
}

func BenchmarkGlob(b *testing.B) {
	for _, pattern := range []string{"orders_*.csv", "orders_{de,fr}_[0-9]*.csv*"} {
		b.Run(pattern, func(b *testing.B) {
			var g Glob
			if err := g.UnmarshalText([]byte(pattern)); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if g.Match("invoice-of-an-important-customer-000001.pdf") || !g.Match("orders_de_1.csv") {
					b.Fatal("matches wrongly")
				}
			}
		})
	}
}

func TestOthersNamesAreCheap(t *testing.T) {
	job := Job{Match: glob(t, "orders_*.csv")}
	if n := testing.AllocsPerRun(100, func() { job.Matches("invoice-of-an-important-customer.pdf") }); n != 0 {
		t.Errorf("%v allocations for a name that doesn't match", n)
	}
}

func TestTemporaryNameIsCheap(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { TemporaryName("invoice-of-an-important-customer.pdf") }); n != 0 {
		t.Errorf("%v allocations for a name in lower case", n)
	}
}

func TestSaneNames(t *testing.T) {
	for _, name := range []string{"a.csv", "ä ö.csv", "\xff\x80.csv", "...", "-rf", "a\\b", strings.Repeat("x", 200)} {
		if err := SaneName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", ".", "..", "a/b", "/", "a\nb", "a\x00", "\x1b[2J", "a\x7f", "a\u0085b", strings.Repeat("x", 201)} {
		if SaneName(name) == nil {
			t.Errorf("%q is sane", name)
		}
	}
}

func TestWithoutRejects(t *testing.T) {
	for name, want := range map[string]string{
		"orders.rejects.csv":           "orders.csv",
		"orders.rejects-17.csv":        "orders.csv",
		"orders.rejects-17-2.csv.gz":   "orders.csv.gz",
		"orders.rejects.rejects-3.csv": "orders.csv",
		"orders.rejects":               "orders",
		"orders.rejects-4":             "orders",
		"orders.csv":                   "orders.csv",
		"orders.rejectsx.csv":          "orders.rejectsx.csv",
		"orders.rejects-x.csv":         "orders.rejects-x.csv",
		".rejects.csv":                 ".rejects.csv",
		"a\xe9.rejects.csv":            "a\xe9.csv",
	} {
		got, returned := WithoutRejects(name)
		if got != want || returned != (name != want) {
			t.Errorf("%q: %q, %t; want %q", name, got, returned, want)
		}
	}
}

// TestBeginning: as much of a folder as is known before a file comes.
func TestBeginning(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for text, want := range map[string]string{
		"done": "done", "done/%Y/%m": "done/2026/03", "done/{stem}": "done", "done/%Y/x{stem}/%m": "done/2026", "{stem}": ".", "a/b/": "a/b", "100%%/{{x}}": "100%/{x}",
	} {
		var p Pattern
		if err := p.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if got := p.Beginning(at); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
