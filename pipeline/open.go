package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

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
	session, err := im.Database.Session(ctx, "")
	if err != nil {
		return err
	}
	b.session = session
	if !im.swept {
		if err := im.sweepStages(ctx, session); err != nil {
			return err
		}
		im.swept = true
	}
	b.target, err = im.describe(ctx, session)
	if err != nil {
		return err
	}
	if why := b.target.Refused(); why != "" {
		return fmt.Errorf("table %s is a %s: %s", b.target.Table(), b.target.Engine, why)
	}
	if im.Job.Target.Lineage && !b.target.Lineage.Known() {
		return fmt.Errorf("table %s has no columns %s and %s (UInt64), which tell where a row came from: add them, or set target.lineage = false",
			b.target.Table(), native.Identifier(im.Job.Target.RunColumn), native.Identifier(im.Job.Target.RecordColumn))
	}
	return nil
}

// describe looks at the table, and makes it first if it is missing and the job creates it.
func (im *Importer) describe(ctx context.Context, s connectors.Session) (*reconcile.Target, error) {
	lineage := reconcile.Lineage{}
	if im.Job.Target.Lineage {
		lineage = reconcile.Lineage{Run: im.Job.Target.RunColumn, Record: im.Job.Target.RecordColumn}
	}
	t, err := reconcile.Describe(ctx, s, im.Job.Target.Table, lineage)
	if !errors.Is(err, connectors.ErrNoTable) || !im.Job.Target.Create {
		return t, err
	}
	if err := im.effect("create table", func() error { return im.createTable(ctx, s) }); err != nil {
		return nil, err
	}
	return reconcile.Describe(ctx, s, im.Job.Target.Table, lineage)
}

func (im *Importer) createTable(ctx context.Context, s connectors.Session) error {
	var types []*native.Type
	for _, c := range im.Job.TargetColumns() {
		t, err := native.ParseType(c.Type)
		if err != nil {
			return fmt.Errorf("%s: column %s: %w", c.Pos, c.Name, err)
		}
		types = append(types, t)
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
	stage := config.TableName{
		Database: b.target.Database,
		Table:    fmt.Sprintf("chute_stage_%s_%d", im.Ledger.ID(), items[0].run.ID),
	}
	if im.Staging != "" {
		stage.Database = im.Staging
	}
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
