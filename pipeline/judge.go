package pipeline

import (
	"context"
	"errors"
	"fmt"

	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/pipeline/reconcile"
)

// judge ends with the point of no return: one ledger transaction that says, for every file, what becomes of it and under which names.
// Before it everything that is going to lie in the partner's folders is written and synced, and so are the stage's rows.
func (im *Importer) judge(ctx context.Context, b *batch) error {
	if err := im.checkConstraints(ctx, b); err != nil {
		return err
	}
	if err := im.apart(ctx, func() error { return im.writeSidecars(ctx, b) }); err != nil {
		return err
	}
	if rowsWanted(b.accepted()) > 0 {
		if err := im.effect("sync stage", func() error { return b.session.Sync(ctx) }); err != nil {
			return fmt.Errorf("sync the database: %w", err)
		}
	}
	return im.effect("publishing", func() error { return im.announce(ctx, b) })
}

// announce writes down what becomes of the files and reserves the identities of those that are going to be loaded.
func (im *Importer) announce(ctx context.Context, b *batch) error {
	var reserve []ledger.Identity
	for _, it := range b.active() {
		if it.rejection == nil && it.skip == nil {
			it.run.State = ledger.Publishing
			it.run.Status = ledger.Running // not finished before its rows are there
			reserve = append(reserve, im.identity(it))
		} else {
			it.run.State, it.run.Status = ledger.Rejecting, underWay(it.run.Status)
		}
	}
	taken, err := im.Ledger.Publish(ctx, runsOf(b.active()), reserve)
	if err == nil && len(taken) > 0 {
		err = notThrough(taken[0].Holder)
	}
	if err != nil {
		for _, it := range b.active() { // as the ledger still has it
			it.run.State = ledger.Staging
		}
	}
	return err
}

