package pipeline

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"

	"chute/config"
	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/pipeline/reject"
)

// planMoves chooses the names under which everything will lie: plain ones, or, where such a name is taken already, ones with the run's number. The
// sidecars are called after the file, which goes last.
func (im *Importer) planMoves(ctx context.Context, b *batch, it *item, rejects []reject.Output) error {
	dir, err := im.archive(it)
	if err != nil {
		return err
	}
	it.run.Moves = nil
	var taken []string // by this run: a returned NAME.rejects.EXT is called as its own reject file
	for _, o := range rejects {
		name, err := free(ctx, im.exists, dir, o.Name, it.run.ID, taken)
		if err != nil {
			return err
		}
		taken = append(taken, name)
		it.run.Moves = append(it.run.Moves, ledger.Move{From: o.Path, To: path.Join(dir, name)})
	}
	name, err := free(ctx, im.exists, dir, it.run.File.Name, it.run.ID, taken, "."+logSuffix, "."+reportSuffix)
	if err != nil {
		return err
	}
	for _, suffix := range []string{logSuffix, reportSuffix} {
		it.run.Moves = append(it.run.Moves, ledger.Move{From: b.outName(it, suffix), To: path.Join(dir, name+"."+suffix)})
	}
	switch {
	case im.remembers:
		return im.planLeft(ctx, it)
	case !im.InPlace:
		it.run.Moves = append(it.run.Moves, ledger.Move{From: b.fileName(it), To: path.Join(dir, name)})
	}
	return nil
}

// Kinds says what each of a run's moves is about: its refused records, the list of reasons, the log, the report, and the file itself, which
// stays where it is when it was given by hand.
func Kinds(run ledger.Run) []string {
	kinds := []string{"log", "report"}
	if !path.IsAbs(run.Store) { // of a remembered file the last move may lead nowhere: it stays in its inbox
		kinds = append(kinds, "file")
	}
	switch len(run.Moves) - len(kinds) {
	case 1:
		return append([]string{"reasons"}, kinds...)
	case 2:
		return append([]string{"rejects", "reasons"}, kinds...)
	default:
		return kinds
	}
}

// What the partner's sidecars are called behind the file's name.
const (
	logSuffix    = "log"
	reportSuffix = "report.json"
)

// free returns the name, or one with the run's number, that neither exists in the folder nor is taken, with none of the suffixes either.
func free(ctx context.Context, exists func(context.Context, string) (bool, error), dir, name string, run uint64, taken []string, suffixes ...string) (string, error) {
	candidate := name
	for try := 1; ; try++ {
		used := slices.Contains(taken, candidate)
		for _, suffix := range append([]string{""}, suffixes...) {
			there, err := exists(ctx, path.Join(dir, candidate+suffix))
			if err != nil {
				return "", fmt.Errorf("look for a free name in %q: %w", dir, err)
			}
			used = used || there
		}
		if !used {
			return candidate, nil
		}
		candidate = numbered(name, run, try)
	}
}

// archive is the folder that a file ends in.
func (im *Importer) archive(it *item) (string, error) {
	if im.InPlace {
		return im.Out(it.run.ID), nil
	}
	return im.putAway(it)
}

// putAway is the folder in the store that a file itself ends in.
func (im *Importer) putAway(it *item) (string, error) {
	started := it.run.Started.In(im.Job.Timezone.Location())
	done, rejected := im.Job.Folders(it.run.Inbox)
	if it.rejection == nil {
		return done.Expand(started, it.vars)
	}
	if dir, err := rejected.Expand(started, it.vars); err == nil {
		return dir, nil
	}
	return path.Join(path.Dir(it.run.Inbox), "rejected"), nil // a name that makes no folder is a reason to reject, not to wait
}

// checkName rejects a file whose name gives no folder to end in: its name is its own fault.
func (im *Importer) checkName(it *item) error {
	if im.InPlace && !(im.remembers && im.Job.WhenDone == "move") {
		return nil
	}
	if _, err := im.Job.Done.Expand(it.run.Started.In(im.Job.Timezone.Location()), it.vars); err != nil {
		return &connectors.Rejection{Code: "name", Message: "The file's name isn't one that is expected here: parts of it are missing or odd."}
	}
	return nil
}

// numbered makes another name of one that is taken: orders.csv becomes orders.17.csv. Behind .rejects the number doesn't keep the name
// from matching its job: orders.rejects-17.csv.
func numbered(name string, run uint64, try int) string {
	number := strconv.FormatUint(run, 10)
	if try > 1 {
		number += "-" + strconv.Itoa(try)
	}
	dir, base := path.Split(name)
	stem, ext := base, ""
	for _, suffix := range []string{".gz", ".zst"} {
		if len(stem) > len(suffix) && path.Ext(stem) == suffix {
			stem, ext = stem[:len(stem)-len(suffix)], suffix
			break
		}
	}
	if e := path.Ext(stem); e != "" && e != stem {
		stem, ext = stem[:len(stem)-len(e)], e+ext
	}
	if _, returned := config.WithoutRejects(base); returned {
		return dir + stem + "-" + number + ext
	}
	return dir + stem + "." + number + ext
}
