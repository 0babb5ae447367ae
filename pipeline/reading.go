package pipeline

import (
	"fmt"
	"slices"

	"chute/config"
	"chute/pipeline/convert"
	"chute/pipeline/reconcile"
)

// reading is how files with one header are read into a table.
type reading struct {
	header  []string
	target  *reconcile.Target
	mapping *mapping
	plan    *convert.Plan
	single  *portion // through which small files go, one after the other; nil before the first one
}

// reading finds out how a file is read. The files of a batch mostly have the same header: then they share the answer, and memory.
func (im *Importer) reading(b *batch, it *item, header []string) (*reading, error) {
	if r := b.reading; r != nil && r.target == b.target && slices.Equal(r.header, header) {
		return r, nil
	}
	m, err := mapColumns(im.Job, b.target, header, it.vars)
	if err == nil {
		err = m.addOrigin(im.Job, b.target, it.run)
	}
	if err != nil {
		return nil, err
	}
	r := &reading{header: header, target: b.target, mapping: m}
	if r.plan, err = convert.Compile(m.columns); err != nil {
		return nil, fmt.Errorf("table %s: %w", b.target.Table(), err)
	}
	if !namesFiles(im.Job) {
		b.reading = r
	}
	return r, nil
}

// namesFiles tells whether columns of the job's table may differ from file to file though their headers don't.
func namesFiles(job *config.Job) bool {
	return job.Target.FileColumn != "" || job.Target.TimeColumn != "" ||
		slices.ContainsFunc(job.Columns, func(c config.Column) bool { return c.Constant != nil })
}

// portion is the one that small files go through.
func (r *reading) portion() *portion {
	if r.single == nil {
		r.single = &portion{rows: r.plan.NewRows()}
	}
	return r.single
}
