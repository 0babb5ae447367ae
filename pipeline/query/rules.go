package query

import "strings"

// statements are what a question may begin with.
var statements = map[string]bool{"select": true, "with": true, "from": true, "show": true, "describe": true, "desc": true, "explain": true}

// oneStatement makes sure that there is one, and one of those that ask.
func oneStatement(tokens []token) ([]token, error) {
	for len(tokens) > 0 && tokens[len(tokens)-1].is(";") {
		tokens = tokens[:len(tokens)-1]
	}
	first := 0
	for first < len(tokens) && tokens[first].is("(") {
		first++
	}
	if first == len(tokens) {
		return nil, refused("there is no statement")
	}
	if t := tokens[first]; t.kind != word || !statements[strings.ToLower(t.text)] {
		return nil, refused("%.60q isn't how a question begins: SELECT, WITH, SHOW, DESCRIBE and EXPLAIN are taken", t.text)
	}
	for _, t := range tokens {
		if t.is(";") {
			return nil, refused("there is more than one statement: one at a time is taken")
		}
	}
	return tokens, nil
}

// judge refuses what token i must not be where it stands. further are table functions besides those known here.
func judge(tokens []token, i int, further map[string]bool) error {
	t := tokens[i]
	if t.kind != word && t.kind != name {
		return nil
	}
	lower := strings.ToLower(t.text)
	own := !qualified(tokens, i)
	called := i+1 < len(tokens) && tokens[i+1].is("(")
	switch why, denied := deniedFunctions[lower]; {
	case denied && called:
		return refused("the function %s is refused: it %s", t.text, why)
	case denied && own:
		// Functions are handed to others by their bare names: arrayMap(file, …), * APPLY file.
		return refused("the name %s alone could mean a function, which %s: name a column with its table, as in t.%s", t.text, why, t.text)
	case called && (knownTableFunctions[lower] || further[lower]) && !harmlessTableFunctions[lower]:
		return refused("the table function %s is refused: of table functions only those that stay within the database are taken", t.text)
	}
	if t.kind == word && own {
		return judgeKeyword(tokens, i)
	}
	return nil
}

func judgeKeyword(tokens []token, i int) error {
	t, rest := tokens[i], tokens[i+1:]
	switch {
	case t.keyword("SETTINGS"):
		return refused("SETTINGS is refused: settings could end the read-only mode. A column or table of that name is written in backticks")
	case t.keyword("OUTFILE"):
		return refused("INTO OUTFILE is refused: the answer goes to standard output. A column of that name is written in backticks")
	case t.keyword("FORMAT") && len(rest) == 1 && rest[0].kind == word && !endsOrder[strings.ToLower(rest[0].text)]:
		return refused("FORMAT is refused: how the answer is written is said by --as or, of an export, by [format]")
	case t.keyword("PARALLEL") && len(rest) > 0 && rest[0].keyword("WITH"):
		return refused("PARALLEL WITH is refused: one statement at a time is taken")
	}
	return nil
}

// endsOrder are words that may stand at a statement's end behind a column called format.
var endsOrder = map[string]bool{"asc": true, "desc": true, "final": true, "end": true}

// qualified tells whether a name follows another one and its point, without a blank, and so can only be a part of that one. The point of a number
// doesn't make it so.
func qualified(tokens []token, i int) bool {
	if i < 2 || tokens[i].apart || tokens[i-1].apart || !tokens[i-1].is(".") {
		return false
	}
	return tokens[i-2].kind == word || tokens[i-2].kind == name
}
