package main

import (
	"fmt"
	"go/doc/comment"
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
				fmt.Fprintf(&b, "%s\n\n", sentence(words(block.Text)))
			}
		case *comment.Code:
			if !skip {
				b.WriteString(codeTable(title, block.Text) + "\n")
			}
		}
	}
	wantPart(t, "types", "the comment of pipeline/convert", strings.TrimSuffix(b.String(), "\n"))
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
