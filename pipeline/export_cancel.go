package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/pipeline/report"
)

// Cancel ends a delivery that somebody wants cancelled and that nobody is at. Of the job nothing but the name has to be known: it may be gone, and so may the store,
// which is nil then.
func (ex *Exporter) Cancel(ctx context.Context, id uint64) error {
	run, err := ex.Ledger.Run(ctx, id)
	if err != nil || run.State == ledger.Settled || run.State == ledger.Withdrawn {
		return err
	}
	is, err := ex.Ledger.Exporting(ctx, id)
	if err != nil {
		return err
	}
	d := &outgoing{ex: ex, run: run, is: is}
	if run.State == ledger.Delivering {
		return ex.close(ctx, d)
	}
	_, err = ex.cancelled(ctx, d)
	return err
}

// GiveUp ends a delivery that was cut off before its file was whole, and that nobody waits for.
func (ex *Exporter) GiveUp(ctx context.Context, id uint64) error {
	run, err := ex.Ledger.Run(ctx, id)
	if err != nil || run.State != ledger.Writing {
		return err
	}
	is, err := ex.Ledger.Exporting(ctx, id)
	if err != nil {
		return err
	}
	return ex.giveUp(ctx, &outgoing{ex: ex, run: run, is: is}, errCutOff)
}

// unlessCancelled ends a delivery that was broken off because somebody has cancelled it. Otherwise the error stays what it was.
func (ex *Exporter) unlessCancelled(ctx context.Context, d *outgoing, err error) error {
	switch done, wishErr := ex.cancelled(ctx, d); {
	case wishErr != nil:
		return errors.Join(err, wishErr)
	case done:
		return errCancelled
	}
	return err
}

// cancelled ends a delivery of which nothing has moved yet if somebody wants that, and tells whether. The ledger lets nobody begin to move what is cancelled,
// and nobody cancel what has begun to move.
func (ex *Exporter) cancelled(ctx context.Context, d *outgoing) (bool, error) {
	if d.run.ID == 0 || d.run.State != ledger.Writing {
		return false, nil
	}
	wishes, err := ex.Ledger.Wishes(ctx, d.run.ID)
	if w := wishes[d.run.ID]; err != nil || w.Want != ledger.Cancel {
		return false, err
	}
	return true, ex.endCancelled(ctx, d, wishes[d.run.ID], "nothing of it was delivered")
}

func (ex *Exporter) endCancelled(ctx context.Context, d *outgoing, w ledger.Wish, what string) error {
	if err := ex.end(ctx, d, report.Cancelled, ledger.Cancelled, cancellation(w, what)); err != nil {
		return err
	}
	ex.tidy(ctx, d)
	return nil
}

func cancellation(w ledger.Wish, what string) *Refusal {
	why := refuse("cancelled", "cancelled: %s", what)
	if w.Reason != "" {
		why.Message += ". The reason: " + w.Reason
	}
	return why
}

// close ends a delivery that has begun to move and that nobody goes on with. One that has come to its end is delivered, whatever is wanted; the number of one that has
// shown its file isn't given again.
func (ex *Exporter) close(ctx context.Context, d *outgoing) error {
	wishes, err := ex.Ledger.Wishes(ctx, d.run.ID)
	w := wishes[d.run.ID]
	if err != nil || w.Want != ledger.Cancel {
		return err
	}
	out, left, err := ex.wentOut(ctx, d)
	what, reached := "nothing of it was delivered", ledger.Deliveries{Due: d.is.Due}
	switch {
	case err != nil:
		return err
	case len(out)+len(left) == 0:
		what = "what of it was delivered can't be told, for its store or its work folder isn't there any more"
	case len(left) == 0:
		defer ex.tidy(ctx, d)
		return ex.settle(ctx, d)
	case len(out) > 0:
		reached.Seq = d.is.Seq
		what = several(out) + " had been delivered, " + several(left) + " not"
	}
	why := cancellation(w, what)
	d.run.Error = why.Message
	if err := ex.retell(d, why); err != nil {
		return err
	}
	defer ex.tidy(ctx, d)
	return ex.finish(ctx, d, ledger.Cancelled, reached)
}

// wentOut tells what of a delivery has left the work folder, and what hasn't; nothing when that can't be told. The folder stays until the run is settled.
func (ex *Exporter) wentOut(ctx context.Context, d *outgoing) (out, left []string, err error) {
	if ex.Store == nil {
		return nil, nil, nil
	}
	if _, err := ex.Store.List(ctx, d.folder()); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return nil, nil, err
	}
	for _, m := range d.run.Moves {
		_, err := ex.look(ctx, m.From)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			out = append(out, path.Base(m.To))
		case err != nil && !errors.Is(err, connectors.ErrIrregular):
			return nil, nil, err
		default:
			left = append(left, path.Base(m.To))
		}
	}
	return out, left, nil
}

// several names files, not more than a line has room for.
func several(names []string) string {
	const most = 4
	text := strings.Join(names[:min(most, len(names))], ", ")
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// retell changes the report that was made when the file was whole.
func (ex *Exporter) retell(d *outgoing, why *Refusal) error {
	var r report.Delivery
	if err := json.Unmarshal(d.run.Report, &r); err != nil {
		return fmt.Errorf("the report of run %d in the ledger: %w", d.run.ID, err)
	}
	r.Result, r.Rejection = report.Cancelled, &report.Rejection{Code: why.Code, Message: report.Text(why.Message)}
	return ex.report(d, r)
}
