package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"time"

	"chute/config"
	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/pipeline/report"
)

// settle records that the file was delivered, and with it how far the job has come.
func (ex *Exporter) settle(ctx context.Context, d *outgoing) error {
	reached := ledger.Deliveries{Seq: d.is.Seq, Due: d.is.Due}
	if d.is.Moves && d.is.Until.IsZero() {
		reached.Runs = &d.is.Cut
	} else if d.is.Moves {
		reached.Watermark = d.is.Until
	}
	return ex.finish(ctx, d, ledger.Finished, reached)
}

// finish ends a run, in one transaction with what follows from it for the job.
func (ex *Exporter) finish(ctx context.Context, d *outgoing, status ledger.Status, reached ledger.Deliveries) error {
	if ex.Place != "" {
		reached = ledger.Deliveries{}
	}
	if !d.is.Due.IsZero() {
		reached.Followed = &d.is.Cut
	}
	state := d.run.State
	d.run.State, d.run.Status, d.run.Finished, d.run.NextTry = ledger.Settled, status, now(), time.Time{}
	if status == ledger.Finished || status == ledger.Skipped {
		d.run.Error = ""
	}
	if status == ledger.Finished && ex.Place == "" {
		reached.Files, reached.Rows, reached.Bytes = uint64(max(Parts(d.run), 1)), d.run.Records, uint64(d.run.File.Size)
		reached.Latest = d.run.Finished
	}
	err := ex.effect("settled", func() error { return ex.Ledger.SettleExport(ctx, d.run, d.is, reached) })
	if err != nil {
		d.run.State, d.run.Finished = state, time.Time{}
	}
	return err
}

// conclude ends a try: it tidies up, and writes down why the delivery has to wait or has failed.
func (ex *Exporter) conclude(ctx context.Context, d *outgoing, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterwards)
	defer cancel()
	err = ex.discreet(err)
	var refused *Refusal
	if d.skipped {
		err = ex.end(ctx, d, report.Skipped, ledger.Skipped, nil)
	} else if errors.As(err, &refused) && d.run.State == ledger.Writing {
		if endErr := ex.end(ctx, d, report.Refused, ledger.Failed, refused); endErr != nil {
			err = endErr
		}
	} else if err != nil {
		err = ex.unlessCancelled(ctx, d, err)
	}
	if d.run.ID != 0 && d.run.State != ledger.Settled {
		err = errors.Join(err, ex.postpone(ctx, d, err))
	}
	ex.tidy(ctx, d)
	ex.logDelivery(d, err)
	return err
}

// tidy removes what an export that is through has left; what it can't is swept up at the next start.
func (ex *Exporter) tidy(ctx context.Context, d *outgoing) {
	if d.run.State != ledger.Settled || d.tidied {
		return
	}
	d.tidied = true
	if err := ex.clear(ctx, d); err != nil {
		ex.Log.Warn().Err(err).Str("folder", d.folder()).Msg("the work folder of an export can't be removed now")
	}
}

// end ends a run that delivers nothing. The moment of its schedule is dealt with; the watermark stays where it is.
func (ex *Exporter) end(ctx context.Context, d *outgoing, result report.Result, status ledger.Status, why *Refusal) error {
	if why != nil {
		d.run.Error = why.Message
		if status == ledger.Failed {
			d.run.Error = why.Error()
		}
	}
	if err := ex.tell(d, result, why); err != nil {
		return err
	}
	return ex.finish(ctx, d, status, ledger.Deliveries{Due: d.is.Due})
}

// postpone notes why a delivery has to wait. One that can still be taken back is, when nobody waits for it, or after too many tries. Not reaching the
// database or the store, and being stopped, aren't counted: that may take days.
func (ex *Exporter) postpone(ctx context.Context, d *outgoing, err error) error {
	d.run.Error = connectors.Told(err)
	if !errors.Is(err, connectors.ErrUnavailable) && !errors.Is(err, context.Canceled) {
		d.run.Attempts++
	}
	if d.run.State == ledger.Writing && (d.is.Due.IsZero() || d.run.Attempts >= ex.Job.Retry.Attempts) {
		return ex.giveUp(ctx, d, err)
	}
	d.run.Status = ledger.Retrying
	if recordErr := ex.Ledger.UpdateExport(ctx, d.run, d.is); recordErr != nil {
		ex.Log.Error().Err(recordErr).Uint64("run", d.run.ID).Msg("why an export has to wait couldn't be written down; it waits all the same")
	}
	return nil
}

