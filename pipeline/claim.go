package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"

	"chute/connectors"
	"chute/pipeline/ledger"
)

// claimFile lies beside claimed files, for a person who finds them and for a chute that lost its ledger.
const claimFile = "claim.json"

// outFolder, in a batch's work folder, holds what goes out with its files, so that no partner's file name can clash with it.
const outFolder = "out"

// apartFolder, in a batch's work folder, holds claimed files that are called like something of chute's own there.
const apartFolder = "in"

// errChanged: the file isn't what it was when it came to rest.
var errChanged = errors.New("the file changed after it had come to rest; it waits until it is at rest again")

// errGone: the claimed file isn't where it was claimed to. It may have been given back, and then that failed or broke off.
var errGone = errors.New("the claimed file isn't in the work folder any more")

// claim takes the files out of the inbox, one atomic rename each. Losing a rename is losing the race for the file.
func (im *Importer) claim(ctx context.Context, b *batch) error {
	if _, err := im.site().present(ctx); err != nil {
		return err
	}
	for _, it := range b.items {
		it.err = im.probe(ctx, it)
	}
	items := b.active()
	if len(items) == 0 {
		return nil
	}
	if im.far() != nil && !b.unmatched {
		if err := im.roomFor(ctx, items); err != nil {
			return err // before the claim: they wait where their owners see them
		}
	}
	if err := im.effect("claiming", func() error { return im.begin(ctx, b, items) }); err != nil {
		return err
	}
	b.items, b.folder = append(items, b.left()...), im.folder(items[0].run.Batch)
	if im.InPlace {
		return nil
	}
	claimed := false
	for _, it := range items {
		// Whatever the answer, locate looks where the file really is.
		it.claimErr = im.effect("rename", func() error {
			return im.Store.Rename(ctx, im.inboxName(it), b.fileName(it))
		})
		claimed = claimed || it.claimErr == nil
	}
	if claimed {
		return im.site().used(ctx)
	}
	return nil
}

// probe refuses, before anything is written down, a file that couldn't be read or isn't the one that came to rest.
func (im *Importer) probe(ctx context.Context, it *item) error {
	f, err := im.Inbox.Open(ctx, im.inboxName(it))
	if err != nil {
		return err
	}
	defer f.Close()
	now, err := im.stat(f, it)
	if err != nil {
		return err
	}
	if !now.Same(it.run.File) {
		return errChanged
	}
	return nil
}

// stat looks at a file that is read, under the name that it was delivered with.
func (im *Importer) stat(f connectors.OpenFile, it *item) (connectors.File, error) {
	now, err := f.Stat()
	if im.At != "" {
		now.Name = it.run.File.Name
	}
	return now, err
}

// begin numbers the runs in the ledger.
func (im *Importer) begin(ctx context.Context, b *batch, items []*item) error {
	runs := runsOf(items)
	if b.unmatched {
		if err := im.Ledger.BeginUnmatched(ctx, runs); err != nil {
			return err
		}
	} else if err := im.Ledger.Begin(ctx, runs); err != nil {
		return err
	}
	keep(items, runs)
	return nil
}

// locate finds out which files are in the work folder, and writes them down as claimed. The others were lost to somebody else or
// never left the inbox: nothing of them remains, and the next look at the inbox decides. Those that the store doesn't let go have never had a run.
func (im *Importer) locate(ctx context.Context, b *batch) error {
	if !im.InPlace {
		if err := im.findClaimed(ctx, b); err != nil {
			return err
		}
	}
	kept := b.those(func(it *item) bool { return it.lost && errors.Is(it.err, connectors.ErrUnclaimable) })
	if len(kept) < len(b.begun()) { // the others are known by who leads the batch
		kept = slices.DeleteFunc(kept, func(it *item) bool { return it.run.ID == it.run.Batch })
	}
	for _, it := range b.items {
		if slices.Contains(kept, it) {
			continue
		}
		if it.lost {
			it.run.State, it.run.Status, it.run.Finished = ledger.Withdrawn, ledger.Failed, now()
			continue
		}
		there, err := it.err == nil, error(nil)
		if !there {
			there, err = im.exists(ctx, b.fileName(it))
		}
		if it.run.State == ledger.Claiming && err == nil && there {
			it.run.State = ledger.Claimed
		}
	}
	err := im.effect("claimed", func() error {
		if err := im.forget(ctx, kept); err != nil {
			return err
		}
		return im.advance(ctx, b.begun())
	})
	if err != nil {
		return err
	}
	if len(b.begun()) == 0 {
		im.clearFolder(ctx, b.folder)
	}
	return nil
}

