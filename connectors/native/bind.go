package native

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Identifier quotes a name for SQL text, whatever bytes it has, in a way that all versions of ClickHouse since 18.16 understand.
func Identifier(name string) string { return quote(name, '`') }

// Table quotes a table's name; database may be empty.
func Table(database, table string) string {
	if database == "" {
		return Identifier(table)
	}
	return Identifier(database) + "." + Identifier(table)
}

// quote writes s between quotes q. Control characters and bytes that aren't UTF-8 are escaped, so that the SQL text as a whole is
// valid UTF-8 on one line and survives every way to the server, also those that end at a NUL.
func quote(s string, q byte) string {
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(s)+2)
	b = append(b, q)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		c := s[i]
		switch {
		case c == q || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c == 0x7f || r == utf8.RuneError && n == 1:
			b = append(b, '\\', 'x', hex[c>>4], hex[c&15])
		default:
			b = append(b, s[i:i+n]...)
		}
		i += n
	}
	return string(append(b, q))
}

// Bind replaces each ? of sql that stands outside of quotes and comments by the next of args, written as a literal:
//
//	string, []byte, numbers     as they are; a negative one in parentheses, so that "a-?" can't become a comment
//	bool                        1 or 0
//	time.Time                   toDateTime('…', 'UTC'); with a fraction of a second toDateTime64, which old servers don't have
//	[]string, []uint64, []int64 a list in parentheses for IN; an empty one is a list that nothing is in
//
// A wrong number of args, another type, or SQL whose quotes or comments aren't closed is an error.
func Bind(sql string, args ...any) (string, error) {
	var b strings.Builder
	rest, used := sql, 0
	for rest != "" {
		n, err := plainPrefix(rest)
		if err != nil {
			return "", fmt.Errorf("cannot bind arguments: %w", err)
		}
		b.WriteString(rest[:n])
		if rest = rest[n:]; rest == "" {
			break
		}
		if used == len(args) {
			return "", fmt.Errorf("cannot bind arguments: there are more ? than the %d arguments", len(args))
		}
		lit, err := literal(args[used])
		if err != nil {
			return "", fmt.Errorf("cannot bind argument %d: %w", used+1, err)
		}
		b.WriteString(lit)
		rest = rest[1:]
		used++
	}
	if used != len(args) {
		return "", fmt.Errorf("cannot bind arguments: %d arguments for %d ?", len(args), used)
	}
	return b.String(), nil
}

// plainPrefix returns how many bytes of s come before its first ? outside of quotes and comments.
func plainPrefix(s string) (int, error) {
	for i := 0; i < len(s); {
		n, err := 1, error(nil)
		switch c := s[i]; {
		case c == '?':
			return i, nil
		case c == '\'' || c == '"' || c == '`':
			n, err = quotedLen(s[i:], c)
		case strings.HasPrefix(s[i:], "--"), strings.HasPrefix(s[i:], "# "), strings.HasPrefix(s[i:], "#!"):
			if n = strings.IndexByte(s[i:], '\n'); n < 0 {
				n = len(s) - i
			}
		case strings.HasPrefix(s[i:], "/*"):
			n, err = commentLen(s[i:])
		case isWordByte(c):
			// A word as a whole: a $ inside of it doesn't begin a heredoc.
			for i+n < len(s) && (isWordByte(s[i+n]) || s[i+n] == '$') {
				n++
			}
		case c == '$':
			n, err = heredocLen(s[i:])
		}
		if err != nil {
			return 0, err
		}
		i += n
	}
	return len(s), nil
}

// quotedLen returns the length of the quoted text that s begins with. A doubled quote is seen as two texts in a row, which comes to the same.
func quotedLen(s string, q byte) (int, error) {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case q:
			return i + 1, nil
		}
	}
	return 0, fmt.Errorf("a quote %q is not closed", string(q))
}

// commentLen returns the length of the comment that s begins with. Newer servers nest comments, older ones don't: one inside another is refused.
func commentLen(s string) (int, error) {
	end := strings.Index(s[2:], "*/")
	if end < 0 {
		return 0, fmt.Errorf("a comment is not closed")
	}
	if strings.Contains(s[2:2+end], "/*") {
		return 0, fmt.Errorf("a comment stands inside a comment: servers differ in where that ends")
	}
	return end + 4, nil
}

