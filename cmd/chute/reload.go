package main

import (
	"context"
	"errors"
	"maps"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"chute/config"
	"chute/connectors"
	"chute/systemd"
	"chute/watcher"
	"chute/watcher/status"
)

// readings are what is known of the configuration as it was read, again and again.
type readings struct {
	file    string // absolute; "" where nobody may reload
	signals chan os.Signal
	ready   chan struct{} // closed when there is something to reload
	news    chan struct{} // raised after each reload, for who tells of it
	changed chan struct{} // raised when nothing goes on as it was before a reload
	alone   sync.Mutex    // one reload at a time

	current atomic.Pointer[daemon] // as the last good reading has it
	mu      sync.Mutex             // guards the following
	loaded  time.Time
	refused time.Time // of a bad reload since then
	problem string
}

func (r *readings) begin(d *daemon) {
	r.loaded, r.ready, r.news = time.Now(), make(chan struct{}), make(chan struct{}, 1)
	r.changed = make(chan struct{}, 1)
	r.current.Store(d)
}

// now is the daemon as the configuration in effect has it.
func (h *holdings) now() *daemon { return h.readings.current.Load() }

func (r *readings) status(jobs int) status.Configuration {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := status.Configuration{Loaded: r.loaded.UTC(), Jobs: jobs, Problem: r.problem}
	if !r.refused.IsZero() {
		c.Refused = r.refused.UTC()
	}
	return c
}

// note takes down what came of a reload.
func (r *readings) note(began time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case r.news <- struct{}{}:
	default:
	}
	if err == nil {
		r.loaded, r.refused, r.problem = began, time.Time{}, ""
		return
	}
	r.refused, r.problem = began, strings.ReplaceAll(err.Error(), "\n", "; ")
}

// heedSignals keeps SIGHUP from ending the process, from before it can be obeyed.
func (h *holdings) heedSignals() (stop func()) {
	h.readings.signals = make(chan os.Signal, 1)
	signal.Notify(h.readings.signals, syscall.SIGHUP)
	return func() { signal.Stop(h.readings.signals) }
}

// reloadOnSignals obeys SIGHUP until ctx ends. What is wrong is in the log and in the status files.
func (h *holdings) reloadOnSignals(ctx context.Context) {
	close(h.readings.ready)
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.readings.signals:
			_, _ = h.reload(ctx)
		}
	}
}

// reload reads the configuration and, when there is nothing wrong with it, goes on with that: new and changed jobs begin, those that are gone end, and what is
// under way goes on with the job that it began with. Otherwise nothing changes. Either is told by the log and by the status files too.
func (h *holdings) reload(ctx context.Context) (changes, error) {
	h.readings.alone.Lock()
	defer h.readings.alone.Unlock()
	h.tell(systemd.Reloading())
	defer func() { h.tell(systemd.Ready()) }()
	began := time.Now()
	found, err := h.exchange(ctx)
	h.readings.note(began, err)
	if err != nil {
		h.log.Error().Err(err).Str("configuration", h.readings.file).Msg("the configuration is refused: what was in effect stays so")
		return found, err
	}
	h.log.Info().Int("jobs", found.Jobs).Strs("added", found.Added).Strs("changed", found.Changed).Strs("removed", found.Removed).Msg("the configuration was read anew")
	if len(found.Held) > 0 {
		h.log.Warn().Strs("jobs", found.Held).Msg("jobs that are gone are held, and only under their names: `chute release` forgets it")
	}
	if len(found.Stranded) > 0 {
		h.log.Warn().Interface("files", found.Stranded).Msg("files wait in the work folder, or are being loaded, whose job is gone or has another store: bring it back, or, of what isn't being published, `chute cancel` the runs")
	}
	return found, nil
}

