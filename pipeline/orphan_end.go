package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"

	"chute/connectors"
	"chute/connectors/native"
	"chute/pipeline/ledger"
	"chute/pipeline/reconcile"
)

// decideFolder decides about the files of one work folder, and removes what is left of those that aren't in it any more.
func (o *Orphans) decideFolder(ctx context.Context, batch uint64, tell func(Fate)) error {
	f := &orphanFolder{folder: batchFolder(o.Base.Work, o.Ledger, batch), batch: batch}
	if err := f.read(ctx, o.Base.Store); err != nil && !errors.Is(err, errTorn) {
		return err
	} else if err != nil {
		for _, it := range f.files {
			tell(it.fate(EndedOpen, err.Error()))
		}
		return nil
	}
	if f.claim != nil && len(f.files) > 0 {
		why, err := o.doubt(ctx, f)
		if err != nil {
			return err
		}
		if why != "" {
			for _, it := range f.files {
				tell(it.fate(EndedOpen, why))
			}
			return nil
		}
	}
	if len(f.files) > 0 {
		if err := o.decideFiles(ctx, f, tell); err != nil {
			if context.Cause(ctx) != nil {
				return err
			}
			for _, it := range f.files {
				tell(it.fate(EndedWaiting, connectors.Told(err)))
			}
			return nil
		}
	}
	return o.tidy(ctx, f)
}

func (it *orphan) fate(ending Ending, why string) Fate {
	return Fate{Run: it.Run, Job: it.Job, File: it.file.Name, At: it.at, Ending: ending, Why: why}
}

// decideFiles looks at the tables once for all files. An error means that nothing was done.
func (o *Orphans) decideFiles(ctx context.Context, f *orphanFolder, tell func(Fate)) error {
	if f.claim != nil && len(f.claim.Runs) > 0 {
		if err := o.sameDatabase(f.claim); err != nil {
			return err
		}
		job := o.importerOf(f.claim.Runs[0].Job).Job // all have its table: see doubt
		if err := o.look(ctx, f, job.Target.Table, lineageOf(job)); err != nil {
			return err
		}
	}
	plans, fates := make([]plan, len(f.files)), make([]Fate, len(f.files))
	proofs := make([]*evidence, len(f.files))
	for i, it := range f.files {
		var err error
		var why string
		if proofs[i], plans[i], why, err = o.decide(ctx, f, it); err != nil {
			return err
		}
		fates[i] = it.fate(EndedOpen, why)
	}
	if !slices.Contains(plans, leaveIt) {
		if err := o.dropStages(ctx, f); err != nil {
			return err
		}
		if err := o.countAgain(ctx, f); err != nil {
			return err
		}
	}
	for i, it := range f.files {
		if plans[i] != leaveIt {
			fates[i] = o.end(ctx, f, it, proofs[i], plans[i])
		}
		tell(fates[i])
	}
	return nil
}

func (o *Orphans) importerOf(job string) *Importer {
	if i := slices.IndexFunc(o.Importers, func(im *Importer) bool { return im.Job.Name == job }); i >= 0 {
		return o.Importers[i]
	}
	return nil
}

// decide makes the plan for one file. A file that no claim names was never loaded, as long as nothing lies ready to go out with it.
func (o *Orphans) decide(ctx context.Context, f *orphanFolder, it *orphan) (*evidence, plan, string, error) {
	if it.Run == 0 {
		inbox, err := o.inboxFor(it.file.Name)
		switch {
		case len(f.out) > 0:
			return nil, leaveIt, "claim.json doesn't name it, and it may have been loaded: look whether its records are in the table", nil
		case err != nil:
			return nil, leaveIt, err.Error(), nil
		}
		it.Inbox = inbox
		return &evidence{}, giveBack, "", nil
	}
	im := o.importerOf(it.Job)
	e, err := o.weigh(ctx, im, f, it)
	if err != nil {
		return nil, leaveIt, "", err
	}
	p, why := e.judge()
	if p == takeOut {
		doubt, err := o.unproven(ctx, f, e)
		if err != nil {
			return nil, leaveIt, "", err
		}
		if doubt != "" {
			p, why = leaveIt, fmt.Sprintf("the table has %d of the %d rows of run %d that its report says, and %s", e.found, e.report.Counts.Success, it.Run, doubt)
		}
	}
	return e, p, why, nil
}

