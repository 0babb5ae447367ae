package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"time"

	"chute/config"
	"chute/connectors"
	"chute/connectors/native"
	"chute/pipeline/ledger"
	"chute/pipeline/reconcile"
)

// Numbers finds out whether the ledger is older than the world: whether there are traces of runs that it will give numbers to that it gave before. Rows of
// two runs under one number couldn't be told apart.
type Numbers struct {
	Ledger    *ledger.Ledger
	Database  connectors.Database
	Servers   []string    // addresses of all servers that have tables; none: there is one
	Importers []*Importer // of all jobs
	RunsDir   string

	// Untold, if given, hears of a table that its server doesn't let us look into: that one job can't be loaded then, and the others go on.
	Untold func(table string, err error)

	// Ignored, if given, hears of a work folder, by its whole name in a store, that is called by a number which no run of the ledger can have: the store's owner
	// has made it. It is left as it is.
	Ignored func(store, folder string)
}

// Highest is the highest number of a run of this ledger of which there is a trace behind the last one that the ledger knows: a work folder, a report, a staging table, rows
// of it in a job's table. Without one it is 0.
func (n *Numbers) Highest(ctx context.Context) (uint64, error) {
	last, err := n.Ledger.Last(ctx)
	if err != nil {
		return 0, err
	}
	highest := last
	for _, look := range []func(context.Context, uint64) (uint64, error){n.inStores, n.inReports, n.inTables} {
		found, err := look(ctx, last)
		if errors.Is(err, connectors.ErrUnavailable) {
			return 0, err
		}
		if err != nil {
			return 0, fmt.Errorf("look for runs that the ledger doesn't know: %w", err)
		}
		highest = max(highest, found)
	}
	// What has begun meanwhile has left traces too.
	if last, err = n.Ledger.Last(ctx); err != nil || highest <= last {
		return 0, err
	}
	return highest, nil
}

// inStores looks at each store once, at all of them at the same time: those that don't answer cost no more than one.
func (n *Numbers) inStores(ctx context.Context, last uint64) (uint64, error) {
	type place struct {
		store connectors.Folder
		work  string
	}
	places := map[place]*Importer{}
	for _, im := range n.Importers {
		places[place{im.Store, im.Work}] = im
	}
	found := make(chan uint64, len(places))
	for _, im := range places {
		go func() { found <- n.inStore(ctx, im, last) }()
	}
	highest := uint64(0)
	for range places {
		highest = max(highest, <-found)
	}
	return highest, nil
}

// inStore is the highest number in the work folder of one store.
func (n *Numbers) inStore(ctx context.Context, im *Importer, last uint64) (highest uint64) {
	ctx, cancel := context.WithTimeout(ctx, im.patience())
	defer cancel()
	own := path.Join(im.Work, n.Ledger.ID())
	batches, odd, err := workFolders(ctx, im.Store, own)
	if err != nil {
		return 0 // a store that isn't there now has nothing that could be claimed either
	}
	for _, batch := range batches {
		if !ledger.Plausible(batch, last) {
			odd = append(odd, strconv.FormatUint(batch, 10))
			continue
		}
		highest = max(highest, batch)
		if batch <= last {
			continue
		}
		c, err := readClaim(ctx, im.Store, im.folder(batch))
		if err != nil || c == nil {
			continue // its files are looked at when they are decided about
		}
		for _, run := range c.Runs {
			if ledger.Plausible(run.Run, last) {
				highest = max(highest, run.Run)
			}
		}
	}
	for _, name := range odd {
		if n.Ignored != nil {
			n.Ignored(im.Job.Store, path.Join(own, name))
		}
	}
	return highest
}

// patience is how long a store may take to say what lies in its work folder. A local one takes as long as it takes; for a server that doesn't answer
// nobody else is to wait long.
func (im *Importer) patience() time.Duration {
	if _, far := im.Store.(connectors.Fetcher); far {
		return 3 * time.Second
	}
	return time.Hour
}

// inReports finds the highest number among the folders of operators' reports, which are written before a run publishes anything.
func (n *Numbers) inReports(context.Context, uint64) (highest uint64, err error) {
	dir, err := os.Open(n.RunsDir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer dir.Close()
	for {
		names, err := dir.Readdirnames(1000)
		for _, name := range names {
			if run, err := strconv.ParseUint(name, 10, 63); err == nil && run <= ledger.LastRun {
				highest = max(highest, run)
			}
		}
		if errors.Is(err, io.EOF) {
			return highest, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// inTables asks every server that answers; one has to.
func (n *Numbers) inTables(ctx context.Context, last uint64) (highest uint64, err error) {
	servers := n.Servers
	if len(servers) == 0 {
		servers = []string{""}
	}
	var away []error
	for _, address := range servers {
		session, err := n.Database.Session(ctx, address)
		if errors.Is(err, connectors.ErrUnavailable) {
			away = append(away, err)
			continue
		}
		if err != nil {
			return 0, err
		}
		found, err := n.onServer(ctx, session, last)
		if err != nil {
			return 0, err
		}
		highest = max(highest, found)
	}
	if len(away) == len(servers) {
		return 0, errors.Join(away...)
	}
	return highest, nil
}

func (n *Numbers) onServer(ctx context.Context, s connectors.Session, last uint64) (highest uint64, err error) {
	prefix := "chute_stage_" + n.Ledger.ID() + "_"
	rows, err := reconcile.Catalog(ctx, s, connectors.Statement{SQL: "SELECT name FROM system.tables WHERE startsWith(name, ?)", Args: []any{prefix}})
	if err != nil {
		return 0, err
	}
	for _, r := range rows {
		if run, err := runOfStage(r[0].(string), prefix); err == nil && run <= ledger.LastRun {
			highest = max(highest, run)
		}
	}
	asked := map[string]bool{}
	for _, im := range n.Importers {
		table, l := im.Job.Target.Table, lineageOf(im.Job)
		what := table.String() + native.Identifier(l.Run)
		if !l.Known() || asked[what] {
			continue
		}
		asked[what] = true
		found, err := n.inTable(ctx, s, table, l, last)
		if answer := new(connectors.DatabaseError); errors.As(err, &answer) && n.Untold != nil {
			n.Untold(table.String(), err)
		} else if err != nil {
			return 0, err
		}
		highest = max(highest, found)
	}
	return highest, nil
}

// inTable finds the highest number behind last in a table; 0 where there is none.
func (n *Numbers) inTable(ctx context.Context, s connectors.Session, table config.TableName, l reconcile.Lineage, last uint64) (uint64, error) {
	t, err := reconcile.Describe(ctx, s, table, l)
	if errors.Is(err, connectors.ErrNoTable) || err == nil && !t.Lineage.Known() {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	found, err := reconcile.LastRun(ctx, s, t, n.Ledger.Lineage(last), n.Ledger.Lineage(ledger.LastRun))
	if err != nil || found == 0 {
		return 0, err
	}
	return ledger.RunOf(found), nil
}
