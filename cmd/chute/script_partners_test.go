package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"chute/connectors/connectortest/sshd"
)

// partners are users of this machine who drop files by SFTP, each locked into a store of its own, beside a chute that is another user: all as the
// sample files in systemd/partners say, but for names, ports and where it is.
type partners struct {
	dir      string            // below root's folders only: sshd insists
	names    map[string]string // what the samples call a user or group: what it is here
	accounts sshd.Accounts
}

// newPartners makes them: partners NAME…. The store of acme is $ACME and acme/ in the script's folder, and its key is acme_key; as-acme is a
// command that runs another as the partner, as-chute as chute.
func (w *world) newPartners(ts *testscript.TestScript, names []string) {
	dir, err := os.MkdirTemp("/run", "chute-partners-")
	ts.Check(err)
	p := &partners{dir: dir, names: map[string]string{}}
	w.partners = p
	for _, sub := range []string{"", "srv", "keys"} {
		ts.Check(os.MkdirAll(filepath.Join(dir, sub), 0o755))
		ts.Check(os.Chmod(filepath.Join(dir, sub), 0o755))
	}
	var fill []string
	for _, name := range names {
		ts.Check(p.makeUsers(strings.ReplaceAll(sampleFile(ts, "sysusers.conf"), "acme", name)))
		ts.Check(p.makeFolders(strings.ReplaceAll(sampleFile(ts, "tmpfiles.conf"), "acme", name)))
		ts.Check(os.Symlink(p.store(name), ts.MkAbs(name)))
		ts.Check(p.makeKey(name, ts.MkAbs(name+"_key")))
		fill = append(fill, "$"+strings.ToUpper(name), p.store(name))
	}
	for _, name := range append(names, "chute") {
		ts.Check(p.makeWrapper(name, ts.MkAbs("as-"+name)))
	}
	ts.Check(w.fill(fill...))
	ts.Check(p.openTo("chute", ts.MkAbs("state"), os.Args[0], lookPath(ts, "chute")))
	w.launchSSHD(ts, strings.NewReplacer("/srv/chute", filepath.Join(dir, "srv"), "/etc/ssh/chute-partners", filepath.Join(dir, "keys"),
		"chute-partners", p.names["chute-partners"]).Replace(sampleFile(ts, "sshd.conf")))
}

func sampleFile(ts *testscript.TestScript, name string) string {
	text, err := os.ReadFile(filepath.Join(root, "systemd/partners", name))
	ts.Check(err)
	return string(text)
}

// close removes the users and all that was theirs.
func (p *partners) close() error {
	return errors.Join(p.accounts.Remove(), os.RemoveAll(p.dir))
}

func (p *partners) store(name string) string { return filepath.Join(p.dir, "srv", p.names[name]) }

// makeUsers does what systemd-sysusers does with the lines of a sample: u NAME, g NAME, m USER GROUP.
func (p *partners) makeUsers(text string) (err error) {
	for words := range lines(text) {
		_, known := p.names[words[1]]
		switch {
		case words[0] == "m":
			err = p.accounts.Join(p.names[words[1]], p.names[words[2]])
		case known:
		case words[0] == "u":
			p.names[words[1]], err = p.accounts.User("/nonexistent")
		case words[0] == "g":
			p.names[words[1]], err = p.accounts.Group()
		default:
			err = fmt.Errorf("line %q isn't understood here", words)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// makeFolders does what systemd-tmpfiles does: d PATH MODE USER GROUP.
func (p *partners) makeFolders(text string) error {
	for words := range lines(text) {
		store, rest, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(words[1], "/srv/chute"), "/"), "/")
		path := filepath.Join(p.dir, "srv", p.names[store], rest)
		mode, err := strconv.ParseUint(words[2], 8, 12)
		if words[0] != "d" || !strings.HasPrefix(words[1], "/srv/chute") || store != "" && p.names[store] == "" || err != nil {
			return fmt.Errorf("line %q isn't understood here: %w", words, err)
		}
		if err := os.MkdirAll(path, 0o700); err != nil {
			return err
		}
		owner := cmp.Or(p.names[words[3]], words[3]) + ":" + cmp.Or(p.names[words[4]], words[4])
		if err := asRoot("chown", owner, path); err != nil {
			return err
		}
		if err := asRoot("chmod", fmt.Sprintf("%04o", mode), path); err != nil { // os.Chmod has another idea of the higher bits
			return err
		}
	}
	return nil
}

// lines are the words of each line that isn't a comment.
func lines(text string) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		for line := range strings.Lines(text) {
			if words := strings.Fields(line); len(words) > 0 && words[0] != "#" && !yield(words) {
				return
			}
		}
	}
}

func asRoot(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %q: %w: %s", name, args, err, out)
	}
	return nil
}

// makeKey makes a key for a partner and lets it in.
func (p *partners) makeKey(name, file string) error {
	private, public, err := sshd.NewKey("ed25519")
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(file, []byte(private), 0o600),
		os.WriteFile(filepath.Join(p.dir, "keys", p.names[name]), []byte(sshd.Authorized(public)), 0o644))
}

// makeWrapper makes a command that runs another one as the user. It is let see whether a file is being written, which its unit can allow as well.
func (p *partners) makeWrapper(name, file string) error {
	u, err := user.Lookup(p.names[name])
	if err != nil {
		return err
	}
	caps := "-all"
	if name == "chute" {
		caps += ",+lease"
	}
	text := fmt.Sprintf("#!/bin/sh\numask 077\nexec setpriv --reuid %s --regid %s --init-groups --inh-caps=%s --ambient-caps=%[3]s --bounding-set=%[3]s \"$@\"\n", u.Uid, u.Gid, caps)
	return os.WriteFile(file, []byte(text), 0o755)
}

// openTo makes a folder of the user's, and lets everybody pass the folders above it and above the programs.
func (p *partners) openTo(name, dir string, programs ...string) error {
	if err := errors.Join(os.MkdirAll(dir, 0o700), asRoot("chown", p.names[name]+":", dir)); err != nil {
		return err
	}
	for _, file := range append(programs, dir) {
		for up := filepath.Dir(file); up != "/"; up = filepath.Dir(up) {
			info, err := os.Stat(up)
			if err != nil {
				return err
			}
			if info.Mode()&0o1 == 0 && strings.HasPrefix(up, os.TempDir()) {
				if err := os.Chmod(up, info.Mode()|0o111); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func lookPath(ts *testscript.TestScript, name string) string {
	path, err := exec.LookPath(name)
	ts.Check(err)
	return path
}

// asPartner has a partner's own sftp do what a file of the script says: drop NAME FILE [KEY]. What it prints is there for stdout and stderr; with ! it has to fail.
func (w *world) asPartner(ts *testscript.TestScript, neg bool, args []string) {
	key := cmp.Or(append(args, "", "")[2], args[0]+"_key")
	words := append(w.sshOptions(), "-q", "-b", ts.MkAbs(args[1]), "-P", strconv.Itoa(w.sshd.Port), "-i", ts.MkAbs(key), w.partners.names[args[0]]+"@"+w.sshd.Host)
	if err := ts.Exec("sftp", words...); (err != nil) != neg {
		ts.Fatalf("sftp: %v", err)
	}
}

// sshOptions are those of OpenSSH's clients who know the script's sshd and nothing of this user.
func (w *world) sshOptions() []string {
	return []string{"-F", "none", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "BatchMode=yes",
		"-o", "GlobalKnownHostsFile=none", "-o", "UserKnownHostsFile=" + w.sshd.KnownHosts}
}
