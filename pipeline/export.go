package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"chute/config"
	"chute/connectors"
	"chute/connectors/native"
	"chute/pipeline/ledger"
	"chute/pipeline/report"
)

// Exporter delivers the files of one job of kind export. Its methods are called by one goroutine at a time.
type Exporter struct {
	Job      *config.Export
	Store    connectors.Folder // where files go to
	StoreAt  string            // where Store is, its path or address; it is asked whether it still is what it was. "": it isn't
	Work     string            // Store's work folder
	Database connectors.Database
	Ledger   *ledger.Ledger
	RunsDir  string // folder of the operators' reports, <state>/runs
	Scratch  string // folder of this machine for what waits while a file is written, <state>/scratch: who opens the state empties it
	Log      zerolog.Logger

	EngineMemory int64 // what one statement may take of the engine; 0: not known

	// Place: somebody wants to have a file here, the absolute path of Store's folder on the machine, not in the outbox. It is no delivery: it has the
	// number of the next one and takes it from nobody.
	Place string

	filled []string // what stands for parameters in the question, and the place of each: by turns

	// Interrupts, if set, are who breaks off the work on deliveries that somebody cancels.
	Interrupts *Interrupts

	// Now is the clock that watermarks go by, if it isn't that of the machine.
	Now func() time.Time

	// Fault, if set, is called before and after each effect that lasts: tests make it fail or kill the process there.
	Fault func(effect string, before bool) error
}

// Occasion is why an export runs.
type Occasion struct {
	Due   time.Time // the moment of its schedule; zero: somebody asks for it now
	Since *Since    // where somebody wants it to begin; nil: where the last one ended
}

// Refusal is why an export delivers nothing though nothing went wrong: its rows aren't what the job allows. The run has failed then, and isn't tried
// again by itself; every other error means later.
type Refusal struct {
	Code    string // stable, for programs: "empty", "too_few_rows" …
	Message string
}

func (r *Refusal) Error() string { return r.Message + " [" + r.Code + "]" }

// errCutOff: nobody waits any more for what was asked for by hand, or is no longer planned.
var errCutOff = errors.New("it was cut off before its file was whole; nothing of it was delivered")

