// Package sftp is a store on somebody else's machine: a folder tree behind an SSH server.
//
// SFTP, version 3, promises little and servers keep less, so nothing is believed that can be looked at. An answer that says "written" is checked by
// the file's size, a small file is read again; an answer that got lost is replaced by a look; what a server can do is tried once, with files of our
// own, and what it can't is gone round (Abilities). Nothing is made of a missing answer: the line to the server is given up, everything that waits on it fails with
// connectors.ErrUnavailable, and the next call makes a new one.
//
// Two rules keep partners' files safe, as in every store: names are given only in ways that can't replace what has the name, and only what lies below
// the work folder is ever removed. Links are refused by looking at each folder on the way; the protocol has no way to look and go in one step.
//
// The client is github.com/pkg/sftp. Of its reads and writes only those of one packet are used: its larger ones took a short answer for the file's
// end, or lost the error of the last write. It knows no deadlines; a line has them.
package sftp

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"chute/connectors"
)

// Config says where a store is, how its server proves that it is the one, and how we prove who we are. Host, User, and KnownHosts or Fingerprints
// have to be given.
type Config struct {
	Host string // name or address of the server
	Port int    // default 22
	User string // who to log in as
	Root string // the store's folder on the server, absolute or relative to the login folder; default: the login folder
	Work string // chute's own folder, relative to Root, on the file system of the inboxes; default ".chute"

	// How the server proves itself. There is no way to go without.
	KnownHosts   []string // files as ssh(1) reads them, with hashed names too; read at each login, so that they can be mended
	Fingerprints []string // SHA-256 fingerprints of its keys, as ssh-keygen -l prints them: "SHA256:…"

	// How we prove who we are. What is given is tried in this order. Secrets are fetched at each login; nil: there is none.
	PrivateKey  func() (string, error) // in OpenSSH's format or PEM
	Passphrase  func() (string, error) // of PrivateKey
	Certificate string                 // file with the certificate for PrivateKey, as ssh-keygen -s makes it
	Agent       string                 // socket of an agent
	Password    func() (string, error)
	Secrets     string // for a Pool: what tells these secrets from others, such as where they are read; "": they are like no others

	DialTimeout time.Duration // for connecting and login; default 20s
	Timeout     time.Duration // how long the server may say nothing while it owes an answer; default 30s
	KeepAlive   time.Duration // how often an idle line is tried; default 30s
	RetryMin    time.Duration // how long no login is tried after one that failed; default 1s, each time twice as long …
	RetryMax    time.Duration // … up to this; default 1m. A refused login or key begins with it: no server is to take us for an attack

	Window   int   // packets of 32 KiB under way at a time, for each file; default 64
	ReadBack int64 // uploads up to this size are read again and compared, larger ones only by size; default 1 MiB, negative: none

	ListBytes int64 // memory that one listing may take; default 64 MiB, which is for more than 100,000 entries with the longest names

	FileMode fs.FileMode // of committed files, where the server lets us; default 0640
	DirMode  fs.FileMode // of folders that Rename makes outside the work folder, likewise; default 0750
}

// Folder is a store behind an SSH server. It is made by New or by a Pool and used by pointer; it connects when it is first needed.
type Folder struct {
	*server
	config Config

	closed  atomic.Bool
	leaving sync.Once

	probing   sync.Mutex
	abilities atomic.Pointer[Abilities] // nil: not known yet

	// Held for writing while folders are made and synced, for reading while one is looked for: who finds a folder may rely on its being durable.
	making sync.RWMutex
	// Guards looking whether an own name is free and taking it, where the server can't do both in one step.
	naming sync.Mutex
}

var (
	_ connectors.Folder  = (*Folder)(nil)
	_ connectors.Sizer   = (*Folder)(nil)
	_ connectors.Fetcher = (*Folder)(nil)
)

// New returns a store without connecting: a server that is down is no error. Close ends it.
func New(config Config) (*Folder, error) {
	f := &Folder{config: config.withDefaults()}
	f.server = newServer(f.config)
	if err := f.config.check(); err != nil {
		return nil, fmt.Errorf("sftp store on %q: %w", f.address, err)
	}
	return f, nil
}

func (c Config) withDefaults() Config {
	setDefault(&c.Port, 22)
	setDefault(&c.Work, ".chute")
	setDefault(&c.Root, ".")
	setDefault(&c.DialTimeout, 20*time.Second)
	setDefault(&c.Timeout, 30*time.Second)
	setDefault(&c.KeepAlive, 30*time.Second)
	setDefault(&c.RetryMin, time.Second)
	setDefault(&c.RetryMax, time.Minute)
	setDefault(&c.Window, 64)
	setDefault(&c.ReadBack, 1<<20)
	setDefault(&c.ListBytes, 64<<20)
	setDefault(&c.FileMode, 0o640)
	setDefault(&c.DirMode, 0o750)
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (c *Config) check() error {
	switch {
	case c.Host == "":
		return errors.New("no host was given")
	case c.User == "":
		return errors.New("no user was given")
	case len(c.KnownHosts) == 0 && len(c.Fingerprints) == 0:
		return errors.New("neither known_hosts nor a fingerprint was given: the server couldn't be told from another")
	case c.PrivateKey == nil && c.Agent == "" && c.Password == nil:
		return errors.New("no private key, agent or password was given")
	case c.Certificate != "" && c.PrivateKey == nil:
		return errors.New("a certificate needs its private key")
	case strings.IndexByte(c.Root, 0) >= 0:
		return fmt.Errorf("root %q has a zero byte", c.Root)
	}
	for _, f := range c.Fingerprints {
		if !strings.HasPrefix(f, "SHA256:") {
			return fmt.Errorf("fingerprint %q isn't one as SHA256:…", f)
		}
	}
	if err := checkName(c.Work); err != nil {
		return fmt.Errorf("work folder %q: %w", c.Work, err)
	}
	return nil
}

// Close refuses further calls and ends the connection, unless other folders have it too. With it, calls that wait for an answer fail.
func (f *Folder) Close() error {
	f.closed.Store(true)
	f.leaving.Do(f.leave)
	return nil
}

// path is a checked name as the server is told it.
func (f *Folder) path(name string) string { return path.Join(f.config.Root, name) }

// own tells whether name lies below the work folder. The work folder itself doesn't.
func (f *Folder) own(name string) bool { return strings.HasPrefix(name, f.config.Work+"/") }

// checkName refuses names that aren't plain relative ones: each name has one spelling.
func checkName(name string) error {
	if strings.IndexByte(name, 0) >= 0 {
		return fmt.Errorf("has a zero byte: %w", fs.ErrInvalid)
	}
	if name == "." || name != path.Clean(name) || strings.HasPrefix(name, "/") || name == ".." || strings.HasPrefix(name, "../") {
		return fmt.Errorf("not a plain relative name: %w", fs.ErrInvalid)
	}
	return nil
}

// checkDir is checkName for folders, where "." is the root.
func checkDir(name string) error {
	if name == "." {
		return nil
	}
	return checkName(name)
}

// parent is the folder of a checked name.
func parent(name string) string { return path.Dir(name) }
