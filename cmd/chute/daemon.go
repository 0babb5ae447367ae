package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/rs/zerolog"

	"chute/config"
	"chute/connectors"
	"chute/connectors/local"
	"chute/connectors/sftp"
	"chute/pipeline"
	"chute/pipeline/ledger"
	"chute/systemd"
	"chute/watcher"
	"chute/watcher/agenda"
	"chute/watcher/control"
)

// Names in the state folder.
const (
	ledgerFile    = "ledger.db"
	runsFolder    = "runs"    // the full reports
	scratchFolder = "scratch" // what waits while a file is written
)

// daemon is everything that works on one state, as one reading of the configuration has it. A reload makes another one of the same holdings; what was begun
// with the earlier one goes on with it.
type daemon struct {
	*holdings
	config *config.Chute
	jobs   []*config.Job
	stores map[string]connectors.Folder
	fresh  map[string]bool // stores that came by a reload: what lies in them is looked at when a job has something to do there
}

// holdings are what a process has of a state, whatever the configuration says.
type holdings struct {
	lock     *control.Lock
	ledger   *ledger.Ledger
	database connectors.Database
	spooling sync.Mutex        // guards the making of the next two
	spool    *pipeline.Spool   // of openSpool
	state    connectors.Folder // of openSpool: the state's folder
	memory   int64             // for reading a file

	connections sftp.Pool // to servers of stores

	hand     sync.RWMutex                    // read-locked by imports by hand that are under way
	borrowed sync.RWMutex                    // read-locked while something is written to a folder of --out
	exports  sync.Map                        // a *sync.Mutex for each job that exports: its deliveries come one after the other
	watcher  atomic.Pointer[watcher.Watcher] // of Run
	agenda   atomic.Pointer[agenda.Agenda]   // of Run
	watching atomic.Bool                     // Run was called
	underway sync.Map                        // an underway for each run of an inbox that has a file in hand, by its number
	past     past
	// interrupts break off the work of this process on a run; alone is held while a run is dealt with that no watcher does anything about.
	interrupts pipeline.Interrupts
	alone      sync.Mutex
	adopting   sync.Mutex // one at a time
	lost       lostStores
	blocked    blocked
	late       sync.Map                // lateClaims for each store that the start doesn't wait for, by its folder
	giveUp     context.CancelCauseFunc // of Run: ends it, because of the ledger
	readings   readings
	untold     atomic.Bool // systemd couldn't be told something
	log        zerolog.Logger
}

