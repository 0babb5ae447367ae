package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"chute/config"
	"chute/connectors"
	"chute/pipeline"
	"chute/pipeline/ledger"
	"chute/pipeline/report"
)

func auditCommand() *cobra.Command {
	var jobs []string
	var since string
	var asJSON bool
	c := &cobra.Command{
		Use:   "audit",
		Short: "compare the ledger with the tables, and list runs whose rows are missing, too few or too many",
		Long: "Counts the rows of every run in the tables, by lineage, one statement a table, and lists the runs for which that isn't what the ledger says was loaded, and rows under numbers that the " +
			"ledger doesn't know. It changes nothing and works beside the daemon: what isn't through is left out. Of tables without lineage, and of engines that add rows up, nothing can be told; " +
			"where rows may go by themselves (Replacing, TTL) only too many are a difference.\n\n" +
			"Exit codes: 0 no difference, 1 differences, or it couldn't be done, 64 usage, 78 configuration.",
		Args:        cobra.NoArgs,
		Annotations: servedByOwner,
		RunE: func(c *cobra.Command, _ []string) error {
			from, err := parseMoment(since, time.Now())
			if err != nil {
				return &exit{exitUsage, fmt.Sprintf("--since: %v", err)}
			}
			return withLedger(c, func(chute *config.Chute, r *ledger.Reader) error {
				if err := refuseUnknown(c, r, jobs...); err != nil {
					return err
				}
				return withDatabase(c, chute, func(db connectors.Database) error {
					a := &pipeline.Audit{Ledger: r, Database: db, Home: chute.Database.Database, Servers: servers(chute), Jobs: jobs, Since: from,
						RunsDir: filepath.Join(chute.State.Dir, runsFolder)}
					if asJSON {
						return auditLines(c, a)
					}
					return auditTable(c, a)
				})
			})
		},
	}
	c.Flags().StringSliceVar(&jobs, "job", nil, "only runs of these `JOBS`")
	c.Flags().StringVar(&since, "since", "", "only runs that began at this `TIME` or later")
	c.Flags().BoolVar(&asJSON, "json", false, "JSON lines instead of a table")
	return c
}

// auditTable prints the differences as a table and below it a line for each of the tables.
func auditTable(c *cobra.Command, a *pipeline.Audit) error {
	t := newTable(c, column{name: "problem", fixed: true}, column{name: "run", right: true}, column{name: "job"}, column{name: "file", narrow: true},
		column{name: "loaded", right: true}, column{name: "found", right: true}, column{name: "table", rest: true})
	var lines []string
	err := runAudit(c.Context(), a, func(d pipeline.Difference) error {
		return t.add(string(d.Problem), fmt.Sprint(d.Run), d.Job, d.File, fmt.Sprint(d.Wanted), fmt.Sprint(d.Found), d.Table)
	}, func(done pipeline.Audited) error {
		lines = append(lines, aboutAudited(done))
		if done.Differences == 0 {
			return nil
		}
		return t.flush()
	})
	for _, line := range lines {
		fmt.Fprintln(c.OutOrStdout(), line)
	}
	return err
}

// aboutAudited says in a line what was found out about a table.
func aboutAudited(a pipeline.Audited) string {
	about := fmt.Sprintf("%s: %s, %s loaded: ", a.Table, count(int(a.Runs), "run"), count(int(a.Records), "record"))
	switch {
	case a.Untold != "":
		return about + "what is there of them can't be told: " + a.Untold
	case a.Gone:
		return about + "there is no such table"
	case a.Differences > 0:
		return about + count(int(a.Differences), "difference")
	case a.Thins:
		return about + "none has too many rows; too few mean nothing there, for rows go by themselves"
	}
	return about + "all there"
}

// runAudit leaves with the code for differences when there are any.
func runAudit(ctx context.Context, a *pipeline.Audit, tell func(pipeline.Difference) error, done func(pipeline.Audited) error) error {
	differ := false
	err := a.Run(ctx, tell, func(audited pipeline.Audited) error {
		differ = differ || audited.Differences > 0
		return done(audited)
	})
	if err == nil && differ {
		return &exit{code: exitFailed}
	}
	return err
}

// differenceLine is a line of `chute audit --json` about a run. The README's table is made of these comments.
type differenceLine struct {
	Schema  int         `json:"schema"`                // 1
	Problem string      `json:"problem"`               // missing, short, double, leftover or unknown, see above
	Table   report.Text `json:"table"`                 // quoted as in SQL
	Run     uint64      `json:"run"`                   // the run's number
	Job     report.Text `json:"job,omitempty"`         // of the run; missing where neither the ledger nor a report in runs/ knows it
	File    report.Text `json:"file,omitempty"`        // the file's name; missing where neither knows the run
	Exact   string      `json:"file_base64,omitempty"` // the name's bytes, where they aren't UTF-8
	Started time.Time   `json:"started,omitzero"`      // when the run began; missing where neither knows it
	Loaded  uint64      `json:"loaded"`                // rows that ought to be there
	Found   uint64      `json:"found"`                 // rows that are
}

// auditedLine is a line of `chute audit --json` about a table, behind those about its runs.
type auditedLine struct {
	Schema      int         `json:"schema"`             // 1
	Table       report.Text `json:"table"`              // quoted as in SQL
	Runs        uint64      `json:"runs"`               // that loaded something into it, as the ledger says, and weren't replaced
	Records     uint64      `json:"records"`            // that they loaded: what ought to be there
	Differences uint64      `json:"differences"`        // lines about its runs
	Gone        bool        `json:"gone,omitempty"`     // true: there is no such table; else missing
	Untold      report.Text `json:"untold,omitempty"`   // why it can't be told what is there of a run; missing where it can
	Thins       bool        `json:"may_thin,omitempty"` // true: rows may go by themselves, so too few are no difference; else missing
}

func auditLines(c *cobra.Command, a *pipeline.Audit) error {
	print := func(v any) error {
		line, err := report.Encode(v, "")
		if err == nil {
			_, err = c.OutOrStdout().Write(line)
		}
		return err
	}
	return runAudit(c.Context(), a, func(d pipeline.Difference) error {
		return print(differenceLine{Schema: runSchema, Problem: string(d.Problem), Table: report.Text(d.Table), Run: d.Run, Job: report.Text(d.Job),
			File: report.Text(d.File), Exact: exactly(d.File), Started: d.Started, Loaded: d.Wanted, Found: d.Found})
	}, func(done pipeline.Audited) error {
		return print(auditedLine{Schema: runSchema, Table: report.Text(done.Table), Runs: done.Runs, Records: done.Records, Differences: done.Differences,
			Gone: done.Gone, Untold: report.Text(done.Untold), Thins: done.Thins})
	})
}
