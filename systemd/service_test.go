package systemd

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRealSystemd runs chute as a service, with the unit as it is installed, under a systemd that is booted for it: see testdata/service.sh. Root alone can boot
// one; a plain user sees whether the script can be read.
func TestRealSystemd(t *testing.T) {
	if os.Getuid() != 0 {
		run(t.Context(), t, "bash", "-n", "testdata/service.sh")
		return
	}
	dependOnAll(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	out := t.TempDir()
	program := filepath.Join(out, "chute")
	run(ctx, t, "go", "build", "-o", program, "../cmd/chute")
	library := strings.TrimSpace(run(ctx, t, program, "engine"))
	script, err := filepath.Abs("testdata/service.sh")
	if err != nil {
		t.Fatal(err)
	}
	t.Log(run(ctx, t, "testdata/sandbox", out, script, "/run/sandbox/chute", library))
}

// dependOnAll lets the go command know on which files the result depends: it doesn't see what other processes read, and would take an old result for a new one.
func dependOnAll(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && name != ".." {
			return fs.SkipDir
		}
		_, err = os.Stat(name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func run(ctx context.Context, t *testing.T, name string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(ctx, name, args...)
	text, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, text)
	}
	return string(text)
}
