package pipeline

import (
	"fmt"
	"time"

	"chute/config"
	"chute/connectors"
	"chute/connectors/native"
	"chute/pipeline/convert"
	"chute/pipeline/ledger"
	"chute/pipeline/reconcile"
)

// misfits are the columns for which every run would fail, and those of another type than the job says.
func misfits(job *config.Job, t *reconcile.Target) (found []reconcile.Advice) {
	if why := t.Irreplaceable(); why != "" && job.Redelivery.Changed == "replace" {
		found = append(found, reconcile.Advice{
			Code: "replace_impossible", Text: `redelivery.changed = "replace" can't be done: ` + why, Mend: `set redelivery.changed to "load" or "skip", or load another table`, Blocks: true,
		})
	}
	wanted := job.TargetColumns()
	if len(job.Columns) == 0 {
		wanted = columnsOfTable(job, t, []string{}) // those that a file can't do without
	}
	for _, c := range wanted {
		if a, misfit := misfitOf(job, c, t); misfit {
			found = append(found, a)
		}
	}
	example := ledger.Run{File: connectors.File{Name: "orders.csv"}, Started: time.Unix(1_000_000_000, 0)}
	for _, o := range origins(job, example) {
		if a, misfit := misfitOf(job, config.Column{Name: o.name, OnError: "reject"}, t); misfit {
			found = append(found, a)
		} else if err := compiles(t, convert.Column{Name: o.name, Constant: []byte(o.text)}); err != nil {
			found = append(found, unfit(o.name, fmt.Errorf("it is for the file's name or the time of the run: %w", err)))
		}
	}
	return found
}

func misfitOf(job *config.Job, c config.Column, t *reconcile.Target) (a reconcile.Advice, misfit bool) {
	have, ok := t.Column(c.Name)
	if !ok {
		a = reconcile.Advice{Code: "column_missing", Text: fmt.Sprintf("%sit has no column %s", place(c), native.Identifier(c.Name)), Blocks: true}
		if c.Type != "" && t.MergeTree() {
			a.Statements = []string{"ALTER TABLE " + t.Table() + " ADD COLUMN " + native.Identifier(c.Name) + " " + c.Type}
		} else {
			a.Mend = "add the column to the table, or correct its name in the job"
		}
		return a, true
	}
	column := columnOf(job, c, t, have.Type)
	if c.Constant != nil && len(c.Constant.Variables()) == 0 {
		text, err := c.Constant.Expand(now(), nil)
		if err != nil {
			return unfit(c.Name, fmt.Errorf("%sconstant: %w", place(c), err)), true
		}
		column.Constant = []byte(text)
	}
	if err := compiles(t, column); err != nil {
		return unfit(c.Name, fmt.Errorf("%s%w", place(c), err)), true
	}
	if said, err := native.ParseType(c.Type); c.Type != "" && err == nil && said.String() != have.Type.String() {
		return reconcile.Advice{
			Code: "column_type_differs", Mend: "correct the type in the job, or leave it out",
			Text: fmt.Sprintf("%scolumn %s is %s in the table and %s in the job; values are read for the table's", place(c), native.Identifier(c.Name), have.Type, said),
		}, true
	}
	return a, false
}

func compiles(t *reconcile.Target, c convert.Column) error {
	have, ok := t.Column(c.Name)
	if !ok {
		return nil // said already
	}
	c.Type = have.Type
	_, err := convert.Compile([]convert.Column{c})
	return err
}

func unfit(name string, err error) reconcile.Advice {
	return reconcile.Advice{
		Code: "column_unfit", Text: err.Error(), Blocks: true,
		Mend: fmt.Sprintf("change column %s in the job or in the table so that they fit", native.Identifier(name)),
	}
}

// place is where a column stands in the job's files; columns that come from the table stand nowhere.
func place(c config.Column) string {
	if c.Pos == (config.Position{}) {
		return ""
	}
	return c.Pos.String() + ": "
}
