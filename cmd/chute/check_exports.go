package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"chute/config"
	"chute/connectors"
	"chute/pipeline"
	"chute/pipeline/reconcile"
)

// queries has a server explain what each export asks.
func (i *inspection) queries(ctx context.Context, session connectors.Session, on string) {
	for _, e := range i.config.Exports {
		i.query(ctx, e, session, on)
	}
}

func (i *inspection) query(ctx context.Context, e *config.Export, session connectors.Session, on string) {
	ctx, cancel := context.WithTimeoutCause(ctx, answerTime, fmt.Errorf("no answer for %v", answerTime))
	defer cancel()
	f := finding{Kind: "query", Subject: e.Name + on, Jobs: []string{e.Name}}
	columns, err := pipeline.CheckExport(ctx, e, session)
	var wrong *pipeline.Misasked
	switch {
	case err == nil:
		names := make([]string, len(columns))
		for at, c := range columns {
			names[at] = fmt.Sprintf("%.100q %s", c.Name, c.Type)
		}
		f.Level, f.Code, f.Text = levelOK, "ok", count(len(columns), "column")+": "+strings.Join(names, ", ")
		if e.Query == "" && len(e.Columns) == 0 {
			f.Text += "; all that the table has now, and a new one would be delivered too: columns pins what the partner gets"
		}
		i.add(f)
		for _, text := range pipeline.Foretold(e, columns) {
			f.Level, f.Code, f.Text, f.Mend = levelWarning, "time_twice", text, "change the column's format, or format.widths, before the clocks are set back"
			i.add(f)
		}
	case !errors.As(err, &wrong):
		i.bad(withCode(f, "query_unanswered"), err)
	default:
		f.Code, f.Key, f.Mend = "query_refused", wrong.Key, cmp.Or(reconcile.Allowance(err), "correct "+wrong.Key+" in the job's file, or see what the server says")
		f.File = filepath.Join(i.config.Jobs.Dir, e.Name+".toml")
		if i.madeLater(err) {
			f.Level, f.Text = levelWarning, err.Error()+" (an import with target.create makes its table at its first file)"
			i.add(f)
			return
		}
		i.bad(f, err)
	}
}

// madeLater tells of a table that isn't there and that an import may make.
func (i *inspection) madeLater(err error) bool {
	said := new(connectors.DatabaseError)
	return errors.As(err, &said) && said.Code == 60 && slices.ContainsFunc(i.jobs, func(j *config.Job) bool {
		return j.Target.Create && strings.Contains(said.Message, j.Target.Table.Table)
	})
}

// unasked says why no question is looked at.
func (i *inspection) unasked(because string) {
	for _, e := range i.config.Exports {
		i.add(finding{Level: levelWarning, Kind: "query", Subject: e.Name, Jobs: []string{e.Name}, Code: "query_unchecked", Text: "not looked at: " + because})
	}
}

// enabled tells whether any of the jobs is no draft.
func (i *inspection) enabled(names []string) bool {
	return slices.ContainsFunc(i.jobs, func(j *config.Job) bool { return j.Enabled && slices.Contains(names, j.Name) }) ||
		slices.ContainsFunc(i.config.Exports, func(e *config.Export) bool { return e.Enabled && slices.Contains(names, e.Name) })
}

// outboxes are the folders of a store that exports deliver to, each with its job.
func (i *inspection) outboxes(store string, each func(name, job string)) {
	for _, e := range i.config.Exports {
		if e.Store == store {
			each(e.Outbox.Beginning(time.Now().In(e.Timezone.Location())), e.Name)
		}
	}
}

// bare warns of a store without anything in it: an export doesn't make its outbox there.
func (v *visit) bare(ctx context.Context, f finding) {
	inside, err := v.folder.List(ctx, ".")
	if err != nil || len(inside) > 0 {
		return // what else is the matter shows when it is used
	}
	v.outboxes(v.store.Name, func(name, job string) {
		if name == "." {
			return
		}
		g := f
		g.Level, g.Code, g.Jobs, g.Text = levelProblem, "store_empty", []string{job}, v.store.Path+" is empty: nothing is delivered to what may be a bare mount point"
		g.Mend, g.Commands = "mount it or, if it is new, make the outbox", []string{"mkdir -p " + shell(filepath.Join(v.store.Path, name))}
		v.add(g)
	})
}