// giveUp ends a run of which nothing was delivered, even if its store is away. One whose delivering may have been recorded is left to the next start, which
// asks the ledger.
func (ex *Exporter) giveUp(ctx context.Context, d *outgoing, why error) error {
	recorded, err := ex.Ledger.Run(ctx, d.run.ID)
	if err != nil || recorded.State != ledger.Writing {
		return err
	}
	d.run.Error = connectors.Told(why)
	defer ex.tidy(ctx, d)
	return ex.finish(ctx, d, ledger.Failed, ledger.Deliveries{Due: d.is.Due})
}

// clear empties and removes the delivery's work folder.
func (ex *Exporter) clear(ctx context.Context, d *outgoing) error {
	if ex.Store == nil { // it isn't configured any more
		return nil
	}
	return ex.effect("clear", func() error {
		inside, err := ex.Store.List(ctx, d.folder())
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		for _, f := range inside {
			if removeErr := ex.Store.Remove(ctx, d.file(f.Name)); !errors.Is(removeErr, fs.ErrNotExist) {
				err = errors.Join(err, removeErr)
			}
		}
		if err != nil {
			return err
		}
		return ex.Store.Remove(ctx, d.folder())
	})
}

// tell writes the operators' report and keeps it for the ledger.
func (ex *Exporter) tell(d *outgoing, result report.Result, why *Refusal) error {
	r := report.Delivery{
		Manifest: d.manifest(cmp.Or(d.whole, d.run.File.Name)), Kind: ledger.Export, Result: result, Ledger: ex.Ledger.ID(), Store: report.Text(d.run.Store),
		Outbox: report.Text(d.run.Inbox), JobHash: d.run.JobHash, Due: d.is.Due, SQL: report.Text(ex.unfilled(d.asked.SQL)), Started: d.run.Started, Steps: d.steps,
	}
	if d.session != nil {
		r.Server, r.Version = report.Text(d.run.Server), d.session.Server().Version
	}
	if why != nil {
		r.Rejection = &report.Rejection{Code: why.Code, Message: report.Text(why.Message)}
	}
	return ex.report(d, r)
}

func (ex *Exporter) report(d *outgoing, r report.Delivery) (err error) {
	if d.run.Report, err = report.Encode(r, ""); err != nil {
		return err
	}
	return ex.effect("report", func() error {
		return r.WriteOperator(filepath.Join(ex.RunsDir, strconv.FormatUint(d.run.ID, 10)))
	})
}

// logDelivery writes the one line that the journal has of an export.
func (ex *Exporter) logDelivery(d *outgoing, err error) {
	line, message := ex.Log.Info(), string(d.run.Status)
	if err != nil {
		line, message = ex.Log.Warn().Err(err), "later"
	}
	if d.run.State == ledger.Settled {
		message = string(d.run.Status)
	}
	line.Str("job", ex.Job.Name).Str("file", config.Shown(d.run.File.Name)).Uint64("run", d.run.ID).Uint64("rows", d.run.Records).
		Int64("bytes", d.run.File.Size).Dur("ms", time.Since(d.run.Started)).Msg(message)
}

// Sweep removes, at the start, the work folders of exports that are through: a crash may have come between the last record in the ledger and the removal.
func (ex *Exporter) Sweep(ctx context.Context) error {
	own := path.Join(ex.Work, ex.Ledger.ID())
	folders, err := ex.Store.List(ctx, own)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look for work folders that are left: %w", err)
	}
	for _, f := range folders {
		id, err := strconv.ParseUint(f.Name, 10, 64)
		if err != nil || !f.Mode.IsDir() {
			continue
		}
		run, err := ex.Ledger.Run(ctx, id)
		if err == nil && run.Kind == ledger.Export && run.Job == ex.Job.Name && run.State == ledger.Settled {
			err = ex.clear(ctx, &outgoing{ex: ex, run: run})
		}
		if err != nil && !errors.Is(err, ledger.ErrNoRun) {
			return err
		}
	}
	return nil
}
