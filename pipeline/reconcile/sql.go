package reconcile

import "strings"

// token is a word, a quoted text or a symbol of SQL as servers print it, which is regular: no comments, one blank here and there.
type token struct {
	text       string
	start, end int
	depth      int // how many parentheses are open around it; they themselves stand outside
}

// tokens cuts SQL. Whatever it is given, the tokens stand in order and don't overlap; what isn't closed ends with the text.
func tokens(sql string) []token {
	var all []token
	depth := 0
	for i := 0; i < len(sql); {
		start := i
		switch c := sql[i]; {
		case c == ' ' || c == '\n' || c == '\t' || c == '\r':
			i++
			continue
		case c == '\'' || c == '`' || c == '"':
			i = quoteEnd(sql, i)
		case wordByte(c):
			for i < len(sql) && wordByte(sql[i]) {
				i++
			}
		default:
			i++
		}
		text := sql[start:i]
		if closes(text) {
			depth = max(0, depth-1)
		}
		all = append(all, token{text, start, i, depth})
		if text == "(" || text == "[" || text == "{" {
			depth++
		}
	}
	return all
}

// quoteEnd returns the index after the quoted text that begins at i. A quote inside of it is escaped or doubled.
func quoteEnd(s string, i int) int {
	q := s[i]
	for i++; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == q && i+1 < len(s) && s[i+1] == q:
			i++
		case s[i] == q:
			return i + 1
		}
	}
	return len(s)
}

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func closes(text string) bool { return text == ")" || text == "]" || text == "}" }

func quotedText(text string) bool { return text[0] == '\'' || text[0] == '`' || text[0] == '"' }

// expecting are the words after which a name or a value has to come.
var expecting = words("BY KEY AND OR NOT IN LIKE ILIKE BETWEEN IS AS DIV MOD DEFAULT MATERIALIZED ALIAS EPHEMERAL CHECK ASSUME")

func words(list string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(list) {
		set[w] = true
	}
	return set
}

// keyword tells whether the i-th token is the word as a keyword. Servers print a column called TTL or SETTINGS without quotes, so what
// stands before it decides: a clause can only begin where an expression is complete.
func keyword(ts []token, i int, word string) bool {
	if ts[i].text != word || i == 0 {
		return false
	}
	before := ts[i-1].text
	return closes(before) || quotedText(before) || wordByte(before[0]) && !expecting[before]
}

// list splits tokens that stand at one depth, and what is deeper, at their commas.
func list(ts []token) [][]token {
	if len(ts) == 0 {
		return nil
	}
	var elements [][]token
	begin, depth := 0, ts[0].depth
	for i, t := range ts {
		if t.text == "," && t.depth == depth {
			if begin < i {
				elements = append(elements, ts[begin:i])
			}
			begin = i + 1
		}
	}
	if begin < len(ts) {
		elements = append(elements, ts[begin:])
	}
	return elements
}

// firstList returns what stands in the first pair of outermost parentheses.
func firstList(ts []token) [][]token {
	begin := -1
	for i, t := range ts {
		switch {
		case t.depth == 0 && t.text == "(" && begin < 0:
			begin = i + 1
		case t.depth == 0 && t.text == ")" && begin >= 0:
			return list(ts[begin:i])
		}
	}
	return nil
}

// between returns the text from the first of the tokens to the last.
func between(sql string, ts []token) string {
	if len(ts) == 0 {
		return ""
	}
	return sql[ts[0].start:ts[len(ts)-1].end]
}
