package query

// Expression refuses, with a *Refused, SQL that isn't one expression wherever it is put: which closes a bracket that stands around it, leaves one open, or is over
// before it ends. A comment at its end takes what follows in the same line, so what is put behind it begins a new one.
func Expression(sql string) error {
	tokens, err := scan(sql)
	if err != nil {
		return err
	}
	if len(tokens) == 0 {
		return refused("there is no expression")
	}
	for _, t := range tokens {
		if t.is(";") {
			return refused("there is a semicolon: one expression is taken")
		}
	}
	if err := balanced(tokens); err != nil {
		return err
	}
	return unaliased(tokens)
}

// unaliased refuses names that an expression gives to parts of itself: in all that is asked with it they stand for those parts, also where a column of that name is meant. Those of a
// subquery are its own, and what CAST(… AS …) names is a type.
func unaliased(tokens []token) error {
	type bracket struct {
		query, cast bool
		typed       int // where the AS of a cast is
	}
	open := []bracket{{}}
	for i, t := range tokens {
		in := &open[len(open)-1]
		switch {
		case t.is("(") || t.is("[") || t.is("{"):
			next := tokens[i+1] // there is one: each bracket is closed
			open = append(open, bracket{
				query: in.query || next.keyword("SELECT") || next.keyword("WITH") || next.keyword("FROM"),
				cast:  t.is("(") && i > 0 && tokens[i-1].keyword("CAST") && !qualified(tokens, i-1),
			})
		case t.is(")") || t.is("]") || t.is("}"):
			open = open[:len(open)-1]
		case t.is(",") && in.typed > 0: // CAST(x AS name, 'Type')
			return alias(tokens[in.typed+1])
		case !t.keyword("AS") || in.query || qualified(tokens, i):
		case in.cast && in.typed == 0:
			in.typed = i
		case i+1 < len(tokens):
			return alias(tokens[i+1])
		}
	}
	return nil
}

func alias(t token) *Refused {
	return refused("an alias, AS %.60s, reaches beyond the expression: wherever all else says %.60s it would be meant; write it out in each place", t.text, t.text)
}

// closing are the brackets that end what others begin.
var closing = map[string]string{"(": ")", "[": "]", "{": "}"}

// balanced makes sure that each bracket is closed, by one of its kind, and none that wasn't opened here.
func balanced(tokens []token) error {
	var open []string
	for _, t := range tokens {
		if t.kind != sign {
			continue
		}
		switch t.text {
		case "(", "[", "{":
			open = append(open, t.text)
		case ")", "]", "}":
			last := len(open) - 1
			if last < 0 {
				return refused("a bracket %s closes one that isn't opened", t.text)
			}
			if closing[open[last]] != t.text {
				return refused("a bracket %s is closed by %s", open[last], t.text)
			}
			open = open[:last]
		}
	}
	if len(open) > 0 {
		return refused("a bracket %s isn't closed", open[len(open)-1])
	}
	return nil
}
