package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"chute/config"
	"chute/pipeline"
	"chute/pipeline/ledger"
	"chute/pipeline/report"
)

// wishTime is how long a command waits for what it wants of a run: a statement has to end, or the database to come back.
const wishTime = time.Minute

// wishCommand is a command that wants something of runs that have announced nothing yet.
func wishCommand(want ledger.Want, short, long string) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: string(want) + " RUN…", Short: short, Long: long, Args: cobra.MinimumNArgs(1), Annotations: servedByOwner,
		RunE: func(c *cobra.Command, args []string) error {
			return withRuns(c, args, func(d *daemon, run ledger.Run) error {
				return d.wish(c, run, ledger.Wish{Run: run.ID, Want: want, Reason: reason, UID: uidOf(c), At: time.Now()})
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why, a `TEXT`")
	return c
}

func pauseCommand() *cobra.Command {
	return wishCommand(ledger.Pause, "keep runs from going on until they are resumed",
		"Breaks off the loading of files, and keeps them in the work folder until `chute resume`, also through restarts. Nothing of them is in the table meanwhile, and nothing is kept in the "+
			"database: a resumed file is loaded from its beginning. Other files of the job go on, unless it is strict. It is too late once a run has begun to publish.")
}

func cancelCommand() *cobra.Command {
	return wishCommand(ledger.Cancel, "give runs up, with nothing of their files in the table",
		"Breaks off the loading of files for good. Nothing of them is in the table; they go where rejected files go, with a log that says so to the partner, "+
			"and are loaded when they are delivered again. The reason stays inside: `chute show` has it. It is too late once a run has begun to publish.")
}

func rejectCommand() *cobra.Command {
	return wishCommand(ledger.Reject, "reject the files of runs that can't be loaded",
		"Rejects the files of runs that wait, are stuck, or are being loaded: nothing of them is in the table, and they go to the folder for rejected files with a log for the partner that has the reason. "+
			"It is too late once a run has begun to publish.")
}

func resumeCommand() *cobra.Command {
	return continueCommand("resume", "let paused runs go on", "Lets paused runs go on, from the beginnings of their files. Without a daemon they go on when one is started.",
		map[ledger.Status]bool{ledger.Paused: true, ledger.Pausing: true})
}

// continueCommand lets runs go on that are in one of some statuses.
func continueCommand(name, short, long string, from map[ledger.Status]bool) *cobra.Command {
	return &cobra.Command{
		Use: name + " RUN…", Short: short, Long: long, Args: cobra.MinimumNArgs(1), Annotations: servedByOwner,
		RunE: func(c *cobra.Command, args []string) error {
			return withRuns(c, args, func(d *daemon, run ledger.Run) error {
				if run.Status == ledger.Interrupted {
					return undecided(run)
				}
				if !from[run.Status] {
					return fmt.Errorf("it is %s: there is nothing to %s", run.Status, name)
				}
				if run.Kind == ledger.Export && d.exportOf(run) == nil {
					return forsaken(run)
				}
				if run.Kind == ledger.Import && d.importOf(run) == nil {
					return d.forsakenImport(run)
				}
				if run.Status != ledger.Retrying {
					if err := d.ledger.Continue(c.Context(), run.ID); err != nil {
						return err
					}
				}
				d.log.Info().Uint64("run", run.ID).Str("command", name).Msg("the run goes on")
				when, err := d.goOn(c.Context(), run)
				if err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "run %d goes on %s\n", run.ID, when)
				return nil
			})
		},
	}
}

// goOn has a run gone on with, and says when that is.
func (d *daemon) goOn(ctx context.Context, run ledger.Run) (when string, err error) {
	if run.Kind == ledger.Export {
		return d.retryExport(ctx, run)
	}
	if !byHand(run) && d.importOf(run) == nil {
		return fmt.Sprintf("when its job %q is back", run.Job), nil
	}
	if w := d.watcher.Load(); w == nil || !w.Retry(run.Job, run.ID) {
		return "when the daemon is started", nil
	}
	return "now", nil
}

// withRuns does something to each of the runs as the owner of the state. What one of them can't have doesn't keep the others from it.
func withRuns(c *cobra.Command, args []string, do func(d *daemon, run ledger.Run) error) error {
	var ids []uint64
	for _, arg := range args {
		id, err := strconv.ParseUint(arg, 10, 63)
		if err != nil {
			return &exit{exitUsage, fmt.Sprintf("%q isn't a run's number; chute runs lists them", arg)}
		}
		ids = append(ids, id)
	}
	chute, jobs, mistakes := config.LoadSome(configFile(c))
	if chute == nil {
		return mistakes
	}
	return withState(c, chute, jobs, func(d *daemon) error {
		alone := callerOf(c).owner == nil
		if alone {
			sayMistakes(c, mistakes)
		}
		var failed error
		for _, id := range ids {
			run, err := d.controllable(c.Context(), id)
			if alone && mistakes != nil && err == nil && d.importOf(run) == nil && d.exportOf(run) == nil {
				err = fmt.Errorf("its job %q isn't among those that can be read: mend its file first", run.Job) // nobody has it as it was
			}
			if err == nil {
				err = do(d, run)
			}
			if err != nil {
				fmt.Fprintf(c.ErrOrStderr(), "chute: run %d: %v\n", id, err)
				failed = &exit{code: exitFailed}
			}
		}
		return failed
	})
}

// controllable is a run of which something can be wanted.
func (d *daemon) controllable(ctx context.Context, id uint64) (ledger.Run, error) {
	run, err := d.ledger.Run(ctx, id)
	switch {
	case errors.Is(err, ledger.ErrNoRun):
		return run, errors.New("there is no such run; chute runs lists them")
	case err != nil:
		return run, err
	case run.State == ledger.Settled, run.State == ledger.Withdrawn:
		return run, fmt.Errorf("it is over: %s", run.Status)
	}
	return run, nil
}

func jobNamed(jobs []*config.Job, name string) *config.Job {
	for _, job := range jobs {
		if job.Name == name {
			return job
		}
	}
	return nil
}

func uidOf(c *cobra.Command) uint32 {
	if who := callerOf(c); who.owner != nil {
		return who.request.UID
	}
	return uint32(os.Getuid())
}

// wish writes down what is wanted of a run, has it done, and says what came of it.
func (d *daemon) wish(c *cobra.Command, run ledger.Run, w ledger.Wish) error {
	if err := grantable(run, w.Want); err != nil {
		return err
	}
	if run.Kind == ledger.Import && d.importOf(run) == nil && (w.Want == ledger.Pause || byHand(run) || d.stores[run.Store] == nil) {
		return d.forsakenImport(run)
	}
	if err := d.ledger.Wish(c.Context(), w); err != nil {
		if run.Status == ledger.Interrupted && errors.Is(err, ledger.ErrTooLate) {
			return undecided(run) // nothing is being published: it waits for a person
		}
		if run.Kind == ledger.Import && d.importOf(run) == nil && errors.Is(err, ledger.ErrTooLate) {
			return d.forsakenImport(run)
		}
		return err
	}
	d.log.Warn().Uint64("run", run.ID).Str("want", string(w.Want)).Str("reason", w.Reason).Uint32("uid", w.UID).Msg("somebody wants something of a run")
	if err := d.fulfil(c.Context(), run); err != nil {
		return err
	}
	return d.tellWish(c, run.ID, w.Want)
}

// grantable tells why something can't be wanted of a run of its kind.
func grantable(run ledger.Run, want ledger.Want) error {
	switch {
	case want == ledger.Cancel:
		return nil
	case run.Kind == ledger.Export && want == ledger.Pause:
		return fmt.Errorf("it is an export, which can't be paused: `chute cancel %d` gives it up, `chute hold %s` keeps the job from the next ones", run.ID, run.Job)
	case run.Kind == ledger.Export:
		return fmt.Errorf("it is an export, and there is nothing to reject: `chute cancel %d` gives it up", run.ID)
	case byHand(run):
		return errors.New("its file was given by hand: it can only be cancelled")
	}
	return nil
}

// fulfil has done what is wanted of a run: by who is at it now, by its job's next turn, or here, where nobody is.
func (d *daemon) fulfil(ctx context.Context, run ledger.Run) error {
	if run.Kind == ledger.Export {
		return d.cancelExport(ctx, run)
	}
	if d.interrupts.Interrupt(run.ID) {
		return nil
	}
	if byHand(run) {
		return d.endHandRun(ctx, run) // it was cut off
	}
	job := d.importOf(run)
	if w := d.watcher.Load(); job != nil && w != nil && w.Retry(run.Job, run.ID) {
		return nil
	}
	if job == nil {
		job = goneJob(run)
	}
	d.alone.Lock()
	defer d.alone.Unlock()
	if err := d.openSpool(ctx); err != nil {
		return err
	}
	d.importer(job).Resume(ctx, []uint64{run.ID})
	return nil
}

// tellWish waits until what is wanted has been done, or was tried in vain.
func (d *daemon) tellWish(c *cobra.Command, id uint64, want ledger.Want) error {
	ctx, cancel := context.WithTimeoutCause(c.Context(), wishTime, errors.New("it is wanted, and it is going to be done; chute show tells when it is"))
	defer cancel()
	for {
		run, err := d.ledger.Run(ctx, id)
		if err != nil {
			return err
		}
		over := run.State == ledger.Settled || run.State == ledger.Withdrawn
		switch {
		case over || want == ledger.Pause && run.Status == ledger.Paused:
			return tellEnd(c, run, want)
		case run.Error != "" && run.Status != ledger.Running && run.Status != ledger.Pausing:
			return fmt.Errorf("it isn't done yet, and is tried again: %s", run.Error)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// tellEnd says what became of a run of which something was wanted.
func tellEnd(c *cobra.Command, run ledger.Run, want ledger.Want) error {
	wanted := map[ledger.Want]ledger.Status{ledger.Pause: ledger.Paused, ledger.Cancel: ledger.Cancelled, ledger.Reject: ledger.Rejected}[want]
	if run.Status != wanted {
		return fmt.Errorf("it is %s: that came first", run.Status)
	}
	if run.Kind == ledger.Export {
		fmt.Fprintf(c.OutOrStdout(), "run %d is %s\n", run.ID, report.Visible(run.Error))
		return nil
	}
	said := map[ledger.Want]string{
		ledger.Pause:  "nothing of it is in the table; `chute resume` lets it go on from the beginning of its file",
		ledger.Cancel: "nothing of it is in the table", ledger.Reject: "nothing of it is in the table",
	}[want]
	if want != ledger.Pause && len(run.Moves) > 0 && !byHand(run) && !pipeline.Remembered(run) {
		said += "; its file is " + config.Shown(lastPlace(run))
	}
	if run.State == ledger.Withdrawn && run.Error != "" {
		said += "; " + run.Error
	}
	fmt.Fprintf(c.OutOrStdout(), "run %d is %s: %s\n", run.ID, run.Status, said)
	return nil
}

// pausedFirst tells why a strict job takes no files: an earlier one of it is paused.
func (d *daemon) pausedFirst(ctx context.Context, job *config.Job) error {
	if !job.Strict {
		return nil
	}
	runs, err := d.ledger.Runs(ctx, ledger.Filter{Jobs: []string{job.Name}, Statuses: []ledger.Status{ledger.Paused}, Limit: 1})
	if err == nil && len(runs) > 0 {
		err = fmt.Errorf("run %d of the job is paused, and the job is strict; `chute resume %[1]d` lets it go on", runs[0].ID)
	}
	return err
}
