package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/pipeline/reject"
	"chute/pipeline/report"
)

// giveBackOrphan puts a file back into its inbox, unless a new one has its name there.
func (o *Orphans) giveBackOrphan(ctx context.Context, it *orphan) error {
	from, to := it.at, path.Join(it.Inbox, it.file.Name)
	err := o.Base.effect("orphan back", func() error { return o.Base.Store.Rename(ctx, from, to) })
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("nothing of it is loaded, and it can't go back: %q has a new file of its name; repeat this when that one is through", it.Inbox)
	}
	if err != nil {
		return fmt.Errorf("put it back into its inbox: %w", err)
	}
	it.at = to
	return o.Base.Store.Sync(ctx, path.Dir(to), path.Dir(from))
}

// settleOrphan moves what lies ready of a file to its place, the file last.
func (im *Importer) settleOrphan(ctx context.Context, f *orphanFolder, it *orphan, e *evidence) error {
	dir := e.moved
	if dir == "" {
		var err error
		if dir, err = im.archive(im.itemOf(f, it, e.report)); err != nil {
			return err
		}
	}
	out, run := path.Join(f.folder, outFolder), strconv.FormatUint(it.Run, 10)
	folders := []string{dir, out, path.Dir(it.at)}
	if f.out[run] {
		files, err := im.Store.List(ctx, path.Join(out, run))
		if err != nil {
			return err
		}
		for _, r := range files {
			if err := im.moveOrphan(ctx, path.Join(out, run, r.Name), path.Join(dir, rejectName(it, e.report, r.Name)), it.Run); err != nil {
				return err
			}
		}
		folders = slices.Insert(folders, 1, path.Join(out, run))
	}
	name, err := im.placeOf(ctx, f, it, dir)
	if err != nil {
		return err
	}
	for _, suffix := range []string{logSuffix, reportSuffix} {
		if !f.out[run+"."+suffix] {
			continue
		}
		if err := im.moveOrphan(ctx, path.Join(out, run+"."+suffix), path.Join(dir, name+"."+suffix), it.Run); err != nil {
			return err
		}
	}
	from := it.at
	it.at = path.Join(dir, name)
	if err := im.moveOrphan(ctx, from, it.at, it.Run); err != nil {
		it.at = from
		return err
	}
	return im.syncFolders(ctx, folders)
}

// rejectName is what a reject file is called where it goes: as the report has it, as far as that can be read back.
func rejectName(it *orphan, r *report.Partner, name string) string {
	if r == nil || r.RejectFiles == nil {
		return name
	}
	names, said := reject.NamesFor(it.file.Name), r.RejectFiles
	switch {
	case name == names.Records && said.Records != "" && utf8.ValidString(name):
		return string(said.Records)
	case name == names.Reasons && said.Reasons != "" && utf8.ValidString(name):
		return string(said.Reasons)
	}
	return strings.Replace(name, ".again.", ".", 1)
}

func (im *Importer) moveOrphan(ctx context.Context, from, to string, run uint64) error {
	wanted := to
	for try := 1; ; try++ {
		err := im.effect("orphan move", func() error { return im.Store.Rename(ctx, from, to) })
		if !errors.Is(err, fs.ErrExist) || try > 9 {
			return err
		}
		to = numbered(wanted, run, try)
	}
}

// itemOf is an orphan as the steps of a run know it.
func (im *Importer) itemOf(f *orphanFolder, it *orphan, r *report.Partner) *item {
	started, i := f.newest, &item{vars: im.Job.Variables(it.file.Name)}
	if r != nil {
		started = r.Started
		if r.Result == report.Rejected {
			i.rejection = &connectors.Rejection{}
		}
	}
	i.run = ledger.Run{ID: it.Run, Job: it.Job, Inbox: it.Inbox, File: it.file, Started: started}
	return i
}

// placeOf is the name under which a file and its sidecars go to a folder, or have begun to: each sidecar is still in the work folder, or there already.
func (im *Importer) placeOf(ctx context.Context, f *orphanFolder, it *orphan, dir string) (string, error) {
	name := it.file.Name
	for try := 1; try < 9; try++ {
		there, err := im.exists(ctx, path.Join(dir, name))
		if err != nil {
			return "", err
		}
		fits := !there
		for _, suffix := range []string{logSuffix, reportSuffix} {
			ready := f.out[strconv.FormatUint(it.Run, 10)+"."+suffix]
			if there, err = im.exists(ctx, path.Join(dir, name+"."+suffix)); err != nil {
				return "", err
			}
			fits = fits && there != ready
		}
		if fits {
			return name, nil
		}
		name = numbered(it.file.Name, it.Run, try)
	}
	return free(ctx, im.exists, dir, it.file.Name, it.Run, nil, "."+logSuffix, "."+reportSuffix)
}

// movedTo finds the folder to which a run's report has gone already, "" if it hasn't.
func (im *Importer) movedTo(ctx context.Context, f *orphanFolder, it *orphan) (string, error) {
	for _, result := range []report.Result{report.Loaded, report.Rejected} {
		dir, err := im.archive(im.itemOf(f, it, &report.Partner{Result: result, Started: f.newest}))
		if err != nil {
			continue // a name that makes no folder has none in done
		}
		name, err := im.placeOf(ctx, f, it, dir)
		if err != nil {
			return "", err
		}
		r := report.Partner{}
		there, err := readOwn(ctx, im.Store, path.Join(dir, name+"."+reportSuffix), &r)
		if err != nil && !errors.Is(err, errTorn) {
			return "", err
		}
		if there && r.Run == it.Run && r.File.Size == it.file.Size {
			return dir, nil
		}
	}
	return "", nil
}
