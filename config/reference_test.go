package config

import (
	"bytes"
	"fmt"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

const (
	readme         = "../README.md"
	referenceBegin = "<!-- configuration reference: written by go test ./config -run TestReference -update -->\n"
	referenceEnd   = "<!-- end of configuration reference -->\n"
)

// TestReference: the README's reference is the comments and tags of the structs, and nothing else.
func TestReference(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := bytes.Cut(text, []byte(referenceBegin))
	had, after, closed := bytes.Cut(rest, []byte(referenceEnd))
	if !found || !closed {
		t.Fatalf("%s lacks the lines %s and %s", readme, referenceBegin, referenceEnd)
	}
	want := reference(t)
	if string(had) == want {
		return
	}
	if !*update {
		t.Fatalf("the reference in %s isn't what the structs say: go test ./config -run TestReference -update", readme)
	}
	made := bytes.Join([][]byte{before, []byte(referenceBegin + want + referenceEnd), after}, nil)
	if err := os.WriteFile(readme, made, 0o644); err != nil {
		t.Fatal(err)
	}
}

// structs are the config structs by name, as their source has them.
func structs(t *testing.T) map[string]*ast.StructType {
	t.Helper()
	found := map[string]*ast.StructType{}
	for _, file := range []string{"chute.go", "job.go", "format.go", "target.go", "export.go", "export_split.go", "export_column.go"} {
		parsed, err := goparser.ParseFile(token.NewFileSet(), file, nil, goparser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if body, ok := spec.Type.(*ast.StructType); ok {
					found[spec.Name.Name] = body
				}
			}
			return true
		})
	}
	return found
}

// reference is a table for each TOML table, the file's own keys first.
func reference(t *testing.T) string {
	all := structs(t)
	var b strings.Builder
	for _, file := range []struct{ title, root string }{{"chute.toml", "Chute"}, {"A job file, jobs.d/NAME.toml", "Job"}, {"A job file of kind export", "Export"}} {
		fmt.Fprintf(&b, "\n### %s\n", file.title)
		referenceTable(t, &b, all, file.root, "", "")
	}
	b.WriteString("\n")
	return b.String()
}

// referenceTable prints the plain keys of a struct, and behind them the tables in it.
func referenceTable(t *testing.T, b *strings.Builder, all map[string]*ast.StructType, name, heading, intro string) {
	names := keys(all[name])
	var plain, tables []*ast.Field
	for _, field := range all[name].Fields.List {
		switch {
		case keyOf(field) == "":
		case all[elementName(field.Type)] != nil:
			tables = append(tables, field)
		default:
			plain = append(plain, field)
		}
	}
	if heading != "" {
		fmt.Fprintf(b, "\n**`%s`**: %s\n", heading, intro)
	}
	if len(plain) > 0 {
		b.WriteString("\n| key | value | meaning |\n|---|---|---|\n")
	}
	for _, field := range plain {
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", keyOf(field), valueKind(t, field.Type), meaning(field, names))
	}
	for _, field := range tables {
		inner := strings.TrimPrefix(strings.Trim(heading, "[]")+"."+keyOf(field), ".")
		inner = "[" + inner + "]"
		if _, list := field.Type.(*ast.ArrayType); list {
			inner = "[" + inner + "]"
		}
		intro := strings.TrimPrefix(oneLine(field.Doc.Text()), field.Names[0].Name)
		if at := strings.LastIndexByte(intro, ']'); at >= 0 { // "is [state]: …"
			intro = strings.TrimPrefix(intro[at+1:], " entries")
		}
		referenceTable(t, b, all, elementName(field.Type), inner, strings.TrimLeft(intro, ":, "))
	}
}

// keys are the TOML keys of a struct by the names of its fields.
func keys(body *ast.StructType) map[string]string {
	names := map[string]string{}
	for _, field := range body.Fields.List {
		if key := keyOf(field); key != "" {
			names[field.Names[0].Name] = key
		}
	}
	return names
}

// keyOf is a field's TOML key, "" if it has none.
func keyOf(field *ast.Field) string {
	if field.Tag == nil {
		return ""
	}
	key := reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("toml")
	if key == "-" {
		return ""
	}
	return key
}

func elementName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.ArrayType:
		return elementName(e.Elt)
	case *ast.StarExpr:
		return elementName(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// kinds say what to write behind the equals sign, by the type of the field.
var kinds = map[string]string{
	"string": "text", "bool": "true, false", "int": "number", "float64": "number", "Size": "size", "Duration": "duration",
	"Secret": "secret", "Glob": "glob", "Regexp": "regular expression", "Pattern": "pattern", "Zone": "time zone",
	"TableName": "table", "Tolerance": `"any" or number`, "TimeFormat": "time format", "Bound": "number or text", "Separator": "character", "Line": "line",
	"SFTP": "SFTP address", "Schedule": "schedule", "Day": "day",
}

func valueKind(t *testing.T, e ast.Expr) string {
	if _, ok := e.(*ast.MapType); ok {
		return "table of texts"
	}
	kind := kinds[elementName(e)]
	if kind == "" {
		t.Errorf("kinds lacks the type %s: what does a person write for it?", elementName(e))
	}
	if _, list := e.(*ast.ArrayType); list {
		return "list of " + kind + "s"
	}
	return kind
}

// escaped are texts with a backslash, as TOML wants them.
var escaped = regexp.MustCompile(`"\\""|"\\[a-zA-Z\\]+"`)

var capitalized = regexp.MustCompile(`[^.] [A-Z][A-Za-z]+\b`)

// meaning is the field's comment, with the keys that people write for the names of Go fields.
func meaning(field *ast.Field, names map[string]string) string {
	text := strings.TrimLeft(strings.TrimPrefix(oneLine(field.Doc.Text()), field.Names[0].Name), " ,")
	for _, verb := range []string{"is ", "is, ", "are "} {
		text = strings.TrimPrefix(text, verb)
	}
	text = capitalized.ReplaceAllStringFunc(text, func(found string) string {
		if key, ok := names[found[2:]]; ok {
			return found[:2] + "`" + key + "`"
		}
		return found
	})
	// What Markdown would take for its own.
	text = strings.NewReplacer("|", `\|`, "*", `\*`, " _", ` \_`, "[[", `\[[`, "<", "&lt;").Replace(text)
	return escaped.ReplaceAllString(text, "`$0`")
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// TestReferenceNames: the README lists the names that are never taken.
func TestReferenceNames(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range temporaryNames {
		if !bytes.Contains(text, []byte("`"+name+"`")) {
			t.Errorf("%s doesn't name %s", readme, name)
		}
	}
}
