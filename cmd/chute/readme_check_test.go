package main

import (
	"go/ast"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeCheckCodes: the table of check's codes has those that are given, and no others.
func TestReadmeCheckCodes(t *testing.T) {
	given := map[string]bool{"ok": true}
	note := func(e ast.Expr) {
		if code, ok := literal(e); ok && code != "" {
			given[code] = true
		}
	}
	for _, dir := range []string{"cmd/chute", "pipeline", "pipeline/reconcile"} {
		for name, file := range goFiles(t, dir, false) {
			if strings.HasPrefix(filepath.Base(name), "check") && dir == "cmd/chute" {
				findCodes(file, note)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if isAdvice(n) {
					findCodes(n, note)
				}
				return true
			})
		}
	}
	listed := map[string]bool{}
	_, table, _ := strings.Cut(chapter(t, "Checking an installation"), "| code | meaning |")
	for _, row := range rows(table) {
		listed[strings.Trim(row[0], "`")] = true
	}
	for code := range given {
		if !listed[code] {
			t.Errorf("the README lacks check's code %s", code)
		}
	}
	for code := range listed {
		if !given[code] {
			t.Errorf("the README has check's code %s, which isn't given", code)
		}
	}
	if len(listed) < 30 {
		t.Errorf("only %d codes", len(listed))
	}
}

// isAdvice tells a literal of reconcile.Advice, or of several.
func isAdvice(n ast.Node) bool {
	l, ok := n.(*ast.CompositeLit)
	if !ok {
		return false
	}
	of := l.Type
	if list, ok := of.(*ast.ArrayType); ok {
		of = list.Elt
	}
	if s, ok := of.(*ast.SelectorExpr); ok {
		of = s.Sel
	}
	name, ok := of.(*ast.Ident)
	return ok && name.Name == "Advice"
}

// findCodes finds codes of findings: a field Code, what is assigned to one, and what withCode is given.
func findCodes(n ast.Node, note func(ast.Expr)) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Code" {
				note(n.Value)
			}
		case *ast.AssignStmt:
			for i, to := range n.Lhs {
				if s, ok := to.(*ast.SelectorExpr); ok && s.Sel.Name == "Code" && len(n.Rhs) == len(n.Lhs) {
					note(n.Rhs[i])
				}
			}
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "withCode" && len(n.Args) == 2 {
				note(n.Args[1])
			}
		}
		return true
	})
}

// TestReadmeCheckExample: the example is what the script got, with an installation's usual paths.
func TestReadmeCheckExample(t *testing.T) {
	script, err := os.ReadFile("testdata/script/either/check_faults.txtar")
	if err != nil {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(string(script), "-- want/chdb --\n")
	got = strings.NewReplacer("WORK/state", "/var/lib/chute", "WORK/store", "/srv/chute/acme", "WORK", "/etc/chute").Replace(got)
	example := regexp.MustCompile("(?s)<!-- from the script check_faults: output -->\n```text\n(.*?)```").FindStringSubmatch(readReadme(t))
	if example == nil {
		t.Fatal("there is no example")
	}
	for line := range strings.Lines(example[1]) {
		if !strings.Contains(got, line) {
			t.Errorf("the script doesn't print %s", line)
		}
	}
}

// TestReadmeCheckFields: the table of the JSON's fields has those of a finding.
func TestReadmeCheckFields(t *testing.T) {
	_, table, _ := strings.Cut(chapter(t, "Checking an installation"), "| field | what it is |")
	table, _, _ = strings.Cut(table, "| code | meaning |")
	for field := range reflect.TypeFor[finding]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name != "" && !strings.Contains(table, "`"+name+"`") && !strings.Contains(table, "`findings[]."+name+"`") {
			t.Errorf("the README lacks the field %s", name)
		}
	}
	for _, kind := range kindsOf(t) {
		if !strings.Contains(table, "`"+kind+"`") {
			t.Errorf("the README lacks the kind %s", kind)
		}
	}
}

// kindsOf are the kinds that findings are given.
func kindsOf(t *testing.T) (kinds []string) {
	for name, file := range goFiles(t, "cmd/chute", false) {
		if !strings.HasPrefix(filepath.Base(name), "check") {
			continue
		}
		ast.Inspect(file, func(n ast.Node) bool {
			pair, ok := n.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			if key, ok := pair.Key.(*ast.Ident); ok && key.Name == "Kind" {
				if kind, ok := literal(pair.Value); ok {
					kinds = append(kinds, kind)
				}
			}
			return true
		})
	}
	if len(kinds) < 9 {
		t.Errorf("only the kinds %q", kinds)
	}
	return kinds
}
