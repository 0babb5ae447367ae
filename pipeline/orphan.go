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
	"strings"
	"time"

	"chute/config"
	"chute/connectors"
	"chute/pipeline/ledger"
)

// Orphans are the claimed files in one store's work folder that no ledger at hand goes on with: those of a machine or a state that is gone, and those that
// were claimed after the copy of a ledger was made that is in use now.
//
// Nothing is written down while they are decided about. Each decision follows from what lies in the folder and in the table, and each effect leaves both so that
// the same decision follows again: rows leave before their file goes back to its inbox, sidecars go out before their file, and what is of no use any
// more is removed last. So deciding can be broken off anywhere, and be repeated.
type Orphans struct {
	Base      *Importer          // of the store; it has no job
	Importers []*Importer        // of the store's jobs
	Ledger    string             // whose claims
	Servers   []string           // addresses of all servers that have tables; none: there is one
	Elsewhere []config.TableName // that jobs of other stores load into

	// SameDatabase: somebody says that the database is the claims', whatever they are marked with.
	SameDatabase bool
	// Known, where it is given, tells whether the ledger at hand goes on with a batch: the files of others are decided about.
	Known func(ctx context.Context, batch uint64) (bool, error)
}

// Ending is what became of an orphan.
type Ending string

// The endings of orphans.
const (
	EndedLoaded   Ending = "loaded"      // its records are in the table: it is in done, its sidecars beside it
	EndedRefused  Ending = "refused"     // it had been rejected, or skipped as loaded before: it is in its place with its sidecars
	EndedReturned Ending = "returned"    // nothing of it is in the table: it is in its inbox again
	EndedWaiting  Ending = "waiting"     // something is in the way now; it is where it was
	EndedOpen     Ending = "interrupted" // it can't be told whether its records are in the table: a person decides, nothing was touched
)

// Fate says what became of one orphan.
type Fate struct {
	Run    uint64 // in its own ledger; 0: not known
	Job    string // "": not known
	File   string // its name: any bytes
	At     string // where it is now, in the store
	Ending Ending
	Why    string // of the last two endings, for operators
}

// Decide decides about every orphan and tells each one's fate.
func (o *Orphans) Decide(ctx context.Context, tell func(Fate)) error {
	own := path.Join(o.Base.Work, o.Ledger)
	batches, _, err := workFolders(ctx, o.Base.Store, own)
	if err != nil {
		return err
	}
	for _, batch := range batches {
		if o.Known != nil {
			known, err := o.Known(ctx, batch)
			if err != nil {
				return err
			}
			if known {
				continue
			}
		}
		if err := o.decideFolder(ctx, batch, tell); err != nil {
			return fmt.Errorf("work folder %s: %w", batchFolder(o.Base.Work, o.Ledger, batch), err)
		}
	}
	return nil // own stays, empty: it tells the other chute, if it is started again after all, that this is its store
}

// workFolders are the numbers of a ledger's work folders in a store, in order, and the names of folders that are called like one by a number that no run has. A
// store's owner can make folders there too.
func workFolders(ctx context.Context, store connectors.Folder, own string) (batches []uint64, odd []string, err error) {
	entries, err := store.List(ctx, own)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("look for work folders that are left: %w", err)
	}
	for _, f := range entries {
		if !f.Mode.IsDir() || strings.Trim(f.Name, "0123456789") != "" {
			continue
		}
		batch, err := strconv.ParseUint(f.Name, 10, 64)
		if err != nil || batch == 0 || batch > ledger.LastRun || strconv.FormatUint(batch, 10) != f.Name {
			odd = append(odd, f.Name)
			continue
		}
		batches = append(batches, batch)
	}
	slices.Sort(batches)
	slices.Sort(odd)
	return batches, odd, nil
}

// Forsaken tells how many claimed files lie in the work folders of each ledger in a store but one, and when the newest came there.
func Forsaken(ctx context.Context, store connectors.Folder, work, but string) (map[string]Left, error) {
	ledgers, err := store.List(ctx, work)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for work folders that are left: %w", err)
	}
	all := map[string]Left{}
	for _, l := range ledgers {
		if l.Name == but || !l.Mode.IsDir() {
			continue
		}
		batches, _, err := workFolders(ctx, store, path.Join(work, l.Name))
		if err != nil {
			return nil, err
		}
		var left Left
		for _, batch := range batches {
			f := &orphanFolder{folder: batchFolder(work, l.Name, batch)}
			if err := f.list(ctx, store); err != nil {
				return nil, err
			}
			left.Files += len(f.files)
			if f.newest.After(left.Newest) {
				left.Newest = f.newest
			}
		}
		if left.Files > 0 {
			all[l.Name] = left
		}
	}
	return all, nil
}

// Left is what lies in the work folders of a ledger.
type Left struct {
	Files  int
	Newest time.Time // when chute last wrote about them there; zero: it didn't
}

// orphanFolder is one work folder with orphans.
type orphanFolder struct {
	folder string
	batch  uint64
	claim  *claim // nil: none was written
	files  []*orphan
	newest time.Time       // of what chute wrote
	out    map[string]bool // what lies in the out folder; nil: there is none
	places []tableAt       // where rows may be
}

// orphan is one claimed file.
type orphan struct {
	claimed
	file connectors.File
	at   string // its name in the store
}

// list finds the claimed files of a work folder.
func (f *orphanFolder) list(ctx context.Context, store connectors.Folder) error {
	f.files = nil
	for _, folder := range []string{f.folder, path.Join(f.folder, apartFolder)} {
		entries, err := store.List(ctx, folder)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		for _, e := range entries {
			switch {
			case e.Mode.IsDir():
			case folder == f.folder && ownName(e.Name):
				if e.ModTime.After(f.newest) {
					f.newest = e.ModTime
				}
			default:
				f.files = append(f.files, &orphan{file: e, at: path.Join(folder, e.Name), claimed: claimed{Name: []byte(e.Name)}})
			}
		}
	}
	slices.SortFunc(f.files, func(a, b *orphan) int { return cmp.Compare(a.at, b.at) })
	return nil
}

// read reads what is known of the files of a work folder.
func (f *orphanFolder) read(ctx context.Context, store connectors.Folder) error {
	if err := f.list(ctx, store); err != nil {
		return err
	}
	var err error
	if f.claim, err = readClaim(ctx, store, f.folder); err != nil {
		return err
	}
	if f.claim != nil {
		for _, it := range f.files {
			if i := slices.IndexFunc(f.claim.Runs, func(c claimed) bool { return string(c.Name) == it.file.Name }); i >= 0 {
				it.claimed = f.claim.Runs[i]
			}
		}
	}
	entries, err := store.List(ctx, path.Join(f.folder, outFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	f.out = map[string]bool{}
	for _, e := range entries {
		f.out[e.Name] = true
	}
	return err
}
