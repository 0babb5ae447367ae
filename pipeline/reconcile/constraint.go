package reconcile

import "strings"

// Constraint is a CHECK of the target. Attached parts pass it by, so it is judged in the stage.
type Constraint struct {
	Name       string // quoted as the server prints it
	Expression string // SQL, as the server prints it
}

// parseConstraints finds the CHECK constraints in a CREATE TABLE query as a server prints it. There is no system table of
// them. ASSUME constraints aren't rules for rows and are left out.
func parseConstraints(create string) []Constraint {
	var found []Constraint
	for _, element := range columnList(create) {
		rest, ok := strings.CutPrefix(element, "CONSTRAINT ")
		if !ok {
			continue
		}
		end := identifierEnd(rest)
		name, rest := rest[:end], rest[end:]
		if expression, ok := strings.CutPrefix(rest, " CHECK "); ok {
			found = append(found, Constraint{Name: name, Expression: strings.TrimSpace(expression)})
		}
	}
	return found
}

// columnList splits what stands in the first pair of parentheses of a CREATE TABLE query at its own commas.
func columnList(create string) []string {
	start := topLevel(create, 0, '(')
	if start < 0 {
		return nil
	}
	var elements []string
	for begin := start + 1; ; {
		end := topLevel(create, begin, ',')
		closing := topLevel(create, begin, ')')
		if closing < 0 {
			return elements
		}
		if end < 0 || end > closing {
			return append(elements, strings.TrimSpace(create[begin:closing]))
		}
		elements = append(elements, strings.TrimSpace(create[begin:end]))
		begin = end + 1
	}
}

// topLevel returns the index of the first b at or after from that stands outside quotes and parentheses opened after from, or -1.
func topLevel(s string, from int, b byte) int {
	depth := 0
	for i := from; i < len(s); i++ {
		switch c := s[i]; {
		case c == b && depth == 0:
			return i
		case c == '\'' || c == '`' || c == '"':
			i = quoteEnd(s, i) - 1
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			if depth--; depth < 0 {
				return -1
			}
		}
	}
	return -1
}

// quoteEnd returns the index after the quoted text that begins at i. Servers print a quote inside as \' or doubled.
func quoteEnd(s string, i int) int {
	q := s[i]
	for i++; i < len(s); i++ {
		if s[i] == '\\' {
			i++
		} else if s[i] == q {
			return i + 1
		}
	}
	return len(s)
}

func identifierEnd(s string) int {
	if strings.HasPrefix(s, "`") {
		return quoteEnd(s, 0)
	}
	if end := strings.IndexByte(s, ' '); end >= 0 {
		return end
	}
	return len(s)
}
