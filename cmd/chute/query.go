package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"chute/config"
	"chute/connectors"
	"chute/connectors/native"
	"chute/pipeline"
	"chute/pipeline/query"
)

func queryCommand() *cobra.Command {
	var as string
	c := &cobra.Command{
		Use:   "query SQL",
		Short: "ask the tables; nothing can be changed by it",
		Long: "Prints the answer to one SELECT, WITH, SHOW, DESCRIBE or EXPLAIN: as a table on a terminal, as tab-separated lines elsewhere. It can change nothing and " +
			"reach neither files nor the network: functions that could, and settings, are refused. Ctrl-C ends the statement.\n\n" +
			"Exit codes: 0 answered, 1 the database refused or failed, 64 not a question, 78 configuration.",
		Args:        cobra.ExactArgs(1),
		Annotations: servedByOwner,
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkAs(as, "tsv", "csv", "jsonl", "table"); err != nil {
				return err
			}
			chute, err := config.LoadChute(configFile(c))
			if err != nil {
				return err
			}
			return withDatabase(c, chute, func(db connectors.Database) error { return ask(c, db, args[0], as) })
		},
	}
	c.Flags().StringVar(&as, "as", "", "how to print it: `FORMAT` is tsv, csv, jsonl or table")
	return c
}

// checkAs refuses a format that isn't among those that can be had. None is fine.
func checkAs(as string, known ...string) error {
	if as == "" || slices.Contains(known, as) {
		return nil
	}
	return &exit{exitUsage, fmt.Sprintf("--as %q isn't known; there are %s", as, strings.Join(known, ", "))}
}

// withDatabase does something that needs the database only. A server has room for more than one, the embedded engine belongs to the state's owner.
func withDatabase(c *cobra.Command, chute *config.Chute, do func(connectors.Database) error) error {
	if chute.Database.Engine != "clickhouse" {
		return withState(c, chute, nil, func(d *daemon) error { return do(d.database) })
	}
	db, err := openServer(chute)
	if err != nil {
		return err
	}
	return errors.Join(do(db), db.Close())
}

// ask prints the answer to a question, as it comes.
func ask(c *cobra.Command, db connectors.Database, sql, as string) error {
	ctx := c.Context()
	session, err := db.Session(ctx, "")
	if err != nil {
		return err
	}
	a := newAnswer(c, session, as)
	return a.end(query.Run(ctx, session, sql, a.take))
}

// newAnswer prepares to print one on what the command was called from, unless as says how.
func newAnswer(c *cobra.Command, session connectors.Session, as string) *answer {
	a := &answer{ctx: c.Context(), session: session, command: c, as: as, out: c.OutOrStdout()}
	if a.as == "" {
		a.as = "tsv"
		if callerOf(c).request.Terminal {
			a.as = "table"
		}
	}
	return a
}

// end prints what is left, and says what was wrong with the question.
func (a *answer) end(err error) error {
	if err == nil && a.table != nil {
		err = a.table.flush()
	}
	var refused *query.Refused
	if errors.As(err, &refused) {
		return &exit{exitUsage, said(err.Error())}
	}
	var failed *connectors.DatabaseError
	if errors.As(err, &failed) {
		return &exit{exitFailed, said(err.Error())}
	}
	return err
}

// answer is the way of an answer to whoever asked.
type answer struct {
	ctx     context.Context
	session connectors.Session
	command *cobra.Command
	as      string
	out     io.Writer

	records *pipeline.Printing // from the first block on, one of both
	table   *valueTable
}

// take prints a block. The first one comes even if there are no rows: it has the columns.
func (a *answer) take(b *native.Block) error {
	if a.records == nil && a.table == nil {
		if err := a.begin(b.Columns); err != nil {
			return err
		}
	}
	if a.table != nil {
		return a.table.take(b, b.Rows)
	}
	return a.records.Write(a.out, b)
}

func (a *answer) begin(columns []native.Column) error {
	zone, err := a.zone(columns)
	if err != nil {
		return err
	}
	if a.as == "table" {
		a.table, err = newValueTable(a.command, columns, zone, nil)
		return err
	}
	if a.records, err = pipeline.NewPrinting(a.as, columns, zone, nil); err != nil {
		return err
	}
	return a.records.Head(a.out)
}

// zone is the server's time zone, in which it would print times of types that name none itself. It is asked for where there are such.
func (a *answer) zone(columns []native.Column) (*time.Location, error) {
	if !slices.ContainsFunc(columns, func(c native.Column) bool { return strings.Contains(c.Type.String(), "DateTime") }) {
		return nil, nil
	}
	return query.Zone(a.ctx, a.session)
}

// said is what an engine says, on one line and with everything escaped that doesn't print: it may repeat values of records.
func said(text string) string {
	const most = 2000
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > most {
		text = text[:most] + "…"
	}
	quoted := strconv.Quote(text)
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(quoted[1 : len(quoted)-1])
}
