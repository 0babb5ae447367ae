package query

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"chute/connectors"
	"chute/connectors/native"
)

// pieces are what SQL for these tests is made of: whatever begins, ends or hides something.
var pieces = []string{"SELECT", "file", "url", "x", "SETTINGS", "FORMAT", "OUTFILE", " ", "  ", "\n", "\t", "'", "''", `\'`, `\\`, `\`, "`", "\"", "--", "/*", "*/", "/", "*", "-",
	"#", "#!", "$", "$$", "$a$", ";", ",", ".", "..", "(", ")", "[", "]", "{", "}", "?", ":", "::", "@", "@@", "|", "||", "->", "!=", "<=>", "1", "0", "1.", ".5", "1e", "e1", "0x", "0b1", "1_0", "_", "é", "\u00a0", "\u2018", "\ufeff",
	"\x00", "\v", "a.b", "b'1'", "x'41'", "%", "^", "~", "&", "=", "+", "<", ">", "\\G", "\\N", "//", "N'", "E'", "x'", "u&'", "!", "\r", "\f"}

// generated draws a question that may be anything.
func generated(t *rapid.T) string {
	any := rapid.OneOf(rapid.SampledFrom(pieces), rapid.SampledFrom(pieces), rapid.Map(rapid.ByteRange(' ', '~'), func(b byte) string { return string(rune(b)) }))
	return "SELECT " + strings.Join(rapid.SliceOfN(any, 0, 12).Draw(t, "pieces"), "")
}

// TestScanCutsAsTheEngineDoes: of whatever is taken, the engine's own lexer sees no name, keyword, text or comment that we don't see.
func TestScanCutsAsTheEngineDoes(t *testing.T) {
	taken := []string{
		"SELECT 1.5e-3, .5, 0xFF, 1., t.1, t.n.m FROM `a b`.\"c\" WHERE x != 'it''s' -- y\n AND z /* '*/ <=> [1,2][1]",
		"SELECT x->1, a||b, c::Int8, {a: 1}, e1.e2, 1.e2.e3",
	}
	rapid.Check(t, func(t *rapid.T) {
		for range 60 {
			if sql := generated(t); checked(sql) != "" {
				taken = append(taken, sql)
			}
		}
	})
	for from := 0; from < len(taken); from += 200 {
		compareCuts(t, taken[from:min(from+200, len(taken))])
	}
	if len(taken) < 100 {
		t.Errorf("only %d questions were taken", len(taken))
	}
}

// checked is what is sent for a question, nothing if it is refused.
func checked(sql string) string {
	sent, err := Check(sql, nil)
	if err != nil {
		return ""
	}
	return sent
}

// compareCuts asks the engine where it cuts, in one statement for all.
func compareCuts(t *testing.T, taken []string) {
	t.Helper()
	var quoted []string
	for _, sql := range taken {
		bound, err := native.Bind("?", checked(sql))
		if err != nil {
			t.Fatal(err)
		}
		quoted = append(quoted, bound)
	}
	var cuts []any
	err := sessions(t)["embedded"].Query(t.Context(), connectors.Statement{SQL: "SELECT tokenizeQuery(arrayJoin([" + strings.Join(quoted, ", ") + "]))"}, func(b *native.Block) error {
		values, err := native.Values(b.Columns[0], b.Data[0], b.Rows)
		cuts = append(cuts, values...)
		return err
	})
	if err != nil || len(cuts) != len(taken) {
		t.Fatalf("%d answers, %v", len(cuts), err)
	}
	for i, sql := range taken {
		sent, ours := checked(sql), places(t, sql)
		for _, cut := range cuts[i].([]any) {
			c := cut.([]any)
			begin, end := c[0].(uint64), c[1].(uint64)
			switch kind := fmt.Sprint(c[2]); {
			case strings.Contains(kind, "Comment"), kind == "HereDoc":
				t.Errorf("%q: the engine sees a %s: %q", sent, kind, sent[begin:end])
			case (kind == "BareWord" || kind == "QuotedIdentifier" || kind == "StringLiteral") && ours[begin] != sent[begin:end]:
				t.Errorf("%q: the engine sees a %s %q where we see %q", sent, kind, sent[begin:end], ours[begin])
			}
		}
	}
}

// places are our tokens by where they begin in what is sent.
func places(t *testing.T, sql string) map[uint64]string {
	t.Helper()
	tokens, err := scan(sql)
	if err != nil {
		t.Fatal(err)
	}
	sent, at, found := checked(sql), 0, map[uint64]string{}
	for _, token_ := range tokens {
		piece := text([]token{token_})
		n := strings.Index(sent[at:], piece)
		if n < 0 {
			break // a semicolon at the end, which isn't sent
		}
		found[uint64(at+n)] = piece
		at += n + len(piece)
	}
	return found
}

// FuzzCheck: what is taken is taken again, as it was sent, unless a name in it has to be written with an escape; and it holds nothing of what the rules are for.
func FuzzCheck(f *testing.F) {
	for _, a := range attacks {
		f.Add(a.sql)
	}
	for _, sql := range []string{"SELECT 1", "SELECT `a` /* b */ FROM t -- c", "(select 'x''y' , \"z\")"} {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		sent, err := Check(sql, nil)
		if err != nil {
			return
		}
		again, err := Check(sent, nil)
		if err != nil && !strings.Contains(err.Error(), "has an escape") || err == nil && again != sent {
			t.Fatalf("%q is sent as %q, which is sent as %q (%v)", sql, sent, again, err)
		}
	})
}
