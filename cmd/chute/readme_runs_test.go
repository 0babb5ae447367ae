package main

import (
	"fmt"
	"go/ast"
	"reflect"
	"slices"
	"strings"
	"testing"

	"chute/pipeline/ledger"
)

// TestReadmeRunFields: the tables of the fields of JSON are made of the structs.
func TestReadmeRunFields(t *testing.T) {
	tables := fieldTables(t, "cmd/chute", [][2]string{
		{"`chute runs --json`: an object a line", "runLine"},
		{"`chute show --json`: one object, with the same fields and", "shownJSON"},
		{"An object of `files`", "runFile"},
		{"`chute audit --json`: an object a line; about a run", "differenceLine"},
		{"and, behind those, about each table", "auditedLine"},
	})
	wantPart(t, "run fields", "the structs in cmd/chute", tables)
}

// fieldTables are tables of the JSON fields of structs, each a title and the struct's name, made of the comments behind the fields.
func fieldTables(t *testing.T, dir string, parts [][2]string) string {
	structs := map[string]*ast.StructType{}
	for _, file := range goFiles(t, dir, false) {
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				structs[spec.Name.Name], _ = spec.Type.(*ast.StructType)
			}
			return true
		})
	}
	var b strings.Builder
	for _, part := range parts {
		fmt.Fprintf(&b, "%s\n\n| field | meaning |\n|---|---|\n", part[0])
		for _, field := range structs[part[1]].Fields.List {
			if field.Tag == nil {
				continue // the other struct's fields
			}
			key, options, _ := strings.Cut(reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("json"), ",")
			meaning := strings.TrimSpace(field.Comment.Text())
			if meaning == "" {
				t.Errorf("%s.%s has no comment", part[1], field.Names[0])
			}
			if strings.HasPrefix(options, "omit") && !strings.Contains(meaning, "missing") {
				meaning += "; else missing"
			}
			fmt.Fprintf(&b, "| `%s` | %s |\n", key, strings.ReplaceAll(meaning, "\\", "\\\\"))
		}
		b.WriteString("\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// TestReadmeStatuses: the README says of each status what it means.
func TestReadmeStatuses(t *testing.T) {
	var listed []ledger.Status
	text, _, _ := strings.Cut(chapter(t, "Runs"), "<!--")
	for _, row := range rows(text) {
		if status := ledger.Status(strings.Trim(row[0], "`")); slices.Contains(ledger.Statuses, status) {
			listed = append(listed, status)
		}
	}
	if !slices.Equal(listed, ledger.Statuses) {
		t.Errorf("the README explains %q, there are %q", listed, ledger.Statuses)
	}
}
