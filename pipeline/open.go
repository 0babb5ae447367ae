package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"chute/config"
	"chute/connectors"
	"chute/connectors/native"
	"chute/pipeline/ledger"
	"chute/pipeline/reconcile"
)

// open finds the server and the table, making the table when the job says so, and clears away what an earlier try left.
func (im *Importer) open(ctx context.Context, b *batch) error {
	if err := im.cleanStage(ctx, b); err != nil {
		return err
	}
	session, err := im.session(ctx, "")
	if err != nil {
		return err
	}
	b.session = session
	if address := session.Server().Address; !im.swept[address] {
		if err := im.sweepStages(ctx, session); err != nil {
			return err
		}
		if im.swept == nil {
			im.swept = map[string]bool{}
		}
		im.swept[address] = true
	}
	if b.target, err = im.describe(ctx, session); err != nil {
		return err
	}
	return im.fits(b)
}

// fits refuses a table that can't be loaded, or not with what the job promises.
func (im *Importer) fits(b *batch) error {
	if why := b.target.Refused(); why != "" {
		return fmt.Errorf("table %s is a %s: %s", b.target.Table(), b.target.Engine, why)
	}
	if im.Job.Target.Lineage && !b.target.Lineage.Known() {
		return fmt.Errorf("table %s has no columns %s and %s (UInt64), which tell where a row came from: add them, or set target.lineage = false",
			b.target.Table(), native.Identifier(im.Job.Target.RunColumn), native.Identifier(im.Job.Target.RecordColumn))
	}
	if im.Job.Redelivery.Changed == "replace" {
		if why := b.target.Irreplaceable(); why != "" {
			return fmt.Errorf(`redelivery.changed = "replace": table %s: %s`, b.target.Table(), why)
		}
	}
	return nil
}

// describe looks at the table, and makes it first if it is missing and the job creates it.
func (im *Importer) describe(ctx context.Context, s connectors.Session) (*reconcile.Target, error) {
	t, err := reconcile.Describe(ctx, s, im.Job.Target.Table, lineageOf(im.Job))
	if !errors.Is(err, connectors.ErrNoTable) || !im.Job.Target.Create {
		return t, err
	}
	if err := im.effect("create table", func() error { return im.createTable(ctx, s) }); err != nil {
		return nil, err
	}
	return reconcile.Describe(ctx, s, im.Job.Target.Table, lineageOf(im.Job))
}

// lineageOf is what a job wants its table to have, to tell where a row came from.
func lineageOf(job *config.Job) reconcile.Lineage {
	if !job.Target.Lineage {
		return reconcile.Lineage{}
	}
	return reconcile.Lineage{Run: job.Target.RunColumn, Record: job.Target.RecordColumn}
}

// typesOf are the types of a table that a job makes.
func typesOf(job *config.Job) (types []*native.Type, err error) {
	for _, c := range job.TargetColumns() {
		t, err := native.ParseType(c.Type)
		if err != nil {
			return nil, fmt.Errorf("%s: column %s: %w", c.Pos, c.Name, err)
		}
		types = append(types, t)
	}
	return types, nil
}

func (im *Importer) createTable(ctx context.Context, s connectors.Session) error {
	types, err := typesOf(im.Job)
	if err != nil {
		return err
	}
	if database := im.Job.Target.Table.Database; database != "" {
		if err := s.Exec(ctx, reconcile.CreateDatabase(database)); err != nil {
			return fmt.Errorf("create database %s: %w", native.Identifier(database), err)
		}
	}
	if err := s.Exec(ctx, reconcile.CreateTarget(im.Job, types, s.Server().Abilities)); err != nil {
		return fmt.Errorf("create table %s: %w", im.Job.Target.Table, err)
	}
	return nil
}

// makeStage writes down where the stage is going to be, and makes it.
func (im *Importer) makeStage(ctx context.Context, b *batch, items []*item) error {
	stage := im.stageName(b.target, strconv.FormatUint(items[0].run.ID, 10))
	lineage, err := json.Marshal(b.target.Lineage)
	if err != nil {
		return err
	}
	err = im.effect("staging", func() error {
		for _, it := range items {
			r := &it.run
			r.State, r.Server, r.Target, r.Stage = ledger.Staging, b.session.Server().Address, b.target.Table(), native.Table(stage.Database, stage.Table)
			r.Definition, r.Lineage = b.target.Definition, string(lineage)
		}
		return im.record(ctx, items)
	})
	if err != nil {
		return err
	}
	return im.effect("stage", func() error { return im.createStage(ctx, b, stage) })
}

// stageName is what the stage of a run is called.
func (im *Importer) stageName(t *reconcile.Target, run string) config.TableName {
	stage := config.TableName{Database: t.Database, Table: "chute_stage_" + im.Ledger.ID() + "_" + run}
	if im.Staging != "" {
		stage.Database = im.Staging
	}
	return stage
}

func (im *Importer) createStage(ctx context.Context, b *batch, stage config.TableName) error {
	if im.Staging != "" {
		if err := b.session.Exec(ctx, reconcile.CreateDatabase(im.Staging)); err != nil {
			return fmt.Errorf("create database %s: %w", native.Identifier(im.Staging), err)
		}
	}
	for _, st := range reconcile.CreateStage(native.Table(stage.Database, stage.Table), b.target, b.session.Server().Abilities) {
		if err := b.session.Exec(ctx, st); err != nil {
			return fmt.Errorf("create a stage for %s: %w", b.target.Table(), err)
		}
	}
	return nil
}
