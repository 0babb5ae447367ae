package pipeline

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"

	"chute/config"
	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/pipeline/reconcile"
	"chute/pipeline/report"
)

// plan is what is to be done about an orphan.
type plan int

const (
	leaveIt  plan = iota // nothing: a person decides
	finish               // what was decided about it holds: move it to its place
	giveBack             // nothing of it is in the table: back to its inbox
	takeOut              // some of it is: the rows leave, then it goes back
)

// evidence is what speaks for one plan or the other.
type evidence struct {
	report *report.Partner // nil: none lies ready to go out
	torn   bool            // one does, but can't be read
	out    bool            // there is a folder for what goes out
	traces bool            // something of this file lies in it
	moved  string          // the folder to which its report has gone already; "": none was found
	told   bool            // the table tells what is in it of a run
	untold string          // why it doesn't
	found  uint64          // rows of the run
	target *reconcile.Target
	at     connectors.Session // that found them
}

// judge decides from the order of effects of a run: the report lies ready and synced before anything can be published, and goes out, after the other
// sidecars, when all rows are in the table or none is to be.
func (e *evidence) judge() (p plan, why string) {
	if e.report == nil {
		return e.unreported()
	}
	refused := e.report.Result == report.Rejected || e.report.Result == report.Skipped
	wanted := e.report.Counts.Success
	switch {
	case refused && e.found > 0:
		return leaveIt, fmt.Sprintf("its report says %q, and the table has %d rows of it", e.report.Result, e.found)
	case refused, wanted == 0 && e.found == 0:
		return finish, ""
	case !e.told:
		return leaveIt, e.untold
	case e.found == wanted:
		return finish, ""
	case e.found == 0:
		return giveBack, ""
	case e.found > wanted:
		return leaveIt, fmt.Sprintf("the table has %d rows of it, more than the %d that it was to have", e.found, wanted)
	}
	if e.target.Whole(e.found, wanted, true) && e.target.Method(e.at.Server().Abilities) == reconcile.AttachAll {
		return finish, "" // all came in one step, and some went since
	}
	if why := e.target.Irreplaceable(); why != "" {
		return leaveIt, fmt.Sprintf("the table has %d of its %d rows, and they can't be taken out: %s", e.found, wanted, why)
	}
	return takeOut, ""
}

// unreported decides about a file whose report doesn't lie ready, whole.
func (e *evidence) unreported() (plan, string) {
	switch {
	case e.found > 0 && (e.torn || e.traces):
		return leaveIt, fmt.Sprintf("the table has %d rows of it, and its report in the work folder is missing or torn", e.found)
	case e.found > 0, e.moved != "":
		return finish, "" // its sidecars have gone out
	case e.told, e.torn, e.traces, !e.out:
		return giveBack, "" // it wasn't judged
	}
	return leaveIt, e.untold
}

// tableAt is a table on one of the servers, with the rows of runs in it.
type tableAt struct {
	session connectors.Session
	target  *reconcile.Target // nil: there is no such table
	counts  map[uint64]uint64 // by the runs' numbers in tables
}

// look ends what statements of the batch are left and counts the rows of its runs, on every server.
func (o *Orphans) look(ctx context.Context, f *orphanFolder, table config.TableName, l reconcile.Lineage) error {
	servers := o.Servers
	if len(servers) == 0 {
		servers = []string{""}
	}
	for _, address := range servers {
		p := tableAt{}
		var err error
		if p.session, err = o.Base.Database.Session(ctx, address); err != nil {
			return err
		}
		if err := p.session.Kill(ctx, fmt.Sprintf("chute/%s/%d/", o.Ledger, f.batch)); err != nil {
			return fmt.Errorf("end earlier statements of the runs: %w", err)
		}
		p.target, err = reconcile.Describe(ctx, p.session, table, l)
		if err != nil && !errors.Is(err, connectors.ErrNoTable) {
			return err
		}
		if err != nil {
			p.target = nil
		} else if p.target.Lineage.Known() {
			p.counts, err = reconcile.Count(ctx, p.session, p.target.Table(), l, o.statements(f)+"count", o.lineage(f))
			if err != nil {
				return err
			}
		}
		f.places = append(f.places, p)
	}
	return nil
}

// statements begins the ids of the statements by which a batch is decided about.
func (o *Orphans) statements(f *orphanFolder) string {
	return fmt.Sprintf("chute/%s/adopt-%s-%d/", o.Base.Ledger.ID(), o.Ledger, f.batch)
}

// lineage are the numbers under which the batch's rows are in tables.
func (o *Orphans) lineage(f *orphanFolder) (numbers []uint64) {
	for _, c := range f.claim.Runs {
		numbers = append(numbers, ledger.LineageIn(o.Ledger, c.Run))
	}
	return numbers
}

// rows puts into the evidence what the tables say of a run. A run's rows are on one server, which may have several addresses.
func (e *evidence) rows(places []tableAt, lineage uint64) {
	e.told = true
	for _, p := range places {
		if p.target == nil {
			continue
		}
		if n := p.counts[lineage]; e.target == nil || n > e.found {
			e.target, e.at, e.found = p.target, p.session, n
		}
	}
	if e.target != nil && !e.target.CountsRun() {
		e.told, e.found = false, 0
		e.untold = fmt.Sprintf("table %s, a %s, doesn't tell which run its rows came from: look whether the file's records are in it, then move the file to done or back to its inbox",
			e.target.Table(), e.target.Engine)
	}
}

// weigh gathers the evidence about one file. im is its job's.
func (o *Orphans) weigh(ctx context.Context, im *Importer, f *orphanFolder, it *orphan) (*evidence, error) {
	e := &evidence{out: f.out != nil}
	run := strconv.FormatUint(it.Run, 10)
	e.traces = f.out[run] || f.out[run+"."+logSuffix] || f.out[run+"."+reportSuffix]
	if f.out[run+"."+reportSuffix] {
		e.report = &report.Partner{}
		_, err := readOwn(ctx, o.Base.Store, path.Join(f.folder, outFolder, run+"."+reportSuffix), e.report)
		if errors.Is(err, errTorn) {
			e.report, e.torn = nil, true
		} else if err != nil {
			return nil, err
		}
	}
	e.rows(f.places, ledger.LineageIn(o.Ledger, it.Run))
	if e.report == nil && !e.torn && !e.traces && e.out && im != nil {
		var err error
		if e.moved, err = im.movedTo(ctx, f, it); err != nil {
			return nil, err
		}
	}
	return e, nil
}
