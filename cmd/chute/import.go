package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"chute/config"
	"chute/connectors"
	"chute/connectors/local"
	"chute/pipeline"
	"chute/pipeline/ledger"
)

func importCommand() *cobra.Command {
	var set []string
	var out string
	c := &cobra.Command{
		Use:   "import JOB FILE…",
		Short: "load files once, where they are; they are never moved",
		Long: "Loads files with a job's settings, with the same checks, ledger and reports as the daemon. The files stay where they are; " +
			"log, report and rejects go to the run's folder in the state, or to --out. A file that was loaded before is skipped.\n\n" +
			"Exit codes: 0 finished (or skipped), 2 finished with rejects, 3 a file was rejected, 1 technical failure, 64 usage, 78 configuration.",
		Args:        cobra.MinimumNArgs(2),
		Annotations: servedByOwner,
		RunE: func(c *cobra.Command, args []string) error {
			chute, job, err := config.LoadJob(configFile(c), args[0], set)
			if err != nil {
				return err
			}
			if out != "" {
				out = callerOf(c).path(out)
			}
			return withState(c, chute, []*config.Job{job}, func(d *daemon) error { return d.importFiles(c, job, args[1:], out) })
		},
	}
	c.Flags().StringArrayVar(&set, "set", nil, "`KEY=VALUE` over the job's own, like --set target.table=orders_test; may be repeated")
	c.Flags().StringVar(&out, "out", "", "`DIR` for log, report and rejects instead of the state's folder of the run")
	return c
}

// importFiles loads each file as a run of its own and leaves with the worst result's code.
func (d *daemon) importFiles(c *cobra.Command, job *config.Job, files []string, out string) error {
	im, err := d.handImporter(job, out)
	if err != nil {
		return err
	}
	if out != "" {
		defer d.borrow(c.Context(), im.Place, im.Work)()
	}
	p := newProgress(c)
	im.Progress, im.Log = p.begin, newLogFor(c, p)
	return d.byHand(c.Context(), func() error {
		worst := exitFinished
		for _, name := range files {
			code, err := d.importFile(c, im, name, p.end)
			if err != nil {
				fmt.Fprintf(c.ErrOrStderr(), "chute: %q: %v\n", name, err)
			}
			worst = worse(worst, code)
		}
		if worst != exitFinished {
			return &exit{code: worst}
		}
		return nil
	})
}

// byHand loads files by hand, after those that were cut off have been brought to an end.
func (d *daemon) byHand(ctx context.Context, load func() error) error {
	if d.hand.TryLock() { // what is under way in this process isn't cut off
		_, err := d.endHandRuns(ctx)
		d.hand.Unlock()
		if err != nil {
			return err
		}
	}
	d.hand.RLock()
	defer d.hand.RUnlock()
	return load()
}

// handImporter makes an importer that reads files where they are. What comes out is made in a work folder beside its final place.
func (d *daemon) handImporter(job *config.Job, out string) (*pipeline.Importer, error) {
	im := d.newImporter(job)
	root, work := d.config.State.Dir, "hand"
	im.Out = func(run uint64) string { return fmt.Sprintf("runs/%d", run) }
	if out != "" {
		root, work = out, ".chute"
		im.Out = func(uint64) string { return "." }
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	store, err := openOut(root, work)
	if err != nil {
		return nil, err
	}
	machine, err := local.Open("/", work)
	if err != nil {
		return nil, err
	}
	im.InPlace, im.Inbox, im.Store, im.Work, im.Place = true, machine, store, work, root
	return im, nil
}

// endHandRuns brings imports by hand to an end that were cut off: what was about to become visible does, the others are taken back. It
// returns the other runs that are unsettled. What can't be ended now, for the database is down, is left for the next time.
func (d *daemon) endHandRuns(ctx context.Context) (others []ledger.Run, err error) {
	unsettled, err := d.ledger.Unsettled(ctx)
	if err != nil {
		return nil, err
	}
	for _, run := range unsettled {
		if run.Kind == ledger.Export {
			continue // see finishExports
		}
		if !byHand(run) {
			others = append(others, run)
			continue
		}
		if err := d.endHandRun(ctx, run); err != nil {
			d.log.Warn().Err(err).Uint64("run", run.ID).Str("file", config.Shown(run.File.Name)).Msg("an import by hand that was cut off can't be ended now")
		}
	}
	return others, nil
}

func (d *daemon) endHandRun(ctx context.Context, run ledger.Run) error {
	i := slices.IndexFunc(d.jobs, func(j *config.Job) bool { return j.Name == run.Job })
	if i < 0 {
		return fmt.Errorf("job %q isn't among those that are loaded now", run.Job)
	}
	out := run.Store
	if out == d.config.State.Dir {
		out = ""
	}
	im, err := d.handImporter(d.jobs[i], out)
	if err != nil {
		return err
	}
	return im.EndByHand(ctx, run)
}

// fileByHand finds a file that somebody named, and sets the importer's folder to its own.
func fileByHand(c *cobra.Command, im *pipeline.Importer, name string) (file connectors.File, err error) {
	path, err := filepath.Abs(callerOf(c).path(name))
	if err != nil {
		return file, err
	}
	if path, err = filepath.EvalSymlinks(path); err != nil { // a link is the user's own choice
		return file, err
	}
	f, err := im.Inbox.Open(c.Context(), strings.TrimPrefix(path, "/"))
	if err != nil {
		return file, err
	}
	im.Dir = strings.TrimPrefix(filepath.Dir(path), "/")
	file, err = f.Stat()
	return file, errors.Join(err, f.Close())
}

// importFile loads one file; done is called when nothing more is heard of its progress.
func (d *daemon) importFile(c *cobra.Command, im *pipeline.Importer, name string, done func()) (code int, err error) {
	file, err := fileByHand(c, im, name)
	if err != nil {
		return exitFailed, err
	}
	return d.loadByHand(c, im, file, done)
}

func (d *daemon) loadByHand(c *cobra.Command, im *pipeline.Importer, file connectors.File, done func()) (code int, err error) {
	if err := errors.Join(d.assure(c.Context()), d.assureTable(c.Context(), im.Job)); err != nil {
		return exitFailed, err
	}
	v := im.Import(c.Context(), []connectors.File{file})[0]
	done()
	if a := d.agenda.Load(); a != nil {
		a.Imported(im.Job.Name)
	}
	if v.Outcome == connectors.Later {
		if v.Run != 0 {
			endErr := im.GiveUp(c.Context(), v.Run)
			return exitFailed, errors.Join(v.Err, endErr)
		}
		return exitFailed, v.Err
	}
	return d.tellRun(c, im, v.Run)
}

// tellRun prints what became of a file.
func (d *daemon) tellRun(c *cobra.Command, im *pipeline.Importer, id uint64) (code int, err error) {
	run, err := d.ledger.Run(c.Context(), id)
	if err != nil {
		return exitFailed, err
	}
	fmt.Fprintf(c.OutOrStdout(), "%q: %s: %d records, %d loaded, %d refused (run %d; log and report in %s)\n",
		run.File.Name, run.Status, run.Records, run.Accepted, run.Rejects, run.ID, filepath.Join(im.Place, im.Out(id)))
	return map[ledger.Status]int{ledger.FinishedWithRejects: exitWithRejects, ledger.Rejected: exitRejected}[run.Status], nil
}

// worse returns the exit code that matters more.
func worse(a, b int) int {
	rank := map[int]int{exitFinished: 0, exitWithRejects: 1, exitRejected: 2, exitFailed: 3}
	if rank[b] > rank[a] {
		return b
	}
	return a
}
