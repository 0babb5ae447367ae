package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeDemo runs the demo and compares it with what the README shows of it: each shown line must come, in this order. A line may
// end in …, which stands for the rest of it.
func TestReadmeDemo(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dir := filepath.Join(t.TempDir(), "demo")
	c := exec.CommandContext(ctx, "chute", "demo", dir)
	var said bytes.Buffer
	c.Stderr = &said
	output, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %s%s", err, output, said.Bytes())
	}
	blocks := regexp.MustCompile("(?s)<!-- from the demo: ([^ ]+) -->\n```text\n(.*?)```").FindAllStringSubmatch(readReadme(t), -1)
	if len(blocks) != 5 {
		t.Errorf("the README shows %d pieces of the demo", len(blocks))
	}
	for _, b := range blocks {
		real := output
		if b[1] != "output" {
			if real, err = os.ReadFile(filepath.Join(dir, b[1])); err != nil {
				t.Error(err)
				continue
			}
		}
		wantLines(t, b[1], b[2], string(real))
	}
}

// wantLines finds the lines of shown in real.
func wantLines(t *testing.T, name, shown, real string) {
	t.Helper()
	left := strings.Split(real, "\n")
	for line := range strings.Lines(shown) {
		line = strings.TrimRight(line, "\n")
		begin, cut := strings.CutSuffix(line, "…")
		found := false
		for len(left) > 0 && !found {
			next := strings.TrimRight(left[0], "\r")
			found = next == line || cut && strings.HasPrefix(next, strings.TrimRight(begin, " "))
			left = left[1:]
		}
		if !found {
			t.Errorf("%s has no line %q, or not there", name, line)
			return
		}
	}
}