// exchange replaces the daemon by one as the configuration has it now.
func (h *holdings) exchange(ctx context.Context) (found changes, err error) {
	chute, jobs, err := config.Load(h.readings.file)
	if err != nil {
		return found, err
	}
	old, w := h.now(), h.watcher.Load()
	if err := unchangeable(old.config, chute); err != nil {
		return found, err
	}
	d, unused, err := old.next(chute, jobs)
	if err != nil {
		return found, err
	}
	found.Jobs = len(jobs) + len(chute.Exports)
	remove, add := d.differences(old, &found)
	d.leaveTables(old, add)
	var come []watcher.Job
	for _, job := range add {
		come = append(come, d.watch(ctx, job, nil))
	}
	left, err := w.Change(remove, come)
	if err != nil {
		return found, errors.Join(err, closeStores(d.fresher()))
	}
	h.readings.current.Store(d)
	if found.Stranded, err = forsakenFiles(ctx, &d.ledger.Reader, d.jobs); err != nil {
		h.log.Warn().Err(err).Msg("whether files are left whose job is gone can't be told now")
	}
	held, err := d.ledger.Held(ctx)
	if err != nil {
		h.log.Warn().Err(err).Msg("whether a job that is gone is held can't be told now")
	}
	found.Held = goneHolds(held, chute, jobs)
	anew, err := renamed(ctx, &d.ledger.Reader, d.jobs, d.config.Exports)
	if err != nil {
		h.log.Warn().Err(err).Msg("whether exports begin anew that had another name can't be told now")
	}
	for _, s := range anew {
		h.log.Warn().Str("job", s.job).Msg(s.String())
	}
	delivered := h.agenda.Load().Change(d.planned())
	go func() {
		<-left
		<-delivered
		select {
		case h.readings.changed <- struct{}{}:
		default:
		}
		if err := closeStores(unused); err != nil {
			h.log.Warn().Err(err).Msg("connections to stores that aren't needed any more can't be closed")
		}
	}()
	return found, nil
}

// unchangeable tells which parts of the configuration a process can't take over.
func unchangeable(old, new *config.Chute) error {
	var parts []string
	for _, part := range []struct {
		name     string
		old, new any
	}{{"[database]", old.Database, new.Database}, {"[state]", old.State, new.State}, {"[limits]", old.Limits, new.Limits}} {
		if !reflect.DeepEqual(part.old, part.new) {
			parts = append(parts, part.name)
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return &exit{exitConfig, strings.Join(parts, " and ") + " can't be changed while chute runs: restart it, or change that back"}
}

// next is the daemon for another reading. Stores that are as they were stay open; unused are those that aren't needed any more.
func (d *daemon) next(chute *config.Chute, jobs []*config.Job) (next *daemon, unused map[string]connectors.Folder, err error) {
	next = &daemon{holdings: d.holdings, config: chute, jobs: jobs, stores: map[string]connectors.Folder{}, fresh: map[string]bool{}}
	unused = maps.Clone(d.stores)
	for _, s := range chute.Stores {
		if before := d.config.Store(s.Name); before != nil && sameStore(*before, s) {
			next.stores[s.Name] = d.stores[s.Name]
			next.fresh[s.Name] = d.fresh[s.Name]
			delete(unused, s.Name)
			continue
		}
		next.fresh[s.Name] = true
	}
	if err := next.openStores(); err != nil {
		return nil, nil, errors.Join(&exit{exitConfig, err.Error()}, closeStores(next.fresher()))
	}
	return next, unused, nil
}

// sameStore compares two stores, wherever they are written.
func sameStore(a, b config.Store) bool {
	a.Pos, b.Pos = config.Position{}, config.Position{}
	return reflect.DeepEqual(a, b)
}

// fresher are the stores that were opened for this reading.
func (d *daemon) fresher() map[string]connectors.Folder {
	old, fresh := d.now(), map[string]connectors.Folder{}
	for name, folder := range d.stores {
		if old.stores[name] != folder {
			fresh[name] = folder
		}
	}
	return fresh
}

// differences tells which jobs don't go on as they were, and which begin.
func (d *daemon) differences(old *daemon, found *changes) (remove []string, add []*config.Job) {
	for _, job := range old.jobs {
		if !slices.ContainsFunc(d.jobs, func(j *config.Job) bool { return j.Name == job.Name }) {
			remove, found.Removed = append(remove, job.Name), append(found.Removed, job.Name)
		}
	}
	for _, job := range d.jobs {
		i := slices.IndexFunc(old.jobs, func(j *config.Job) bool { return j.Name == job.Name })
		switch {
		case i < 0:
			add, found.Added = append(add, job), append(found.Added, job.Name)
		case old.jobs[i].Hash != job.Hash || old.stores[job.Store] != d.stores[job.Store]:
			add, remove, found.Changed = append(add, job), append(remove, job.Name), append(found.Changed, job.Name)
		default:
			d.settleLonger(job)
		}
	}
	found.exports(old.config.Exports, d.config.Exports)
	return remove, add
}

// leaveTables sees to a look into tables that nobody has looked into yet: they may have rows of runs that the ledger doesn't know.
func (d *daemon) leaveTables(old *daemon, add []*config.Job) {
	for _, job := range add {
		table := job.Target.Table.String()
		if !slices.ContainsFunc(old.jobs, func(j *config.Job) bool { return j.Target.Table.String() == table }) {
			d.past.leave(table)
		}
	}
}
