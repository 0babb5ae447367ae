package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"chute/config"
	"chute/connectors/local"
)

// stores looks at every store and tries the moves that files make in it.
func (i *inspection) stores(ctx context.Context) {
	places := map[[2]uint64]string{} // inboxes, by what the kernel knows them by
	for _, s := range i.config.Stores {
		f := finding{Kind: "store", Subject: s.Name}
		folder, err := local.New(s.Path, s.Work)
		if err == nil {
			_, err = folder.Look(ctx, ".")
		}
		if errors.Is(err, fs.ErrNotExist) {
			f.Level, f.Code, f.Text = levelProblem, "store_missing", s.Path+" isn't there"
			f.Mend = "mount it, make it, or correct path; until then its files wait"
			i.add(f)
			continue
		}
		if err != nil {
			f.Mend = "let chute go into " + s.Path
			i.bad(withCode(f, "store_unusable"), fmt.Errorf("%s: %w", s.Path, err))
			continue
		}
		i.store(ctx, &s, folder, f, places)
	}
}

func (i *inspection) store(ctx context.Context, s *config.Store, folder *local.Folder, f finding, places map[[2]uint64]string) {
	free := i.enough(ctx, f, folder)
	i.workFolder(ctx, s, folder, f)
	all := i.folders(s.Name)
	var names []string
	for _, sf := range all {
		names = append(names, sf.name)
	}
	probe, err := folder.NewProbe(ctx, names)
	if err != nil {
		w := withCode(f, "work_unusable")
		w.Mend = fmt.Sprintf("let chute make and use the folder %q in %s", s.Work, s.Path)
		i.bad(w, err)
	} else if err := folder.SweepProbes(ctx); err != nil {
		w := withCode(f, "store_unswept")
		w.Level, w.Text = levelWarning, err.Error()
		i.add(w)
	}
	about := i.fileSystem(ctx, folder, probe, f)
	i.settle(f, "%s, %s left%s", s.Path, free, about)
	for _, sf := range all {
		i.folder(ctx, s, folder, probe, sf, places)
	}
	if probe != nil {
		i.bad(withCode(f, "store_unswept"), probe.Close())
	}
}

// workFolder judges chute's own folder in a store, if it is there.
func (i *inspection) workFolder(ctx context.Context, s *config.Store, folder *local.Folder, f finding) {
	place, err := folder.Look(ctx, s.Work)
	if err != nil || place.Mode.Perm()&0o077 == 0 {
		return // it is made when it is needed; what else is the matter shows when it is used
	}
	work := filepath.Join(s.Path, s.Work)
	f.Level, f.Code, f.Text = levelWarning, "work_open", fmt.Sprintf("others may look into the work folder %s (mode %04o)", work, place.Mode.Perm())
	f.Commands = []string{"chmod 700 " + shell(work)}
	i.add(f)
}

// fileSystem tells what is to be known of the store's file system.
func (i *inspection) fileSystem(ctx context.Context, folder *local.Folder, probe *local.Probe, f finding) (about string) {
	if kind, network, err := folder.Network(); err == nil && network {
		about += ", on a network file system (" + kind + "): files settle for 60s unless their job says otherwise"
	}
	if probe == nil {
		return about
	}
	if replaces, err := probe.Replaces(ctx); err == nil && replaces {
		f.Level, f.Code = levelWarning, "store_replaces"
		f.Text = "the file system can't rename without replacing: files are moved by giving them a second name first"
		f.Mend = "let chute own the files, or use another file system"
		i.add(f)
	}
	switch leases, err := probe.Leases(ctx); {
	case err == nil && !leases:
		about += ", without leases: who still writes a file isn't seen, so settle has to be longer than any pause in writing"
	case !local.SeesWriters():
		about += ", who still writes a file of another user isn't seen (no CAP_LEASE), so settle has to be longer than any pause in writing"
	}
	return about
}
