package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLoadSome: what is wrong with one job leaves out that one and those that extend it, and is said as Load says it.
func TestLoadSome(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "jobs.d"), 0o700); err != nil {
		t.Fatal(err)
	}
	const keys = "kind = \"import\"\nstore = \"s\"\ninbox = \"in\"\ntarget.table = \"t\"\n"
	file := filepath.Join(dir, "chute.toml")
	write("chute.toml", "[jobs]\ndir = \"jobs.d\"\n[[store]]\nname = \"s\"\npath = \"/srv/s\"\n")
	write("jobs.d/a.toml", keys+"match = \"a*\"\n")
	write("jobs.d/b.toml", keys+"match = \"b*\"\nsettle = soon\n")
	write("jobs.d/c.toml", "extends = \"b\"\nmatch = \"c*\"\n")
	write("jobs.d/d.toml", "kind = \"export\"\nstore = \"s\"\noutbox = \"out\"\nfile = \"x\"\nquery = \"SELECT 1\"\n")
	write("jobs.d/two words.toml", keys)
	chute, jobs, mistakes := LoadSome(file)
	_, _, whole := Load(file)
	if chute == nil || len(jobs) != 1 || jobs[0].Name != "a" || jobs[0].Hash == "" || len(chute.Exports) != 1 || chute.Exports[0].Name != "d" {
		t.Errorf("loaded %+v, %+v", chute, jobs)
	}
	if mistakes == nil || mistakes.Error() != whole.Error() || !strings.Contains(mistakes.Error(), "b.toml:6:10: settle: ") {
		t.Errorf("mistakes: %v\nLoad: %v", mistakes, whole)
	}
	write("chute.toml", "[store]\n")
	if chute, _, mistakes := LoadSome(file); chute != nil || mistakes == nil {
		t.Errorf("of a wrong chute.toml: %+v, %v", chute, mistakes)
	}
}
