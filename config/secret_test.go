package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func write(t *testing.T, dir, name, text string, mode os.FileMode) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil { // whatever the umask says
		t.Fatal(err)
	}
	return file
}

func TestSecretRead(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	t.Setenv("CHUTE_TEST_SECRET", "from env")
	write(t, dir, "db", "hunter2\n", 0o444)
	for _, test := range []struct {
		secret Secret
		want   string
	}{
		{Secret{Credential: "db"}, "hunter2"},
		{Secret{File: write(t, dir, "private", "a\nb\r\n", 0o640)}, "a\nb"},
		{Secret{File: write(t, dir, "two", "a\n\n", 0o600)}, "a\n"},
		{Secret{Env: "CHUTE_TEST_SECRET"}, "from env"},
	} {
		if got, err := test.secret.Read(); err != nil || got != test.want {
			t.Errorf("%v: %q, %v, want %q", test.secret, got, err, test.want)
		}
	}
}

func TestSecretRefuses(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		secret Secret
		want   string
	}{
		{Secret{}, "none was given"},
		{Secret{Credential: "db"}, "CREDENTIALS_DIRECTORY"},
		{Secret{Env: "CHUTE_TEST_NOT_SET"}, "isn't set"},
		{Secret{File: filepath.Join(dir, "missing")}, "no such file"},
		{Secret{File: dir}, "not a regular file"},
		{Secret{File: pipe}, "not a regular file"},
		{Secret{File: write(t, dir, "open", "hunter2", 0o604)}, "others may read it (mode 0604)"},
		{Secret{File: write(t, dir, "empty", "\n", 0o600)}, "empty"},
		{Secret{File: write(t, dir, "large", strings.Repeat("x", secretLimit+1), 0o600)}, "larger than 64KiB"},
	} {
		t.Setenv("CREDENTIALS_DIRECTORY", "")
		got, err := test.secret.Read()
		if err == nil || !strings.Contains(err.Error(), test.want) || got != "" {
			t.Errorf("%v: %q, %v, want %q", test.secret, got, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v: the error holds the secret: %v", test.secret, err)
		}
	}
}

func TestSecretPrintsItsReferenceOnly(t *testing.T) {
	t.Setenv("CHUTE_TEST_SECRET", "hunter2")
	secret := Secret{Env: "CHUTE_TEST_SECRET"}
	for _, verb := range []string{"%v", "%s", "%+v", "%#v", "%q"} {
		if got := fmt.Sprintf(verb, secret); strings.Contains(got, "hunter2") || !strings.Contains(got, "CHUTE_TEST_SECRET") {
			t.Errorf("%s prints %s", verb, got)
		}
	}
}
