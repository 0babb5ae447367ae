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

// TestSyntaxOnly: of a job's file that isn't TOML only that is said, wherever the mistake is, and not that keys are missing or unknown.
func TestSyntaxOnly(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "jobs.d"), 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "chute.toml")
	if err := os.WriteFile(file, []byte("[jobs]\ndir = \"jobs.d\"\n[[store]]\nname = \"s\"\npath = \"/srv/s\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const keys = "store = \"s\"\noutbox = \"out\"\nfile = \"x\"\nquery = \"SELECT 1\"\n"
	for _, text := range []string{
		"kind = \"export\n" + keys, "kind: \"export\"\n" + keys, "kind = export\n" + keys, "kind = \"export\"\n= 1\n" + keys,
		"kind = \"export\"\n" + keys + "[format\ntype = \"csv\"\n", "? kind = \"export\"\n" + keys, "kind \"export\"\n" + keys,
	} {
		if err := os.WriteFile(filepath.Join(dir, "jobs.d", "e.toml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := Load(file)
		if err == nil || strings.Count(err.Error(), "\n") != strings.Count(err.Error(), "not TOML")-1 {
			t.Errorf("%q:\n%v", text, err)
		}
	}
}

// TestUnknownKind: of a job whose kind there isn't that is said, once, and what else is really wrong, but not that keys of another kind are missing or unknown.
func TestUnknownKind(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "jobs.d"), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file, odd := filepath.Join(dir, "chute.toml"), filepath.Join(dir, "jobs.d", "odd.toml")
	write("chute.toml", "[jobs]\ndir = \"jobs.d\"\n[[store]]\nname = \"s\"\npath = \"/srv/s\"\n")
	write("jobs.d/next.toml", "extends = \"odd\"\nlabel = \"y\"\n")
	write("jobs.d/good.toml", "kind = \"import\"\nstore = \"s\"\ninbox = \"in\"\nmatch = \"*\"\ntarget.table = \"t\"\n")
	for _, test := range []struct{ text, want string }{
		{"kind = \"exports\"\nstore = \"s\"\noutbox = \"out\"\nfile = \"x\"\nquery = \"SELECT 1\"\n", odd + `:1:8: kind: "exports" isn't known; allowed are "import", "export"; did you mean "export"?`},
		{"extends = \"text-export\"\nkind = \"exprot\"\n", odd + `:2:8: kind: "exprot" isn't known; allowed are "import", "export"; did you mean "export"?`},
		{"kind = \"improt\"\ninbox = \"in\"\nsettle = \"soon\"\n", odd + `:1:8: kind: "improt" isn't known; allowed are "import", "export"; did you mean "import"?` + "\n" +
			odd + `:3:10: settle: not a duration: write a number with one of ms, s, m, h, as in "5s" or "1h30m"`},
		{"kind = 1\nstore = \"s\"\n", odd + `:1:8: kind: must be a text in quotes, not a whole number`},
	} {
		write("jobs.d/odd.toml", test.text)
		if _, _, err := Load(file); err == nil || err.Error() != test.want {
			t.Errorf("%q:\n%v\nwant:\n%s", test.text, err, test.want)
		}
		if _, _, err := LoadExport(file, "odd", nil); err == nil || err.Error() != test.want {
			t.Errorf("alone: %q:\n%v\nwant:\n%s", test.text, err, test.want)
		}
		if _, jobs, err := LoadSome(file); err == nil || err.Error() != test.want || len(jobs) != 1 {
			t.Errorf("in part: %q:\n%v\nwant:\n%s", test.text, err, test.want)
		}
	}
}
