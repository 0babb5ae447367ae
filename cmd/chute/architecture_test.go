package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// ranks say who may import whom: a package imports only what has a lower rank. It is the table of the README's chapter on design.
func rank(pkg string) int {
	switch {
	case pkg == "connectors/native" || pkg == "systemd":
		return 0
	case pkg == "config" || pkg == "config/templates" || pkg == "connectors":
		return 1
	case pkg == "pipeline" || pkg == "watcher":
		return 3
	case strings.HasPrefix(pkg, "connectors/") || strings.HasPrefix(pkg, "pipeline/") || strings.HasPrefix(pkg, "watcher/"):
		return 2
	case strings.HasPrefix(pkg, "cmd/"):
		return 4
	}
	return -1
}

// exceptions are imports within one rank, each with its reason.
var exceptions = map[string]string{
	"config -> config/templates":         "the embedded files of config itself",
	"watcher/control -> pipeline/ledger": "control answers from the ledger",

	"connectors/connectortest/wire -> connectors/chdb":          "a server for tests, made of the embedded engine",
	"connectors/connectortest/wire -> connectors/connectortest": "a process for tests as the other server is",
	"connectors/connectortest/sshd -> connectors/connectortest": "likewise",
	"watcher/agenda -> pipeline/ledger":                         "the agenda is kept in the ledger",
	"watcher/status -> pipeline/ledger":                         "status is told from the ledger",
}

type source struct {
	pkg, file string
	test      bool
	imports   []string
	comment   bool
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || name != root && strings.HasPrefix(d.Name(), ".")) {
			return fs.SkipDir
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		s := source{pkg: path.Dir(rel), file: rel, test: strings.HasSuffix(name, "_test.go"), comment: parsed.Doc != nil}
		for _, i := range parsed.Imports {
			s.imports = append(s.imports, strings.Trim(i.Path.Value, `"`))
		}
		all = append(all, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("found only %d Go files below %s", len(all), root)
	}
	return all
}

func TestImportsPointDown(t *testing.T) {
	for _, s := range sources(t) {
		if rank(s.pkg) < 0 {
			t.Errorf("%s: package %s has no rank: does it belong here?", s.file, s.pkg)
		}
		for _, i := range s.imports {
			imported, ours := strings.CutPrefix(i, "chute/")
			if !ours || s.test && (imported == s.pkg || strings.HasPrefix(imported, "connectors/")) {
				continue // tests may use the real connectors and their suites
			}
			if _, ok := exceptions[s.pkg+" -> "+imported]; ok {
				continue
			}
			if rank(imported) >= rank(s.pkg) {
				t.Errorf("%s (rank %d) imports %s (rank %d)", s.file, rank(s.pkg), imported, rank(imported))
			}
		}
	}
}

func TestOnePackageComment(t *testing.T) {
	comments := map[string][]string{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		if _, ok := comments[s.pkg]; !ok {
			comments[s.pkg] = nil
		}
		if s.comment {
			comments[s.pkg] = append(comments[s.pkg], s.file)
		}
	}
	for pkg, files := range comments {
		if len(files) != 1 {
			t.Errorf("package %s has %d package comments, wanted one: %v", pkg, len(files), files)
		}
	}
}

// TestOneOwner keeps each outside package behind one of ours, so that it can be replaced there.
func TestOneOwner(t *testing.T) {
	owners := map[string]string{
		"github.com/fsnotify/fsnotify":         "connectors/local",
		"github.com/ClickHouse/clickhouse-go/": "connectors/clickhouse",
		"github.com/ClickHouse/ch-go/":         "connectors/clickhouse",
		"github.com/coreos/go-systemd/":        "systemd",
		"github.com/ebitengine/purego":         "connectors/chdb",
		"github.com/pkg/sftp":                  "connectors/sftp",
		"golang.org/x/crypto/":                 "connectors/sftp",
		"modernc.org/sqlite":                   "pipeline/ledger",
		"github.com/pelletier/go-toml/":        "config",
		"github.com/netresearch/go-cron":       "config",
		"github.com/klauspost/compress/":       "pipeline/format",
		"github.com/parquet-go/parquet-go":     "pipeline/format",
		"github.com/xuri/excelize/":            "pipeline/format",
		"github.com/spf13/cobra":               "cmd/chute",
	}
	otherSides := []string{"connectors/connectortest/wire", "connectors/connectortest/sshd"} // of protocols, for tests
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for prefix, owner := range owners {
			used := slices.ContainsFunc(s.imports, func(i string) bool { return strings.HasPrefix(i, prefix) })
			if used && s.pkg != owner && !slices.Contains(otherSides, s.pkg) {
				t.Errorf("%s imports %s, which only %s should", s.file, prefix, owner)
			}
		}
	}
}

func TestTopLevel(t *testing.T) {
	agreed := []string{"cmd", "watcher", "pipeline", "connectors", "config", "systemd", "go.mod", "go.sum", "README.md", "LICENSE",
		"chute", // the program, where go build leaves it; git ignores it
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(agreed, e.Name()) {
			t.Errorf("%s at the top level isn't among the agreed names", e.Name())
		}
	}
}
