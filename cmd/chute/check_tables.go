package main

import (
	"context"
	"fmt"

	"chute/config"
	"chute/connectors"
	"chute/pipeline"
)

// tables compares each job with its table on one server.
func (i *inspection) tables(ctx context.Context, session connectors.Session, on string) {
	for _, j := range i.jobs {
		i.table(ctx, j, session, on)
	}
	i.queries(ctx, session, on)
}

func (i *inspection) table(ctx context.Context, j *config.Job, session connectors.Session, on string) {
	ctx, cancel := context.WithTimeoutCause(ctx, answerTime, fmt.Errorf("no answer for %v", answerTime))
	defer cancel()
	check, err := pipeline.CheckTable(ctx, j, session, i.config.Database.Staging)
	if i.bad(finding{Kind: "table", Subject: j.Target.Table.String() + on, Jobs: []string{j.Name}, Code: "table_unanswered"}, err) {
		return
	}
	i.judge(j, check, on)
}

// judge takes down what came of comparing a job with its table.
func (i *inspection) judge(j *config.Job, check pipeline.Check, on string) {
	f := finding{Kind: "table", Subject: j.Target.Table.String() + on, Jobs: []string{j.Name}}
	for _, a := range check.Advice {
		f.Level = levelWarning
		if a.Blocks {
			f.Level = levelProblem
		}
		f.Code, f.Text, f.Mend, f.Statements = a.Code, a.Text, a.Mend, a.Statements
		i.add(f)
	}
	if check.Promise != "" {
		i.add(finding{Level: levelOK, Kind: "table", Subject: f.Subject, Jobs: f.Jobs, Code: "ok", Text: check.Promise})
	}
}

// unchecked says why no table is looked at.
func (i *inspection) unchecked(because string) {
	for _, j := range i.jobs {
		i.add(finding{
			Level: levelWarning, Kind: "table", Subject: j.Target.Table.String(), Jobs: []string{j.Name}, Code: "table_unchecked",
			Text: "not looked at: " + because,
		})
	}
	i.unasked(because)
}
