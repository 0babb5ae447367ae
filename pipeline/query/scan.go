package query

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"chute/connectors/native"
)

type kind uint8

const (
	word   kind = iota // an unquoted name or keyword
	name               // a name in backticks or double quotes; text is what is between them
	number             // what begins with a digit
	str                // a text in single quotes; text has the quotes
	sign               // one character
)

// token is a piece of SQL that has a meaning.
type token struct {
	kind  kind
	text  string
	apart bool // blanks or a comment come before it
}

func (t token) is(sign_ string) bool { return t.kind == sign && t.text == sign_ }

// keyword tells whether an unquoted word is this keyword.
func (t token) keyword(word_ string) bool {
	return t.kind == word && strings.EqualFold(t.text, word_)
}

// The numbers that all servers cut in the same way. The point and the sign of an exponent are tokens of their own.
var (
	decimals = regexp.MustCompile(`^[0-9]+([eE][0-9]+)?$`)
	exponent = regexp.MustCompile(`^[0-9]+[eE]$`) // its digits follow, behind a sign
	signed   = regexp.MustCompile(`^[+-][0-9]`)
	others   = regexp.MustCompile(`^(0[xX][0-9A-Fa-f]+|0[bB][01]+)$`)
)

// signs that are taken outside of quotes.
const signs = "()[]{},.;:+-*/%<>=!|"

// scan cuts SQL into tokens. Where servers differ in how they cut, or where a name isn't what it seems, it refuses.
func scan(sql string) (tokens []token, err error) {
	apart := false
	for i := 0; i < len(sql); {
		rest := sql[i:]
		n, t := 1, token{}
		switch c := sql[i]; {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			apart = true
			i++
			continue
		case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "/*"):
			if n, err = commentLen(rest); err != nil {
				return nil, err
			}
			apart = true
			i += n
			continue
		case c == '\'':
			n, err = quotedLen(rest)
			t = token{kind: str, text: rest[:n]}
		case c == '`' || c == '"':
			n, err = quotedLen(rest)
			if err == nil {
				t, err = nameIn(rest[:n])
			}
		case isWord(c):
			for n < len(rest) && isWord(rest[n]) {
				n++
			}
			t, err = wordIn(rest[:n], rest[n:], i > 0 && sql[i-1] == '.')
			if err == nil && n < len(rest) && rest[n] == '\'' {
				err = refused("%.60q stands before a quote without a blank: texts like x'41' aren't taken, write unhex('41')", rest[:n])
			}
		case strings.HasPrefix(rest, "//"):
			err = refused("// isn't taken: newer servers begin a comment there")
		case strings.IndexByte(signs, c) >= 0:
			t = token{kind: sign, text: rest[:1]}
		default:
			char, _ := utf8.DecodeRuneInString(rest)
			return nil, refused("the character %q isn't taken outside of quotes (byte %d)", char, i+1)
		}
		if err != nil {
			return nil, err
		}
		t.apart, apart = apart, false
		tokens = append(tokens, t)
		i += n
	}
	return tokens, nil
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// wordIn tells a name from a number. What follows, and whether a point comes before, matters for numbers.
func wordIn(text, following string, fraction bool) (token, error) {
	switch {
	case text[0] > '9':
		return token{kind: word, text: text}, nil
	case decimals.MatchString(text), exponent.MatchString(text) && signed.MatchString(following), others.MatchString(text) && !fraction:
		return token{kind: number, text: text}, nil
	}
	return token{}, refused("%.60q is neither a name nor a number: put a name that begins with a digit in backticks", text)
}

// quotedLen returns the length of the quoted text that s begins with. One quote behind another stands for a quote, or begins the next text: it comes
// to the same end.
func quotedLen(s string) (int, error) {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			if i+1 == len(s) || s[i+1] != s[0] {
				return i + 1, nil
			}
			i++
		}
	}
	return 0, refused("a quote %.1q isn't closed", s)
}

// nameIn takes a name out of its quotes. One with escapes in it may be read differently by different servers.
func nameIn(quoted string) (token, error) {
	text := quoted[1 : len(quoted)-1]
	if text == "" || strings.ContainsAny(text, "\\`\"\x00") {
		return token{}, refused("the name %.60q has an escape, a quote or nothing in it, and isn't taken", quoted)
	}
	return token{kind: name, text: text}, nil
}

// commentLen returns the length of the comment that s begins with. Newer servers nest comments, older ones don't.
func commentLen(s string) (int, error) {
	if s[0] == '-' {
		if n := strings.IndexByte(s, '\n'); n >= 0 {
			return n + 1, nil
		}
		return len(s), nil
	}
	end := strings.Index(s[2:], "*/")
	switch {
	case end < 0:
		return 0, refused("a comment isn't closed")
	case strings.Contains(s[2:2+end], "/*"):
		return 0, refused("a comment stands inside a comment: servers differ in where that ends")
	}
	return end + 4, nil
}

// text puts tokens together again, without comments and with one way of quoting names.
func text(tokens []token) string {
	var b strings.Builder
	for _, t := range tokens {
		if t.apart && b.Len() > 0 {
			b.WriteByte(' ')
		}
		if t.kind == name {
			b.WriteString(native.Identifier(t.text))
		} else {
			b.WriteString(t.text)
		}
	}
	return b.String()
}