func refuse(code, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Export delivers one file, after it has brought to its end what an earlier call left. It returns no run when the moment was dealt with before. Its error is one that means later, unless the run it returns
// has failed: then it is a *Refusal, or the last of too many.
func (ex *Exporter) Export(ctx context.Context, why Occasion) (ledger.Run, error) {
	d, err := ex.unfinished(ctx, why)
	if err != nil || d != nil && d.run.State == ledger.Settled {
		return d.state(), err
	}
	if d == nil {
		if !why.Due.IsZero() {
			// Dealt with before: the answer of the ledger to an earlier call got lost, or a clock was wrong.
			if done, err := ex.Ledger.DealtWith(ctx, ex.Job.Name, why.Due); done || err != nil {
				return ledger.Run{}, err
			}
		}
		d = &outgoing{ex: ex, is: ledger.Exporting{Due: why.Due}, since: why.Since}
	}
	return ex.carry(ctx, d)
}

// Resume finishes what an earlier process was delivering, and gives up what somebody asked it for and wasn't whole yet. What a schedule wants is left to it.
func (ex *Exporter) Resume(ctx context.Context) error {
	_, err := ex.unfinished(ctx, Occasion{})
	return err
}

// carry takes a delivery through the steps that it is due for.
func (ex *Exporter) carry(ctx context.Context, d *outgoing) (ledger.Run, error) {
	from := 0
	if d.run.State == ledger.Delivering {
		from = slices.IndexFunc(ex.steps(), func(s exportStep) bool { return s.name == "deliver" })
	}
	own, breakOff := context.WithCancelCause(ctx)
	defer breakOff(nil)
	defer func() { ex.Interrupts.remove(d.run.ID) }()
	var err error
	for _, s := range ex.steps()[from:] {
		ex.Interrupts.put(d.run.ID, breakOff)
		began := now()
		if err = s.do(own, d); err != nil || d.skipped {
			break
		}
		d.steps = append(d.steps, report.Step{Name: s.name, Began: began, Took: time.Since(began)})
	}
	err = ex.conclude(ctx, d, err)
	return d.run, err
}

// exportStep is one part of the way.
type exportStep struct {
	name string
	do   func(ctx context.Context, d *outgoing) error
}

// steps are the way of a file out, in order.
func (ex *Exporter) steps() []exportStep {
	return []exportStep{
		{"begin", ex.begin},         // number and name; recorded
		{"select", ex.choose},       // the question, as it is going to be asked
		{"write", ex.write},         // its answer becomes a file in the work folder, synced
		{"verify", ex.verify},       // the file is read again
		{"accompany", ex.accompany}, // checksum, manifest and marker are made; what lies where is recorded: the point of no return
		{"deliver", ex.deliver},     // all of it moves to the outbox, the marker last
		{"settle", ex.settle},       // how far the job has come is recorded
	}
}

// outgoing is a file on its way out, or several together.
type outgoing struct {
	ex      *Exporter
	run     ledger.Run // as the ledger has it, or about to have it
	is      ledger.Exporting
	session connectors.Session
	since   *Since
	after   ledger.Cut // what these runs have loaded was delivered
	asked   connectors.Statement
	columns []native.Column
	parts   []part // those that are whole
	whole   string // what companions are called after
	written time.Time
	steps   []report.Step
	skipped bool // there is nothing to deliver
	tidied  bool // or it was tried
}

func (d *outgoing) state() ledger.Run {
	if d == nil {
		return ledger.Run{}
	}
	return d.run
}

// unfinished goes on with what an earlier call, or an earlier process, left: a delivery that had begun is finished, for nobody can take it back. A file that
// was still being written is begun anew, or given up if nobody waits for it any more. It returns the delivery that the occasion is about, if there is one.
func (ex *Exporter) unfinished(ctx context.Context, why Occasion) (*outgoing, error) {
	if _, err := ex.site().present(ctx); err != nil {
		return nil, err
	}
	runs, err := ex.Ledger.UnsettledExports(ctx, ex.Job.Name)
	if err != nil {
		return nil, err
	}
	var mine *outgoing
	for _, run := range runs {
		if run.Store != ex.place() {
			continue
		}
		is, err := ex.Ledger.Exporting(ctx, run.ID)
		if err != nil {
			return nil, err
		}
		d := &outgoing{ex: ex, run: run, is: is}
		asked := !why.Due.IsZero() && is.Due.Equal(why.Due)
		cancelled, err := ex.cancelled(ctx, d)
		if err != nil {
			return nil, err
		}
		switch {
		case cancelled && asked:
			mine = d
		case cancelled:
		case run.State == ledger.Delivering:
			if d.run, err = ex.carry(ctx, d); err != nil {
				return d, fmt.Errorf("finish the delivery of run %d first: %w", run.ID, err)
			}
			if asked {
				mine = d
			}
		case asked:
			mine = d
		case why.Due.IsZero() && !is.Due.IsZero() && ex.Job.Planned():
			// The agenda takes care of it.
		default:
			if err := ex.giveUp(ctx, d, errCutOff); err != nil {
				return nil, err
			}
		}
	}
	return mine, nil
}

// place is what the ledger has as the store.
func (ex *Exporter) place() string {
	if ex.Place != "" {
		return ex.Place
	}
	return ex.Job.Store
}

// folder is the delivery's own work folder, and what is in it.
func (d *outgoing) folder() string {
	return path.Join(d.ex.Work, d.ex.Ledger.ID(), strconv.FormatUint(d.run.ID, 10))
}

func (d *outgoing) file(name string) string { return path.Join(d.folder(), name) }

// begin gives the delivery its number and name.
func (ex *Exporter) begin(ctx context.Context, d *outgoing) error {
	last, err := ex.Ledger.Deliveries(ctx, ex.Job.Name)
	if err == nil {
		d.is.Cut, err = ex.Ledger.Cut(ctx)
	}
	if err != nil {
		return err
	}
	if d.run.ID != 0 { // in an earlier try
		d.run.Status = ledger.Running
		if err := ex.clear(ctx, d); err != nil || d.is.Seq > last.Seq {
			return err
		}
		if err := ex.withdraw(ctx, d); err != nil {
			return err
		}
	}
	d.is.Seq = last.Seq + 1
	started := now()
	pattern := ex.Job.File
	if !ex.Job.Split.IsZero() {
		pattern = ex.Job.Split.Name
	}
	name, err := pattern.Expand(ex.moment(d.is, started), ex.variables(d.is))
	if err != nil {
		return err
	}
	outbox := "."
	if ex.Place == "" {
		if outbox, err = ex.Job.Outbox.Expand(ex.moment(d.is, started), nil); err != nil {
			return err
		}
	}
	d.run = ledger.Run{
		Kind: ledger.Export, Job: ex.Job.Name, JobHash: ex.Job.Hash, Store: ex.place(), Inbox: path.Clean(outbox),
		File: connectors.File{Name: name}, Status: ledger.Running, Started: started, Attempts: d.run.Attempts,
	}
	return ex.effect("begin", func() error { return ex.Ledger.BeginExport(ctx, &d.run, d.is) })
}

// variables are what names may hold.
func (ex *Exporter) variables(is ledger.Exporting) map[string]string {
	vars := map[string]string{"seq": strconv.FormatUint(is.Seq, 10), "job": ex.Job.Name}
	maps.Copy(vars, ex.Job.Parameters)
	return vars
}

// withdraw ends a run whose number another delivery has got meanwhile, which somebody asked for. Nothing of it is left; another one begins in its place.
func (ex *Exporter) withdraw(ctx context.Context, d *outgoing) error {
	ex.Interrupts.remove(d.run.ID)
	d.run.State, d.run.Status, d.run.Finished = ledger.Withdrawn, ledger.Failed, now()
	d.run.Error = fmt.Sprintf("delivery %d was made by hand meanwhile: this one begins anew with the next number", d.is.Seq)
	return ex.effect("withdraw", func() error { return ex.Ledger.UpdateExport(ctx, d.run, d.is) })
}

// moment is what dates in names are made of: when the export was due or, asked for by somebody, began.
func (ex *Exporter) moment(is ledger.Exporting, started time.Time) time.Time {
	if !is.Due.IsZero() {
		started = is.Due
	}
	return started.In(ex.Job.Timezone.Location())
}

func (ex *Exporter) effect(name string, do func() error) error {
	if ex.Job.Trace {
		return tracedStep(ex.Log, ex.Job.Name, name, func() error { return effect(ex.Fault, name, do) })
	}
	return effect(ex.Fault, name, do)
}
