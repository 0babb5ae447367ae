package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/pipeline/reconcile"
	"chute/pipeline/report"
)

// Audit compares what the ledger says was loaded with the tables. It only reads, beside whoever loads meanwhile: what isn't through when it comes to a table is left out.
type Audit struct {
	Ledger   *ledger.Reader
	Database connectors.Database
	Home     string    // the database of tables that are named without one
	Servers  []string  // addresses of all servers that tables may be on; none: there is one
	Jobs     []string  // of these jobs; none: of all
	Since    time.Time // of runs that began then or later; zero: of all
	RunsDir  string    // folder of the operators' reports: they know runs that a ledger of yesterday doesn't
}

// Problem is what is the matter with the rows of a run.
type Problem string

// The problems.
const (
	Missing  Problem = "missing"  // the table has none of the run's rows
	Short    Problem = "short"    // fewer than were loaded
	Double   Problem = "double"   // more, or as many, but some twice and others not at all
	Leftover Problem = "leftover" // rows of a run that were to leave, or never to stay
	Unknown  Problem = "unknown"  // rows under a number of this ledger that it doesn't know
)

// Difference is a run whose rows aren't what the ledger says.
type Difference struct {
	Problem Problem
	Table   string // quoted
	Run     uint64
	Job     string // "" for an unknown run without a report, and so the file
	File    string
	Started time.Time
	Wanted  uint64
	Found   uint64
}

// Audited is what was found out about one table.
type Audited struct {
	Table       string // quoted
	Runs        uint64 // that were loaded into it, as the ledger says, and weren't replaced
	Records     uint64
	Differences uint64
	Gone        bool   // there is no such table: all of its runs are missing
	Untold      string // why it can't be told what is in it of a run; "": it can
	Thins       bool   // rows may go by themselves: too few are no difference
}

