package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"chute/config"
	"chute/connectors"
	"chute/pipeline"
	"chute/pipeline/ledger"
)

// replayFlags say which runs are meant, where they aren't named.
type replayFlags struct{ job, since, until string }

func replayCommand() *cobra.Command {
	var f replayFlags
	c := &cobra.Command{
		Use:   "replay [RUN…]",
		Short: "load files once more out of done, in the place of what they had loaded",
		Long: "Loads the files of runs again, with their jobs as they are now: the runs named, or with --job those of a job that began at --since or later. Each becomes a new run; once its rows are " +
			"visible those of the old run leave by lineage. It is for tables that were restored from before, and for jobs that were mended. Files stay where they are; log and report go to the new run's folder in the state. A file that is " +
			"gone, or has other bytes than then, is left out with its reason, and so is one whose rows couldn't be taken out. It may be broken off: what was announced is finished by the next start, the rest can be replayed again.\n\n" +
			"Exit codes are those of import: 0 all finished, 2 some with rejects, 3 a file was rejected (its old rows stay), 1 one couldn't be loaded, 64 usage, 78 configuration.",
		Annotations: servedByOwner,
		RunE: func(c *cobra.Command, args []string) error {
			ids, filter, err := f.runs(args, time.Now())
			if err != nil {
				return &exit{exitUsage, err.Error()}
			}
			chute, jobs, mistakes := config.LoadSome(configFile(c))
			if chute == nil {
				return mistakes
			}
			return withState(c, chute, jobs, func(d *daemon) error {
				sayMistakes(c, mistakes)
				if filter != nil {
					if err := refuseUnknown(c, &d.ledger.Reader, f.job); err != nil {
						return err
					}
					if ids, err = d.loadedBy(c.Context(), *filter); err != nil {
						return err
					}
				}
				return d.byHand(c.Context(), func() error { return d.replay(c, jobs, ids) })
			})
		},
	}
	c.Flags().StringVar(&f.job, "job", "", "the runs of this `JOB` that loaded something")
	c.Flags().StringVar(&f.since, "since", "", "with --job, those that began at this `TIME` or later")
	c.Flags().StringVar(&f.until, "until", "", "with --job, those that began before this `TIME`")
	return c
}

// runs checks what was asked for: numbers, or a job and a time.
func (f *replayFlags) runs(args []string, now time.Time) (ids []uint64, filter *ledger.Filter, err error) {
	switch {
	case (len(args) > 0) == (f.job != ""):
		return nil, nil, errors.New("name the runs, or a job by --job and from when on by --since; chute runs lists them")
	case f.job == "" && f.since+f.until != "", f.job != "" && f.since == "":
		return nil, nil, errors.New("--job and --since belong together")
	}
	for _, arg := range args {
		id, err := strconv.ParseUint(arg, 10, 63)
		if err != nil {
			return nil, nil, fmt.Errorf("%q isn't a run's number; chute runs lists them", arg)
		}
		ids = append(ids, id)
	}
	if f.job == "" {
		return ids, nil, nil
	}
	filter = &ledger.Filter{Jobs: []string{f.job}, Statuses: []ledger.Status{ledger.Finished, ledger.FinishedWithRejects}}
	if filter.Since, err = parseMoment(f.since, now); err != nil {
		return nil, nil, fmt.Errorf("--since: %w", err)
	}
	if filter.Until, err = parseMoment(f.until, now); err != nil {
		return nil, nil, fmt.Errorf("--until: %w", err)
	}
	return nil, filter, nil
}

