package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"chute/config"
	"chute/systemd"
)

func installCommand() *cobra.Command {
	var show, replace bool
	var root string
	c := &cobra.Command{
		Use:   "install",
		Short: "write the unit for systemd and what belongs to it, as the configuration needs it",
		Long: "Writes the unit that runs chute as a service, the user that it runs as, the folders of the configuration, and a drop-in for each store on this machine, for the credentials and for " +
			"other folders that the configuration names. Run it again when stores or credentials have changed. A file that was changed by hand is left alone, and said. A configuration to " +
			"begin with is written where there is none.\n\nExit codes: 0 all is as it should be, 1 files that were changed by hand were left alone, 78 the configuration is wrong.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			file, err := filepath.Abs(configFile(c))
			if err != nil {
				return err
			}
			files, plan, doubts, err := filesToInstall(file)
			if err != nil {
				return err
			}
			if doubts != nil && root == "" && !show {
				return doubts
			}
			if doubts != nil { // the files may be for another machine
				fmt.Fprintf(c.ErrOrStderr(), "chute: here the service would not run: %v\n", doubts)
			}
			if show {
				return printFiles(c.OutOrStdout(), files)
			}
			i := installation{root: root, replace: replace, out: c.OutOrStdout()}
			if err := i.all(files); err != nil {
				return err
			}
			return i.end(plan)
		},
	}
	c.Flags().BoolVar(&show, "print", false, "print all files and write none")
	c.Flags().BoolVar(&replace, "replace", false, "write over files that were changed by hand, too")
	c.Flags().StringVar(&root, "root", "", "the `FOLDER` to write below, for who makes a package or an image")
	return c
}

// filesToInstall are the files, the configuration among them when there is none yet. Doubts are why the service can't run with them on this machine as it is.
func filesToInstall(file string) (files []systemd.File, plan systemd.Plan, doubts, err error) {
	chute, err := config.LoadChute(file)
	if _, missing := os.Lstat(file); errors.Is(missing, fs.ErrNotExist) {
		files, chute, err = append(files, systemd.File{Path: file, Text: systemd.Sample}), &config.Chute{}, nil
	}
	if err != nil {
		return nil, plan, nil, err
	}
	if plan, err = planOf(chute, file); err != nil {
		return nil, plan, nil, err
	}
	if doubts = plan.Unseen(); doubts != nil {
		doubts = &exit{exitConfig, doubts.Error()}
	}
	program, err := ownProgram()
	if err != nil {
		program, doubts = systemd.Program, errors.Join(doubts, fmt.Errorf("%w; the unit names %s", err, systemd.Program))
	}
	plan.Program = program
	for _, f := range plan.Files() {
		files = append(files, f.Signed())
	}
	return files, plan, doubts, nil
}

// planOf takes out of the configuration what the service has to be let do.
func planOf(c *config.Chute, file string) (systemd.Plan, error) {
	p := systemd.Plan{Config: file, Jobs: c.Jobs.Dir}
	for _, dir := range []string{c.State.Dir, c.Database.Path} {
		if dir != "" && !slices.ContainsFunc(p.Folders, func(above string) bool { return within(above, filepath.Clean(dir)) }) {
			p.Folders = append(p.Folders, filepath.Clean(dir))
		}
	}
	secrets := []config.Secret{c.Database.Password}
	for _, s := range c.Stores {
		secrets = append(secrets, s.PrivateKey, s.Passphrase, s.Password)
		if !s.Remote() {
			p.Stores = append(p.Stores, systemd.Store{Name: s.Name, Path: filepath.Clean(s.Path)})
		}
	}
	for _, s := range secrets {
		if s.Credential != "" && !slices.Contains(p.Credentials, s.Credential) {
			p.Credentials = append(p.Credentials, s.Credential)
		}
	}
	if err := p.Check(); err != nil {
		return p, &exit{exitConfig, err.Error()}
	}
	return p, nil
}

func within(above, path string) bool {
	rel, err := filepath.Rel(above, path)
	return err == nil && filepath.IsLocal(rel)
}

// ownProgram is this program's path, if a service may run it.
func ownProgram() (string, error) {
	name, err := os.Executable()
	if err == nil {
		name, err = systemd.OnlyRoot(name)
	}
	if err != nil {
		return "", fmt.Errorf("this program can't be run as a service: %w: put it into /usr/local/bin, owned by root, and run it from there", err)
	}
	return name, nil
}

func printFiles(w io.Writer, files []systemd.File) error {
	for i, f := range files {
		blank := "\n"
		if i == 0 {
			blank = ""
		}
		if _, err := fmt.Fprintf(w, "%s# %s\n%s", blank, f.Path, f.Text); err != nil {
			return err
		}
	}
	return nil
}

// installation writes files.
type installation struct {
	root    string
	replace bool
	out     io.Writer
	left    []string // changed by hand
}

func (i *installation) all(files []systemd.File) error {
	wanted := map[string]bool{}
	for _, f := range files {
		wanted[f.Path] = true
		if err := i.one(f); err != nil {
			return err
		}
	}
	return i.removeOthers(wanted)
}

// one brings a file to what it should be, unless somebody has changed it.
func (i *installation) one(f systemd.File) error {
	name := filepath.Join(i.root, f.Path)
	there, err := os.ReadFile(name)
	said := "written"
	switch info, lost := os.Lstat(name); {
	case errors.Is(lost, fs.ErrNotExist):
	case err != nil:
		return err
	case string(there) == f.Text:
		return i.say(f.Path, "is as it should be")
	case info.Mode().IsRegular() && systemd.Unchanged(string(there)):
		said = "brought up to date"
	case !i.replace:
		i.left = append(i.left, f.Path)
		return i.say(f.Path, "was changed by hand and is left alone")
	default:
		said = "replaced, although it was changed by hand"
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	temporary := name + ".chute-new" // a suffix that systemd reads nothing by
	if err := os.WriteFile(temporary, []byte(f.Text), 0o644); err != nil {
		return err
	}
	if err := os.Rename(temporary, name); err != nil {
		return err
	}
	return i.say(f.Path, said)
}

func (i *installation) say(path, what string) error {
	_, err := fmt.Fprintf(i.out, "%s: %s\n", path, what)
	return err
}

// removeOthers removes the drop-ins of what the configuration doesn't name any more.
func (i *installation) removeOthers(wanted map[string]bool) error {
	entries, err := os.ReadDir(filepath.Join(i.root, systemd.DropIns))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(systemd.DropIns, e.Name())
		name := filepath.Join(i.root, path)
		if wanted[path] || !strings.HasSuffix(path, ".conf") || !e.Type().IsRegular() {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if !systemd.Unchanged(string(text)) {
			continue // not ours
		}
		if err := os.Remove(name); err != nil {
			return err
		}
		if err := i.say(path, "removed: the configuration has nothing for it any more"); err != nil {
			return err
		}
	}
	return nil
}

// end says what is left to do.
func (i *installation) end(p systemd.Plan) error {
	if len(i.left) > 0 {
		return fmt.Errorf("%d file(s) changed by hand were left alone: compare them with `chute install --print`, and put what is your own into a drop-in (systemctl edit chute), or say --replace", len(i.left))
	}
	for _, name := range p.Missing(i.root) {
		fmt.Fprintf(i.out, "put the secret into %s, mode 0600\n", name)
	}
	_, err := fmt.Fprint(i.out, "now: systemd-sysusers && systemd-tmpfiles --create chute.conf && systemctl daemon-reload && systemctl enable --now chute\n")
	return err
}
