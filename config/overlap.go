package config

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"unicode"
)

// Overlap tells that some names fit two jobs of one inbox.
type Overlap struct {
	First, Second *Job   // First takes such files
	Example       string // a name that both take
	Tie           bool   // they have the same priority: only the jobs' names decide
	Hidden        bool   // every name that fits Second fits First too: Second never gets a file
}

// Overlaps compares the enabled jobs of each inbox with each other.
func Overlaps(jobs []*Job) []Overlap {
	var enabled []*Job
	for _, j := range jobs {
		if j.Enabled {
			enabled = append(enabled, j)
		}
	}
	slices.SortStableFunc(enabled, func(a, b *Job) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.Name, b.Name))
	})
	c := newComparison()
	var found []Overlap
	for i, first := range enabled {
		for _, second := range enabled[i+1:] {
			if first.Store != second.Store || first.Inbox != second.Inbox {
				continue
			}
			if example, ok := c.common(first, second); ok {
				found = append(found, Overlap{first, second, example, first.Priority == second.Priority, c.hides(first, second)})
			}
		}
	}
	return found
}

// Unmatched are the enabled jobs that no name fits: all are temporary ones, or ignored.
func Unmatched(jobs []*Job) (none []*Job) {
	c := newComparison()
	for _, j := range jobs {
		if !j.Enabled {
			continue
		}
		names, ignored := c.of(j)
		if _, found, whole := c.find([]*language{names}, ignored); !found && whole {
			none = append(none, j)
		}
	}
	return none
}

func newComparison() *comparison {
	return &comparison{temporary: temporaryLanguage(), names: map[*Job]*language{}, ignored: map[*Job][]*language{}}
}

// comparison has the languages of the jobs that are compared.
type comparison struct {
	temporary *language
	names     map[*Job]*language
	ignored   map[*Job][]*language
}

func (c *comparison) of(j *Job) (names *language, ignored []*language) {
	if c.names[j] == nil {
		c.names[j] = j.language()
		for _, glob := range j.IgnoreNames {
			c.ignored[j] = append(c.ignored[j], glob.language())
		}
	}
	return c.names[j], c.ignored[j]
}

// common returns a name that both jobs take. What is too complicated to be found counts as none.
func (c *comparison) common(a, b *Job) (string, bool) {
	namesA, ignoredA := c.of(a)
	namesB, ignoredB := c.of(b)
	name, found, _ := c.find([]*language{namesA, namesB}, slices.Concat(ignoredA, ignoredB))
	if !found {
		return "", false
	}
	_, fitsA := a.Matches(name)
	_, fitsB := b.Matches(name)
	return name, fitsA && fitsB
}

// hides tells whether the first job takes every name that the second one could: none is left that the first one doesn't know or ignores.
func (c *comparison) hides(first, second *Job) bool {
	namesFirst, ignoredFirst := c.of(first)
	names, ignored := c.of(second)
	if _, left, whole := c.find([]*language{names}, append(slices.Clone(ignored), namesFirst)); left || !whole {
		return false
	}
	for _, glob := range ignoredFirst {
		if _, left, whole := c.find([]*language{names, glob}, ignored); left || !whole {
			return false
		}
	}
	return true
}

// find is search without temporary names. Those are many patterns, so they are asked only when it comes to one.
func (c *comparison) find(in, out []*language) (name string, found, whole bool) {
	name, found, whole = search(in, out)
	if found && TemporaryName(name) {
		return search(in, append(slices.Clone(out), c.temporary))
	}
	return name, found, whole
}

// temporaryLanguage are the names of temporaryNames.
func temporaryLanguage() *language {
	var alternatives []string
	for _, glob := range temporaryNames {
		alternatives = append(alternatives, globExpression(glob))
	}
	return compileLanguage("(?i)"+strings.Join(alternatives, "|"), false)
}

// searchLimit bounds a search. Patterns that people write need some hundred steps, with temporary names some ten thousand; what takes more isn't
// worth the time.
const searchLimit = 300_000

// search looks for the shortest name that is in all of one list of languages and in none of the other. whole tells that nothing was left out.
func search(in, out []*language) (name string, found, whole bool) {
	all := slices.Concat(in, out)
	alphabet := alphabet(all)
	first := trail{before: -1}
	for _, l := range all {
		first.at = append(first.at, l.begin())
	}
	seen := map[string]bool{}
	todo := []trail{first}
	for steps := 0; len(todo) > 0; todo = todo[1:] {
		n := todo[0]
		if n.name != "" && n.wanted(all, len(in)) {
			return n.name, true, true
		}
		for _, r := range alphabet {
			if steps++; steps > searchLimit {
				return "", false, false
			}
			next, ok := n.next(all, len(in), r)
			if key := next.key(); ok && len(next.name) <= nameLimit && !seen[key] {
				seen[key] = true
				todo = append(todo, next)
			}
		}
	}
	return "", false, true
}

// trail is a name in a search, and where it has led each language.
type trail struct {
	name   string
	before rune
	at     []int
}

// next is the trail with one more character; false when no wanted name begins so.
func (n trail) next(all []*language, in int, r rune) (trail, bool) {
	next := trail{n.name + string(r), class(r), make([]int, len(all))}
	for i, l := range all {
		if next.at[i] = l.step(n.at[i], n.before, r); i < in && next.at[i] == dead {
			return trail{}, false
		}
	}
	return next, true
}

func (n trail) key() string {
	key := []byte{byte(n.before)}
	for _, at := range n.at {
		key = binary.AppendVarint(key, int64(at))
	}
	return string(key)
}

// wanted tells whether the name is in the first so many languages and in none of the others.
func (n trail) wanted(all []*language, in int) bool {
	for i, l := range all {
		if l.has(n.at[i], n.before) != (i < in) {
			return false
		}
	}
	return true
}

// isWord is what a regular expression's \b tells apart.
func isWord(r rune) bool { return r == '_' || r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)) }

// alphabet is one character for each set of characters that no language tells apart, those first that read well in an example.
func alphabet(all []*language) []rune {
	cuts := []rune{' ', '0', '9' + 1, 'A', 'Z' + 1, '_', '_' + 1, 'a', 'z' + 1, 0x7f, 0xa0, unicode.MaxRune + 1}
	for _, l := range all {
		cuts = append(cuts, l.boundary...)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	var runes []rune
	for i, from := range cuts[:len(cuts)-1] {
		if r, ok := readable(from, cuts[i+1]-1); ok {
			runes = append(runes, r)
		}
	}
	slices.SortStableFunc(runes, func(a, b rune) int { return cmp.Compare(oddity(a), oddity(b)) })
	return runes
}

// readable chooses a character of a range that can stand in a name.
func readable(from, to rune) (rune, bool) {
	for r := from; r <= to && r <= unicode.MaxRune && r-from < 1000; r++ {
		if r != '/' && !unicode.IsControl(r) && (r < 0xd800 || r > 0xdfff) && r != unicode.ReplacementChar {
			return r, true
		}
	}
	return 0, false
}

func oddity(r rune) int {
	switch {
	case 'a' <= r && r <= 'z':
		return 0
	case isWord(r):
		return 1
	case r < 0x80:
		return 2
	}
	return 3
}
