package query

// Fill puts values where a question has {name:Type} or {name}. Only places outside of quotes and comments count, and only names that are known: value is
// asked for each, with the type as it is written, and tells whether it knows it.
func Fill(sql string, value func(name, typ string) (text string, known bool, err error)) (string, error) {
	tokens, err := scan(sql)
	if err != nil {
		return "", err
	}
	var filled []token
	for i := 0; i < len(tokens); i++ {
		name, typ, n := place(tokens[i:])
		if n > 0 {
			made, known, err := value(name, typ)
			if err != nil {
				return "", err
			}
			if known {
				filled = append(filled, token{kind: word, text: made, apart: tokens[i].apart})
				i += n - 1
				continue
			}
		}
		filled = append(filled, tokens[i])
	}
	return text(filled), nil
}

// place reads {name} or {name:Type} at the beginning of tokens, n of them; 0 when there is none.
func place(tokens []token) (name, typ string, n int) {
	if len(tokens) < 3 || !tokens[0].is("{") || tokens[1].kind != word {
		return "", "", 0
	}
	if tokens[2].is("}") {
		return tokens[1].text, "", 3
	}
	if !tokens[2].is(":") {
		return "", "", 0
	}
	for end := 3; end < len(tokens); end++ {
		if tokens[end].is("}") {
			return tokens[1].text, text(tokens[3:end]), end + 1
		}
	}
	return "", "", 0
}
