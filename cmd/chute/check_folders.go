package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"chute/config"
	"chute/connectors"
	"chute/connectors/local"
)

// storeFolder is a folder of a store that jobs use.
type storeFolder struct {
	name  string
	inbox bool
	jobs  []string
}

// folders are those that the jobs of the store use, inboxes first.
func (v *visit) folders() (all []*storeFolder) {
	add := func(name string, inbox bool, job string) {
		at := slices.IndexFunc(all, func(f *storeFolder) bool { return f.name == name })
		if at < 0 {
			all = append(all, &storeFolder{name: name})
			at = len(all) - 1
		}
		all[at].inbox = all[at].inbox || inbox
		if !slices.Contains(all[at].jobs, job) {
			all[at].jobs = append(all[at].jobs, job)
		}
	}
	for _, j := range v.jobs {
		if j.Store == v.store.Name {
			add(j.Inbox, true, j.Name)
		}
	}
	for _, j := range v.jobs {
		if j.Store == v.store.Name && j.WhenDone == "move" {
			for _, away := range []config.Pattern{j.Done, j.Rejected} {
				add(away.Beginning(time.Now().In(j.Timezone.Location())), false, j.Name)
			}
		}
	}
	v.outboxes(v.store.Name, func(name, job string) { add(name, false, job) })
	return all
}

// one tries one folder of the store.
func (v *visit) one(ctx context.Context, sf *storeFolder) {
	f := finding{Kind: "folder", Subject: v.store.Name + ":" + sf.name, Jobs: sf.jobs}
	full := filepath.Join(v.store.Path, sf.name)
	place, err := v.folder.Look(ctx, sf.name)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case missing && sf.inbox:
		f.Level, f.Code, f.Text = levelProblem, "inbox_missing", full+" isn't there"
		f.Mend = "make it so that its partner may write and chute may rename in it, or correct inbox; until then nothing arrives"
		f.Commands = []string{"mkdir -p " + shell(full)}
		v.add(f)
		return
	case err != nil && !missing:
		v.closed(ctx, f, sf.name, err)
		return
	case !missing:
		v.modes(f, full, place)
	}
	if sf.inbox && !v.inbox(ctx, place, sf, f) {
		return
	}
	if v.probe != nil {
		v.moves(ctx, sf, f)
	}
	if missing {
		v.settle(f, "it isn't there yet and is made when it is needed")
		return
	}
	v.settle(f, "files can be moved")
}

// moves tries a folder by real renames.
func (v *visit) moves(ctx context.Context, sf *storeFolder, f finding) {
	err := v.probe.Through(ctx, sf.name)
	switch {
	case err == nil:
	case errors.Is(err, connectors.ErrCrossDevice):
		f.Level, f.Code = levelProblem, "folder_on_other_mount"
		f.Text = fmt.Sprintf("it is on another file system or mount than the work folder %q: files can't be moved between them", v.store.Work)
		f.Mend = "put both on one; under systemd that is one ReadWritePaths= for the whole store"
		v.add(f)
	default:
		v.closed(ctx, f, sf.name, fmt.Errorf("files can't be moved into it and out of it: %w", cause(err)))
	}
}

// cause is what an error comes down to, without what was being done.
func cause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// closed says what to do about a folder that can't be used, and whose it is.
func (v *visit) closed(ctx context.Context, f finding, name string, err error) {
	f.Mend = "let chute list it and make and rename files in it"
	switch {
	case errors.Is(err, fs.ErrInvalid):
		f.Mend = "name the folder itself: inside of a store no link is followed"
	case errors.Is(err, syscall.ENOTDIR):
		f.Mend = "a file has this name: move it away, or name another folder"
	case errors.Is(err, fs.ErrPermission):
		me := userName(uint32(os.Geteuid()))
		if landing, failed := v.folder.Landing(ctx, name); failed != nil {
			err = fmt.Errorf("%w; this is %s", err, me)
		} else if place, failed := v.folder.Look(ctx, landing); failed == nil {
			err = fmt.Errorf("%w; %q belongs to %s with mode %04o, and this is %s", err, landing, userName(place.UID), place.Mode.Perm(), me)
		}
	}
	v.bad(withCode(f, "folder_unusable"), err)
}

// modes judges who may do what in a folder.
func (v *visit) modes(f finding, full string, place local.Place) {
	if place.KeepsOthersFiles() {
		g := withCode(f, "folder_sticky")
		g.Level, g.Text = levelProblem, "its sticky bit is set and it isn't chute's: only the owner of a file may take it out"
		g.Commands = []string{"chmod -t " + shell(full)}
		v.add(g)
	}
	if place.OthersWrite() {
		g := withCode(f, "folder_open")
		g.Level, g.Text = levelWarning, fmt.Sprintf("everybody on this machine may put and replace files in it (mode %04o)", place.Mode.Perm())
		g.Mend = "give it a group that its partner is in"
		g.Commands = []string{"chmod o-w " + shell(full)}
		v.add(g)
	}
}

// manyFiles are as many as are looked at in an inbox.
const manyFiles = 1000

// inbox looks at the files that wait in it, and tells whether it could.
func (v *visit) inbox(ctx context.Context, place local.Place, sf *storeFolder, f finding) bool {
	key := [2]uint64{place.Device, place.Inode}
	if other, twice := v.places[key]; twice {
		g := withCode(f, "inbox_twice")
		g.Level, g.Text, g.Mend = levelProblem, "it is the same folder as "+other+", by a link or a mount", "each inbox belongs to one store: take one of the two out"
		v.add(g)
	}
	v.places[key] = f.Subject
	files, err := v.folder.List(ctx, sf.name)
	if err != nil {
		v.closed(ctx, f, sf.name, fmt.Errorf("it can't be listed: %w", cause(err)))
		return false
	}
	var closed []string
	for _, file := range files[:min(len(files), manyFiles)] {
		if !file.Regular() || config.TemporaryName(file.Name) || config.SaneName(file.Name) != nil {
			continue
		}
		opened, err := v.folder.Open(ctx, path.Join(sf.name, file.Name))
		if err == nil {
			opened.Close()
		} else if errors.Is(err, fs.ErrPermission) {
			closed = append(closed, file.Name)
		}
	}
	if len(closed) > 0 {
		slices.Sort(closed)
		g := withCode(f, "files_unreadable")
		g.Level, g.Text = levelWarning, fmt.Sprintf("of the files that wait in it chute may not read %d: %s", len(closed), quotedNames(closed))
		g.Mend = "let chute read them, for example by a set-group-id folder of a group that chute is in"
		v.add(g)
	}
	return true
}

// quotedNames are some names for people.
func quotedNames(names []string) string {
	const most = 5
	var quoted []string
	for at, name := range names {
		if at == most {
			quoted = append(quoted, fmt.Sprintf("and %d more", len(names)-most))
			break
		}
		quoted = append(quoted, fmt.Sprintf("%.100q", name))
	}
	return strings.Join(quoted, ", ")
}

// shell quotes a path for a shell where that is needed.
func shell(text string) string {
	if strings.IndexFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("/._-+:@%", r)
	}) < 0 && text != "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
