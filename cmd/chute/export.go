package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"chute/config"
	"chute/pipeline"
	"chute/pipeline/ledger"
)

// previewRows is how much of an answer `chute export --preview` shows.
const previewRows = 200

// exportFlags say how somebody wants an export.
type exportFlags struct {
	set     []string
	out     string
	preview bool
	since   string
}

func exportCommand() *cobra.Command {
	var f exportFlags
	c := &cobra.Command{
		Use:   "export JOB",
		Short: "deliver a job's file now",
		Long: "Asks the job's question and delivers the answer, as the job says: whole, read again, and never over a file that is there. With --out the file goes to a " +
			"folder of yours instead; that is no delivery, and the next one has the same number. --preview writes nothing: it prints the question and the first 200 rows, as values: labels, formats and what else the file makes of them are not applied.\n\n" +
			"Exit codes: 0 delivered (or skipped, as the job wants it for an answer without rows), 1 technical failure, 3 the rows aren't what the job allows: nothing was " +
			"delivered, 64 usage, 78 configuration.",
		Args:        cobra.ExactArgs(1),
		Annotations: servedByOwner,
		RunE: func(c *cobra.Command, args []string) error {
			chute, job, err := config.LoadExport(configFile(c), args[0], f.set)
			if err != nil {
				return err
			}
			if c.Flags().Changed("since") && f.since == "" {
				return &exit{exitUsage, "--since: it is empty; a shell variable without a value, perhaps: name a moment or a run, or leave it out"}
			}
			if f.out != "" {
				f.out = callerOf(c).path(f.out)
			} else if len(job.Asked) > 0 && !f.preview {
				return &exit{exitUsage, fmt.Sprintf("--set %s: job %s has a watermark, which this delivery would move behind all rows: those that it leaves out, or brings elsewhere, would never be delivered as the job says. "+
					"--out DIR makes a file of your own and moves nothing; for deliveries like this one make a job of their own", strings.Join(job.Asked, ", "), job.Name)}
			}
			return withState(c, chute, nil, func(d *daemon) error { return d.exportByHand(c, job, f) })
		},
	}
	c.Flags().StringArrayVar(&f.set, "set", nil, "`KEY=VALUE` over the job's own, like --set filter='day = today()'; may be repeated")
	c.Flags().StringVar(&f.out, "out", "", "`DIR` to write to instead of the job's outbox")
	c.Flags().StringVar(&f.since, "since", "", "for a job with a watermark, the `MOMENT` from which it is to be delivered in place of the last delivery's end: 2026-01-31, '2026-01-31 06:00:00' in the job's zone or with Z; for one that goes by runs, the number of the last run that isn't wanted")
	c.Flags().BoolVar(&f.preview, "preview", false, "only show the question and the first rows")
	return c
}

