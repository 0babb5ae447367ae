package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"chute/config"
	"chute/pipeline"
	"chute/pipeline/ledger"
)

// strand deals with a delivery that was begun and whose job is gone, or has another store: it waits for a person, who brings the job back or cancels it. What somebody
// asked for, and isn't whole, nobody waits for.
func (d *daemon) strand(ctx context.Context, run ledger.Run) error {
	defer d.exportAlone(run.Job)()
	run, err := d.ledger.Run(ctx, run.ID) // it may have ended while others had the job
	if err != nil || run.State == ledger.Settled || run.State == ledger.Withdrawn {
		return err
	}
	ex, err := d.standIn(run)
	if err == nil {
		err = ex.Cancel(ctx, run.ID)
	}
	if err != nil {
		return err
	}
	is, err := d.ledger.Exporting(ctx, run.ID)
	if err == nil && run.State == ledger.Writing && is.Due.IsZero() {
		err = ex.GiveUp(ctx, run.ID)
	}
	if err != nil {
		return err
	}
	run, err = d.ledger.Run(ctx, run.ID)
	if err != nil || run.State == ledger.Settled || run.Status == ledger.Stuck {
		return err
	}
	run.Status = ledger.Stuck
	run.Error = forsaken(run).Error()
	if err := d.ledger.UpdateExport(ctx, run, is); err != nil {
		return err
	}
	d.log.Error().Uint64("run", run.ID).Str("job", run.Job).Str("file", config.Shown(run.File.Name)).Msg("the run is stuck: " + run.Error)
	return nil
}

// importOf is the job that can go on with a run, or nil.
func (d *daemon) importOf(run ledger.Run) *config.Job { return importOf(d.jobs, run) }

func importOf(jobs []*config.Job, run ledger.Run) *config.Job {
	if job := jobNamed(jobs, run.Job); job != nil && (job.Store == run.Store || byHand(run)) {
		return job
	}
	return nil
}

// forsakenFiles counts, by job, the files of runs that none of the jobs goes on with.
func forsakenFiles(ctx context.Context, r *ledger.Reader, jobs []*config.Job) (map[string]int, error) {
	runs, err := r.Unsettled(ctx)
	files := map[string]int{}
	for _, run := range runs {
		if run.Kind == ledger.Import && !byHand(run) && importOf(jobs, run) == nil {
			files[run.Job]++
		}
	}
	return files, err
}

// sayStranded is how many files are left to nobody, for people.
func sayStranded(files map[string]int) string {
	var said []string
	for _, job := range slices.Sorted(maps.Keys(files)) {
		said = append(said, fmt.Sprintf("%s of job %s", count(files[job], "file"), job))
	}
	return strings.Join(said, ", ")
}

// goneJob stands in for the job of a run that nobody goes on with, to put its file away.
func goneJob(run ledger.Run) *config.Job {
	job := config.Gone(run.Job, run.Store, run.Inbox)
	if pipeline.Remembered(run) {
		job.Claim, job.WhenDone = "remember", "leave"
	}
	return job
}

// cancelsLate are the states in which a run can't be cancelled any more, and what that means to a person.
var cancelsLate = map[ledger.State]string{
	ledger.Publishing: "its records may be in the table already", ledger.Published: "its records are in the table",
	ledger.Rejecting: "nothing of it is loaded, and its file is on its way out",
}

// forsakenImport tells why nobody goes on with a file, and what a person can do.
func (d *daemon) forsakenImport(run ledger.Run) error {
	return forsakenImport(run, d.stores[run.Store] != nil)
}

func forsakenImport(run ledger.Run, storeThere bool) error {
	switch {
	case byHand(run):
		return fmt.Errorf("its job %q is gone: bring it back, and what was cut off is ended", run.Job)
	case cancelsLate[run.State] != "":
		return fmt.Errorf("%s, and its job %q is gone or has another store: only that ends it; bring it back as it was, with its store, and `chute reload`", cancelsLate[run.State], run.Job)
	case !storeThere:
		return fmt.Errorf("its file lies in the work folder of the store %q, which isn't configured any more: bring the store back and `chute reload`; "+
			"then `chute cancel %d` puts the file where rejected ones go, or with its job %q it is loaded", run.Store, run.ID, run.Job)
	}
	return fmt.Errorf("its job %q is gone or has another store: bring it back, or `chute cancel %d` puts the file where rejected ones go", run.Job, run.ID)
}

// forsaken tells why nobody goes on with a delivery.
func forsaken(run ledger.Run) error {
	return fmt.Errorf("its job is gone or has another store: bring it back, or `chute cancel %d` gives the delivery up", run.ID)
}

// standIn makes an exporter that can end a delivery which no job goes on with. A store that isn't configured any more isn't looked into.
func (d *daemon) standIn(run ledger.Run) (*pipeline.Exporter, error) {
	job := &config.Export{Name: run.Job, Label: run.Job, Store: run.Store}
	if !byHand(run) && d.config.Store(run.Store) == nil {
		return d.newExporter(job), nil
	}
	return d.exporterFor(run, job)
}

// cancelExport sees to it that a delivery isn't made that somebody has cancelled.
func (d *daemon) cancelExport(ctx context.Context, run ledger.Run) error {
	if d.interrupts.Interrupt(run.ID) {
		return nil
	}
	unlock, free := d.tryExportAlone(run.Job)
	if !free {
		return nil // another delivery of the job is under way: whoever makes it, or comes next, finds what is wanted
	}
	defer unlock()
	ex, err := d.standIn(run)
	if err != nil {
		return err
	}
	err = ex.Cancel(ctx, run.ID)
	if a := d.agenda.Load(); a != nil {
		a.Retry(run.Job)
	}
	return err
}

// retryExport tries a delivery again at once, and says when that is.
func (d *daemon) retryExport(ctx context.Context, run ledger.Run) (when string, err error) {
	if a := d.agenda.Load(); d.exportOf(run).Planned() {
		if a == nil || !a.Retry(run.Job) {
			return "when the daemon is started", nil
		}
		return "now", nil
	}
	if err := d.finishExport(ctx, run); err != nil {
		return "", errors.Join(errors.New("it isn't done yet"), err)
	}
	return "and is through", nil
}
