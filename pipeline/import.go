// Package pipeline is one run, from claim to verdict.
//
// Import takes files that are at rest in an inbox and carries them, all together, through a fixed row of steps; each step does one
// thing that lasts and the ledger knows which one is next. Resume picks up runs where a crash, a stop or a failed step
// left them, with the same steps: there is no other way to recover. Every step may therefore meet its own work half done, and begins by looking.
//
// What a file deserves is decided in one function, outcomeOf: done, rejected, or later. Only a *connectors.Rejection rejects a file.
package pipeline

import (
	"cmp"
	"context"
	"slices"

	"github.com/rs/zerolog"

	"chute/config"
	"chute/connectors"
	"chute/pipeline/ledger"
)

// Importer imports the files of one job. Its methods are called by one goroutine at a time.
type Importer struct {
	Job      *config.Job
	Inbox    connectors.Folder // where files come from: the store, or with InPlace the whole machine
	Store    connectors.Folder // where files and sidecars go to
	StoreAt  string            // where Store is, its path or address; it is asked whether it still is what it was. "": it isn't
	Work     string            // Store's work folder
	Database connectors.Database
	Staging  string // database for stages; "": the target's own
	Ledger   *ledger.Ledger
	RunsDir  string // folder of the operators' reports, <state>/runs
	Spool    *Spool // for files of stores that are connectors.Fetchers; others need none
	Cores    int    // converters at work at a time; 0: one
	Memory   int64  // about what reading one file may take, in bytes; 0: 128 MiB
	Log      zerolog.Logger

	EngineMemory int64 // what one statement may take of the engine, which the inserts of one load share; 0: not known
	Connections  int   // how many one load may insert over at a time, to a server that works on each by itself; 0: one

	// DatabaseAt marks the database in claims; nil: it isn't marked.
	DatabaseAt *DatabaseMark

	// InPlace: files were named by hand. They are read where they are, in Dir of Inbox, and never moved; what comes out of a run goes
	// to its Out folder in Store, which is at Place on the machine.
	InPlace bool
	Dir     string
	Place   string
	Out     func(run uint64) string
	// Again, with InPlace, is the run whose file is loaded once more, from where it lies now, which may be under another name, At: its rows leave once the new ones are visible.
	Again uint64
	At    string

	// State is a folder of chute's own on this machine, with StateWork as its work folder. It takes what comes out of files that stay in their inbox,
	// because the job's claim is "remember".
	State     connectors.Folder
	StateWork string

	remembers bool   // made by remembering
	storeWork string // then: the work folder of the store

	swept map[string]bool // addresses of servers from which stages that were left have been dropped

	// Apart, if set, calls what asks a store far away for something, or copies its files: how long that takes is the store's affair.
	Apart func(ctx context.Context, do func() error) error
	// Interrupts, if set, are who breaks off the work on runs of which somebody wants something else.
	Interrupts *Interrupts
	// Progress, if set, is given each file's progress when its reading begins.
	Progress func(*Progress)
	// Fault, if set, is called before and after each effect that lasts: tests make it fail or kill the process there. Inserts and fetches call it from
	// goroutines of their own.
	Fault func(effect string, before bool) error
}

// Import takes files from the inbox, in order, and says what became of each. They are loaded together and judged apart. Those whose names the job doesn't match
// are handed over to be rejected: nobody wants them.
func (im *Importer) Import(ctx context.Context, files []connectors.File) []connectors.Verdict {
	if im.Job.Claim == "remember" && !im.InPlace {
		im = im.remembering()
	}
	var verdicts []connectors.Verdict
	tell := func(_ *item, v connectors.Verdict) { verdicts = append(verdicts, v) }
	wanted, unmatched := im.sift(files)
	if len(wanted) > 0 {
		im.carry(ctx, im.newBatch(wanted), 0, tell)
	}
	if len(unmatched) > 0 {
		im.turnAway(ctx, im.newBatch(unmatched), tell)
	}
	return verdicts
}

