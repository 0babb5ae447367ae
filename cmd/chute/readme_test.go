package main

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"chute/config"
)

const readme = root + "/README.md"

var updateReadme = flag.Bool("update", false, "write the README's parts that are made of the code")

func readReadme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// wantPart compares what stands between two comment lines of the README, or writes it.
func wantPart(t *testing.T, name, from, want string) {
	t.Helper()
	begin := fmt.Sprintf("<!-- %s: written by go test ./cmd/chute -run TestReadme -update from %s -->\n", name, from)
	end := fmt.Sprintf("<!-- end of %s -->\n", name)
	text := readReadme(t)
	before, rest, found := strings.Cut(text, begin)
	had, after, closed := strings.Cut(rest, end)
	switch want = "\n" + want + "\n"; {
	case !found || !closed:
		t.Fatalf("%s lacks the lines %s and %s", readme, begin, end)
	case had == want:
	case !*updateReadme:
		t.Errorf("the part %q of %s isn't what the code says: go test ./cmd/chute -run TestReadme -update", name, readme)
	default:
		if err := os.WriteFile(readme, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// chapter is the text below a heading, up to the next one of its level.
func chapter(t *testing.T, heading string) string {
	t.Helper()
	_, text, found := strings.Cut(readReadme(t), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("%s has no chapter %q", readme, heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// rows are the table rows of a chapter, without the lines of dashes.
func rows(text string) [][]string {
	var all [][]string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "| ") {
			all = append(all, strings.Split(strings.Trim(line, "| "), " | "))
		}
	}
	return all
}

// goFiles parses the Go files of a folder: the tests, or the others.
func goFiles(t *testing.T, dir string, tests bool) map[string]*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no Go files in %s: %v", dir, err)
	}
	files := map[string]*ast.File{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") != tests {
			continue
		}
		if files[name], err = parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// TestReadmeNamesTests: every test and every script that the README names exists.
func TestReadmeNamesTests(t *testing.T) {
	known := map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			for name := range testsIn(t, filepath.Join(root, s.file)) {
				known[name] = true
			}
		}
	}
	names := regexp.MustCompile("`(Test[A-Z][A-Za-z0-9]*)`").FindAllStringSubmatch(readReadme(t), -1)
	for _, name := range names {
		if !known[name[1]] {
			t.Errorf("%s names the test %s, which doesn't exist", readme, name[1])
		}
	}
	for _, script := range regexp.MustCompile("`([a-z]+\\.txtar)`").FindAllStringSubmatch(readReadme(t), -1) {
		found, err := filepath.Glob("testdata/script/*/" + script[1])
		deeper, err2 := filepath.Glob("testdata/script/*/*/" + script[1])
		if err != nil || err2 != nil || len(found)+len(deeper) == 0 {
			t.Errorf("%s names the script %s, which doesn't exist", readme, script[1])
		}
	}
	if len(names) < 30 {
		t.Errorf("%s names only %d tests", readme, len(names))
	}
}

func testsIn(t *testing.T, file string) map[string]*ast.FuncDecl {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]*ast.FuncDecl{}
	for _, d := range parsed.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Test") {
			tests[f.Name.Name] = f
		}
	}
	return tests
}

// TestReadmeExamples loads the README's configurations.
func TestReadmeExamples(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```toml\n# ([^\n,]*)[^\n]*\n(.*?)```").FindAllStringSubmatch(readReadme(t), -1)
	jobs := map[string]string{}
	var installations []string
	for _, b := range blocks {
		if b[1] == "chute.toml" {
			installations = append(installations, b[2])
		} else {
			jobs[b[1]] = b[2]
		}
	}
	if len(installations) != 3 || len(jobs) != 2 {
		t.Fatalf("found %d chute.toml and %d jobs", len(installations), len(jobs))
	}
	for _, installation := range installations {
		dir := t.TempDir()
		jobs["chute.toml"] = installation
		for name, text := range jobs {
			file := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if _, loaded, err := config.Load(filepath.Join(dir, "chute.toml")); err != nil || len(loaded) != 2 {
			t.Errorf("%d jobs, %v", len(loaded), err)
		}
	}
}

// TestReadmeCommands: commands and flags in the README's shell blocks exist, and every command is among them.
func TestReadmeCommands(t *testing.T) {
	shown := map[string]bool{}
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(readReadme(t), -1) {
		for line := range strings.Lines(block[1]) {
			_, line, ours := strings.Cut(strings.Replace(line, "go run ./cmd/chute", "chute", 1), "chute ")
			if !ours {
				continue
			}
			c, rest, err := command().Find(shellWords(line))
			if err != nil || !c.HasParent() {
				t.Errorf("chute %s: no such command (%v)", line, err)
				continue
			}
			if err := c.ParseFlags(rest); err != nil {
				t.Errorf("chute %s: %v", line, err)
			} else if c.Args != nil {
				if err := c.Args(c, c.Flags().Args()); err != nil {
					t.Errorf("chute %s: %v", line, err)
				}
			}
			shown[c.CommandPath()] = true
		}
	}
	for _, c := range command().Commands() {
		if c.Runnable() && !shown[c.CommandPath()] && c.Name() != "help" {
			t.Errorf("the README doesn't show %s", c.CommandPath())
		}
	}
	for _, code := range []int{exitFinished, exitFailed, exitWithRejects, exitRejected, exitUsage, exitConfig} {
		if !strings.Contains(chapter(t, "Operating it"), fmt.Sprintf("| `%d` |", code)) {
			t.Errorf("the README lacks the exit code %d", code)
		}
	}
}

// shellWords cuts a line as a shell does, as far as the README's lines go: double quotes, and what is behind a > or | isn't the command's.
func shellWords(line string) (words []string) {
	for _, word := range regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(line, -1) {
		if word == ">" || word == "|" {
			break
		}
		words = append(words, strings.Trim(word, `"`))
	}
	return words
}

// TestReadmeRanks: the table of ranks is the one that is enforced.
func TestReadmeRanks(t *testing.T) {
	table := map[string]string{}
	for _, row := range rows(chapter(t, "Design")) {
		table[row[0]] = row[1]
	}
	for _, s := range sources(t) {
		if !strings.Contains(table[fmt.Sprint(rank(s.pkg))], "`"+s.pkg+"`") {
			t.Errorf("the README doesn't have %s at rank %d", s.pkg, rank(s.pkg))
		}
	}
}

// TestReadmeLinks: links within the README lead to a heading, others to a file.
func TestReadmeLinks(t *testing.T) {
	text := readReadme(t)
	for _, link := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(text, -1) {
		anchor, within := strings.CutPrefix(link[1], "#")
		if !within {
			if _, err := os.Stat(filepath.Join(root, link[1])); err != nil {
				t.Error(err)
			}
			continue
		}
		heading := regexp.MustCompile(`(?mi)^##+ ` + strings.ReplaceAll(regexp.QuoteMeta(anchor), "-", " ") + `$`)
		if !heading.MatchString(text) {
			t.Errorf("no heading for #%s", anchor)
		}
	}
	if bytes.ContainsAny([]byte(text), "\t\r") {
		t.Error("the README has tabs or CRs")
	}
}
