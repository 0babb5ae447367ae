package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Secret is a reference to a password or key: exactly one of { credential = "NAME" } (a file in systemd's credentials
// folder), { file = "/absolute/path" } (not readable by others) and { env = "NAME" }. A literal is refused. The secret
// itself is never kept here, so that nothing that prints a configuration can print it.
type Secret struct {
	Credential string `toml:"credential"` // name of a file in $CREDENTIALS_DIRECTORY, set by LoadCredential= in the unit
	File       string `toml:"file"`       // absolute path; its mode must not let others read
	Env        string `toml:"env"`        // name of an environment variable
}

// secretLimit bounds what is read: more can't be a password or a key.
const secretLimit = 64 << 10

// IsZero tells whether no secret was given.
func (s Secret) IsZero() bool { return s == Secret{} }

// String prints the reference, never the secret.
func (s Secret) String() string {
	switch {
	case s.Credential != "":
		return fmt.Sprintf("{ credential = %s }", tomlString(s.Credential))
	case s.File != "":
		return fmt.Sprintf("{ file = %s }", tomlString(s.File))
	case s.Env != "":
		return fmt.Sprintf("{ env = %s }", tomlString(s.Env))
	}
	return "{}"
}

// Read fetches the secret, without the line end at its end. It is called at each use, so that a changed secret is found.
func (s Secret) Read() (string, error) {
	text, err := s.fetch()
	if err != nil {
		return "", fmt.Errorf("can't read secret %s: %w", s, err)
	}
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	if text == "" {
		return "", fmt.Errorf("can't read secret %s: it is empty", s)
	}
	return text, nil
}

func (s Secret) fetch() (string, error) {
	switch {
	case s.Credential != "":
		folder := os.Getenv("CREDENTIALS_DIRECTORY")
		if folder == "" {
			return "", errors.New("CREDENTIALS_DIRECTORY isn't set: give the unit a LoadCredential=, or use file or env")
		}
		return readSecret(filepath.Join(folder, s.Credential), false)
	case s.File != "":
		return readSecret(s.File, true)
	case s.Env != "":
		text, ok := os.LookupEnv(s.Env)
		if !ok {
			return "", errors.New("the environment variable isn't set")
		}
		return text, nil
	}
	return "", errors.New("none was given")
}

// readSecret reads a small regular file. Systemd answers for the modes of its credentials, everybody else is checked.
func readSecret(path string, private bool) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() { // before opening: a named pipe would block
		return "", errors.New("not a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	if info, err = file.Stat(); err != nil {
		return "", err
	}
	if private && info.Mode().Perm()&0o004 != 0 {
		return "", fmt.Errorf("others may read it (mode %04o): chmod o= %s", info.Mode().Perm(), path)
	}
	text, err := io.ReadAll(io.LimitReader(file, secretLimit+1))
	if err != nil {
		return "", err
	}
	if len(text) > secretLimit {
		return "", fmt.Errorf("larger than %s", Size(secretLimit))
	}
	return string(text), nil
}

// problem says what is wrong with the reference itself.
func (s Secret) problem() string {
	given := 0
	for _, reference := range []string{s.Credential, s.File, s.Env} {
		if reference != "" {
			given++
		}
	}
	switch {
	case given != 1:
		return `write exactly one of { credential = "…" }, { file = "…" } and { env = "…" }`
	case strings.Contains(s.Credential, "/") || s.Credential == "." || s.Credential == "..":
		return "a credential is the name of a file, without folders"
	case s.File != "" && !filepath.IsAbs(s.File):
		return "the secret's file needs an absolute path"
	}
	return ""
}
