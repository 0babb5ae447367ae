package sftp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	client "github.com/pkg/sftp"
)

// Renames says what a server does with a rename onto a name that exists.
type Renames string

const (
	Refuses    Renames = "refuses"    // the name is safe
	Overwrites Renames = "overwrites" // we have to see to it ourselves
	Never      Renames = "never"      // it renames nothing at all
)

// Abilities are what a server can do, tried with files of our own. Each inability has a way round it, which Lines tells.
type Abilities struct {
	Server          string // what it calls itself: "SSH-2.0-OpenSSH_9.2p1"
	ReadOnly        string // why nothing can be made in the store; empty: it can
	Rename          Renames
	Exclusive       bool // it refuses to make a file that exists
	CaseInsensitive bool
	Modes           bool // it sets permissions
	SyncsFiles      bool
	SyncsFolders    bool
	TellsFree       bool
}

// Lines are the abilities for people, each with what follows from it.
func (a Abilities) Lines() []string {
	lines := []string{"server: " + a.Server}
	say := func(able bool, yes, no string) {
		if !able {
			yes = no
		}
		if yes != "" {
			lines = append(lines, yes)
		}
	}
	if a.ReadOnly != "" {
		return append(lines, "writing: refused ("+a.ReadOnly+"): files can only be read where they are, and nothing can be put beside them")
	}
	switch a.Rename {
	case Refuses:
		lines = append(lines, "rename onto a name that exists: refused, so that nothing can be overwritten")
	case Never:
		lines = append(lines, "rename: refused: files can't be claimed or moved")
	case Overwrites:
		say(a.Exclusive, "rename onto a name that exists: overwrites: names outside the work folder are reserved with a small file first",
			"rename onto a name that exists: overwrites, and names can't be reserved: it is looked for the name first; a file that gets it in that moment would be lost")
	}
	say(a.SyncsFiles, "sync of files: yes", "sync of files: no: how safe uploads are from a power cut there is the server's affair")
	say(a.SyncsFolders, "sync of folders: yes", "sync of folders: no: likewise for names")
	say(a.TellsFree, "free space: told", "free space: not told, so min_free isn't checked there")
	say(a.Modes, "", "permissions: can't be set: they are what the server gives new files")
	say(!a.CaseInsensitive, "", "names: upper and lower case are the same")
	return lines
}

// able returns the server's abilities, tried once for each version of it.
func (f *Folder) able(ctx context.Context) (Abilities, error) {
	l, err := f.connect(ctx)
	if err != nil {
		return Abilities{}, err
	}
	if known := f.abilities.Load(); known != nil && known.Server == l.version {
		return *known, nil
	}
	return f.Probe(ctx)
}

// Probe tries what the server can do, in a folder of its own below the work folder, which it removes again. What was found out once is told again;
// that nothing can be made there may change any time, and isn't kept.
func (f *Folder) Probe(ctx context.Context) (Abilities, error) {
	f.probing.Lock()
	defer f.probing.Unlock()
	l, err := f.connect(ctx)
	if err != nil {
		return Abilities{}, err
	}
	if known := f.abilities.Load(); known != nil && known.Server == l.version {
		return *known, nil
	}
	a := Abilities{Server: l.version}
	if err := f.probe(ctx, &a); err != nil {
		return a, fmt.Errorf("try what the SFTP server can do: %w", err)
	}
	if a.ReadOnly == "" {
		f.abilities.Store(&a)
	}
	return a, nil
}

const probePrefix = "probe-" // of folders in the work folder

