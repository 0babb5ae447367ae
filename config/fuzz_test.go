package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/bmatcuk/doublestar/v4"
)

// FuzzConfiguration: nothing that stands in a file makes loading panic, every problem is inside the file, and what is accepted
// survives being printed and read again.
func FuzzConfiguration(f *testing.F) {
	for _, pattern := range []string{"testdata/*/*/chute.toml", "testdata/*/*/jobs.d/*.toml", "templates/*.toml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("no %s: %v", pattern, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var chuteProblems Problems
		tree := parse("fuzz", data, &chuteProblems)
		var chute Chute
		decode(tree, &chute, &chuteProblems)
		(checker{tree, &chuteProblems}).chute(&chute)

		job, problems := fuzzJob(data)
		lines := strings.Count(string(data), "\n") + 1
		for _, p := range problems {
			if p.Line < 1 || p.Line > lines || p.Column < 1 || p.Message == "" {
				t.Errorf("impossible problem %#v", p)
			}
		}
		if len(problems) > 0 {
			return
		}
		again, problems := fuzzJob([]byte(job.Effective))
		if len(problems) > 0 || again.Hash != job.Hash {
			t.Errorf("%v\n%s\nwas\n%s", problems, again.Effective, job.Effective)
		}
		again.Pos, again.Extends, job.Pos, job.Extends = Position{}, "", Position{}, ""
		for i := range job.Columns {
			job.Columns[i].Pos, again.Columns[i].Pos = Position{}, Position{}
		}
		if !reflect.DeepEqual(again, job) {
			t.Errorf("%+v\nwas\n%+v", again, job)
		}
	})
}

func fuzzJob(data []byte) (*Job, Problems) {
	var problems Problems
	tree := overlay(&node{kind: table}, parse("fuzz", data, &problems))
	job := &Job{Name: "fuzz"}
	decode(tree, job, &problems)
	(checker{tree, &problems}).job(job)
	fillJob(job)
	l := loadedJob{job, tree}
	chute := &Chute{Stores: []Store{{Name: job.Store, Path: "/srv", Work: ".chute"}}}
	checkFolders(chute, []loadedJob{l}, &problems)
	if len(problems) > 0 {
		return nil, problems
	}
	return l.finish(), nil
}

// FuzzPattern: whatever a variable holds, a folder stays inside the store and out of hidden folders.
func FuzzPattern(f *testing.F) {
	f.Add("done/%Y/{a}{b}", "..", "x")
	f.Add("{a}/{b}", ".", "./")
	f.Add("{{%%}}{a}", "", "..")
	f.Fuzz(func(t *testing.T, pattern, a, b string) {
		var p Pattern
		if p.UnmarshalText([]byte(pattern)) != nil {
			return
		}
		got, err := p.Expand(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), map[string]string{"a": a, "b": b})
		if err != nil || pattern == "" {
			return
		}
		if !filepath.IsLocal(got) || strings.Contains(got, "//") {
			t.Errorf("%q with %q, %q becomes %q", pattern, a, b, got)
		}
		if strings.HasPrefix(got, ".chute") && !strings.HasPrefix(pattern, ".") {
			t.Errorf("%q with %q, %q becomes %q", pattern, a, b, got)
		}
		if !overlapping(split(got), p.segments()) {
			t.Errorf("%q isn't seen to overlap %q, which it can become", pattern, got)
		}
	})
}

// FuzzGlob: a compiled pattern matches what the pattern says, taken word by word, and what matches has its literals in it.
func FuzzGlob(f *testing.F) {
	f.Add("orders_{a,b}*[!x].csv", "orders_a1.csv")
	f.Add("a", "a")
	f.Add("aba*ba", "aba")
	f.Add(`a\*[]*]{b,\}}c`, "a**}c")
	f.Add("é?", "é\xff")
	f.Add(`a\*b*c`, "a*bxc")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		var g Glob
		if len(pattern) > 64 || len(name) > nameLimit || strings.Contains(name, "/") || g.UnmarshalText([]byte(pattern)) != nil {
			return
		}
		// Its error isn't asked: after a mismatch within [!0[] it checks what is left, "[]", as a pattern of its own.
		want, _ := doublestar.Match(pattern, name)
		got := g.Match(name)
		if got != want {
			t.Errorf("%q matches %q: %v, want %v", pattern, name, got, want)
		}
		texts, whole := g.Literals()
		if left, ok := inOrder(name, texts); got && (!ok || whole && left != "") {
			t.Errorf("%q matches %q, which doesn't have %q in it (the whole name: %v)", pattern, name, texts, whole)
		}
	})
}

// inOrder finds the texts in a name, the first one at its beginning, and returns what is left behind the last.
func inOrder(name string, texts []string) (left string, ok bool) {
	if !strings.HasPrefix(name, texts[0]) {
		return "", false
	}
	for _, text := range texts {
		if _, name, ok = strings.Cut(name, text); !ok {
			return "", false
		}
	}
	return name, true
}