// Run goes through the tables, tells every difference as it is found, and then of each table what was found out.
func (a *Audit) Run(ctx context.Context, tell func(Difference) error, done func(Audited) error) error {
	tables, err := a.Ledger.Tables(ctx, a.Jobs, a.Since, a.Home)
	if err != nil {
		return err
	}
	for _, t := range tables {
		audited, err := a.table(ctx, t, tell)
		if err == nil {
			err = done(audited)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// table compares one table. Everything that was settled before it is asked has to be in it.
func (a *Audit) table(ctx context.Context, t ledger.Table, tell func(Difference) error) (Audited, error) {
	c := &comparison{Audit: a, of: t, began: time.Now(), audited: Audited{Table: t.Target, Runs: t.Runs, Records: t.Records}}
	c.tell = func(d Difference) error {
		c.audited.Differences++
		d.Table = t.Target
		return tell(d)
	}
	places, err := c.places(ctx)
	if err != nil || c.audited.Untold != "" {
		return c.audited, err
	}
	if len(places) == 0 {
		c.audited.Gone = true
		return c.audited, c.gone(ctx)
	}
	return c.audited, c.compare(ctx, places)
}

// comparison is one table being compared.
type comparison struct {
	*Audit
	of      ledger.Table
	began   time.Time
	audited Audited
	tell    func(Difference) error
}

// places are the servers that have the table.
func (c *comparison) places(ctx context.Context) (places []tableAt, err error) {
	lineage, err := lineageIn(ledger.Run{ID: c.of.First, Lineage: c.of.Lineage})
	if err != nil {
		return nil, err
	}
	if !lineage.Known() {
		c.audited.Untold = "it was loaded without lineage"
		return nil, nil
	}
	table, err := tableName(c.of.Target)
	if err != nil {
		return nil, err
	}
	servers := c.Servers
	if len(servers) == 0 {
		servers = []string{""}
	}
	for _, address := range servers {
		p := tableAt{}
		if p.session, err = c.Database.Session(ctx, address); err != nil {
			return nil, err
		}
		p.target, err = reconcile.Describe(ctx, p.session, table, lineage)
		if errors.Is(err, connectors.ErrNoTable) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if !p.target.Lineage.Known() {
			c.audited.Untold = "it has no lineage columns any more"
		} else if !p.target.CountsRun() {
			c.audited.Untold = fmt.Sprintf("it is a %s, which doesn't keep whose its rows are", p.target.Engine)
		}
		c.audited.Thins = c.audited.Thins || !p.target.KeepsRows()
		places = append(places, p)
	}
	return places, nil
}

// gone tells of every run of a table that isn't there.
func (c *comparison) gone(ctx context.Context) error {
	for run, err := range c.Ledger.Loaded(ctx, c.of, c.Jobs, c.Since) {
		if err != nil {
			return err
		}
		if err := c.one(run, reconcile.RunCount{}); err != nil {
			return err
		}
	}
	return nil
}

// compare goes through the runs of the ledger and those of the table side by side, both in the order of their numbers.
func (c *comparison) compare(ctx context.Context, places []tableAt) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	next, stop := iter.Pull2(c.counts(ctx, places))
	defer stop()
	count, err, more := next()
	for run, failed := range c.Ledger.Loaded(ctx, c.of, c.Jobs, c.Since) {
		if failed != nil {
			return failed
		}
		lineage := c.Ledger.Lineage(run.ID)
		for ; more && err == nil && count.Run < lineage; count, err, more = next() {
			if err := c.stray(ctx, count); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
		found := reconcile.RunCount{}
		if more && count.Run == lineage {
			found = count
			count, err, more = next()
		}
		if err := c.one(run, found); err != nil {
			return err
		}
	}
	for ; more && err == nil; count, err, more = next() {
		if err := c.stray(ctx, count); err != nil {
			return err
		}
	}
	return err
}

// one compares one run. What was settled, or left, after the table was asked isn't judged.
func (c *comparison) one(run ledger.LoadedRun, found reconcile.RunCount) error {
	if !run.Finished.Before(c.began) || run.Leaving || !run.Gone.Before(c.began) {
		return nil
	}
	d := Difference{Run: run.ID, Job: run.Job, File: run.File.Name, Started: run.Started, Wanted: run.Accepted, Found: found.Rows}
	switch {
	case !run.Gone.IsZero():
		d.Wanted, d.Problem = 0, Leftover
		if found.Rows == 0 {
			return nil
		}
	case found.Rows > run.Accepted:
		d.Problem = Double
	case c.audited.Thins:
		return nil
	case found.Rows == 0:
		d.Problem = Missing
	case found.Rows < run.Accepted:
		d.Problem = Short
	case run.Records == run.Accepted && found.Sum != sumTo(run.Records):
		d.Problem = Double
	default:
		return nil
	}
	return c.tell(d)
}

// sumTo is 1 + 2 + … + n, modulo 2^64: the sum of the numbers of records none of which was refused.
func sumTo(n uint64) uint64 {
	high, low := bits.Mul64(n, n+1)
	return low>>1 | high<<63
}

// byReport adds what the report of a run tells that the ledger doesn't know. One that can't be read tells nothing.
func (c *comparison) byReport(d *Difference) {
	var r report.Report
	text, err := os.ReadFile(filepath.Join(c.RunsDir, strconv.FormatUint(d.Run, 10), reportSuffix))
	if err != nil || json.Unmarshal(text, &r) != nil || r.Ledger != c.Ledger.ID() || r.Run != d.Run {
		return
	}
	d.Job, d.File, d.Started, d.Wanted = string(r.Job), string(r.File.Name), r.Started, r.Counts.Success
}

// stray looks at rows of a run that isn't among those that loaded something into the table.
func (c *comparison) stray(ctx context.Context, found reconcile.RunCount) error {
	id := ledger.RunOf(found.Run)
	run, err := c.Ledger.Run(ctx, id)
	if errors.Is(err, ledger.ErrNoRun) {
		d := Difference{Problem: Unknown, Run: id, Found: found.Rows}
		c.byReport(&d)
		return c.tell(d)
	}
	if err != nil {
		return err
	}
	over := run.State == ledger.Settled || run.State == ledger.Withdrawn
	if !over || !run.Finished.Before(c.began) || run.State == ledger.Settled && run.Accepted > 0 && c.of.Is(run.Target) {
		return nil // under way, or of another job or time than was asked for
	}
	return c.tell(Difference{Problem: Leftover, Run: id, Job: run.Job, File: run.File.Name, Started: run.Started, Found: found.Rows})
}
