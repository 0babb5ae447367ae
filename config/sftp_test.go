package config

import (
	"strings"
	"testing"
)

func TestSFTP(t *testing.T) {
	for text, want := range map[string]SFTP{
		"sftp://chute@acme.example":            {"chute", "acme.example", 22, "."},
		"sftp://chute@acme.example/":           {"chute", "acme.example", 22, "/"},
		"sftp://chute@acme.example:2222/a//b/": {"chute", "acme.example", 2222, "/a/b"},
		"sftp://chute@[fe80::1]:23/~":          {"chute", "fe80::1", 23, "."},
		"sftp://chute@acme.example/~/in/new":   {"chute", "acme.example", 22, "in/new"},
		"sftp://a%40b@acme.example/50%25%20":   {"a@b", "acme.example", 22, "/50% "},
		"sftp://chute@acme.example/~other":     {"chute", "acme.example", 22, "/~other"},
	} {
		var got SFTP
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s is %+v, %v; want %+v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"acme.example:/in":                 "not an SFTP address",
		"sftp://":                          "not an SFTP address",
		"sftp:chute@acme.example":          "not an SFTP address",
		"sftp://chute@acme.example:x/":     "not an SFTP address",
		"sftp://acme.example/in":           "the user to log in as is missing",
		"sftp://chute@acme.example:0/in":   "0 isn't a port",
		"sftp://chute@acme.example/in?a=b": "have no meaning",
		"sftp://chute@acme.example/a/../b": `".." isn't allowed`,
		"sftp://chute@acme.example/a%0Ab":  "control characters",
		"sftp://chute:x@acme.example/a":    "a password isn't written into the configuration",
	} {
		var got SFTP
		if err := got.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), want) || !got.IsZero() {
			t.Errorf("%s is %+v, %v; want an error with %q", text, got, err, want)
		}
	}
}

// TestSFTPOf: what a partner calls a file doesn't change what its address means, nor what a terminal does.
func TestSFTPOf(t *testing.T) {
	for root, want := range map[string]string{
		".":     "sftp://chute@acme.example:22/~/",
		"/":     "sftp://chute@acme.example:22/",
		"/a":    "sftp://chute@acme.example:22/a/",
		"in/50": "sftp://chute@acme.example:22/~/in/50/",
	} {
		s := SFTP{"chute", "acme.example", 22, root}
		if got := s.Of("done/a?#% \x1b\xff\u202e.csv"); got != want+"done/a%3F%23%25%20%1B%FF%E2%80%AE.csv" {
			t.Errorf("in %s it is %s", root, got)
		}
	}
}

// FuzzSFTP: an address that is read is printed so that it reads the same, and its folder never leaves the one that it is in.
func FuzzSFTP(f *testing.F) {
	f.Add("sftp://chute@acme.example:2222/~/in")
	f.Add("sftp://a%2Fb@[::1%25lo]/x%2F..")
	f.Fuzz(func(t *testing.T, text string) {
		var a, b SFTP
		if a.UnmarshalText([]byte(text)) != nil {
			return
		}
		if err := b.UnmarshalText([]byte(a.String())); err != nil || a != b {
			t.Errorf("%q is %+v, which prints as %q and reads as %+v, %v", text, a, a, b, err)
		}
		if strings.HasPrefix(a.Root, "..") || strings.Contains(a.Root, "/..") && strings.Contains(a.Root+"/", "/../") || a.Root == "" {
			t.Errorf("%q has the folder %q", text, a.Root)
		}
	})
}

// TestWhenDone: what a job leaves out depends on how it claims.
func TestWhenDone(t *testing.T) {
	_, jobs, err := Load("testdata/good/sftp/chute.toml")
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range jobs {
		want := map[string]string{"base": "remember move seen", "claims": "rename move seen"}[j.Name]
		if got := j.Claim + " " + j.WhenDone + " " + j.Done.String(); got != want {
			t.Errorf("%s: %s, want %s", j.Name, got, want)
		}
	}
}
