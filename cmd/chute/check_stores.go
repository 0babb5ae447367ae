package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"

	"chute/config"
	"chute/connectors"
	"chute/connectors/local"
	"chute/pipeline"
)

// stores looks at every store and tries the moves that files make in it.
func (i *inspection) stores(ctx context.Context) {
	places := map[[2]uint64]string{} // inboxes, by what the kernel knows them by
	for _, s := range i.config.Stores {
		f := finding{Kind: "store", Subject: s.Name}
		if s.Remote() {
			i.serverStore(ctx, &s, f)
			continue
		}
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
		v := visit{inspection: i, store: &s, folder: folder, places: places}
		v.all(ctx, f)
	}
}

// visit looks at one store.
type visit struct {
	*inspection
	store  *config.Store
	folder *local.Folder
	probe  *local.Probe         // nil when none could be made
	places map[[2]uint64]string // inboxes of all stores so far, by what the kernel knows them by
}

func (v *visit) all(ctx context.Context, f finding) {
	free := v.enough(ctx, f, v.folder)
	v.workFolder(ctx, f)
	v.forsaken(ctx, f, v.folder)
	if !v.lost(ctx, f, v.store, v.folder) {
		v.bare(ctx, f)
	}
	folders := v.folders()
	v.makeProbe(ctx, folders, f)
	v.settle(f, "%s, %s left%s", v.store.Path, free, v.fileSystem(ctx, f))
	for _, sf := range folders {
		v.one(ctx, sf)
	}
	if v.probe != nil {
		v.bad(withCode(f, "store_unswept"), v.probe.Close())
	}
}

// makeProbe makes the probe for the folders, and clears away what an earlier one left that was killed.
func (v *visit) makeProbe(ctx context.Context, folders []*storeFolder, f finding) {
	var names []string
	for _, sf := range folders {
		names = append(names, sf.name)
	}
	probe, err := v.folder.NewProbe(ctx, names)
	if err != nil {
		f.Mend = fmt.Sprintf("let chute make and use the folder %q in %s", v.store.Work, v.store.Path)
		v.bad(withCode(f, "work_unusable"), err)
		return
	}
	v.probe = probe
	if err := v.folder.SweepProbes(ctx); err != nil {
		f.Level, f.Code, f.Text = levelWarning, "store_unswept", err.Error()
		v.add(f)
	}
}

// workFolder judges chute's own folder in a store, if it is there.
func (v *visit) workFolder(ctx context.Context, f finding) {
	place, err := v.folder.Look(ctx, v.store.Work)
	if err != nil || place.Mode.Perm()&0o077 == 0 {
		return // it is made when it is needed; what else is the matter shows when it is used
	}
	work := filepath.Join(v.store.Path, v.store.Work)
	f.Level, f.Code, f.Text = levelWarning, "work_open", fmt.Sprintf("others may look into the work folder %s (mode %04o)", work, place.Mode.Perm())
	f.Commands = []string{"chmod 700 " + shell(work)}
	v.add(f)
}

// forsaken warns of claimed files of other ledgers than this state's.
func (v *visit) forsaken(ctx context.Context, f finding, folder connectors.Folder) {
	own, err := v.ownLedger(ctx)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return // which files are its own isn't known; what is the matter with it is said elsewhere
	}
	all, err := pipeline.Forsaken(ctx, folder, v.store.Work, own)
	if err != nil {
		return // what is the matter with the work folder shows when it is used
	}
	for _, of := range slices.Sorted(maps.Keys(all)) {
		f.Level, f.Code = levelWarning, "claims_left"
		f.Text = fmt.Sprintf("the chute with the ledger %s has claimed %s here, the last one %s ago", of, count(all[of].Files, "file"), age(all[of].Newest))
		f.Mend = "if it runs, it is at work on them; if its machine or its state is gone for good, take them over"
		f.Commands = []string{fmt.Sprintf("chute --config %s adopt %s", shell(v.file), of)}
		v.add(f)
	}
}

// lost tells whether the folder that this state's ledger made in a store isn't there any more: nothing is claimed from such a store, or delivered to it.
func (i *inspection) lost(ctx context.Context, f finding, s *config.Store, folder connectors.Folder) bool {
	r, closeReader, err := i.ownReader(ctx)
	if err != nil {
		return false // what is the matter with the ledger is said elsewhere; without one nothing was ever made
	}
	lost, _, err := pipeline.Lost(ctx, folder, r, place(s), s.Work)
	mark := path.Join(s.Work, r.ID())
	if err = errors.Join(err, closeReader()); err != nil || !lost {
		return false // what else is the matter with the store shows when it is used
	}
	f.Level, f.Code = levelProblem, "store_lost"
	f.Text = fmt.Sprintf("%s has no %s any more, which chute had made in it: until it is there, nothing is claimed from it or delivered to it", place(s), mark)
	f.Mend = "if its file system isn't mounted, mount it; only if it was emptied on purpose, make that folder, as chute's user"
	if !s.Remote() {
		f.Commands = []string{"mkdir -p -m 700 " + shell(filepath.Join(s.Path, mark))}
	}
	i.add(f)
	return true
}

// fileSystem tells what is to be known of the store's file system.
func (v *visit) fileSystem(ctx context.Context, f finding) (about string) {
	if kind, network, err := v.folder.Network(); err == nil && network {
		about += ", on a network file system (" + kind + "): files settle for 60s unless their job says otherwise"
	}
	if v.probe == nil {
		return about
	}
	if replaces, err := v.probe.Replaces(ctx); err == nil && replaces {
		f.Level, f.Code = levelWarning, "store_replaces"
		f.Text = "the file system can't rename without replacing: files are moved by giving them a second name first"
		f.Mend = "let chute own the files, or use another file system"
		v.add(f)
	}
	switch leases, err := v.probe.Leases(ctx); {
	case err == nil && !leases:
		about += ", without leases: who still writes a file isn't seen, so settle has to be longer than any pause in writing"
	case !local.SeesWriters():
		about += ", who still writes a file of another user isn't seen (no CAP_LEASE), so settle has to be longer than any pause in writing"
	}
	return about
}
