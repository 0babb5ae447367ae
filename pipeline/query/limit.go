package query

import (
	"slices"
	"strings"
)

// Limited names the clause that leaves rows out of a SELECT by their number, LIMIT, OFFSET, FETCH or TOP, where one of the places stands in that SELECT or inside of it; "" where there is
// none. LIMIT BY isn't meant: it goes by what is in the rows.
func Limited(sql string, places ...string) (clause string, err error) {
	tokens, err := scan(sql)
	if err != nil {
		return "", err
	}
	for i := 0; i < len(tokens); i++ {
		clause, next := cuts(tokens, i)
		if clause != "" && hasPlace(around(tokens, i), places) {
			return clause, nil
		}
		i = next
	}
	return "", nil
}

// cuts names the clause that begins at token i, and gives the last token that was looked at.
func cuts(tokens []token, i int) (clause string, last int) {
	t := tokens[i]
	if t.kind != word || qualified(tokens, i) || i+1 == len(tokens) {
		return "", i
	}
	next := tokens[i+1]
	counted := next.kind == number || slices.ContainsFunc([]string{"(", "{", "-", "+"}, next.is)
	switch upper := strings.ToUpper(t.text); {
	case upper == "LIMIT" && counted:
		if by := limitBy(tokens, i+1); by > 0 {
			return "", by
		}
		return upper, i
	case upper == "OFFSET" && counted, upper == "TOP" && counted && i > 0 && (tokens[i-1].keyword("SELECT") || tokens[i-1].keyword("DISTINCT")):
		return upper, i
	case upper == "FETCH" && (next.keyword("FIRST") || next.keyword("NEXT")):
		return upper, i
	}
	return "", i
}

// limitBy finds the BY of a LIMIT, whose numbers begin at token i; 0 when there is none.
func limitBy(tokens []token, i int) int {
	depth := 0
	for ; i < len(tokens) && depth >= 0; i++ {
		switch t := tokens[i]; {
		case t.is("(") || t.is("{"):
			depth++
		case t.is(")") || t.is("}"):
			depth--
		case depth == 0 && t.keyword("BY"):
			return i
		case depth == 0 && t.kind == word && !t.keyword("OFFSET"):
			return 0
		}
	}
	return 0
}

// around are the tokens of the innermost brackets that token i stands in, or all.
func around(tokens []token, i int) []token {
	from, depth := i, 0
	for ; from > 0 && depth <= 0; from-- {
		if t := tokens[from-1]; t.is("(") {
			depth++
		} else if t.is(")") {
			depth--
		}
	}
	to := i
	for depth = 0; to < len(tokens) && depth >= 0; to++ {
		if t := tokens[to]; t.is("(") {
			depth++
		} else if t.is(")") {
			depth--
		}
	}
	return tokens[from:to]
}

func hasPlace(tokens []token, places []string) bool {
	for i := range tokens {
		if name, _, n := place(tokens[i:]); n > 0 && slices.Contains(places, name) {
			return true
		}
	}
	return false
}
