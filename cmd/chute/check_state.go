package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"chute/connectors/local"
	"chute/pipeline/ledger"
)

// state looks at the state's folder.
func (i *inspection) state(ctx context.Context) {
	f := finding{Kind: "state", Subject: i.config.State.Dir, Code: "state_unusable"}
	place, there := i.ownFolder(ctx, f)
	if !there {
		return
	}
	folder := folderAt(i.config.State.Dir)
	if place.Mode.Perm()&0o007 != 0 {
		w := withCode(f, "state_open")
		w.Level, w.Text = levelWarning, fmt.Sprintf("others on this machine may look into it (mode %04o), and it has what operators only should know", place.Mode.Perm())
		w.Commands = []string{"chmod o= " + shell(i.config.State.Dir)}
		i.add(w)
	}
	if foreign, err := folder.Foreign(ctx, "."); !i.bad(f, err) && len(foreign) > 0 {
		w := withCode(f, "state_foreign")
		w.Level, w.Text = levelProblem, fmt.Sprintf("files in it belong to another user than it: %s", quotedNames(foreign))
		w.Mend = "they were made by a command of that user; give them to the folder's"
		w.Commands = []string{fmt.Sprintf("chown -R --reference=%s %s", shell(i.config.State.Dir), shell(i.config.State.Dir))}
		i.add(w)
	}
	i.ledger(ctx, f)
	i.blocked(f)
	free := i.enough(ctx, f, folder)
	i.settle(f, "belongs to %s, %s left", userName(place.UID), free)
}

// ledger tells of a ledger that no start can use. One that isn't there yet is made.
func (i *inspection) ledger(ctx context.Context, f finding) {
	var err error
	if i.owner != nil {
		err = i.owner.ledger.Verify(ctx)
	} else {
		err = ledger.Inspect(ctx, filepath.Join(i.config.State.Dir, ledgerFile))
	}
	if ledger.Unusable(err) {
		i.bad(withCode(f, "ledger_unusable"), err)
	}
}

// blocked tells that the daemon can load nothing because of its ledger or its state. Only one that runs knows.
func (i *inspection) blocked(f finding) {
	if i.owner == nil {
		return
	}
	if b := i.owner.blocked.status(); b.Reason != "" {
		f.Level, f.Code, f.Text = levelProblem, "nothing_loaded", "no file can be loaded now, all wait in their inboxes: "+b.Reason
		f.Mend = "mend what it names; it is tried again by itself"
		i.add(f)
	}
}

// ownLedger is the id of this state's ledger.
func (i *inspection) ownLedger(ctx context.Context) (string, error) {
	if i.owner != nil {
		return i.owner.ledger.ID(), nil
	}
	return ledger.Look(ctx, filepath.Join(i.config.State.Dir, ledgerFile))
}

// ownReader reads this state's ledger; close ends that.
func (i *inspection) ownReader(ctx context.Context) (r *ledger.Reader, close func() error, err error) {
	if i.owner != nil {
		return &i.owner.ledger.Reader, func() error { return nil }, nil
	}
	r, err = ledger.OpenUntouched(ctx, filepath.Join(i.config.State.Dir, ledgerFile))
	if err != nil {
		return nil, nil, err
	}
	return r, r.Close, nil
}

// ownFolder looks at a folder that chute makes when it is missing, and tells whether it is there and ours to use.
func (i *inspection) ownFolder(ctx context.Context, f finding) (place local.Place, there bool) {
	folder := folderAt(f.Subject)
	place, err := folder.Look(ctx, ".")
	if errors.Is(err, fs.ErrNotExist) {
		above := nearest(f.Subject)
		if !i.bad(f, about("it isn't there and can't be made", folderAt(above).Writable(ctx, "."))) {
			i.fine(f.Kind, f.Subject, "it isn't there yet and is made at the first start")
		}
		return place, false
	}
	if err != nil {
		f.Mend = "run this as the service's user"
		i.bad(f, err)
		return place, false
	}
	if kind, network, err := folder.Network(); err == nil && network {
		w := withCode(f, "on_network")
		w.Level, w.Text, w.Mend = levelWarning, "it is on a network file system ("+kind+"), on which databases aren't safe", "move it to a local disk"
		i.add(w)
	}
	switch me, err := os.Geteuid(), folder.Writable(ctx, "."); {
	case me == 0 && place.UID != 0 && f.Kind == "state":
		w := withCode(f, "other_user")
		name := userName(place.UID)
		w.Level, w.Text = levelWarning, fmt.Sprintf("it belongs to %s, and you are root: what %s may do isn't known from this", name, name)
		w.Mend = "check as that user"
		w.Commands = []string{fmt.Sprintf("runuser -u %s -- chute --config %s check", name, shell(i.file))}
		i.add(w)
	case err != nil:
		f.Mend = fmt.Sprintf("it belongs to %s and this is %s: let the service's user own it, or run this as that user", userName(place.UID), userName(uint32(me)))
		return place, !i.bad(f, err)
	}
	return place, true
}

// nearest is the nearest folder above a path that is there.
func nearest(name string) string {
	for name != "/" {
		name = filepath.Dir(name)
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return name
}

func about(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// folderAt is any folder of the machine, to be looked at.
func folderAt(path string) *local.Folder {
	folder, _ := local.New(path, "none") // it only judges the work folder's name
	return folder
}
