package main

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestReadmeDialect: each row of the table names a test of package format, and cases that the test has.
func TestReadmeDialect(t *testing.T) {
	cases := map[string]map[string]bool{}
	for file := range goFiles(t, "pipeline/format", true) {
		for name, f := range testsIn(t, file) {
			cases[name] = literals(f)
		}
	}
	shown := regexp.MustCompile("`(Test[A-Za-z0-9]+)`(?: \\(([^)]*)\\))?")
	table := rows(chapter(t, "How delimited text is read"))[1:]
	for _, row := range table {
		found := shown.FindAllStringSubmatch(row[len(row)-1], -1)
		if len(found) == 0 {
			t.Errorf("no test is named for %q", row[0])
		}
		for _, f := range found {
			if cases[f[1]] == nil {
				t.Errorf("package format has no test %s", f[1])
			}
			for _, c := range strings.Split(f[2], "; ") {
				if c != "" && !cases[f[1]][c] {
					t.Errorf("%s has no case %q", f[1], c)
				}
			}
		}
	}
	if len(table) < 20 {
		t.Errorf("the table has only %d rows", len(table))
	}
}

// literals are the texts in a piece of source.
func literals(n ast.Node) map[string]bool {
	found := map[string]bool{}
	ast.Inspect(n, func(n ast.Node) bool {
		if text, ok := literal(n); ok {
			found[text] = true
		}
		return true
	})
	return found
}

func literal(n ast.Node) (string, bool) {
	l, ok := n.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	return strings.Trim(l.Value, "`\""), true
}

// TestReadmeCodes: the table of codes has those that the code gives, and no others. Those of values are in the part on types.
func TestReadmeCodes(t *testing.T) {
	given := map[string]bool{}
	for _, dir := range []string{"pipeline", "pipeline/format", "pipeline/report"} {
		for name, file := range goFiles(t, dir, false) {
			ast.Inspect(file, func(n ast.Node) bool {
				if isAdvice(n) { // check's, which have a table of their own
					return false
				}
				for _, code := range codesIn(t, name, n) {
					given[code] = true
				}
				return true
			})
		}
	}
	listed := map[string]bool{}
	for _, row := range rows(chapter(t, "Codes"))[1:] {
		listed[strings.Trim(row[0], "`")] = true
	}
	for code := range given {
		if !listed[code] {
			t.Errorf("the README lacks the code %s", code)
		}
	}
	for code := range listed {
		if !given[code] {
			t.Errorf("the README has the code %s, which isn't given", code)
		}
	}
}

// codesIn finds the codes that a piece of source gives: a field Code of a literal, or the first argument of the functions that take one.
func codesIn(t *testing.T, file string, n ast.Node) []string {
	var code ast.Expr
	switch n := n.(type) {
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Code" {
			code = n.Value
		}
	case *ast.CallExpr:
		name := ""
		switch f := n.Fun.(type) {
		case *ast.Ident:
			name = f.Name
		case *ast.SelectorExpr:
			name = f.Sel.Name
		}
		if (name == "refuse" || name == "rejection" || name == "warn" || name == "unfit") && len(n.Args) > 1 {
			code = n.Args[0]
		}
	}
	switch code := code.(type) {
	case *ast.BasicLit:
		text, _ := literal(code)
		return []string{text}
	case *ast.BinaryExpr: // "not_" + the compression that is wanted
		if text, _ := literal(code.X); text == "not_" {
			return []string{"not_gzip", "not_zstd"}
		}
		t.Errorf("%s: a code is put together in a way that this test doesn't know", file)
	}
	return nil
}

// TestReadmeEffects: the table of effects has those of the fault table, which are all there are.
func TestReadmeEffects(t *testing.T) {
	effects := regexp.MustCompile("`([a-z. ]+)`")
	told, faults, _ := strings.Cut(chapter(t, "Exactly once"), "<!-- fault table")
	faults, _, _ = strings.Cut(faults, "| step of an export |") // which has a table of its own, in "Exports"
	var listed []string
	for _, row := range rows(told)[1:] {
		for _, name := range effects.FindAllStringSubmatch(strings.Join(row, " "), -1) {
			listed = append(listed, name[1])
		}
	}
	table := rows(faults)
	if len(table) < 25 {
		t.Fatalf("the fault table has %d rows", len(table))
	}
	for _, row := range table[1:] {
		if effect := strings.Trim(row[0], "` "); !slices.Contains(listed, effect) {
			t.Errorf("the README's table of effects lacks %q", effect)
		}
	}
}
