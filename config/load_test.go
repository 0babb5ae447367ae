package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares a text with a file.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}

func cases(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatalf("no %s: %v", pattern, err)
	}
	return found
}

func TestBadConfigurations(t *testing.T) {
	for _, file := range cases(t, "testdata/bad/*/chute.toml") {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			chute, jobs, err := Load(file)
			if err == nil || chute != nil || jobs != nil {
				t.Fatalf("Load accepted it: %v", err)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("a problem repeats a secret")
			}
			golden(t, filepath.Join(dir, "problems.golden"), err.Error()+"\n")
		})
	}
}

func TestTwelveMistakesGiveTwelveMessages(t *testing.T) {
	_, _, err := Load("testdata/bad/twelve/chute.toml")
	problems, ok := err.(Problems)
	if !ok || len(problems) != 12 {
		t.Fatalf("%T with %d problems:\n%v", err, len(problems), err)
	}
	lines := make(map[int]bool)
	for _, p := range problems {
		lines[p.Line] = true
	}
	if len(lines) != 12 {
		t.Errorf("the problems are in %d lines, want 12", len(lines))
	}
}

func TestGoodConfigurations(t *testing.T) {
	for _, file := range cases(t, "testdata/good/*/chute.toml") {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			chute, jobs, err := Load(file)
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for _, e := range chute.Exports {
				b.WriteString("##### " + e.Name + ": to " + e.Outbox.String() + "/" + e.File.String() + ", delimiter " + e.Format.Delimiter + "\n" + e.Effective + "\n")
			}
			for _, job := range jobs {
				b.WriteString("##### " + job.Name + ": done " + job.Done.String() + ", rejected " + job.Rejected.String() + "\n" + job.Effective + "\n")
			}
			golden(t, filepath.Join(dir, "effective.golden"), b.String())
		})
	}
}

// TestEffectiveIsTheJob writes the effective text of each job into a new configuration: it must be the same job.
func TestEffectiveIsTheJob(t *testing.T) {
	for _, file := range cases(t, "testdata/good/*/chute.toml") {
		before, jobs, err := Load(file)
		if err != nil {
			t.Fatal(err)
		}
		chute, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		files := map[string]string{"chute.toml": string(chute)}
		for _, e := range before.Exports {
			files["jobs.d/"+e.Name+".toml"] = e.Effective
		}
		for _, job := range jobs {
			files["jobs.d/"+job.Name+".toml"] = job.Effective
		}
		after, again, err := Load(configuration(t, files))
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range before.Exports {
			if after.Exports[i].Hash != e.Hash || after.Exports[i].Effective != e.Effective {
				t.Errorf("%s: the effective export becomes\n%s\nwant\n%s", e.Name, after.Exports[i].Effective, e.Effective)
			}
		}
		for i, job := range jobs {
			if again[i].Hash != job.Hash || again[i].Effective != job.Effective {
				t.Errorf("%s: the effective job becomes\n%s\nwant\n%s", job.Name, again[i].Effective, job.Effective)
			}
		}
	}
}

// TestFloodOfSyntaxErrors: something that isn't TOML at all doesn't take long, nor give endless messages.
func TestFloodOfSyntaxErrors(t *testing.T) {
	var problems Problems
	tree := parse("flood", []byte(strings.Repeat("a=[\n", sizeLimit/4)), &problems)
	if len(problems) != syntaxLimit+1 || !tree.damaged {
		t.Errorf("%d problems", len(problems))
	}
}

// configuration writes files into a new folder and returns the path of its chute.toml.
func configuration(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "jobs.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "chute.toml")
}