func (f *Folder) probe(ctx context.Context, a *Abilities) error {
	_, err := f.lstat(ctx, f.config.Work)
	fresh := errors.Is(err, fs.ErrNotExist)
	if err != nil && !fresh {
		return err
	}
	dir := path.Join(f.config.Work, probePrefix+rand.Text())
	err = f.ensureDir(ctx, dir)
	if errors.Is(err, fs.ErrPermission) {
		a.ReadOnly = err.Error()
		return nil
	}
	if err != nil {
		return err
	}
	err = errors.Join(f.probeIn(ctx, dir, a), f.clear(ctx, dir))
	if fresh { // whoever only asks leaves no traces; it stays when somebody else uses it meanwhile
		_ = f.optional(ctx, func(c *client.Client) error { return c.RemoveDirectory(f.path(f.config.Work)) })
	} else if err == nil {
		err = f.sweep(ctx, path.Base(dir))
	}
	return err
}

// probeIn tries everything with small files of different sizes, which tell afterwards who is who.
func (f *Folder) probeIn(ctx context.Context, dir string, a *Abilities) (err error) {
	one, two, three := path.Join(dir, "one"), path.Join(dir, "two"), path.Join(dir, "three")
	for name, content := range map[string]string{one: "1", two: "22"} {
		if err := f.reserve(ctx, name, []byte(content)); err != nil {
			return err
		}
	}
	if _, err := f.lstat(ctx, path.Join(dir, "ONE")); err == nil {
		a.CaseInsensitive = true
	}
	if err = f.reserve(ctx, two, []byte("22")); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	a.Exclusive = err != nil
	if a.Modes, err = f.permitted(ctx, func(c *client.Client) error { return c.Chmod(f.path(one), 0o600) }); err != nil {
		return err
	}
	if a.Rename, err = f.probeRename(ctx, one, two, three); err != nil {
		return err
	}
	err = f.ask(ctx, func(c *client.Client) error {
		a.SyncsFiles = syncs(c)
		return nil
	})
	if err != nil {
		return err
	}
	if a.TellsFree, err = f.permitted(ctx, func(c *client.Client) error { _, err := c.StatVFS(f.path(dir)); return err }); err != nil {
		return err
	}
	a.SyncsFolders, err = f.trySyncDir(ctx, dir)
	return err
}

// permitted makes a request and tells whether the server did it.
func (f *Folder) permitted(ctx context.Context, request func(*client.Client) error) (bool, error) {
	err := f.ask(ctx, request)
	if err != nil && !refused(err) {
		return false, err
	}
	return err == nil, nil
}

// probeRename renames one onto two, which is there, and onto three, which isn't.
func (f *Folder) probeRename(ctx context.Context, one, two, three string) (Renames, error) {
	rename := func(to string) error {
		return f.once(ctx, func(c *client.Client) error { return c.Rename(f.path(one), f.path(to)) })
	}
	err := rename(two)
	if err != nil && !refused(err) {
		return "", err
	}
	there, look := f.lstat(ctx, two)
	switch {
	case look != nil:
		return "", look
	case err == nil && there.Size == 1:
		return Overwrites, nil
	case there.Size != 2:
		return "", fmt.Errorf("a rename onto another file left one of %d bytes", there.Size)
	}
	if err := rename(three); err != nil {
		if refused(err) {
			return Never, nil
		}
		return "", err
	}
	return Refuses, nil
}

// clear removes a probe's folder with what is in it.
func (f *Folder) clear(ctx context.Context, dir string) error {
	for _, name := range []string{"one", "two", "three"} {
		if err := f.Remove(ctx, path.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return f.Remove(ctx, dir)
}

// sweep removes what killed probes left: those older than an hour, by the server's clock.
func (f *Folder) sweep(ctx context.Context, except string) error {
	entries, err := f.list(ctx, f.config.Work)
	if err != nil {
		return err
	}
	var latest time.Time
	for _, e := range entries {
		if e.ModTime.After(latest) {
			latest = e.ModTime
		}
	}
	for _, e := range entries {
		if e.Mode.IsDir() && strings.HasPrefix(e.Name, probePrefix) && e.Name != except && latest.Sub(e.ModTime) > time.Hour {
			if err := f.clear(ctx, path.Join(f.config.Work, e.Name)); err != nil {
				return err
			}
		}
	}
	return nil
}
