package pipeline

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// effectNames finds, in the source, the names under which this package does what lasts.
func effectNames(t *testing.T) (names []string) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "export") { // an export has steps of its own
			continue
		}
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				names = append(names, effectsIn(t, set, f)...)
			}
		}
	}
	// What is done with orphans isn't a step of a run: TestOrphans makes each of it fail.
	names = slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, "orphan ") })
	slices.Sort(names)
	for i, name := range names[1:] {
		if name == names[i] {
			t.Errorf("two effects are called %q", name)
		}
	}
	return names
}

// effectsIn finds those of a function. A name that isn't written in the call of effect is a variable's, which the function sets, or a parameter of
// deleteRows.
func effectsIn(t *testing.T, set *token.FileSet, f *ast.FuncDecl) (names []string) {
	at := map[string]int{"effect": 0, "deleteRows": 1}
	ast.Inspect(f, func(n ast.Node) bool {
		if assign, ok := n.(*ast.AssignStmt); ok {
			for i, left := range assign.Lhs {
				if id, ok := left.(*ast.Ident); ok && id.Name == "effect" {
					names = append(names, textOf(t, set, assign.Rhs[i]))
				}
			}
		}
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		i, ok := at[method.Sel.Name]
		if !ok {
			return true
		}
		if id, ok := call.Args[i].(*ast.Ident); !ok || id.Name != "effect" {
			names = append(names, textOf(t, set, call.Args[i]))
		}
		return true
	})
	return names
}

func textOf(t *testing.T, set *token.FileSet, e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok {
		t.Errorf("%s: an effect's name is written in a way that this test doesn't know", set.Position(e.Pos()))
		return ""
	}
	text, err := strconv.Unquote(lit.Value)
	if err != nil {
		t.Error(err)
	}
	return text
}

const (
	faultTableBegin = "<!-- fault table: written by go test ./pipeline -run TestReadmeFaults -update -->\n"
	faultTableEnd   = "<!-- end of fault table -->\n"
)

// TestReadmeFaults: the README's fault table is what TestFaultTable demands.
func TestReadmeFaults(t *testing.T) {
	const readme = "../README.md"
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := bytes.Cut(text, []byte(faultTableBegin))
	had, after, closed := bytes.Cut(rest, []byte(faultTableEnd))
	if !found || !closed {
		t.Fatalf("%s lacks the lines %s and %s", readme, faultTableBegin, faultTableEnd)
	}
	want := faultTable()
	if string(had) == want {
		return
	}
	if !*update {
		t.Fatalf("the fault table in %s isn't what the test demands: go test ./pipeline -run TestReadmeFaults -update", readme)
	}
	made := bytes.Join([][]byte{before, []byte(faultTableBegin + want + faultTableEnd), after}, nil)
	if err := os.WriteFile(readme, made, 0o644); err != nil {
		t.Fatal(err)
	}
}

func faultTable() string {
	var b strings.Builder
	b.WriteString("\n| step | found behind it |")
	for _, f := range faults {
		fmt.Fprintf(&b, " %s |", f.name)
	}
	b.WriteString(" cells | on SFTP stores |\n|---|---|" + strings.Repeat("---|", len(faults)+2) + "\n")
	for _, step := range faultSteps {
		fmt.Fprintf(&b, "| `%s` | %s |", step.effect, step.finds)
		for _, f := range faults {
			result := "whole"
			if interrupted(step.effect, f, true) {
				result = "whole; blind: interrupted"
			}
			fmt.Fprintf(&b, " %s |", result)
		}
		fmt.Fprintf(&b, " %d |", countCells(faultCells(true, false), step))
		if n := countCells(sftpCells(true, false), step); n > 0 {
			fmt.Fprintf(&b, " %d |\n", n)
		} else {
			b.WriteString(" - |\n")
		}
	}
	for i, cells := range []func(whole, short bool) []faultCell{faultCells, sftpCells} {
		fmt.Fprintf(&b, "\n%d cells%s, of which `go test ./pipeline` runs %d and `go test -short` %d.\n", len(cells(true, false)),
			[]string{" on local stores", " on SFTP stores"}[i], len(cells(false, false)), len(cells(false, true)))
	}
	b.WriteString("\n")
	exportTable(&b)
	return b.String()
}

// exportTable has the effects of an export, and what is tried at each: see TestExportFault, TestExportRestart, TestExportCut, TestExportFull and TestExportLost.
func exportTable(b *strings.Builder) {
	b.WriteString("| step of an export | found behind it | error before | error after | kill before | kill after | SFTP line cut before, after | disk full after |\n|---|---|---|---|---|---|---|---|\n")
	whole := func(tried bool) string {
		if tried {
			return "whole"
		}
		return "-"
	}
	for _, p := range exportPoints {
		fmt.Fprintf(b, "| `%s` | %s | whole | whole | %s | %s | %s | %s |\n", p.effect, p.finds, whole(killable(p.effect, "-")), whole(killable(p.effect, "")),
			whole(slices.Contains(exportCuts, p.effect)), whole(slices.Contains(exportFills, p.effect)))
	}
	b.WriteString("\n")
}

func countCells(cells []faultCell, step faultStep) (n int) {
	for _, c := range cells {
		if c.step.effect == step.effect {
			n++
		}
	}
	return n
}
