package config

import (
	"cmp"
	"regexp/syntax"
	"slices"
	"strings"
)

// sequenceCapture is what a job with order = "sequence" calls the number in the names of its files.
const sequenceCapture = "sequence"

// Sequence is the number in a name by which the job orders its files: digits without zeros before them, so many as there are. "" is for a name
// without one, and for every name when the order is another.
func (j *Job) Sequence(name string) string {
	if j.Order != "sequence" {
		return ""
	}
	vars, _ := j.Matches(name)
	digits := vars[sequenceCapture]
	if number := strings.TrimLeft(digits, "0"); number != "" || digits == "" {
		return number
	}
	return "0"
}

// CompareSequence orders numbers as Sequence gives them; none is behind all.
func CompareSequence(a, b string) int {
	if (a == "") != (b == "") {
		return cmp.Compare(len(b), len(a))
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// order judges whether files can be put into the job's order by their names.
func (c checker) order(j *Job) {
	if j.Order != "sequence" || c.tree.damaged || c.broken("match_regexp") {
		return
	}
	if !slices.Contains(j.MatchRegexp.Captures(), sequenceCapture) {
		c.bad("order", `"sequence" needs match_regexp with a capture of that name, such as '_(?P<sequence>[0-9]+)\.csv$'`)
		return
	}
	parsed, err := syntax.Parse(j.MatchRegexp.String(), syntax.Perl)
	if err == nil && !numbersOnly(parsed, false) {
		c.bad("match_regexp", `the capture "sequence" may take other characters than the digits 0 to 9: files can't be put into the order of their numbers`)
	}
}

// numbersOnly tells whether all captures of the name take nothing but digits. within is true inside of one.
func numbersOnly(re *syntax.Regexp, within bool) bool {
	within = within || re.Op == syntax.OpCapture && re.Name == sequenceCapture
	if within && !onlyDigits(re) {
		return false
	}
	return !slices.ContainsFunc(re.Sub, func(sub *syntax.Regexp) bool { return !numbersOnly(sub, within) })
}

// onlyDigits tells whether the node itself, whatever is below it, takes no other characters.
func onlyDigits(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpLiteral:
		return !slices.ContainsFunc(re.Rune, func(r rune) bool { return r < '0' || r > '9' })
	case syntax.OpCharClass:
		return len(re.Rune) == 0 || re.Rune[0] >= '0' && re.Rune[len(re.Rune)-1] <= '9'
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return false
	}
	return true
}
