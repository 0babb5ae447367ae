package config

import (
	"go/ast"
	goparser "go/parser"
	"go/token"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestFieldCommentsSayWhatTheTagsSay: the comments are the manual, so each must name the default and all allowed values.
func TestFieldCommentsSayWhatTheTagsSay(t *testing.T) {
	checked := 0
	for _, file := range []string{"chute.go", "job.go", "format.go", "target.go", "export.go", "export_split.go", "export_column.go"} {
		parsed, err := goparser.ParseFile(token.NewFileSet(), file, nil, goparser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if field, ok := n.(*ast.Field); ok && field.Tag != nil {
				tag := reflect.StructTag(strings.Trim(field.Tag.Value, "`"))
				if tag.Get("toml") != "-" {
					checkComment(t, field.Names[0].Name, field.Doc.Text(), tag)
					checked++
				}
			}
			return true
		})
	}
	if checked < 70 {
		t.Errorf("only %d fields were found", checked)
	}
}

func checkComment(t *testing.T, name, comment string, tag reflect.StructTag) {
	t.Helper()
	comment = strings.Join(strings.Fields(comment), " ")
	if !strings.HasPrefix(comment, name) {
		t.Errorf("%s: the comment doesn't begin with the name: %q", name, comment)
	}
	if word := strings.ReplaceAll(tag.Get("default"), `"`, `\"`); !strings.Contains(comment, word) {
		t.Errorf("%s: the comment doesn't name the default %q: %q", name, word, comment)
	}
	for word := range strings.SplitSeq(tag.Get("oneof"), ",") {
		if word != "" && !strings.Contains(comment, `"`+word+`"`) {
			t.Errorf("%s: the comment doesn't name the value %q: %q", name, word, comment)
		}
	}
}

func TestDefaults(t *testing.T) {
	_, jobs, err := Load("testdata/good/minimal/chute.toml")
	if err != nil {
		t.Fatal(err)
	}
	chute, _, err := Load("testdata/good/minimal/chute.toml")
	if err != nil {
		t.Fatal(err)
	}
	j := jobs[0]
	switch {
	case chute.Database.Engine != "chdb", chute.Database.Path != "/var/lib/chute/chdb", chute.Jobs.Dir != "testdata/good/minimal/jobs.d",
		chute.Limits != Limits{256 << 20, 2 << 30, 2, 1 << 30}, chute.Stores[0].Work != ".chute":
		t.Errorf("%+v", chute)
	case j.Kind != "import", j.Label != "orders", j.Done.String() != "done", j.Rejected.String() != "rejected", !j.Enabled,
		j.Retry != Retry{8, 1e9, 60e9}, j.Batch != Batch{500, 8 << 20}, j.Batch.MaxBatchFile() != 2<<20,
		j.Format.Delimiter != ",", j.Format.Quote != `"`, !j.Format.Header, j.Format.MaxRecord != 16<<20, j.Format.MaxBytes != 256<<30,
		!j.Target.Lineage, j.Target.RunColumn != "_chute_run", j.Target.RecordColumn != "_chute_record",
		j.Errors != Errors{Tolerance{Any: true}, 100, 100, 1 << 30, 10000}:
		t.Errorf("%+v", j)
	}
}

func TestDefaultsThatDependOnOthers(t *testing.T) {
	_, jobs, err := Load("testdata/good/full/chute.toml")
	if err != nil {
		t.Fatal(err)
	}
	stock := jobs[2]
	if stock.Name != "globex.stock" || stock.Format.Delimiter != "\t" || stock.Inbox != "100%/{in}" {
		t.Errorf("%+v", stock)
	}
	if got, err := stock.Done.Expand(time.Time{}, nil); err != nil || got != "100%/done" {
		t.Errorf("done is %q, %v", got, err)
	}
	returns := jobs[1]
	if reason := returns.Columns[len(returns.Columns)-1]; reason.Source != "reason" || reason.OnError != "reject" {
		t.Errorf("%+v", reason)
	}
}

func TestTemplates(t *testing.T) {
	if len(Templates()) == 0 {
		t.Fatal("no templates")
	}
	for _, template := range Templates() {
		var problems Problems
		tree := parse(template.Name, []byte(template.Text), &problems)
		if tree.isExport() {
			decode(tree, &Export{}, &problems)
		} else {
			decode(tree, &Job{}, &problems)
		}
		if err := problems.err(); err != nil {
			t.Error(err)
		}
		if template.Summary == "" || strings.ContainsAny(template.Summary, "#\n") {
			t.Errorf("%s has the summary %q", template.Name, template.Summary)
		}
		if found, ok := FindTemplate(template.Name); !ok || found != template {
			t.Errorf("%s isn't found", template.Name)
		}
	}
	if _, ok := FindTemplate("nosuch"); ok {
		t.Error("a template that doesn't exist is found")
	}
}
