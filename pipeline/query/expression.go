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
	return balanced(tokens)
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
