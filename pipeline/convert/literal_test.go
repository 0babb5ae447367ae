package convert

import (
	"fmt"
	"strings"
	"testing"

	"chute/connectors/native"

	"pgregory.net/rapid"
)

// drawLiteral draws a value of a type in ClickHouse's writing, with what it is.
func drawLiteral(t *rapid.T, typ *native.Type) (text string, value any) {
	switch typ.Kind {
	case native.LowCardinality:
		return drawLiteral(t, typ.Elems[0])
	case native.Nullable:
		if rapid.Bool().Draw(t, "null") {
			return "NULL", nil
		}
		return drawLiteral(t, typ.Elems[0])
	case native.UInt16:
		n := rapid.Uint16().Draw(t, "n")
		return fmt.Sprint(n), uint64(n)
	case native.String:
		s := rapid.StringOfN(rapid.RuneFrom([]rune("a,'\\(]{:é \n\x00N")), 0, 6, -1).Draw(t, "s")
		return "'" + strings.NewReplacer(`\`, `\\`, "'", rapid.SampledFrom([]string{`\'`, "''"}).Draw(t, "quote"), "\n", `\n`, "\x00", `\0`).Replace(s) + "'", s
	}
	if typ.Kind == native.Tuple {
		return drawTuple(t, typ.Elems, "(", ", ", ")")
	}
	var texts []string
	all := []any{}
	for range rapid.IntRange(0, 3).Draw(t, "length") {
		var s string
		var v any
		if typ.Kind == native.Map {
			s, v = drawTuple(t, typ.Elems, "", " : ", "")
			v = [2]any(v.([]any))
		} else {
			s, v = drawLiteral(t, typ.Elems[0])
		}
		texts, all = append(texts, s), append(all, v)
	}
	brackets := "[]"
	if typ.Kind == native.Map {
		brackets = "{}"
	}
	return brackets[:1] + strings.Join(texts, ",") + " " + brackets[1:], all
}

func drawTuple(t *rapid.T, types []*native.Type, open, between, end string) (string, any) {
	var texts []string
	var all []any
	for _, e := range types {
		s, v := drawLiteral(t, e)
		texts, all = append(texts, s), append(all, v)
	}
	return open + strings.Join(texts, between) + end, all
}

var literalTypes = []string{"Array(UInt16)", "Array(Nullable(String))", "Array(Array(String))", "Tuple(UInt16, Array(Nullable(UInt16)), String)", "Map(String, Array(Tuple(String, UInt16)))",
	"Array(Map(LowCardinality(String), Nullable(UInt16)))", "Array(Tuple(Array(UInt16)))"}

// TestLiterals: what is written as ClickHouse writes it is what is read.
func TestLiterals(t *testing.T) {
	for _, s := range literalTypes {
		typ := typeOf(t, s)
		p := compiled(t, Column{Name: "c", Type: typ})
		rapid.Check(t, func(t *rapid.T) {
			text, want := drawLiteral(t, typ)
			v, reason := one(t, p, text, false)
			if reason != nil || !same(v, want) {
				t.Fatalf("%s: %q gives %v, %+v, want %v", typ, text, v, reason, want)
			}
		})
	}
}

// FuzzLiteral: no text makes the reading of lists panic, leave something behind, or take a list whose brackets don't close.
func FuzzLiteral(f *testing.F) {
	for _, s := range []string{"[1,2]", "[[],['a\\x41''']]", "(1,[NULL],'x')", "{'a':[('b',1)]}", "[(([1]))]", "[", "['", "['\\", "{'a':", "[1,]", "(1,)", "[1]]"} {
		f.Add(s)
	}
	var plans []*Plan
	for _, s := range literalTypes {
		plans = append(plans, compiled(f, Column{Name: "c", Type: typeOf(f, s)}))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" || len(text) > 2000 {
			return
		}
		for i, p := range plans {
			v, reason := one(t, p, text, false)
			if end := strings.TrimRight(text, " \t\r\n"); reason == nil && strings.IndexByte("])}", end[len(end)-1]) < 0 {
				t.Fatalf("%s: %q is taken as %v", literalTypes[i], text, v)
			}
		}
	})
}
