package config

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// globExpression is a regular expression for the same names.
func globExpression(glob string) string {
	var b strings.Builder
	b.WriteString("(?s)^(?:")
	depth := 0
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; {
		case c == '*':
			b.WriteString(".*")
		case c == '?':
			b.WriteByte('.')
		case c == '{':
			depth++
			b.WriteString("(?:")
		case c == ',' && depth > 0:
			b.WriteByte('|')
		case c == '}' && depth > 0:
			depth--
			b.WriteByte(')')
		case c == '[':
			i += globSet(&b, glob[i+1:])
		case c == '\\' && i+1 < len(glob):
			i++
			fallthrough
		default:
			b.WriteString(literal(glob[i]))
		}
	}
	b.WriteString(")$")
	return b.String()
}

// literal is one byte of a pattern as itself. Bytes of longer characters stand beside each other in the pattern and do in the expression.
func literal(c byte) string {
	if c < 0x80 && !('0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z') {
		return fmt.Sprintf(`\x%02x`, c)
	}
	return string([]byte{c})
}

// globSet writes the set whose text begins behind the opening bracket, and returns how far it goes. A range from a higher character to a
// lower one is the first of them.
func globSet(b *strings.Builder, text string) (length int) {
	rest := text
	next := func() rune {
		r, width := utf8.DecodeRuneInString(rest)
		rest = rest[width:]
		return r
	}
	var not string
	if rest[0] == '!' || rest[0] == '^' {
		not = "^"
		next()
	}
	var items strings.Builder
	for rest[0] != ']' {
		from := next()
		if from == '\\' {
			from = next()
		}
		to := from
		if len(rest) > 1 && rest[0] == '-' && rest[1] != ']' {
			next()
			if to = next(); to == '\\' {
				to = next()
			}
		}
		fmt.Fprintf(&items, `\x{%x}-\x{%x}`, from, max(from, to))
	}
	b.WriteString("[" + not + items.String() + "]")
	return len(text) - len(rest) + 1
}
