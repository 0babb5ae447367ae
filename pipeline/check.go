package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"chute/config"
	"chute/connectors"
	"chute/connectors/native"
	"chute/pipeline/reconcile"
)

// Check is what was found when a job was compared with its table.
type Check struct {
	Table   string // quoted, with its database
	Promise string // what exactly-once means there; "" when nothing can be loaded
	Advice  []reconcile.Advice
}

// CheckTable compares a job with its table as a run would find it, and tries what a run would do to it; nothing stays of that. staging is the database
// for stages, or "". An error means that the server couldn't be asked.
func CheckTable(ctx context.Context, job *config.Job, s connectors.Session, staging string) (Check, error) {
	t, err := reconcile.Describe(ctx, s, job.Target.Table, lineageOf(job))
	switch {
	case errors.Is(err, connectors.ErrNoTable):
		return checkMissing(ctx, job, s, staging)
	case errors.As(err, new(*connectors.DatabaseError)), err != nil && !unanswered(ctx, err):
		return Check{Table: job.Target.Table.String(), Advice: []reconcile.Advice{{
			Code: "table_unreadable", Text: err.Error(), Mend: cmp.Or(reconcile.Allowance(err), "see what the server says"), Blocks: true,
		}}}, nil
	case err != nil:
		return Check{}, err
	}
	c := Check{Table: t.Table(), Advice: append(t.Advise(lineageOf(job), s.Server()), misfits(job, t)...)}
	if t.Refused() != "" {
		return c, nil
	}
	database := stageDatabase(staging, t.Database)
	if err := c.try(ctx, s, database, attempt{"a staging table", "see what the server says; a staging table is like the table"}, func(tr reconcile.Trial) error { return tr.Stage(ctx, t) }); err != nil {
		return Check{}, err
	}
	if err := c.rights(ctx, s, t.RightsFor(database, s.Server().Abilities)); err != nil {
		return Check{}, err
	}
	if !c.blocked() {
		c.Promise = t.Promise(s.Server())
	}
	return c, nil
}

// CheckUnmade judges a job whose table isn't there, as far as that can be done without asking: before the embedded engine is started for the first time.
func CheckUnmade(job *config.Job) Check {
	c := unmade(job, connectors.Server{Embedded: true})
	if !c.blocked() {
		c.Promise = "it isn't there yet and is made, as target.create says"
	}
	return c
}

func unmade(job *config.Job, server connectors.Server) Check {
	c := Check{Table: job.Target.Table.String()}
	types, err := typesOf(job)
	if job.Target.Create {
		c.Advice = misfits(job, reconcile.Planned(job, types, "", server.Abilities))
		return c
	}
	a := reconcile.Advice{Code: "no_table", Text: "there is no such table", Mend: "make it, or set target.create = true with a type for every column", Blocks: true}
	switch {
	case server.Embedded:
		a.Mend = "set target.create = true with a type for every column: it is jobs that make the embedded engine's tables"
	case err == nil && len(types) > 0:
		a.Mend = "make it so, or set target.create = true"
		a.Statements = []string{reconcile.CreateTarget(job, types, server.Abilities).SQL}
	}
	c.Advice = []reconcile.Advice{a}
	return c
}

// checkMissing judges a job whose table isn't there, and tries to make it.
func checkMissing(ctx context.Context, job *config.Job, s connectors.Session, staging string) (Check, error) {
	c := unmade(job, s.Server())
	if !job.Target.Create {
		return c, nil
	}
	types, err := typesOf(job)
	if err != nil {
		return c, err // unreachable: the configuration was checked
	}
	database, err := reconcile.DatabaseOf(ctx, s, job.Target.Table)
	if err != nil {
		return c, err
	}
	has, err := reconcile.HasDatabase(ctx, s, database)
	if err != nil {
		return c, err
	}
	if has || s.Server().Embedded {
		if err := c.try(ctx, s, database, attempt{"the table", "correct order_by, partition_by and the columns' types"}, func(tr reconcile.Trial) error { return tr.Target(ctx, job, types) }); err != nil {
			return c, err
		}
	}
	table := native.Table(database, job.Target.Table.Table)
	if err := c.rights(ctx, s, reconcile.RightsToCreate(table, database, has, stageDatabase(staging, database))); err != nil {
		return c, err
	}
	if !c.blocked() {
		c.Promise = "it isn't there yet and can be made, as target.create says"
		if !has {
			c.Promise = "it isn't there yet, and neither is its database; both are made, as target.create says"
		}
	}
	return c, nil
}

func stageDatabase(staging, target string) string {
	if staging != "" {
		return staging
	}
	return target
}

// attempt is something that is made for a trial, and what helps when it can't be made.
type attempt struct{ what, mend string }

// try makes something for a trial. A database for stages that isn't there is going to be made: whether that is allowed is a matter of rights.
func (c *Check) try(ctx context.Context, s connectors.Session, database string, a attempt, trial func(reconcile.Trial) error) error {
	has, err := reconcile.HasDatabase(ctx, s, database)
	if err != nil || !has && !s.Server().Embedded {
		return err
	}
	err = trial(reconcile.Trial{Session: s, Database: database})
	if err == nil {
		return nil
	}
	if unanswered(ctx, err) {
		return err
	}
	c.Advice = append(c.Advice, reconcile.Advice{
		Code: "trial_failed", Text: fmt.Sprintf("%s can't be made: %v", a.what, err), Mend: cmp.Or(reconcile.Allowance(err), a.mend), Blocks: true,
	})
	return nil
}

// rights asks for what the user may do. Servers that have no such question have said what they had to say in the trial.
func (c *Check) rights(ctx context.Context, s connectors.Session, rights []reconcile.Right) error {
	grants, err := reconcile.Missing(ctx, s, rights)
	if errors.Is(err, reconcile.ErrUntold) {
		return nil
	}
	if len(grants) > 0 {
		c.Advice = append(c.Advice, reconcile.Advice{Code: "rights_missing", Text: "the user lacks rights", Statements: grants, Blocks: true})
	}
	return err
}

func (c *Check) blocked() bool {
	for _, a := range c.Advice {
		if a.Blocks {
			return true
		}
	}
	return false
}

// unanswered tells whether an error isn't the server's answer but that there was none.
func unanswered(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, connectors.ErrUnavailable)
}