// heredocLen returns the length of $tag$text$tag$, or 1 for a lone $.
func heredocLen(s string) (int, error) {
	n := 1
	for n < len(s) && isWordByte(s[n]) {
		n++
	}
	if n == len(s) || s[n] != '$' {
		return 1, nil
	}
	tag := s[:n+1]
	end := strings.Index(s[n+1:], tag)
	if end < 0 {
		return 0, fmt.Errorf("a heredoc %s is not closed", cut(tag))
	}
	return n + 1 + end + len(tag), nil
}

func literal(arg any) (string, error) {
	switch v := arg.(type) {
	case string:
		return quote(v, '\''), nil
	case []byte:
		return quote(string(v), '\''), nil
	case bool:
		if v {
			return "1", nil
		}
		return "0", nil
	case time.Time:
		return timeLiteral(v)
	case float32:
		return floatLiteral(float64(v), 32), nil
	case float64:
		return floatLiteral(v, 64), nil
	case []string:
		return list(v, func(s string) string { return quote(s, '\'') }), nil
	case []uint64:
		return list(v, func(n uint64) string { return strconv.FormatUint(n, 10) }), nil
	case []int64:
		return list(v, intLiteral), nil
	}
	return integerLiteral(arg)
}

func integerLiteral(arg any) (string, error) {
	switch v := arg.(type) {
	case int:
		return intLiteral(int64(v)), nil
	case int8:
		return intLiteral(int64(v)), nil
	case int16:
		return intLiteral(int64(v)), nil
	case int32:
		return intLiteral(int64(v)), nil
	case int64:
		return intLiteral(v), nil
	case uint:
		return strconv.FormatUint(uint64(v), 10), nil
	case uint8:
		return strconv.FormatUint(uint64(v), 10), nil
	case uint16:
		return strconv.FormatUint(uint64(v), 10), nil
	case uint32:
		return strconv.FormatUint(uint64(v), 10), nil
	case uint64:
		return strconv.FormatUint(v, 10), nil
	}
	return "", fmt.Errorf("a %T cannot be written as a literal", arg)
}

func intLiteral(n int64) string { return negative(strconv.FormatInt(n, 10)) }

// negative puts parentheses around what begins with a minus: behind another minus it would begin a comment.
func negative(s string) string {
	if strings.HasPrefix(s, "-") {
		return "(" + s + ")"
	}
	return s
}

func floatLiteral(v float64, bits int) string {
	switch {
	case math.IsNaN(v):
		return "nan"
	case math.IsInf(v, 1):
		return "inf"
	case math.IsInf(v, -1):
		return "(-inf)"
	}
	s := strconv.FormatFloat(v, 'g', -1, bits)
	if !strings.ContainsAny(s, ".e") {
		s += ".0" // or it would be an integer
	}
	return negative(s)
}

// list writes (a, b, …). The empty list is (NULL): IN and NOT IN leave NULLs out of the list, so nothing is in it, on all versions.
func list[T any](values []T, lit func(T) string) string {
	if len(values) == 0 {
		return "(NULL)"
	}
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(lit(v))
	}
	return "(" + b.String() + ")"
}

func timeLiteral(t time.Time) (string, error) {
	t = t.UTC()
	if t.Nanosecond() == 0 {
		if s := t.Unix(); s < 0 || s > math.MaxUint32 {
			return "", fmt.Errorf("time %s is outside of DateTime", t.Format(time.RFC3339))
		}
		return "toDateTime('" + t.Format(time.DateTime) + "', 'UTC')", nil
	}
	if y := t.Year(); y < 1900 || y > 2261 {
		return "", fmt.Errorf("time %s is outside of DateTime64(9)", t.Format(time.RFC3339Nano))
	}
	return "toDateTime64('" + t.Format("2006-01-02 15:04:05.000000000") + "', 9, 'UTC')", nil
}
