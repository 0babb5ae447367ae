package query

import (
	"strings"
	"testing"
)

var expressions = map[string]string{
	"id = 1": "", "(a OR b) AND c IN (1, 2)": "", "x[1] = {p:Array(UInt8)}": "", "a = ')' -- )": "", "a /* ( */": "", "`)` = \"(\"": "", "s = 'it''s )'": "", "id IN (SELECT id FROM t)": "", `s = '\')'`: "",
	"CAST(a AS UInt8) = 1": "", "cast(a as Decimal(9, 2)) = CAST(b, 'UInt8')": "", "id IN (SELECT a AS id FROM t WHERE (1 AS x) = 1)": "", "t.as = 1": "", "`as` = 1": "", "(WITH 1 AS x SELECT x) = 1": "",
	"(1 as id) = 1": "an alias, AS id, reaches beyond", "1 AS id": "AS id", "[1 AS `id`] = [1]": "AS id", "CAST((1 AS id) AS UInt8) = 1": "AS id", "CAST(1 AS id AS UInt8) = 1": "AS UInt8", "CAST(1 AS id, 'UInt8') = 1": "AS id",
	"f(1 AS id, 2)": "AS id", "f(x -> (1 AS id))": "AS id", "a IN (SELECT 1) AND (1 AS id)": "AS id", "CAST(CAST(1 AS UInt8) AS id, 'UInt8')": "AS id", "t.cast(1 AS id)": "AS id",
	"id = 1) or (id < 0": "closes one that isn't opened", "a = 1)": "closes one", "(a": "( isn't closed", "(a]": "( is closed by ]", "{a": "{ isn't closed", "a; b": "a semicolon", "a;": "a semicolon", "": "no expression",
	"-- x": "no expression", "a = 'x": "isn't closed", "a /* b": "a comment isn't closed", "a /* /* */": "a comment stands inside", "a # b": "isn't taken", "a = '\\": "isn't closed",
}

func TestExpression(t *testing.T) {
	for sql, want := range expressions {
		err := Expression(sql)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", sql, err, want)
		}
	}
}

// FuzzExpression: put into brackets, what is taken ends where they do: behind it comes what was put behind it, and no more is open than before.
func FuzzExpression(f *testing.F) {
	for sql := range expressions {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		if Expression(sql) != nil {
			return
		}
		tokens, err := scan("(" + sql + "\n) AND (w)")
		if err != nil {
			t.Fatalf("%q isn't taken in brackets: %v", sql, err)
		}
		depth := 0
		for i, token_ := range tokens {
			if token_.is("(") || token_.is("[") || token_.is("{") {
				depth++
			} else if token_.is(")") || token_.is("]") || token_.is("}") {
				depth--
			}
			if inside := i < len(tokens)-5; depth < 1 && inside {
				t.Fatalf("%q leaves the brackets at token %d", sql, i)
			}
		}
		if end := text(tokens[len(tokens)-5:]); depth != 0 || end != ") AND (w)" {
			t.Fatalf("%q: %d open, and at the end %q", sql, depth, end)
		}
	})
}
