package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"sync"
	"time"

	"chute/config"
	"chute/pipeline"
	"chute/pipeline/ledger"
)

// past is what has to be found out before the first file is claimed: whether the ledger knows all runs that it numbered. It takes as long as it takes, while
// those who ask are answered in time.
type past struct {
	mu     sync.Mutex
	known  bool
	look   chan struct{} // closed when the look that is under way is through; nil: none is
	err    error         // of the last one
	cancel context.CancelFunc
	untold map[string]bool // tables that couldn't be looked into
	odd    map[string]bool // work folders that somebody else has made, by store and name: each is said once
}

// first tells whether a folder is told of for the first time.
func (p *past) first(folder string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.odd[folder] {
		return false
	}
	if p.odd == nil {
		p.odd = map[string]bool{}
	}
	p.odd[folder] = true
	return true
}

func (p *past) leave(table string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.untold == nil {
		p.untold = map[string]bool{}
	}
	p.untold[table] = true
}

func (p *past) left(table string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.untold[table]
}

func (p *past) done(table string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.untold, table)
}

// wait has the look taken, unless it was, and waits for it until ctx ends. A look that failed is taken again by the next call.
func (p *past) wait(ctx context.Context, look func(context.Context) error) error {
	p.mu.Lock()
	if p.known {
		p.mu.Unlock()
		return nil
	}
	if p.look == nil {
		done := make(chan struct{})
		own, cancel := context.WithCancel(context.WithoutCancel(ctx))
		p.look, p.cancel = done, cancel
		go func() {
			defer close(done)
			defer cancel()
			err := look(own)
			p.mu.Lock()
			defer p.mu.Unlock()
			p.look, p.err, p.known = nil, err, err == nil
		}()
	}
	done := p.look
	p.mu.Unlock()
	select {
	case <-done:
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.err
	case <-ctx.Done():
		return errors.New("whether the ledger knows all runs that have rows in the tables is still being found out")
	}
}

// end breaks off a look and waits for its end.
func (p *past) end() {
	p.mu.Lock()
	done, cancel := p.look, p.cancel
	p.mu.Unlock()
	if done != nil {
		cancel()
		<-done
	}
}

// assure makes sure, once, that no run gets a number that an earlier one had, and decides about claimed files that the ledger doesn't know: it may be a
// copy that is older than the world.
func (d *daemon) assure(ctx context.Context) error {
	return d.past.wait(ctx, func(ctx context.Context) error {
		numbers := d.numbers(d.jobs)
		numbers.Untold = func(table string, err error) {
			d.past.leave(table)
			d.log.Warn().Err(err).Str("table", table).Msg("whether the table has rows of runs that the ledger doesn't know can't be told now: its jobs wait, others go on")
		}
		if err := d.leap(ctx, numbers); err != nil {
			return err
		}
		if d.watching.Load() {
			d.decideOwn(ctx)
		}
		return nil
	})
}

// assureTable does for a job's table what assure couldn't, where its server didn't let us look into it then.
func (d *daemon) assureTable(ctx context.Context, job *config.Job) error {
	table := job.Target.Table.String()
	if !d.past.left(table) {
		return nil
	}
	if err := d.leap(ctx, d.numbers([]*config.Job{job})); err != nil {
		return err
	}
	d.past.done(table)
	return nil
}

func (d *daemon) numbers(jobs []*config.Job) *pipeline.Numbers {
	n := &pipeline.Numbers{
		Ledger: d.ledger, Database: d.database, Servers: servers(d.config), RunsDir: filepath.Join(d.config.State.Dir, runsFolder), Ignored: d.ignored,
	}
	for _, job := range jobs {
		if d.stores[job.Store] != nil {
			n.Importers = append(n.Importers, d.importer(job))
		}
	}
	return n
}

// ignored says, once, which folder isn't taken for one of this ledger's.
func (d *daemon) ignored(store, folder string) {
	if d.past.first(store + "\n" + folder) {
		d.log.Warn().Str("store", store).Str("folder", config.Shown(folder)).
			Msg("somebody else has made this folder in the work folder: no run of this ledger can have its number. It is left alone, and counts for nothing; look at what it is")
	}
}

