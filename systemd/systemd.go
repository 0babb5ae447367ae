// Package systemd has what chute and systemd have to do with each other: the unit and what belongs to it, as files that are embedded here; the notices by which a
// service tells how it is doing; and the question what a service may trust.
//
// A unit has to name every folder that chute writes to, because all others are read-only for it. The configuration names them already, so the drop-ins
// are made of that: one for each store, with the store's root in one ReadWritePaths=. Two entries would be two mounts, between which the kernel
// refuses every rename.
package systemd

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Sample is a configuration to begin with.
//
//go:embed chute.toml
var Sample string

var (
	//go:embed chute.service
	unit string
	//go:embed sysusers.conf
	sysusers string
	//go:embed tmpfiles.conf
	tmpfiles string
)

// Where things are.
const (
	DropIns     = "/etc/systemd/system/chute.service.d"
	Program     = "/usr/bin/chute" // as the unit names it
	credentials = "/etc/chute/credentials"
	stateDir    = "/var/lib/chute"
)

// File is a file to install.
type File struct {
	Path string // absolute
	Text string
}

// Store is a store on this machine.
type Store struct{ Name, Path string }

// Plan is what is to be installed.
type Plan struct {
	Program     string   // the program's absolute path
	Config      string   // the configuration's absolute path
	Stores      []Store  // those on this machine
	Folders     []string // others to write in: the state and the engine's data
	Jobs        string   // the absolute path of the folder with the jobs
	Credentials []string // names of secrets that systemd is to provide
}

// Check tells what a service can't have.
func (p Plan) Check() error {
	for _, s := range p.Stores {
		if dir := below(s.Path, passing); dir != "" {
			return fmt.Errorf("store %q is in %s: a service has a folder of its own there, and nobody else's files: put the store elsewhere", s.Name, dir)
		}
	}
	for _, folder := range p.Folders {
		if dir := below(folder, passing); dir != "" {
			return fmt.Errorf("%s is in %s: a service has a folder of its own there, which is emptied when it ends: put the state and the engine's data elsewhere", folder, dir)
		}
	}
	return nil
}

// Unseen tells which parts of the configuration the service couldn't read where they are now, nil when it could read all.
func (p Plan) Unseen() error {
	for _, place := range []string{p.Config, p.Jobs} {
		if dir := below(place, slices.Concat(passing, homes)); dir != "" {
			return fmt.Errorf("%s is in %s, which is hidden from a service: put it elsewhere, into /etc/chute for example", place, dir)
		}
	}
	return nil
}

// Folders that a service has to itself, or doesn't see.
var (
	passing = []string{"/tmp", "/var/tmp"}
	homes   = []string{"/home", "/root", "/run/user"}
)

// below is the one of the folders that a path is in, or is; "": none.
func below(path string, folders []string) string {
	for _, dir := range folders {
		if path == dir || strings.HasPrefix(path, dir+"/") {
			return dir
		}
	}
	return ""
}

// Missing are the files of credentials that aren't there, below root.
func (p Plan) Missing(root string) (names []string) {
	for _, name := range p.Credentials {
		file := path.Join(credentials, name)
		if _, err := os.Lstat(path.Join(root, file)); errors.Is(err, fs.ErrNotExist) {
			names = append(names, file)
		}
	}
	return names
}

// Files are the unit and what belongs to it.
func (p Plan) Files() []File {
	files := []File{
		{"/etc/sysusers.d/chute.conf", sysusers},
		{"/etc/tmpfiles.d/chute.conf", tmpfiles},
		{"/etc/systemd/system/chute.service", p.service()},
	}
	if len(p.Credentials) > 0 {
		var b strings.Builder
		b.WriteString("# Secrets that the configuration refers to by { credential = \"…\" }. Their files are root's: nobody else can read them.\n[Service]\n")
		for _, name := range slices.Sorted(slices.Values(p.Credentials)) {
			fmt.Fprintf(&b, "LoadCredential=%s:%s\n", escape(name), escape(path.Join(credentials, name)))
		}
		files = append(files, File{path.Join(DropIns, "credentials.conf"), b.String()})
	}
	for _, dir := range p.Folders {
		if dir != stateDir && !strings.HasPrefix(dir, stateDir+"/") {
			text := "# What chute writes besides the stores.\n[Service]\n" + writable(dir)
			files = append(files, File{path.Join(DropIns, "folder-"+fileName(dir)+".conf"), text})
		}
	}
	for _, s := range p.Stores {
		text := "# The store " + s.Name + ": its root in one entry, because nothing can be renamed between two.\n[Service]\n" + writable(s.Path)
		files = append(files, File{path.Join(DropIns, "store-"+s.Name+".conf"), text})
	}
	return files
}

// service is the unit for the program and the configuration where they are.
func (p Plan) service() string {
	run := quote(p.Program)
	if p.Config != "/etc/chute/chute.toml" {
		run += " --config " + quote(p.Config)
	}
	return strings.ReplaceAll(unit, Program, run)
}

// writable lets the service write below a folder, wherever it is. One that isn't there is no reason not to start.
func writable(dir string) string {
	if below(dir, homes) != "" {
		return "# Homes are hidden from the service, but for this one folder.\nProtectHome=tmpfs\nBindPaths=" + quote("-"+dir) + "\n"
	}
	return "ReadWritePaths=" + quote("-"+dir) + "\n"
}

// escape is a text in a unit in which % has no meaning.
func escape(text string) string { return strings.ReplaceAll(text, "%", "%%") }

// quote is a word in a unit.
func quote(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == '"' || r == '\'' || r == '\\' || r == 0x7f }) {
		return escape(text)
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(text) {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return escape(b.String())
}

// fileName is a path as a part of a file's name.
func fileName(path string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' {
			return r
		}
		return '-'
	}, strings.Trim(path, "/"))
}
