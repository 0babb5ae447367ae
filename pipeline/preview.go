package pipeline

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"chute/config"
	"chute/connectors"
	"chute/connectors/native"
	"chute/pipeline/reconcile"
	"chute/pipeline/reject"
	"chute/pipeline/report"
)

// Look is what somebody wants to see of a file before it is loaded.
type Look struct {
	// Each, if set, gets the accepted records: the columns that the job fills with them, without those that say where a row came from. The block is valid
	// during the call.
	Each func(columns []native.Column, block *native.Block) error
	// Reasons, if set, gets a JSON line for each reason why a record is refused, as many as the job lists.
	Reasons io.Writer
}

// Preview is what a run of a file would come to.
type Preview struct {
	Report     *report.Report // as the run's would be, without a number
	Statements []string       // what would be sent to the database, in order
	Unjudged   []string       // what only a run finds out
}

// Preview does all of a run but the writing: nothing is changed in the ledger, the database and the stores. What it reads, converts and judges, it does with the
// same functions as Import. The importer must be InPlace. The error is one that means later.
func (im *Importer) Preview(ctx context.Context, file connectors.File, look Look) (*Preview, error) {
	b := im.newBatch([]connectors.File{file})
	it := b.items[0]
	create, err := im.foresee(ctx, b)
	if err != nil {
		return nil, err
	}
	err = im.readFile(ctx, b, it, im.listOnly(it, look), im.ownColumns(b.target, look.Each))
	if err == nil {
		err = im.checkIdentity(ctx, b, it)
	}
	if outcomeOf(err) == connectors.Later {
		return nil, err
	}
	errors.As(err, &it.rejection)
	p := &Preview{Report: im.foretell(b, it)}
	if len(b.accepted()) > 0 && it.run.Accepted > 0 {
		p.Statements, p.Unjudged = append(create, im.loading(b, it)...), unjudged(b.target)
	}
	return p, nil
}

// foretell makes the report. Of a file that would be skipped it tells what is in it all the same: that is what somebody looks at it for.
func (im *Importer) foretell(b *batch, it *item) *report.Report {
	skip := it.skip
	it.skip = nil
	im.setStatus(it)
	r := im.report(b, it)
	if it.skip = skip; skip != nil {
		r.Result, r.SameAs = report.Skipped, sameAs(skip)
	}
	return r
}

// foresee finds the server and the table. One that is missing and that the job makes is taken as it is going to be; create is how.
func (im *Importer) foresee(ctx context.Context, b *batch) (create []string, err error) {
	if b.session, err = im.session(ctx, ""); err != nil {
		return nil, err
	}
	b.target, err = reconcile.Describe(ctx, b.session, im.Job.Target.Table, lineageOf(im.Job))
	if errors.Is(err, connectors.ErrNoTable) && im.Job.Target.Create {
		create, err = im.foreseeTable(ctx, b)
	}
	if err != nil {
		return nil, err
	}
	return create, im.fits(b)
}

func (im *Importer) foreseeTable(ctx context.Context, b *batch) (create []string, err error) {
	types, err := typesOf(im.Job)
	if err != nil {
		return nil, err
	}
	database, err := reconcile.DatabaseOf(ctx, b.session, im.Job.Target.Table)
	if err != nil {
		return nil, err
	}
	can := b.session.Server().Abilities
	b.target = reconcile.Planned(im.Job, types, database, can)
	if im.Job.Target.Table.Database != "" {
		create = append(create, reconcile.CreateDatabase(database).SQL)
	}
	return append(create, reconcile.CreateTarget(im.Job, types, can).SQL), nil
}

// listOnly is the reject writer of a file that nothing is handed back of.
func (im *Importer) listOnly(it *item, look Look) *reject.Writer {
	out := look.Reasons
	if out == nil {
		out = io.Discard
	}
	return reject.NewList(out, it.run.File.Name, im.Job.Errors.MaxDetails)
}

// ownColumns hands on what the records themselves have, with the types that the table has.
func (im *Importer) ownColumns(t *reconcile.Target, each func([]native.Column, *native.Block) error) emitter {
	if each == nil {
		each = func([]native.Column, *native.Block) error { return nil }
	}
	var own native.Block
	return func(insert []native.Column, block *native.Block) error {
		own = native.Block{Columns: own.Columns[:0], Data: own.Data[:0], Rows: block.Rows}
		for i, c := range insert {
			if c.Name == t.Lineage.Run || c.Name == t.Lineage.Record || c.Name == im.Job.Target.FileColumn || c.Name == im.Job.Target.TimeColumn {
				continue
			}
			have, _ := t.Column(c.Name) // it was found when the columns were mapped
			own.Columns = append(own.Columns, native.Column{Name: c.Name, Type: im.shownIn(c.Name, have.Type)})
			own.Data = append(own.Data, block.Data[i])
		}
		return each(own.Columns, &own)
	}
}

// shownIn gives times of types without a zone the one that the column's texts are read in.
func (im *Importer) shownIn(name string, t *native.Type) *native.Type {
	zone := im.Job.Timezone.Location()
	if i := slices.IndexFunc(im.Job.Columns, func(c config.Column) bool { return c.Name == name }); i >= 0 && im.Job.Columns[i].Timezone != nil {
		zone = im.Job.Columns[i].Timezone.Location()
	}
	return withZone(t, zone.String())
}

func withZone(t *native.Type, zone string) *native.Type {
	shown := *t
	if (t.Kind == native.DateTime || t.Kind == native.DateTime64) && t.Zone == "" {
		shown.Zone = zone
	}
	shown.Elems = nil
	for _, e := range t.Elems {
		shown.Elems = append(shown.Elems, withZone(e, zone))
	}
	return &shown
}

// loading are the statements that bring accepted records into the table. RUN stands for the number that a run would get, ? for what isn't known either.
func (im *Importer) loading(b *batch, it *item) (statements []string) {
	can, stage := b.session.Server().Abilities, im.stageName(b.target, "RUN")
	name := native.Table(stage.Database, stage.Table)
	if im.Staging != "" {
		statements = append(statements, reconcile.CreateDatabase(im.Staging).SQL)
	}
	for _, st := range reconcile.CreateStage(name, b.target, can) {
		statements = append(statements, st.SQL)
	}
	var columns []string
	for _, c := range it.result.insert {
		columns = append(columns, native.Identifier(c.Name))
	}
	statements = append(statements, "INSERT INTO "+name+" ("+strings.Join(columns, ", ")+") FORMAT Native")
	statements = append(statements, reconcile.Attaching(b.target, stage, nil, can).SQL)
	return append(statements, reconcile.Drop(name).SQL)
}

// unjudged is what only the database finds out, from rows that it has.
func unjudged(t *reconcile.Target) (what []string) {
	for _, c := range t.Constraints {
		what = append(what, "whether the records keep the table's constraint "+c.Name+": "+c.Expression)
	}
	return what
}