// openDaemon takes the state and opens what lies behind it. The database may be down: that is found out, and said, later.
func openDaemon(ctx context.Context, c *config.Chute, jobs []*config.Job, log zerolog.Logger) (*daemon, error) {
	d := newDaemon(c, jobs, log)
	if err := d.open(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func newDaemon(c *config.Chute, jobs []*config.Job, log zerolog.Logger) *daemon {
	d := &daemon{holdings: &holdings{log: log}, config: c, jobs: jobs, stores: map[string]connectors.Folder{}}
	d.readings.begin(d)
	return d
}

func (d *daemon) open(ctx context.Context) (err error) {
	if err = refuseRoot(d.config.State.Dir); err != nil {
		return err
	}
	d.memory = pipeline.LimitMemory(int64(d.config.Limits.Memory), d.config.Limits.Parallel)
	if d.database, err = openDatabase(ctx, d.config); err != nil {
		return err
	}
	if d.lock, err = control.Own(d.config.State.Dir); err != nil {
		return err
	}
	if err = os.RemoveAll(filepath.Join(d.config.State.Dir, scratchFolder)); err != nil { // a process that was killed leaves rows there
		return err
	}
	if err = refuseLedger(d.config.State.Dir); err != nil {
		return err
	}
	if d.ledger, err = ledger.Open(ctx, filepath.Join(d.config.State.Dir, ledgerFile)); err != nil {
		return err
	}
	if last, made := d.ledger.Restored(); made {
		d.log.Warn().Uint64("last", last).Msg("the ledger is a backup that was put in its place: runs behind its last one aren't known any more, and their numbers aren't given again; chute audit lists those that have rows")
	}
	if d.ledger.Mended() {
		d.log.Warn().Msg("the ledger's last number was none that a run can have, as after a folder of such a name in a store: it is mended, and the numbers go on from the seconds since 1970")
	}
	return d.openStores()
}

// Close ends everything, in the reverse order.
func (d *daemon) Close() error {
	d.past.end()
	errs := []error{closeStores(d.now().stores)}
	if d.ledger != nil {
		errs = append(errs, d.ledger.Close())
	}
	if d.database != nil {
		errs = append(errs, d.database.Close())
	}
	if d.lock != nil {
		errs = append(errs, d.lock.Release())
	}
	return errors.Join(errs...)
}

// importer makes the importer of a job whose files come from its store.
func (d *daemon) importer(job *config.Job) *pipeline.Importer {
	im := d.newImporter(job)
	store := d.stores[job.Store]
	s := d.config.Store(job.Store)
	im.Inbox, im.Store, im.StoreAt, im.Work = store, store, place(s), s.Work
	im.Spool, im.State, im.StateWork = d.spool, d.state, rememberedFolder
	im.Progress = d.watchProgress(job)
	return im
}

func (d *daemon) newImporter(job *config.Job) *pipeline.Importer {
	return &pipeline.Importer{
		Job: job, Database: d.database, DatabaseAt: markOf(d.config), Staging: d.config.Database.Staging, Ledger: d.ledger,
		RunsDir: filepath.Join(d.config.State.Dir, runsFolder), Cores: runtime.GOMAXPROCS(0), Log: d.log,
		Memory: d.memory, EngineMemory: int64(d.config.Limits.EngineMemory), Connections: connections(d.config),
		Interrupts: &d.interrupts, Apart: watcher.Apart,
	}
}

// Run watches the inboxes until ctx ends. Its way in is the way back from a crash: what the ledger knows as begun is resumed first.
func (d *daemon) Run(ctx context.Context) (err error) {
	ctx, judge := d.guardLedger(ctx)
	defer func() { err = judge(err) }()
	defer context.AfterFunc(ctx, func() { d.tell(systemd.Stopping()) })()
	defer d.beats(ctx)()
	unsettled, err := d.endHandRuns(ctx)
	if err != nil {
		return err
	}
	d.sweepProbes(ctx)
	if err := d.openSpool(ctx); err != nil {
		return err
	}
	d.sayForsaken(ctx)
	d.watching.Store(true)
	d.agenda.Store(d.newAgenda())
	w := d.newWatcher(ctx, d.sortByJob(unsettled))
	d.watcher.Store(w)
	d.log.Info().Str("version", version()).Int("jobs", len(w.Jobs)+len(d.config.Exports)).Int("unsettled", len(unsettled)).
		Str("state", d.config.State.Dir).Str("engine", d.config.Database.Engine).Msg("chute is watching")
	if len(w.Jobs) == 0 && len(d.config.Exports) == 0 { // the service goes on: a job is going to come, and a reload with it
		d.log.Warn().Str("jobs", d.config.Jobs.Dir).Msg("there is no job: nothing is watched")
	}
	wait, err := w.Start(ctx)
	if err != nil {
		return err
	}
	d.tell(systemd.Ready())
	var beside sync.WaitGroup
	beside.Go(func() { d.reloadOnSignals(ctx) })
	beside.Go(func() { d.keepExports(ctx) })
	beside.Go(func() { d.decideFar(ctx) })
	beside.Go(func() { d.agenda.Load().Run(ctx) })
	beside.Go(func() { d.askReady(ctx) })
	if err := d.ready(ctx); err != nil && ctx.Err() == nil {
		d.log.Error().Err(err).Msg("no file can be loaded now; all wait in their inboxes")
	}
	wait()
	beside.Wait()
	d.log.Info().Msg("chute has stopped")
	return nil
}

// newWatcher joins the jobs to a watcher. begun are the runs that each job has to go on with.
func (d *daemon) newWatcher(ctx context.Context, begun map[string][]uint64) *watcher.Watcher {
	w := &watcher.Watcher{Parallel: d.config.Limits.Parallel, Ready: d.ready, Log: d.log}
	for _, job := range d.jobs {
		w.Jobs = append(w.Jobs, d.watch(ctx, job, begun[job.Name]))
	}
	return w
}

// watch joins a job to the watcher, after a look at what a crash left in its store.
func (d *daemon) watch(ctx context.Context, job *config.Job, begun []uint64) watcher.Job {
	d.settleLonger(job)
	store := d.stores[job.Store]
	im := d.importer(job)
	handle, resume := im.Import, im.Resume
	if sweep := d.sweep(im); d.unhurried(job.Store) {
		handle, resume = sweptFirst(sweep, handle), sweptFirst(sweep, resume)
	} else {
		sweep(ctx)
	}
	handle, resume = noticed(d, job, handle), noticed(d, job, resume)
	breaker := &pipeline.Breaker{Job: job, Ledger: d.ledger, Log: d.log}
	return watcher.Job{
		Config: job, Folder: store, Seen: d.seen(job), Begun: begun,
		Handle: announced(d, job, guarded(d, breaker.Handle(handle))), Resume: announced(d, job, guarded(d, resume)),
		Ready: func(ctx context.Context) error {
			if err := errors.Join(breaker.Held(ctx), d.pausedFirst(ctx, job)); err != nil {
				return err
			}
			if err := d.othersFirst(ctx, job); err != nil {
				return err
			}
			if err := d.assureTable(ctx, job); err != nil {
				return err
			}
			if err := d.stillLost(ctx, job.Store); err != nil {
				return err
			}
			return d.enoughRoom(ctx, place(d.config.Store(job.Store)), store)
		},
		Unsettled: func(ctx context.Context) ([]uint64, error) { return d.unsettledOf(ctx, job) },
	}
}

// sortByJob gives each job its runs. Runs that nobody can go on with stay where they are, and are said.
func (d *daemon) sortByJob(unsettled []ledger.Run) map[string][]uint64 {
	begun := map[string][]uint64{}
	for _, run := range unsettled {
		i := slices.IndexFunc(d.jobs, func(j *config.Job) bool { return j.Name == run.Job && j.Store == run.Store })
		if i < 0 {
			d.log.Warn().Uint64("run", run.ID).Str("job", run.Job).Str("file", config.Shown(run.File.Name)).
				Msg("a file waits in the work folder: its job is gone or has another store")
			continue
		}
		begun[run.Job] = append(begun[run.Job], run.ID)
	}
	return begun
}

// unsettledOf are a job's runs that somebody has to go on with; those that are given up on aren't among them.
func (d *daemon) unsettledOf(ctx context.Context, job *config.Job) ([]uint64, error) {
	runs, err := d.ledger.Unsettled(ctx)
	if err != nil {
		return nil, err
	}
	var ids []uint64
	for _, run := range runs {
		if run.Kind == ledger.Import && run.Job == job.Name && run.Store == job.Store && run.Status != ledger.Stuck && run.Status != ledger.Interrupted {
			ids = append(ids, run.ID)
		}
	}
	return ids, nil
}

// openState opens the state as a place that has room.
func openState(dir string) (*local.Folder, error) {
	return local.Open(dir, "hand")
}