func (im *Importer) findClaimed(ctx context.Context, b *batch) error {
	there, err := im.claimedFiles(ctx, b)
	if err != nil {
		return err
	}
	for _, it := range b.active() {
		f, ok := there[b.fileName(it)]
		switch {
		case !ok:
			it.lost = true
			it.err = im.unclaimed(ctx, b, it)
		case !f.Same(it.run.File):
			if it.err = im.giveBack(ctx, b, it); it.err == nil {
				it.lost, it.err = true, errChanged
			}
		case b.resumed:
			if err := im.endClaim(ctx, b, it); err != nil {
				return err
			}
		}
	}
	if len(b.active()) == 0 {
		return nil
	}
	if _, ok := there[path.Join(b.folder, claimFile)]; !ok {
		if err := im.effect("claim.json", func() error { return im.writeClaim(ctx, b) }); err != nil {
			return err
		}
	}
	return im.effect("sync claim", func() error { // where the names came to first, then where they left
		return im.Store.Sync(ctx, append(b.fileFolders(b.active()), b.items[0].run.Inbox)...)
	})
}

// claimedFiles are the entries of the folders that the batch's files are claimed into, by their whole names.
func (im *Importer) claimedFiles(ctx context.Context, b *batch) (map[string]connectors.File, error) {
	there := map[string]connectors.File{}
	for _, folder := range b.fileFolders(b.active()) {
		entries, err := im.Store.List(ctx, folder)
		if errors.Is(err, fs.ErrNotExist) {
			// No file was moved, if the store is there at all: a mount that is away has neither folder.
			_, err = im.Store.List(ctx, b.items[0].run.Inbox)
		}
		if err != nil {
			return nil, err
		}
		for _, f := range entries {
			there[path.Join(folder, f.Name)] = f
		}
	}
	return there, nil
}

// giveBack puts a claimed file back into its inbox. When the inbox has a new file of that name it stays where it is. It can be repeated: an earlier try may
// have come to its end but for the sync.
func (im *Importer) giveBack(ctx context.Context, b *batch, it *item) error {
	if im.InPlace {
		return nil
	}
	err := im.effect("give back", func() error { return im.moveOwn(ctx, b.fileName(it), im.inboxName(it)) })
	if err != nil && !(errors.Is(err, fs.ErrNotExist) && im.isBack(ctx, it)) {
		return fmt.Errorf("put the changed file back into its inbox: %w", err)
	}
	return im.effect("sync back", func() error { return im.Store.Sync(ctx, it.run.Inbox, path.Dir(b.fileName(it))) })
}

// isBack tells whether the inbox has the very file that was claimed.
func (im *Importer) isBack(ctx context.Context, it *item) bool {
	f, err := im.Store.Open(ctx, im.inboxName(it))
	if err != nil {
		return false
	}
	defer f.Close()
	now, err := f.Stat()
	return err == nil && now.Inode == it.run.File.Inode
}

// writeFile writes a file of chute's own into the work folder. One of the same name is left from an earlier try and makes room.
func (im *Importer) writeFile(ctx context.Context, name string, content []byte) error {
	err := im.writeNewFile(ctx, name, content)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := im.Store.Remove(ctx, name); err != nil {
		return err
	}
	return im.writeNewFile(ctx, name, content)
}

func (im *Importer) writeNewFile(ctx context.Context, name string, content []byte) error {
	f, err := im.Store.Create(ctx, name)
	if err != nil {
		return err
	}
	defer f.Discard()
	if _, err := f.Write(content); err != nil {
		return err
	}
	return f.Commit(ctx)
}

// folder is the work folder of a batch.
func (im *Importer) folder(batch uint64) string { return batchFolder(im.Work, im.Ledger.ID(), batch) }

func batchFolder(work, ledger string, batch uint64) string {
	return path.Join(work, ledger, strconv.FormatUint(batch, 10))
}

func (im *Importer) inboxName(it *item) string {
	return path.Join(it.run.Inbox, cmp.Or(im.At, it.run.File.Name))
}

// fileName is where the claimed file is, in the store.
func (b *batch) fileName(it *item) string { return nameIn(b.folder, it.run.File.Name) }

// Claimed is where the file of a run is in its store from the claim until it is settled.
func Claimed(work, ledger string, run ledger.Run) string {
	return nameIn(batchFolder(work, ledger, run.Batch), run.File.Name)
}

// nameIn is a claimed file's name in the folder of its batch.
func nameIn(folder, name string) string {
	switch name {
	case claimFile, outFolder, apartFolder:
		return path.Join(folder, apartFolder, name)
	default:
		return path.Join(folder, name)
	}
}

// fileFolders are the folders that claimed files may be in; the batch's own is always the first.
func (b *batch) fileFolders(items []*item) []string {
	folders := []string{b.folder}
	for _, it := range items {
		if dir := path.Dir(b.fileName(it)); !slices.Contains(folders, dir) {
			folders = append(folders, dir)
		}
	}
	return folders
}
