package config

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"unicode"
)

// language is a set of file names, as an automaton that is walked by sets of its states. It remembers the ways that it was asked for and
// isn't for several goroutines.
type language struct {
	prog      *syntax.Prog
	unbound   bool // a match may begin and end anywhere in the name
	boundary  []rune
	positions []position     // by number
	numbers   map[string]int // of positions
	ways      map[way]int
}

// position is where an automaton is after some characters: its states, sorted. None: no name goes on from here.
type position []uint32

// way is one step from a numbered position; after is -1 at the end of the name.
type way struct {
	from          int
	before, after rune
}

// dead is the number of the position without states.
const dead = 0

// anywhere is the position of an unbound language whose match is complete: every name goes on from here.
const anywhere = ^uint32(0)

func (g Glob) language() *language { return compileLanguage(globExpression(g.text), false) }

func (r Regexp) language() *language { return compileLanguage(r.String(), true) }

// names are those that fit the job's own pattern.
func (j *Job) language() *language {
	if j.MatchRegexp.IsZero() {
		return j.Match.language()
	}
	return j.MatchRegexp.language()
}

// compileLanguage takes expressions that are known to be good.
func compileLanguage(expression string, unbound bool) *language {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", expression, err)) // unreachable: it was compiled before, or is made here
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		panic(fmt.Sprintf("%s: %v", expression, err))
	}
	l := &language{prog: prog, unbound: unbound, numbers: map[string]int{}, ways: map[way]int{}}
	l.number(nil) // dead
	for i := range prog.Inst {
		l.boundary = append(l.boundary, boundaries(&prog.Inst[i])...)
	}
	return l
}

// class stands for all characters in front of which a regular expression sees the same; -1 is the beginning of the name.
func class(r rune) rune {
	switch {
	case r < 0:
		return -1
	case isWord(r):
		return 'a'
	}
	return ' '
}

// boundaries are the first characters of the ranges that an instruction tells apart.
func boundaries(in *syntax.Inst) (all []rune) {
	if in.Op != syntax.InstRune && in.Op != syntax.InstRune1 {
		return nil
	}
	if len(in.Rune) == 1 { // maybe in any case
		for r, first := in.Rune[0], true; first || r != in.Rune[0]; r, first = unicode.SimpleFold(r), false {
			all = append(all, r, r+1)
		}
		return all
	}
	for i := 0; i+1 < len(in.Rune); i += 2 {
		all = append(all, in.Rune[i], in.Rune[i+1]+1)
	}
	return all
}

// begin is the position before the first character.
func (l *language) begin() int { return l.number(position{uint32(l.prog.Start)}) }

func (l *language) number(p position) int {
	key := fmt.Sprint(p)
	n, ok := l.numbers[key]
	if !ok {
		n = len(l.positions)
		l.positions, l.numbers[key] = append(l.positions, p), n
	}
	return n
}

// step goes over one character; before is the kind of the one in front of it.
func (l *language) step(from int, before, r rune) int {
	w := way{from, before, r}
	to, ok := l.ways[w]
	if !ok {
		to = l.number(l.over(l.positions[from], before, r))
		l.ways[w] = to
	}
	return to
}

// has tells whether the name that led here is complete.
func (l *language) has(at int, before rune) bool {
	w := way{at, before, -1}
	yes, ok := l.ways[w]
	if !ok {
		if slices.Contains(l.reach(l.positions[at], before, -1), anywhere) {
			yes = 1
		}
		l.ways[w] = yes
	}
	return yes == 1
}

func (l *language) over(from position, before, r rune) position {
	at := l.reach(from, before, r)
	if slices.Contains(at, anywhere) {
		return position{anywhere}
	}
	var to position
	for _, pc := range at {
		if in := &l.prog.Inst[pc]; in.MatchRune(r) {
			to = append(to, in.Out)
		}
	}
	if l.unbound {
		to = append(to, uint32(l.prog.Start))
	}
	slices.Sort(to)
	return slices.Compact(to)
}

// reach are the instructions in front of which the automaton stands between two characters, or anywhere when a match is complete there.
func (l *language) reach(from position, before, after rune) (at []uint32) {
	if slices.Contains(from, anywhere) {
		return []uint32{anywhere}
	}
	holds := syntax.EmptyOpContext(before, after)
	seen := make([]bool, len(l.prog.Inst))
	todo := slices.Clone(from)
	for len(todo) > 0 {
		pc := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		switch in := &l.prog.Inst[pc]; in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			todo = append(todo, in.Out, in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			todo = append(todo, in.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(in.Arg)&^holds == 0 {
				todo = append(todo, in.Out)
			}
		case syntax.InstMatch:
			if l.unbound || after < 0 {
				return []uint32{anywhere}
			}
		case syntax.InstFail:
		default:
			at = append(at, pc)
		}
	}
	return at
}
