package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mutation is a paragraph of .ci/mutations.
type mutation struct{ what, file, cut, put, red, spared string }

func readMutations(t *testing.T) (all []mutation) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, ".ci", "mutations"))
	if err != nil {
		t.Fatal(err)
	}
	for _, paragraph := range strings.Split(string(text), "\n\n") {
		if strings.HasPrefix(paragraph, "#") {
			continue
		}
		var m mutation
		fields := map[string]*string{"what": &m.what, "file": &m.file, "cut": &m.cut, "put": &m.put, "red": &m.red, "spared": &m.spared}
		for line := range strings.Lines(paragraph) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			if fields[key] == nil {
				t.Fatalf(".ci/mutations: there is no field %q", key)
			}
			*fields[key] = strings.TrimSpace(value)
		}
		all = append(all, m)
	}
	return all
}

// durable are calls that make something durable, except those of what is written in the same package only to be called there.
var durable = regexp.MustCompile(`\.Sync\(|[sS]yncfs\(|fsync\(|syncAt\(|syncPath\(|syncAll\(|\.sync\(\)|\bim\.(record|advance)\(|` +
	`Ledger\.(Begin|Update|Advance|Publish|Replaced|Hold)\(|\.ExecContext\(|"synchronous`)

// TestMutations: whatever makes something durable, in the packages on which exactly-once rests, is in the list of mutations, and each of those can be done:
// the text is there once, and its tests exist.
func TestMutations(t *testing.T) {
	all, tests := readMutations(t), map[string]string{}
	for _, m := range all {
		text, err := os.ReadFile(filepath.Join(root, m.file))
		if n := strings.Count(string(text), m.cut); err != nil || m.cut == "" || n != 1 {
			t.Errorf("%s has %d times %q (%v)", m.file, n, m.cut, err)
		}
		if m.spared != "" {
			continue
		}
		dir, name, _ := strings.Cut(m.red, " ")
		if tests[dir] == "" {
			tests[dir] = testsOf(t, dir)
		}
		if name, _, _ = strings.Cut(name, "/"); m.put == "" || m.what == "" || !strings.Contains(tests[dir], " "+name) {
			t.Errorf("%q: the test %q isn't in %s, or a field is missing", m.what, name, dir)
		}
	}
	for _, dir := range []string{"connectors/local", "connectors/chdb", "pipeline", "pipeline/ledger", "pipeline/report", "pipeline/reject", "pipeline/reconcile"} {
		for name := range goFiles(t, dir, false) {
			mutationsOf(t, all, name)
		}
	}
}

// mutationsOf looks at the lines of a file.
func mutationsOf(t *testing.T, all []mutation, name string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	file, err := filepath.Rel(root, name)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		code, _, _ := strings.Cut(line, "//")
		if !durable.MatchString(code) || strings.HasPrefix(code, "func ") {
			continue
		}
		found := false
		for _, m := range all {
			found = found || m.file == file && strings.Contains(line, m.cut)
		}
		if !found {
			t.Errorf("%s: no mutation in .ci/mutations leaves this out: %s", file, strings.TrimSpace(line))
		}
	}
}

// testsOf are the names of a package's tests, with a blank before each.
func testsOf(t *testing.T, dir string) (names string) {
	t.Helper()
	for file := range goFiles(t, dir, true) {
		for test := range testsIn(t, file) {
			names += " " + test
		}
	}
	return names
}

// TestReadmeMutations: the README's table of mutations is the list that .ci/mutate tries.
func TestReadmeMutations(t *testing.T) {
	var b strings.Builder
	b.WriteString("| what is left out | in | which test is red then |\n|---|---|---|\n")
	for _, m := range readMutations(t) {
		if m.spared == "" {
			_, tests, _ := strings.Cut(m.red, " ")
			test, step, _ := strings.Cut(tests, "/")
			if _, step, found := strings.Cut(step, "step="); found {
				test += ", step " + strings.NewReplacer("(", "", ")", "", "|", ", ", "_", " ", "/", "").Replace(step)
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", m.what, m.file, test)
		}
	}
	wantPart(t, "mutations", ".ci/mutations", b.String())
}