// Resume goes on with runs that were begun, and says what became of each, in the order of ids. Those that were claimed together go on
// together while they are in the same state.
func (im *Importer) Resume(ctx context.Context, ids []uint64) []connectors.Verdict {
	of := make(map[uint64]connectors.Verdict, len(ids))
	for _, b := range im.resumable(ctx, ids, of) {
		b.im.carry(ctx, b, b.im.stepAfter(b.state()), func(it *item, v connectors.Verdict) { of[it.run.ID] = v })
	}
	verdicts := make([]connectors.Verdict, len(ids))
	for i, id := range ids {
		verdicts[i] = of[id]
	}
	return verdicts
}

// carry takes a batch through the steps from the given one on, and then, each by itself, the files that turned out to be too large for it. Files of which
// somebody wants something else are taken out of it as soon as that is known.
func (im *Importer) carry(ctx context.Context, b *batch, from int, tell func(*item, connectors.Verdict)) {
	var err error
	if b.resumed {
		if _, err = im.site().present(ctx); err == nil {
			err = im.grant(ctx, b, tell)
		}
	}
	if err == nil && len(b.items) > 0 {
		var broken bool
		if broken, err = b.advanceUnless(ctx, from); broken {
			err = cmp.Or(im.grant(ctx, b, tell), errInterrupted)
		}
	}
	large := b.setAside()
	im.conclude(ctx, b, err, tell)
	for _, it := range large {
		alone := &batch{im: im, folder: b.folder, items: []*item{it}, began: now(), tried: true, resumed: true}
		im.carry(ctx, alone, im.stepAfter(it.run.State), tell)
	}
}

// step is one part of the way; its name stands in the operators' report.
type step struct {
	name string
	do   func(ctx context.Context, b *batch) error
}

// apart tells whether it is the store's affair how long the step takes: it asks neither the database nor this machine for much.
func (s step) apart() bool {
	switch s.name {
	case "claim", "locate", "fetch", "settle":
		return true
	}
	return false
}

// steps are the way of a file, in order (design: "Exactly once").
func (im *Importer) steps() []step {
	steps := []step{
		{"claim", im.claim},     // rename into the work folder; recorded before and after
		{"locate", im.locate},   // believe the folder, not the rename's answer
		{"fetch", im.fetch},     // copy what is far away to this machine
		{"open", im.open},       // the table, as its server describes it now
		{"load", im.load},       // read, convert, count; good records to the stage, bad ones to the reject file
		{"judge", im.judge},     // thresholds, identity, the table's own rules; then report and sidecars, and the point of no return
		{"publish", im.publish}, // the stage's rows become visible; the target decides whether they are
		{"replace", im.replace}, // the rows of earlier files of the same name leave, where the job says so
		{"settle", im.settle},   // move what lies ready to its recorded names, the file last
	}
	if im.far() == nil {
		steps = slices.DeleteFunc(steps, func(s step) bool { return s.name == "fetch" })
	}
	return steps
}

// stepAfter is the step that a run in this state is due for.
func (im *Importer) stepAfter(state ledger.State) int {
	due := "settle" // Rejecting
	switch state {
	case ledger.Claiming:
		due = "locate"
	case ledger.Claimed, ledger.Staging:
		due = "open"
		if im.far() != nil {
			due = "fetch"
		}
	case ledger.Publishing:
		due = "publish"
	case ledger.Published:
		due = "replace"
	}
	return slices.IndexFunc(im.steps(), func(s step) bool { return s.name == due })
}

// effect does something that lasts. Every such thing in this package goes through here, so that tests can fail or kill it on both sides.
func (im *Importer) effect(name string, do func() error) error {
	if im.Job != nil && im.Job.Trace {
		return tracedStep(im.Log, im.Job.Name, name, func() error { return effect(im.Fault, name, do) })
	}
	return effect(im.Fault, name, do)
}

func effect(fault func(effect string, before bool) error, name string, do func() error) error {
	if fault == nil {
		return do()
	}
	if err := fault(name, true); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return fault(name, false)
}