// inboxFor is the one inbox of the store from which a file of this name can have come.
func (o *Orphans) inboxFor(name string) (string, error) {
	var inboxes []string
	for _, im := range o.Importers {
		if _, ok := im.Job.Matches(name); ok && !slices.Contains(inboxes, im.Job.Inbox) {
			inboxes = append(inboxes, im.Job.Inbox)
		}
	}
	if len(inboxes) != 1 {
		return "", fmt.Errorf("nothing of it was loaded, but which of %d inboxes it came from isn't known: move it there", len(inboxes))
	}
	return inboxes[0], nil
}

// dropStages drops the staging tables of the batch's runs on every server.
func (o *Orphans) dropStages(ctx context.Context, f *orphanFolder) error {
	for _, p := range f.places {
		for _, c := range f.claim.Runs {
			rows, err := o.stagesOf(ctx, p.session, c.Run)
			if err != nil {
				return err
			}
			for _, r := range rows {
				stage := native.Table(r[0].(string), r[1].(string))
				if err := o.Base.effect("orphan drop", func() error { return p.session.Exec(ctx, reconcile.Drop(stage)) }); err != nil {
					return fmt.Errorf("drop stage %s: %w", stage, err)
				}
			}
		}
	}
	return nil
}

// countAgain makes sure that the plans still hold, now that no statement that comes late finds a stage.
func (o *Orphans) countAgain(ctx context.Context, f *orphanFolder) error {
	for _, p := range f.places {
		if p.counts == nil {
			continue
		}
		now, err := reconcile.Count(ctx, p.session, p.target.Table(), p.target.Lineage, o.statements(f)+"count", o.lineage(f))
		if err != nil {
			return err
		}
		if !maps.Equal(now, p.counts) {
			return fmt.Errorf("rows came into %s while it was looked at, by a statement that its server read late: repeat this", p.target.Table())
		}
	}
	return nil
}

// end carries a plan out.
func (o *Orphans) end(ctx context.Context, f *orphanFolder, it *orphan, e *evidence, p plan) Fate {
	var err error
	ending := EndedReturned
	switch p {
	case finish:
		ending = EndedLoaded
		if e.report != nil && e.report.Counts.Success == 0 || e.moved != "" && e.found == 0 {
			ending = EndedRefused
		}
		err = o.importerOf(it.Job).settleOrphan(ctx, f, it, e)
	case takeOut:
		if err = o.takeOutRows(ctx, f, it, e); err == nil {
			err = o.giveBackOrphan(ctx, it)
		}
	default:
		err = o.giveBackOrphan(ctx, it)
	}
	if err != nil {
		return it.fate(EndedWaiting, connectors.Told(err))
	}
	return it.fate(ending, "")
}

func (o *Orphans) takeOutRows(ctx context.Context, f *orphanFolder, it *orphan, e *evidence) error {
	numbers := []uint64{ledger.LineageIn(o.Ledger, it.Run)}
	if err := o.Base.deleteRows(ctx, "orphan take out", e.at, e.target, numbers, o.statements(f)); err != nil {
		return err
	}
	return o.Base.effect("orphan sync", func() error { return e.at.Sync(ctx) })
}

// tidy removes what lies ready of files that are gone, and the folder once no file is left in it.
func (o *Orphans) tidy(ctx context.Context, f *orphanFolder) error {
	if err := f.list(ctx, o.Base.Store); err != nil {
		return err
	}
	if len(f.files) == 0 {
		o.Base.clearFolder(ctx, f.folder)
		return nil
	}
	if f.claim == nil {
		return nil
	}
	for _, c := range f.claim.Runs {
		if slices.ContainsFunc(f.files, func(it *orphan) bool { return it.file.Name == string(c.Name) }) {
			continue
		}
		ready := path.Join(f.folder, outFolder, strconv.FormatUint(c.Run, 10))
		for _, suffix := range []string{logSuffix, reportSuffix} {
			if err := o.Base.Store.Remove(ctx, ready+"."+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		if err := o.Base.removeFiles(ctx, ready); err != nil {
			return err
		}
	}
	return nil
}