// checkConstraints judges the table's constraints in the stage: parts that are attached pass them by. In a batch, the files at fault
// leave their rows in the shared stage, so it is made again without them.
func (im *Importer) checkConstraints(ctx context.Context, b *batch) error {
	for rowsWanted(b.accepted()) > 0 && len(b.target.Constraints) > 0 {
		items := b.accepted()
		broken, err := reconcile.Violations(ctx, b.session, items[0].run.Stage, b.target, im.statementID(items[0], "judge"))
		if err != nil || len(broken) == 0 {
			return err
		}
		for _, it := range items {
			it.rejection = violation(im.Ledger.Lineage(it.run.ID), broken, len(items) == 1)
		}
		if len(items) == 1 {
			return nil
		}
		if err := im.cleanStage(ctx, b); err != nil {
			return err
		}
		if err := im.load(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// violation is the rejection of a file whose records break a constraint, nil if none does. Without lineage rows don't tell
// their file, but then a batch is one file.
func violation(lineage uint64, broken []reconcile.Violation, alone bool) *connectors.Rejection {
	for _, v := range broken {
		if v.Run != lineage && !(alone && v.Run == 0) {
			continue
		}
		where := ""
		if v.First > 0 {
			where = fmt.Sprintf(", the first is record %d", v.First)
		}
		return &connectors.Rejection{Code: "constraint",
			Message: fmt.Sprintf("%d records break a rule that holds for all of this data%s.", v.Records, where)}
	}
	return nil
}

// checkRejects stops reading a file as soon as it has more rejects than its job tolerates.
func (im *Importer) checkRejects(it *item) error {
	limits := im.Job.Errors
	if !limits.MaxRejects.Any && it.run.Rejects > uint64(limits.MaxRejects.N) {
		return &connectors.Rejection{Code: "too_many_rejects",
			Message: fmt.Sprintf("More than %d records were refused; nothing of the file was loaded.", limits.MaxRejects.N)}
	}
	if it.result.rejected > int64(limits.MaxBytes) {
		return &connectors.Rejection{Code: "too_many_rejects",
			Message: fmt.Sprintf("The refused records have more than %s; nothing of the file was loaded.", limits.MaxBytes)}
	}
	first := uint64(limits.StopIfFirst)
	if first > 0 && it.run.Records >= first && (it.result.firstGood == 0 || it.result.firstGood > first) {
		return &connectors.Rejection{Code: "first_records_rejected",
			Message: fmt.Sprintf("The first %d records were all refused; nothing of the file was loaded.", first)}
	}
	return nil
}

// checkShare judges the share of rejects, which is known at the end only.
// Refused records that come back are no sample of a delivery, so a share means nothing there.
func (im *Importer) checkShare(it *item) error {
	if im.Job.Returned(it.run.File.Name) {
		return nil
	}
	limit := im.Job.Errors.MaxRejectPercent
	if share := 100 * float64(it.run.Rejects) / float64(it.run.Records); share > limit {
		return &connectors.Rejection{Code: "too_many_rejects",
			Message: fmt.Sprintf("%.1f %% of the records were refused, more than %g %%; nothing of the file was loaded.", share, limit)}
	}
	return nil
}

// empty decides about a file without records.
func (im *Importer) empty(*item) error {
	if im.Job.Empty == "reject" {
		return &connectors.Rejection{Code: "empty", Message: "The file holds no records."}
	}
	return nil
}

// identity is what a file counts as once it is loaded, and which earlier loads may be repeated. It counts per job and table: what was tried by
// hand on a table for tests isn't loaded yet. Refused records that come back mended are
// a file of their own, whatever their name was.
func (im *Importer) identity(it *item) ledger.Identity {
	policy := im.Job.Redelivery
	blank := it.run.File.Size == 0 // all empty files have the same bytes, which says nothing
	job := im.Job.Name + " into " + im.Job.Target.Table.String()
	if im.Again != 0 {
		return ledger.Identity{Run: it.run.ID, Job: job, SHA256: it.run.SHA256, Name: it.run.File.Name,
			MaySame: true, MayChanged: true, MayRenamed: true, Again: im.Again}
	}
	return ledger.Identity{
		Run: it.run.ID, Job: job, SHA256: it.run.SHA256, Name: it.run.File.Name,
		MaySame:    policy.Same == "load" || blank,
		MayChanged: policy.Changed != "skip" || im.Job.Returned(it.run.File.Name),
		Replace:    policy.Changed == "replace" && !im.Job.Returned(it.run.File.Name),
		MayRenamed: policy.Renamed == "load" || blank,
	}
}

// checkIdentity skips a file that was loaded before, or that stands further up in the same batch.
func (im *Importer) checkIdentity(ctx context.Context, b *batch, it *item) error {
	want := im.identity(it)
	taken, err := im.Ledger.Holder(ctx, want)
	if err != nil {
		return err
	}
	if taken != nil && taken.Holder.State != ledger.Settled && taken.Holder.State != ledger.Published {
		return notThrough(taken.Holder)
	}
	if taken != nil {
		it.skip = taken
		return nil
	}
	if err := im.checkEarlier(ctx, it, want); err != nil {
		return err
	}
	for _, other := range b.accepted() {
		if other == it {
			break
		}
		sameBytes, sameName := other.run.SHA256 == it.run.SHA256, other.run.File.Name == it.run.File.Name
		if sameBytes && sameName && !want.MaySame || sameBytes && !sameName && !want.MayRenamed {
			it.skip = &ledger.Taken{Run: it.run.ID, Case: ledger.Renamed, Holder: other.run}
			return nil
		}
	}
	return nil
}

// notThrough is why a file waits for another run.
func notThrough(other ledger.Run) error {
	return fmt.Errorf("run %d is loading the same file, or another one of its name, and isn't through yet: what becomes of this one depends on it", other.ID)
}

// tidyChanged puts a file that changed since its claim back into the inbox, where it comes to rest again. If the inbox has a new
// file of that name, it stays in the work folder and is taken as it is now. What was put back by an earlier try needs no more than to be made durable.
func (im *Importer) tidyChanged(ctx context.Context, b *batch, it *item) {
	if !errors.Is(it.err, errChanged) && !errors.Is(it.err, errGone) || it.run.State != ledger.Claimed && it.run.State != ledger.Staging {
		return
	}
	if im.InPlace || im.giveBack(ctx, b, it) == nil {
		it.run.State, it.run.Status, it.run.Finished = ledger.Withdrawn, ledger.Failed, now()
		return
	}
	if f, err := im.Store.Open(ctx, b.fileName(it)); err == nil {
		defer f.Close()
		if look, err := f.Stat(); err == nil {
			it.run.File = look
		}
	}
}
