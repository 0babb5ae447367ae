package config

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// patterned makes an enabled job of one inbox; its pattern is a regular expression behind "re:".
func patterned(t *testing.T, name, pattern string, priority int, ignore ...string) *Job {
	t.Helper()
	j := &Job{Name: name, Store: "s", Inbox: "in", Priority: priority, Enabled: true}
	var err error
	if strings.HasPrefix(pattern, "re:") {
		err = j.MatchRegexp.UnmarshalText([]byte(pattern[3:]))
	} else {
		err = j.Match.UnmarshalText([]byte(pattern))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range ignore {
		var g Glob
		if err := g.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		j.IgnoreNames = append(j.IgnoreNames, g)
	}
	return j
}

func TestOverlaps(t *testing.T) {
	for _, c := range []struct {
		a, b    string // patterns of jobs a and b
		example string // "": nothing fits both
		hidden  bool   // b never gets a file
	}{
		{"*.csv", "*.tsv", "", false},
		{"*.csv", "*.csv", "a.csv", true},
		{"*.csv", "orders_*", "orders_.csv", false},
		{"*", "orders_*.csv", "orders_.csv", true},
		{"orders_*.csv", "*", "orders_.csv", false},
		{"orders_??.csv", "orders_[0-9]*.csv", "orders_0a.csv", false},
		{"orders_[0-9].csv", "orders_[!0-9].csv", "", false},
		{"{orders,returns}_*.csv", "returns_*", "returns_.csv", false},
		{"{a,{b,c}}x", "cx", "cx", true},
		{`a\*b`, "a*b", "a*b", false},
		{"Orders*", "orders*", "", false},
		{`re:(?i)^orders`, "ORDERS*", "ORDERS", true},
		{`re:^orders_(?P<day>\d{8})\.csv$`, "orders_*.csv", "orders_00000000.csv", false},
		{"orders_*.csv", `re:^orders_(?P<day>\d{8})\.csv$`, "orders_00000000.csv", true},
		{`re:\.csv$`, "*.csv", "a.csv", true},
		{`re:orders`, "x*y", "xordersy", false},
		{`re:^orders\b`, "orders?", "orders ", false},
		{`re:^orders$`, `re:^orders.$`, "", false},
		{`re:^$`, "*", "", false},
		{"*.part", "*", "", false}, // never taken
		{"*.p*", "*.pa*t", "a.pat", true},
		{".*", ".a*", "", true}, // never taken by anybody
		{"größe_*", "gr*", "größe_", false},
		{"é", "?", "é", false},
	} {
		found := Overlaps([]*Job{patterned(t, "b", c.b, 0), patterned(t, "a", c.a, 0)})
		switch {
		case c.example == "" && len(found) == 0:
		case c.example == "" || len(found) != 1:
			t.Errorf("%s and %s: %+v", c.a, c.b, found)
		default:
			o := found[0]
			if o.Example != c.example || o.Hidden != c.hidden || o.First.Name != "a" || !o.Tie {
				t.Errorf("%s and %s: example %q, hidden %t, first %s, tie %t", c.a, c.b, o.Example, o.Hidden, o.First.Name, o.Tie)
			}
		}
	}
}

// TestOverlapsOfNeighbours: who comes first, what ignore takes out, and who isn't compared.
func TestOverlapsOfNeighbours(t *testing.T) {
	rest := patterned(t, "a-rest", "*", -1)
	orders := patterned(t, "orders", "orders*", 0)
	if found := Overlaps([]*Job{rest, orders}); len(found) != 1 || found[0].First != orders || found[0].Tie || found[0].Hidden {
		t.Errorf("a catch-all behind: %+v", found)
	}
	rest.Priority = 1
	if found := Overlaps([]*Job{rest, orders}); len(found) != 1 || found[0].First != rest || !found[0].Hidden {
		t.Errorf("a catch-all before: %+v", found)
	}
	rest = patterned(t, "a-rest", "*", 1, "orders_1*")
	if found := Overlaps([]*Job{rest, orders}); len(found) != 1 || found[0].Hidden || found[0].Example != "orders" {
		t.Errorf("a catch-all that ignores some: %+v", found)
	}
	rest = patterned(t, "a-rest", "*", 1, "orders*")
	if found := Overlaps([]*Job{rest, orders}); len(found) != 0 {
		t.Errorf("a catch-all that ignores all of them: %+v", found)
	}
	for name, other := range map[string]func(*Job){
		"another inbox": func(j *Job) { j.Inbox = "in2" }, "another store": func(j *Job) { j.Store = "s2" }, "a draft": func(j *Job) { j.Enabled = false },
	} {
		j := patterned(t, "x", "*", 0)
		other(j)
		if found := Overlaps([]*Job{j, orders}); len(found) != 0 {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

// TestUnmatched: jobs that never get a file, whatever comes.
func TestUnmatched(t *testing.T) {
	for pattern, want := range map[string]bool{"*": false, "*.{part,TMP}": true, "re:^orders$": false, "re:a^": true, "*x": true} {
		j := patterned(t, "a", pattern, 0, "*x")
		if got := len(Unmatched([]*Job{j})) == 1; got != want {
			t.Errorf("%s: %t", pattern, got)
		}
	}
}

// TestLanguages compares each automaton with the pattern that it was made of.
func TestLanguages(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	text := func(alphabet string, most int) string {
		runes := []rune(alphabet)
		var b strings.Builder
		for range random.IntN(most + 1) {
			b.WriteRune(runes[random.IntN(len(runes))])
		}
		return b.String()
	}
	odd := regexp.MustCompile(`\*[*{},]|[{},]\*`) // where doublestar sometimes misses names: stars beside stars and at the ends of alternatives
	globs, expressions := 0, 0
	for range 6_000 {
		pattern := text("aB9.-é*?[]{},!\\", 8)
		var g Glob
		if g.UnmarshalText([]byte(pattern)) == nil && !odd.MatchString(pattern) {
			globs++
			for range 5 {
				if name := text("aB9.-é,!*", 4); belongs(g.language(), name) != g.Match(name) {
					t.Fatalf("glob %q and name %q: the automaton says %t", pattern, name, belongs(g.language(), name))
				}
			}
		}
		pattern = text(`ab9.^$|()*+?\bi:[]-é`, 8)
		var r Regexp
		if r.UnmarshalText([]byte(pattern)) == nil {
			expressions++
			for range 5 {
				name := text("abi9.-:é", 4)
				if _, ok := r.Match(name); belongs(r.language(), name) != ok {
					t.Fatalf("expression %q and name %q: the automaton says %t", pattern, name, !ok)
				}
			}
		}
	}
	if globs < 500 || expressions < 500 {
		t.Fatalf("only %d globs and %d expressions", globs, expressions)
	}
}

func belongs(l *language, name string) bool {
	at, before := l.begin(), rune(-1)
	for _, r := range name {
		at, before = l.step(at, before, r), class(r)
	}
	return l.has(at, before)
}

// TestSearchEnds: a pattern made to be hard is given up, and nothing is said of it. Without a limit the search would go on for as long as anybody waits.
func TestSearchEnds(t *testing.T) {
	a := patterned(t, "a", `re:^(\pL|\pN)*x(\pL|\pN){40}$`, 0)
	b := patterned(t, "b", `re:^(\pL|\pN)*y(\pL|\pN){39}$`, 0)
	if found := Overlaps([]*Job{a, b}); len(found) != 0 {
		t.Errorf("%+v", found)
	}
	if _, found, whole := search([]*language{a.language(), b.language()}, nil); found || whole {
		t.Errorf("the search wasn't given up: found %t, whole %t", found, whole)
	}
}

func TestTemporaryLanguage(t *testing.T) {
	for _, name := range []string{".x", "a.part", "A.PART", "~$a", "a~", "x.octransferid9", "a.csv", "part", "a.parts"} {
		if belongs(temporaryLanguage(), name) != TemporaryName(name) {
			t.Errorf("%q", name)
		}
	}
	if !regexp.MustCompile(globExpression("a-*")).MatchString("a-b") {
		t.Error("a glob's expression")
	}
}
