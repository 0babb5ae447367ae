package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"chute/connectors"
	"chute/pipeline/ledger"
)

// typist is a bash at a terminal of its own, with somebody who types.
type typist struct {
	t    *testing.T
	keys *os.File

	mu   sync.Mutex
	seen bytes.Buffer  // since the last keys
	more chan struct{} // holds a token when seen has grown
}

func newTypist(t *testing.T, dir string) *typist {
	t.Helper()
	own, theirs, err := newTerminal(200)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "bash", "--norc", "--noprofile", "-i")
	c.Dir, c.Stdin, c.Stdout, c.Stderr = dir, theirs, theirs, theirs
	c.Env = append(os.Environ(), "TERM=dumb", "PS1=ready> ", "HISTFILE=")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	s := &typist{t: t, keys: own, more: make(chan struct{}, 1)}
	go s.read()
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
		own.Close()
	})
	return s
}

// read ends when the terminal is closed.
func (s *typist) read() {
	b := make([]byte, 4096)
	for {
		n, err := s.keys.Read(b)
		s.mu.Lock()
		s.seen.Write(b[:n])
		s.mu.Unlock()
		select {
		case s.more <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// types sends keys and waits until all of the texts were printed behind them.
func (s *typist) types(keys string, want ...string) {
	s.t.Helper()
	s.mu.Lock()
	s.seen.Reset()
	s.mu.Unlock()
	if _, err := s.keys.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
	deadline := time.After(patience)
	for {
		s.mu.Lock()
		seen := s.seen.String()
		s.mu.Unlock()
		missing := ""
		for _, text := range want {
			if !strings.Contains(seen, text) {
				missing = text
			}
		}
		if missing == "" {
			return
		}
		select {
		case <-s.more:
		case <-deadline:
			s.t.Fatalf("typed %q: %q doesn't come; there is\n%s", keys, missing, seen)
		}
	}
}

// TestBashCompletes types unfinished commands into a real bash.
func TestBashCompletes(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"chute.toml":            fmt.Sprintf("[state]\ndir = %q\n[[store]]\nname = \"acme\"\npath = \"/srv/acme\"\n[[store]]\nname = \"globex\"\npath = \"/srv/globex\"\n", dir),
		"jobs.d/orders.toml":    "this is wrong",
		"jobs.d/returns.toml":   "kind = \"import\"\n",
		"unlikely_name_1.csv":   "",
		"jobs.d/.hidden.toml":   "",
		"jobs.d/notes.txt":      "",
		"script.bash":           "",
		"unlikely_folder/x.csv": "",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l, err := ledger.Open(t.Context(), filepath.Join(dir, ledgerFile))
	if err != nil {
		t.Fatal(err)
	}
	runs := []ledger.Run{{Job: "orders", File: connectors.File{Name: "a.csv"}}, {Job: "orders", File: connectors.File{Name: "b\x1b[2J: $(touch evil).csv"}}}
	if err := l.Begin(t.Context(), runs); err != nil {
		t.Fatal(err)
	}
	defer l.Close()

	s := newTypist(t, dir)
	s.types("bind 'set bell-style none'; bind 'set enable-bracketed-paste off'; bind 'set show-all-if-ambiguous on'; . /usr/share/bash-completion/bash_completion\n", "ready> ")
	s.types(". <(chute completion bash); echo sour\"ced\"\n", "\r\nsourced\r\n")
	const clear, f = "\x15", "chute --config chute.toml "
	s.types("chute templ\t", "chute templates ")
	s.types("sh\t", "show ")
	s.types("text-i\t", "text-import ")
	s.types(clear+f+"import \t", "orders", "returns", "ready> ")
	s.types("ord\t", "orders ")
	s.types("unlikely_n\t", "unlikely_name_1.csv ")
	s.types("--set redel\t", "redelivery.")
	s.types("sa\t", "same=")
	s.types("s\t", "skip ")
	s.types(clear+f+"jobs show ret\t", "returns ")
	s.types(clear+f+"runs --status rejected,st\t", "stuck ")
	s.types("--store gl\t", "globex ")
	s.types("--ki\t", "--kind ")
	s.types("im\t", "import ")
	s.types(clear+f+"show \t", "1  (a.csv, running)", `2  (b\x1b[2J: $(touch evil).csv, running)`, "ready> ")
	s.types("2\t --js\t", "--json ")
	s.types(clear+"echo th\"e\" end\n", "\r\nthe end\r\n")
	if _, err := os.Stat(filepath.Join(dir, "evil")); err == nil {
		t.Error("a file's name was run")
	}
}

// TestCompletionScripts: each shell has one.
func TestCompletionScripts(t *testing.T) {
	for shell, want := range map[string]string{"bash": "complete -o default -F __start_chute chute", "zsh": "#compdef chute", "fish": "complete -c chute"} {
		var out, said bytes.Buffer
		if code := run(t.Context(), []string{"completion", shell}, strings.NewReader(""), &out, &said); code != 0 || !strings.Contains(out.String(), want) || said.Len() > 0 {
			t.Errorf("%s: code %d, %d bytes, %s", shell, code, out.Len(), said.String())
		}
	}
	for _, args := range [][]string{{"completion"}, {"completion", "powershell"}, {"completion", "bash", "zsh"}} {
		var out, said bytes.Buffer
		if code := run(t.Context(), args, strings.NewReader(""), &out, &said); code != exitUsage || !strings.Contains(said.String(), "usage: chute completion bash|zsh|fish") {
			t.Errorf("%q: code %d, %s", args, code, said.String())
		}
	}
}