// leap passes over the numbers of runs that have left traces and that the ledger doesn't know.
func (d *daemon) leap(ctx context.Context, numbers *pipeline.Numbers) error {
	seen, err := numbers.Highest(ctx)
	if err != nil || seen == 0 {
		return err
	}
	last, err := d.ledger.Last(ctx)
	if err != nil {
		return err
	}
	next, err := d.ledger.Leap(ctx, seen)
	if err != nil {
		return err
	}
	what := "the ledger is older than the files and tables: there are traces of runs that it doesn't know. Their numbers aren't given again; chute audit lists those that have rows"
	if last == 0 {
		what = "the ledger is new, and the state has traces of runs of an earlier one, which is lost: what they loaded isn't known any more. Their numbers aren't given again; " +
			"if there is a backup, stop chute and put it in the ledger's place"
	}
	d.log.Warn().Uint64("seen", seen).Uint64("next", next+1).Msg(what)
	return nil
}

// servers are the addresses of all servers that may have rows.
func servers(c *config.Chute) []string {
	if c.Database.Engine != "clickhouse" {
		return nil
	}
	return c.Database.Address
}

// orphans are the claims of a ledger in a store, with the jobs that the store has.
func (d *daemon) orphans(store string, jobs []*config.Job, of string) (*pipeline.Orphans, error) {
	if d.stores[store] == nil {
		return nil, fmt.Errorf("the process that owns the state doesn't know store %q: chute reload", store)
	}
	base := d.newImporter(nil)
	base.Inbox, base.Store, base.Work = d.stores[store], d.stores[store], d.config.Store(store).Work
	o := &pipeline.Orphans{Base: base, Ledger: of, Servers: servers(d.config)}
	for _, job := range jobs {
		if job.Store == store {
			o.Importers = append(o.Importers, d.importer(job))
		} else {
			o.Elsewhere = append(o.Elsewhere, job.Target.Table)
		}
	}
	return o, nil
}

// decideOwn decides about the claims of this ledger that it doesn't know. Those on servers are decided about beside the work: nobody waits for a server.
func (d *daemon) decideOwn(ctx context.Context) {
	for _, s := range d.config.Stores {
		if s.Remote() {
			continue
		}
		if _, err := d.decideOwnIn(ctx, &s, map[pipeline.Fate]bool{}); err != nil {
			d.log.Warn().Err(err).Str("store", s.Name).Msg("claimed files that the ledger doesn't know can't be decided about now; the next start tries again")
		}
	}
}

// decideOwnIn says of each file what became of it, unless it was said before, and tells whether any of them waits for something.
func (d *daemon) decideOwnIn(ctx context.Context, s *config.Store, said map[pipeline.Fate]bool) (waits bool, err error) {
	o, err := d.orphans(s.Name, d.jobs, d.ledger.ID())
	if err != nil {
		return false, err
	}
	o.Known = func(ctx context.Context, batch uint64) (bool, error) { return d.knows(ctx, s, batch) }
	err = o.Decide(ctx, func(f pipeline.Fate) {
		waits = waits || f.Ending == pipeline.EndedWaiting
		line := d.log.Info()
		if f.Why != "" {
			line = d.log.Warn().Str("error", f.Why)
		}
		f.Why = ""
		if said[f] {
			return
		}
		said[f] = true
		line.Str("store", s.Name).Str("job", f.Job).Str("file", config.Shown(f.File)).Uint64("run", f.Run).Str("at", config.Shown(f.At)).
			Str("ending", string(f.Ending)).Msg("a claimed file that the ledger doesn't know was decided about")
	})
	return waits, err
}

// knows tells whether the ledger has a batch of a store, or can't have given it its number.
func (d *daemon) knows(ctx context.Context, s *config.Store, batch uint64) (bool, error) {
	last, err := d.ledger.Last(ctx)
	if err != nil {
		return false, err
	}
	if !ledger.Plausible(batch, last) {
		d.ignored(s.Name, path.Join(s.Work, d.ledger.ID(), fmt.Sprint(batch)))
		return true, nil
	}
	if _, err = d.ledger.Run(ctx, batch); errors.Is(err, ledger.ErrNoRun) {
		return false, nil
	}
	return true, err
}

// age is how long ago something was, for people.
func age(t time.Time) string {
	if t.IsZero() {
		return "some time"
	}
	return time.Since(t).Round(time.Second).String()
}