// loadedBy are the runs whose rows are still meant to be in their tables, the oldest first.
func (d *daemon) loadedBy(ctx context.Context, f ledger.Filter) (ids []uint64, err error) {
	for run, err := range d.ledger.Each(ctx, f) {
		if err != nil {
			return nil, err
		}
		if run.Kind == ledger.Export {
			return nil, &exit{exitUsage, exported(run.Job)}
		}
		if _, replaced, err := d.replacedBy(ctx, run.ID); err != nil {
			return nil, err
		} else if !replaced {
			ids = append(ids, run.ID)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// replacedBy tells for whose rows those of a run have left, or are about to.
func (d *daemon) replacedBy(ctx context.Context, id uint64) (by uint64, replaced bool, err error) {
	all, err := d.ledger.Replacements(ctx, id)
	for _, r := range all {
		if r.Earlier == id {
			return r.Run, true, err
		}
	}
	return 0, false, err
}

// replay loads the files of runs again, each by itself, and leaves with the worst result's code.
func (d *daemon) replay(c *cobra.Command, jobs []*config.Job, ids []uint64) error {
	p := newProgress(c)
	worst := exitFinished
	for _, id := range ids {
		if err := context.Cause(c.Context()); err != nil {
			return err
		}
		code, err := d.replayRun(c, p, jobs, id)
		if err != nil {
			fmt.Fprintf(c.ErrOrStderr(), "chute: run %d: %v\n", id, err)
		}
		worst = worse(worst, code)
	}
	if len(ids) == 0 {
		fmt.Fprintln(c.OutOrStdout(), "no run of the job loaded anything then")
	}
	if worst != exitFinished {
		return &exit{code: worst}
	}
	return nil
}

// exported says what to do in place of replaying an export.
func exported(job string) string {
	return fmt.Sprintf("job %s is an export, and only files of imports are replayed: `chute export %s` delivers again, with --since where it delivers only what is new", job, job)
}

func (d *daemon) replayRun(c *cobra.Command, p *progress, jobs []*config.Job, id uint64) (code int, err error) {
	run, err := d.ledger.Run(c.Context(), id)
	if err != nil {
		return exitFailed, err
	}
	if run.Kind == ledger.Export {
		return exitFailed, errors.New(exported(run.Job))
	}
	i := slices.IndexFunc(jobs, func(j *config.Job) bool { return j.Name == run.Job })
	if i < 0 {
		return exitFailed, fmt.Errorf("its job %q isn't configured any more, or its file has mistakes", run.Job)
	}
	if err := d.replayable(c.Context(), run); err != nil {
		return exitFailed, err
	}
	im, err := d.handImporter(jobs[i], "")
	if err != nil {
		return exitFailed, err
	}
	im.Progress, im.Log, im.Again = p.begin, newLogFor(c, p), id
	file, err := d.deliveredFile(c.Context(), im, run)
	if err != nil {
		return exitFailed, err
	}
	fmt.Fprintf(c.OutOrStdout(), "run %d again: ", id)
	return d.loadByHand(c, im, file, p.end)
}

// replayable tells why a run's file isn't to be loaded again.
func (d *daemon) replayable(ctx context.Context, run ledger.Run) error {
	switch {
	case run.Status == ledger.Skipped:
		return fmt.Errorf("it loaded nothing, because run %d had loaded the file: replay that one", run.SameAs)
	case run.Status == ledger.Rejected, run.Status == ledger.Cancelled:
		return fmt.Errorf("its file was %s, and nothing of it is loaded: put the file back into its inbox", run.Status)
	case run.State != ledger.Settled:
		return fmt.Errorf("it is %s: only what was loaded can be replayed", run.Status)
	}
	by, replaced, err := d.replacedBy(ctx, run.ID)
	if err == nil && replaced {
		err = fmt.Errorf("its rows left for those of run %d: replay that one", by)
	}
	return err
}

// deliveredFile finds the file of a run where it lies now, and sets the importer's folder to its own. That its bytes are those of then is found out when it is read.
func (d *daemon) deliveredFile(ctx context.Context, im *pipeline.Importer, run ledger.Run) (file connectors.File, err error) {
	first, err := deliveredBy(ctx, &d.ledger.Reader, run)
	if err != nil {
		return file, err
	}
	name, err := archivedAt(d.config, first)
	if err != nil {
		return file, err
	}
	at := name
	if store := d.config.Store(first.Store); !byHand(first) && store.Remote() { // it is fetched, as out of an inbox
		if err := d.openSpool(ctx); err != nil {
			return file, err
		}
		im.Inbox, im.Spool, at = d.stores[store.Name], d.spool, lastPlace(first)
	} else if at, err = filepath.EvalSymlinks(name); err != nil {
		return file, fmt.Errorf("its file %q can't be read: %w", name, err)
	}
	at = strings.TrimPrefix(at, "/")
	if file, err = lookAt(ctx, im.Inbox, at); err != nil {
		return file, fmt.Errorf("its file %q can't be read: %w", name, err)
	}
	if file.Size != run.File.Size {
		return file, fmt.Errorf("its file %q has %d bytes now, not the %d that were loaded", name, file.Size, run.File.Size)
	}
	im.Dir, im.At, file.Name = path.Dir(at), path.Base(at), run.File.Name
	return file, nil
}

func lookAt(ctx context.Context, folder connectors.Folder, name string) (connectors.File, error) {
	f, err := folder.Open(ctx, name)
	if err != nil {
		return connectors.File{}, err
	}
	file, err := f.Stat()
	return file, errors.Join(err, f.Close())
}

// deliveredBy is the run with which the file of a run came: a replayed file lies where it lay before.
func deliveredBy(ctx context.Context, r *ledger.Reader, run ledger.Run) (ledger.Run, error) {
	for byHand(run) {
		earlier, err := replayed(ctx, r, run)
		if err != nil {
			return ledger.Run{}, err
		}
		if earlier.ID == 0 {
			break
		}
		run = earlier
	}
	return run, nil
}

// archivedAt is where the file lies that came with a run, as the ledger knows it: a path, or the address of one on a server.
func archivedAt(chute *config.Chute, first ledger.Run) (string, error) {
	if byHand(first) {
		return "/" + filepath.Join(first.Inbox, first.File.Name), nil
	}
	switch {
	case chute.Store(first.Store) == nil:
		return "", fmt.Errorf("its file is in the store %q, which isn't configured any more", first.Store)
	case len(first.Moves) == 0:
		return "", errors.New("the ledger doesn't know where its file went")
	}
	return inStore(chute, first.Store, lastPlace(first)), nil
}

// replayed is the run whose file a run has loaded again; the zero run when it is no replay.
func replayed(ctx context.Context, r *ledger.Reader, run ledger.Run) (ledger.Run, error) {
	all, err := r.Replacements(ctx, run.ID)
	if err != nil {
		return ledger.Run{}, err
	}
	for _, one := range all {
		if one.Run != run.ID {
			continue
		}
		if earlier, err := r.Run(ctx, one.Earlier); err != nil || earlier.SHA256 == run.SHA256 {
			return earlier, err
		}
	}
	return ledger.Run{}, nil
}
