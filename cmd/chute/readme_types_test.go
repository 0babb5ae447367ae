package main

import (
	"fmt"
	"go/doc/comment"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeTypes writes the chapter on types: it is the comment of package convert, which those who change a conversion have before their eyes.
func TestReadmeTypes(t *testing.T) {
	text := ""
	for _, file := range goFiles(t, "pipeline/convert", false) {
		text += file.Doc.Text()
	}
	var b strings.Builder
	skip, title := true, ""
	for _, block := range new(comment.Parser).Parse(text).Content {
		switch block := block.(type) {
		case *comment.Heading:
			skip, title = false, words(block.Text)
			fmt.Fprintf(&b, "### %s\n\n", strings.Replace(title, "Codes", "Codes of values", 1))
		case *comment.Paragraph:
			if !skip { // what comes before the first heading is for programmers
				fmt.Fprintf(&b, "%s\n\n", sentence(forPeople(words(block.Text))))
			}
		case *comment.Code:
			if !skip {
				b.WriteString(codeTable(title, block.Text) + "\n")
			}
		}
	}
	wantPart(t, "types", "the comment of pipeline/convert", strings.TrimSuffix(b.String(), "\n"))
}

// TestReadmeTables copies tables that other tests make.
func TestReadmeTables(t *testing.T) {
	for name, file := range map[string]string{
		"dialect":    "pipeline/format/testdata/dialect.md",
		"type table": "pipeline/convert/testdata/types.md",
	} {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		wantPart(t, name, file, strings.TrimSuffix(string(text), "\n")+"\n")
	}
}

// words is a paragraph on one line.
func words(text []comment.Text) string {
	var b strings.Builder
	for _, piece := range text {
		switch piece := piece.(type) {
		case comment.Plain:
			b.WriteString(string(piece))
		case comment.Italic:
			b.WriteString(string(piece))
		case *comment.DocLink:
			b.WriteString(words(piece.Text))
		case *comment.Link:
			b.WriteString(words(piece.Text))
		}
	}
	return strings.ReplaceAll(b.String(), "\n", " ")
}

// keyNames are the TOML keys for the names of Go fields that the comment uses.
var keyNames = map[string]string{
	"Trim": "trim", "Case": "case", "Map": "map", "MaxLength": "max_length", "Pattern": "regexp", "Format": "format", "TimeZone": "timezone",
	"Decimal": "decimal", "Thousands": "thousands", "True": "true", "False": "false", "Min": "min", "Max": "max", "OnError": "on_error",
	"Default": "default", "Required": "required", "Secret": "secret", "Null": "null",
}

var capitalized = regexp.MustCompile(`\b[A-Z][A-Za-z]+\b`)

// forPeople puts keys for Go's names, and paths as they are seen from the README.
func forPeople(text string) string {
	text = capitalized.ReplaceAllStringFunc(text, func(word string) string {
		if key, ok := keyNames[word]; ok {
			return "`" + key + "`"
		}
		return word
	})
	return strings.ReplaceAll(text, "testdata/", "pipeline/convert/testdata/")
}

// sentence begins with a capital letter.
func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// another begins the next type of a list; in Decimal(P, S) there is none.
var another = regexp.MustCompile(`, ([A-Z][a-zA-Z])`)

var gap = regexp.MustCompile(` {2,}`)

// codeTable makes a table of lines of two columns; a line that begins with a gap goes on with the one before.
func codeTable(title, text string) string {
	head := "type"
	if title == "Codes" {
		head = "code"
	}
	var table [][2]string
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\n"); strings.TrimSpace(line) == "" {
			continue
		}
		if strings.HasPrefix(line, "  ") {
			table[len(table)-1][1] += " " + strings.TrimSpace(line)
			continue
		}
		key := gap.FindStringIndex(line)
		table = append(table, [2]string{line[:key[0]], line[key[1]:]})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | meaning |\n|---|---|\n", head)
	for _, row := range table {
		fmt.Fprintf(&b, "| `%s` | %s |\n", another.ReplaceAllString(row[0], "`, `$1"), row[1])
	}
	return b.String()
}

// TestReadmePromises writes what each kind of table is worth, from the golden files that both engines were asked for.
func TestReadmePromises(t *testing.T) {
	embedded, server := promises(t, "describe-embedded.golden"), promises(t, "describe-server.golden")
	var b strings.Builder
	b.WriteString("| table | each record | visible, embedded engine | visible, server 18.16 |\n|---|---|---|---|\n")
	for _, c := range [][2]string{
		{"one key", "MergeTree"}, {"rows expire", "MergeTree with a TTL for rows"}, {"replacing", "ReplacingMergeTree"},
		{"summing", "SummingMergeTree"}, {"aggregating", "AggregatingMergeTree"}, {"collapsing", "CollapsingMergeTree"},
		{"view attached", "MergeTree with materialized views"}, {"log", "Log"},
	} {
		once, visible, _ := embedded[c[0]].parts(t, c[0])
		there := "-"
		if server[c[0]] != "" {
			_, there, _ = server[c[0]].parts(t, c[0])
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", c[1], once, visible, there)
	}
	_, _, survival := embedded["one key"].parts(t, "one key")
	_, _, there := server["one key"].parts(t, "one key")
	fmt.Fprintf(&b, "\nWith the embedded engine all of it %s. With the server it %s.\n", survival, there)
	wantPart(t, "promises", "package pipeline/reconcile", b.String())
}

// promise is a line of a golden file: the method, "each record" and how often, who sees it when, what it survives.
type promise string

var promiseParts = regexp.MustCompile(`^[a-z ]+; each record (.*?); (.*?); (survives .*)$`)

func (p promise) parts(t *testing.T, kind string) (once, visible, survival string) {
	t.Helper()
	found := promiseParts.FindStringSubmatch(string(p))
	if found == nil {
		t.Fatalf("the promise for %q has an unknown form: %q", kind, p)
	}
	return found[1], found[2], found[3]
}

// promises reads what is promised for each kind of table.
func promises(t *testing.T, golden string) map[string]promise {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "pipeline/reconcile/testdata", golden))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]promise{}
	for kind := range strings.SplitSeq(string(text), "\n== ") {
		lines := strings.Split(strings.TrimSpace(kind), "\n")
		found[strings.TrimPrefix(lines[0], "== ")] = promise(lines[len(lines)-1])
	}
	return found
}
