package pipeline

import (
	"context"
	"fmt"
	"slices"

	"chute/config"
	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/pipeline/reconcile"
)

// The work folder of a store on a server is its owner's, who can write there what he likes: also the number of another partner's run, and the name of another one's
// table. So what a claim says is believed as far as it goes with what is known here: a claim's table is that of its job in this very store, and rows of a run leave only if
// something of chute's own shows that they are of a run that was broken off.

// mostBatched bounds how far the numbers of a batch's runs can be above its own.
const mostBatched = 1_000_000

// doubt tells why a claim can't be one that chute wrote for the jobs that its store has here; "": it may be one.
func (o *Orphans) doubt(ctx context.Context, f *orphanFolder) (why string, err error) {
	seen := map[uint64]bool{}
	for _, run := range f.claim.Runs {
		im := o.importerOf(run.Job)
		switch {
		case run.Run < f.batch || run.Run > min(f.batch+mostBatched, ledger.LastRun) || seen[run.Run]:
			return fmt.Sprintf("its claim.json names run %d, which can't be one of batch %d: look who wrote it", run.Run, f.batch), nil
		case im == nil:
			return fmt.Sprintf("its job %.100q isn't configured here with this store, so its table isn't known: bring the job file back", run.Job), nil
		case !f.claim.targets(im.Job):
			return fmt.Sprintf("its claim.json names another table than %s, into which job %q of this store loads, or other columns to know its rows by: if the job was changed since, change it back "+
				"while this is decided; else look who wrote it", im.Job.Target.Table, im.Job.Name), nil
		}
		seen[run.Run] = true
		if o.Known == nil {
			continue
		}
		if known, err := o.Known(ctx, run.Run); err != nil {
			return "", err
		} else if known {
			return fmt.Sprintf("its claim.json names run %d, which the ledger knows as another file's: look who wrote it", run.Run), nil
		}
	}
	return "", nil
}

// unproven tells why the rows of a run mustn't be taken out of its table though they are fewer than its report says; "": it is chute's own to take them out. What says so lies on a
// server, and only two things speak for it: nobody else loads into the table, and the staging table is still there, which goes when all rows are in.
func (o *Orphans) unproven(ctx context.Context, f *orphanFolder, e *evidence) (why string, err error) {
	if _, far := o.Base.Store.(connectors.Fetcher); !far {
		return "", nil
	}
	const person = "look whose rows they are, take them out if they are this file's, and move the file to its inbox, or else to done"
	table := o.importerOf(f.claim.Runs[0].Job).Job.Target.Table
	if slices.ContainsFunc(o.Elsewhere, func(t config.TableName) bool { return t.Table == table.Table }) {
		return "jobs of other stores load into the table too: " + person, nil
	}
	for _, run := range f.claim.Runs {
		stages, err := o.stagesOf(ctx, e.at, run.Run)
		if err != nil || len(stages) > 0 {
			return "", err
		}
	}
	return "no staging table is left that would show that they are of this file: " + person, nil
}

// stagesOf are the staging tables of a run on a server: database and name.
func (o *Orphans) stagesOf(ctx context.Context, s connectors.Session, run uint64) ([][]any, error) {
	stage := fmt.Sprintf("chute_stage_%s_%d", o.Ledger, run)
	rows, err := reconcile.Catalog(ctx, s, connectors.Statement{
		SQL: "SELECT database, name FROM system.tables WHERE name = ? OR startsWith(name, ?)", Args: []any{stage, stage + "_"}})
	if err != nil {
		return nil, fmt.Errorf("look for stages that are left: %w", err)
	}
	return rows, nil
}
