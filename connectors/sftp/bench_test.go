package sftp

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"chute/connectors/connectortest/sshd"
)

// BenchmarkTransfer carries a file of 1 GB over loopback, by OpenSSH's client and by ours, in turns: run it with -benchtime 5x.
func BenchmarkTransfer(b *testing.B) {
	const size = 1 << 30
	s := sshd.Start(b)
	far, near := b.TempDir(), b.TempDir()
	if err := os.WriteFile(filepath.Join(far, "a"), content(size), 0o644); err != nil {
		b.Fatal(err)
	}
	f, err := New(on(s, far))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	key := filepath.Join(s.Dir, "key")
	if err := os.WriteFile(key, []byte(s.Key), 0o600); err != nil {
		b.Fatal(err)
	}
	theirs := func(command string) error {
		cmd := exec.Command("sftp", "-q", "-b", "-", "-i", key, "-P", fmt.Sprint(s.Port), "-o", "UserKnownHostsFile="+s.KnownHosts, s.User+"@"+s.Host)
		cmd.Stdin = strings.NewReader(command + "\n")
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	ours := func() error {
		seen, err := f.lstat(b.Context(), "a")
		if err != nil {
			return err
		}
		to, err := os.Create(filepath.Join(near, "ours"))
		if err != nil {
			return err
		}
		defer to.Close()
		_, err = f.Fetch(b.Context(), "a", seen, to, 0)
		return err
	}
	up := func() error {
		from, err := os.Open(filepath.Join(far, "a"))
		if err != nil {
			return err
		}
		defer from.Close()
		p, err := f.Create(b.Context(), ".chute/1/a")
		if err != nil {
			return err
		}
		defer p.Discard()
		if _, err := io.CopyBuffer(struct{ io.Writer }{p}, struct{ io.Reader }{from}, make([]byte, 1<<20)); err != nil {
			return err
		}
		if err := p.Commit(b.Context()); err != nil {
			return err
		}
		return f.Remove(b.Context(), ".chute/1/a")
	}
	for _, way := range []struct {
		name string
		do   func() error
	}{
		{"download/openssh", func() error { return theirs(fmt.Sprintf("get %s/a %s/theirs", far, near)) }},
		{"download/chute", ours},
		{"upload/openssh", func() error { return theirs(fmt.Sprintf("put -f %s/a %s/b", far, far)) }},
		{"upload/chute", up},
	} {
		b.Run(way.name, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				if err := way.do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
