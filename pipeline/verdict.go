package pipeline

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"chute/config"
	"chute/connectors"
	"chute/pipeline/ledger"
)

// afterwards is how long tidying up may take once a run has failed or chute is stopping.
const afterwards = 10 * time.Second

// outcomeOf decides what an error means for a file. Only a typed rejection rejects it: a wrong password, a missing table, a full disk and
// whatever isn't known are never the file's fault.
func outcomeOf(err error) connectors.Outcome {
	var rejection *connectors.Rejection
	switch {
	case err == nil:
		return connectors.Done
	case errors.As(err, &rejection):
		return connectors.Rejected
	default:
		return connectors.Later
	}
}

// outcome is what became of a run that is over.
func outcome(run ledger.Run) connectors.Outcome {
	switch {
	case run.State != ledger.Settled:
		return connectors.Later
	case run.Status == ledger.Rejected, run.Status == ledger.Cancelled:
		return connectors.Rejected
	default:
		return connectors.Done
	}
}

// conclude tells what became of each file, after it has tidied up after those that failed, and writes down why.
func (im *Importer) conclude(ctx context.Context, b *batch, err error, tell func(*item, connectors.Verdict)) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterwards)
	defer cancel()
	if err != nil {
		for _, it := range b.active() {
			if it.run.State != ledger.Settled {
				it.err = err
			}
		}
	}
	im.abandonStage(ctx, b)
	var failed []*item
	for _, it := range b.items {
		it.err = im.discreet(it.err)
		im.tidyChanged(ctx, b, it)
		v := connectors.Verdict{File: it.run.File, Run: it.run.ID, Outcome: outcome(it.run), Err: it.err}
		switch {
		case it.run.ID == 0:
		case it.run.State == ledger.Withdrawn:
			it.run.Error = connectors.Told(it.err)
			v.Run, failed = 0, append(failed, it)
		case it.run.State != ledger.Settled:
			v.Stuck = im.countFailure(it)
			failed = append(failed, it)
		}
		it.progress.at("")
		im.logVerdict(it, v)
		tell(it, v)
	}
	defer im.clearSpool(b)
	if err := im.record(ctx, failed); err != nil {
		im.Log.Error().Err(err).Msg("why files have to wait couldn't be written down; they wait all the same")
		return
	}
	im.clearWhenThrough(ctx, b)
}

// clearWhenThrough removes the batch's work folder unless a file is still in it: files of one folder may go on apart from each other.
func (im *Importer) clearWhenThrough(ctx context.Context, b *batch) {
	begun := b.begun()
	if len(begun) == 0 {
		return
	}
	busy, err := im.busyFolders(ctx)
	if err == nil && !busy[begun[0].run.Batch] {
		im.clearFolder(ctx, b.folder)
	}
}

// countFailure notes why a run has to wait, and whether it is given up on until a person says so. Not reaching the database or store, and
// being stopped, aren't counted: that may take days and is nobody's file's business.
func (im *Importer) countFailure(it *item) (stuck bool) {
	it.run.Error = connectors.Told(it.err)
	switch {
	case errors.Is(it.err, errUndecided):
		it.run.Status = ledger.Interrupted
		return true
	case errors.Is(it.err, errPaused):
		it.run.Status, it.run.Error = ledger.Paused, ""
		return true
	case errors.Is(it.err, context.Canceled), it.run.Status == ledger.Interrupted:
		it.run.Status = underWay(it.run.Status)
		return false
	case !errors.Is(it.err, connectors.ErrUnavailable):
		it.run.Attempts++
	}
	it.run.Status = ledger.Retrying
	if it.run.State == ledger.Rejecting && wasCancelled(it.run) {
		it.run.Status = ledger.Cancelling
	}
	if it.run.Attempts >= im.Job.Retry.Attempts {
		it.run.Status = ledger.Stuck
	}
	return it.run.Status == ledger.Stuck
}

// abandonStage drops the stage of a run that failed before anything was published. If that fails too, the next try does it.
func (im *Importer) abandonStage(ctx context.Context, b *batch) {
	dropped := map[string]bool{}
	for _, it := range b.left() {
		if it.run.State != ledger.Staging || it.run.Stage == "" || b.session == nil || dropped[it.run.Stage] {
			continue
		}
		dropped[it.run.Stage] = true
		if err := im.drop(ctx, b.session, it.run.Stage); err != nil {
			im.Log.Debug().Err(err).Str("stage", it.run.Stage).Msg("a stage can't be dropped now; the next try does it")
		}
	}
}

// logVerdict writes the one line that the journal has of a file.
func (im *Importer) logVerdict(it *item, v connectors.Verdict) {
	line, message := im.Log.Info(), v.Outcome.String()
	if v.Run == 0 && errors.Is(v.Err, fs.ErrNotExist) {
		message = "taken by somebody else"
	} else if v.Outcome == connectors.Later && !errors.Is(v.Err, connectors.ErrParked) {
		line = im.Log.Warn().Err(v.Err).Bool("stuck", v.Stuck)
	}
	if errors.Is(v.Err, connectors.ErrUnclaimable) {
		line = im.Log.Debug().Err(v.Err) // nothing was begun, and the pause of the job is said
	}
	line.Str("job", it.run.Job).Str("file", config.Shown(it.run.File.Name)).Int64("bytes", it.run.File.Size)
	if v.Run != 0 {
		line.Uint64("run", v.Run).Str("status", string(it.run.Status)).Uint64("records", it.run.Records).
			Uint64("loaded", it.run.Accepted).Uint64("rejects", it.run.Rejects)
	}
	if !it.run.Finished.IsZero() {
		line.Dur("ms", it.run.Finished.Sub(it.run.Started))
	}
	line.Msg(message)
}