func (d *daemon) exportByHand(c *cobra.Command, job *config.Export, f exportFlags) error {
	ex, err := d.exporterTo(job, f.out)
	if err != nil {
		return err
	}
	ex.Log = newLogFor(c, c.ErrOrStderr())
	why := pipeline.Occasion{}
	if f.since != "" {
		if why.Since, err = sinceOf(job, f.since, time.Now()); err == nil {
			err = d.known(c.Context(), why.Since.Run)
		}
		if err != nil {
			return err
		}
	}
	if f.preview {
		return previewExport(c, ex, why)
	}
	if err := d.assure(c.Context()); err != nil {
		return err
	}
	unlock := d.exportAlone(job.Name)
	defer unlock()
	if f.out != "" {
		defer d.borrow(c.Context(), ex.Place, ex.Work)()
	}
	run, err := ex.Export(c.Context(), why)
	if callerOf(c).owner != nil && run.ID != 0 { // what the exporter logs goes to who asks
		d.log.Info().Err(err).Str("job", run.Job).Str("file", config.Shown(run.File.Name)).Str("store", run.Store).Uint64("run", run.ID).Uint64("rows", run.Records).
			Int64("bytes", run.File.Size).Msg(string(run.Status) + ", by hand")
	}
	var refused *pipeline.Refusal
	if errors.As(err, &refused) {
		return &exit{exitRejected, fmt.Sprintf("run %d: %s", run.ID, refused)}
	}
	if run.Status == ledger.Cancelled {
		return fmt.Errorf("run %d: %s", run.ID, run.Error)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(c.OutOrStdout(), told(run))
	return nil
}

// sinceOf reads --since. What is still to come has nothing behind it: it is a mistake.
func sinceOf(job *config.Export, text string, now time.Time) (*pipeline.Since, error) {
	switch w := job.Watermark; {
	case w.IsZero():
		return nil, &exit{exitUsage, fmt.Sprintf("job %s has no watermark: it delivers everything each time, and --since means nothing", job.Name)}
	case w.Runs:
		run, err := strconv.ParseUint(text, 10, 64)
		if err != nil || run > ledger.LastRun {
			return nil, &exit{exitUsage, fmt.Sprintf("--since: %q isn't the number of a run, which job %s goes by", text, job.Name)}
		}
		return &pipeline.Since{Run: run}, nil
	}
	for _, layout := range []string{time.DateOnly, time.DateTime, "2006-01-02T15:04:05", time.RFC3339} {
		if at, err := time.ParseInLocation(layout, text, job.Timezone.Location()); err == nil {
			if at.After(now) {
				return nil, &exit{exitUsage, fmt.Sprintf("--since: %s is still to come: nothing can have come after it", text)}
			}
			return &pipeline.Since{Time: at.UTC()}, nil
		}
	}
	return nil, &exit{exitUsage, fmt.Sprintf("--since: %q isn't a moment: write 2026-01-31, or 2026-01-31T06:00:00, perhaps with Z behind it", text)}
}

// known refuses the number of a run that there is not: whoever wants what came behind it has mistaken the number. 0 is before all runs.
func (d *daemon) known(ctx context.Context, run uint64) error {
	if run == 0 {
		return nil
	}
	_, err := d.ledger.Run(ctx, run)
	if errors.Is(err, ledger.ErrNoRun) {
		return &exit{exitUsage, fmt.Sprintf("--since: there is no run %d; chute runs lists them", run)}
	}
	return err
}

// told says what became of an export.
func told(run ledger.Run) string {
	if run.Status == ledger.Skipped {
		return fmt.Sprintf("run %d: skipped: the answer has no rows", run.ID)
	}
	where := fmt.Sprintf("folder %s of store %s", config.Shown(run.Inbox), run.Store)
	if byHand(run) {
		where = run.Store
	}
	file := strconv.Quote(path.Base(run.Moves[0].To))
	if n := pipeline.Parts(run); n > 0 {
		file = fmt.Sprintf("%q in %d files", run.File.Name, n)
	}
	return fmt.Sprintf("%s: %s: %d rows, %d bytes (run %d; in %s)", file, run.Status, run.Records, run.File.Size, run.ID, where)
}

// previewExport prints the question and the first rows of its answer.
func previewExport(c *cobra.Command, ex *pipeline.Exporter, why pipeline.Occasion) error {
	ctx := c.Context()
	session, err := ex.Database.Session(ctx, "")
	if err != nil {
		return err
	}
	a := newAnswer(c, session, "")
	err = ex.Ask(ctx, why, previewRows, func(sql string) error {
		_, err := fmt.Fprintln(c.ErrOrStderr(), sql)
		return err
	}, a.take)
	return a.end(err)
}

// exporterTo makes the exporter of a job that delivers to its store or, if there is one, writes into a folder on this machine.
func (d *daemon) exporterTo(job *config.Export, dir string) (*pipeline.Exporter, error) {
	ex := d.newExporter(job)
	if dir == "" {
		store, ok := d.stores[job.Store]
		if !ok {
			return nil, fmt.Errorf("the process that owns the state doesn't know store %q: chute reload", job.Store)
		}
		s := d.config.Store(job.Store)
		ex.Store, ex.StoreAt, ex.Work = store, place(s), s.Work
		return ex, nil
	}
	place, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	const work = ".chute"
	store, err := openOut(place, work)
	if err != nil {
		return nil, err
	}
	ex.Store, ex.Work, ex.Place = store, work, place
	return ex, nil
}

func (d *daemon) newExporter(job *config.Export) *pipeline.Exporter {
	return &pipeline.Exporter{
		Job: job, Database: d.database, Ledger: d.ledger, RunsDir: filepath.Join(d.config.State.Dir, runsFolder), Log: d.log, Interrupts: &d.interrupts,
		EngineMemory: int64(d.config.Limits.EngineMemory), Scratch: filepath.Join(d.config.State.Dir, scratchFolder),
	}
}

// exportAlone waits until nobody else in this process exports for the job.
func (d *daemon) exportAlone(job string) (unlock func()) {
	lock := d.exportLock(job)
	lock.Lock()
	return lock.Unlock
}

// tryExportAlone doesn't wait: free tells whether nobody else does.
func (d *daemon) tryExportAlone(job string) (unlock func(), free bool) {
	lock := d.exportLock(job)
	return lock.Unlock, lock.TryLock()
}

func (d *daemon) exportLock(job string) *sync.Mutex {
	lock, _ := d.exports.LoadOrStore(job, &sync.Mutex{})
	return lock.(*sync.Mutex)
}
