package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"sync"
	"time"

	"chute/connectors"
	"chute/connectors/local"
	"chute/pipeline/ledger"
	"chute/watcher/status"
)

const (
	// beatEvery is how often the status files are written. Nothing that takes long is done for it: who asks the database and the disks writes down what
	// they say, and the beat takes that.
	beatEvery = 3 * time.Second
	// staleAfter is how old a heartbeat may get. A machine in trouble may well stop for some seconds.
	staleAfter = 20 * time.Second
	// askTime is how long the database may take for its answer, and the ledger.
	askTime = 10 * time.Second
	// waitingNamed and unwantedNamed are how many entries are named: of a job, and of an inbox.
	waitingNamed, unwantedNamed = 100, 20
)

// heart tells by the status files how the daemon is doing.
type heart struct {
	*daemon
	started time.Time
	writer  status.Writer
	failing string         // the last error of writing; only touched by beat
	beaten  int            // beats so far; only touched by writePage
	history ledger.History // only touched by sumUp

	mu       sync.Mutex // guards what the askers found out
	database status.Database
	disks    []status.Disk
	hours    []ledger.Hour // of the history
}

// beats writes the status files until the returned function is called, which writes them a last time.
func (d *daemon) beats(ctx context.Context) (stop func()) {
	h := &heart{daemon: d, started: time.Now(), writer: status.Writer{Dir: filepath.Join(d.config.State.Dir, status.Dir)}}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // what is under way when the daemon is told to stop may take a while
	var running sync.WaitGroup
	running.Go(func() { repeat(ctx, h.askDatabase) })
	running.Go(func() { repeat(ctx, h.sumUp) })
	for i, place := range h.places() {
		running.Go(func() { repeat(ctx, func(ctx context.Context) { h.askRoom(ctx, i, place) }) })
	}
	running.Go(func() { repeat(ctx, func(ctx context.Context) { h.beat(ctx, time.Time{}) }) })
	return func() {
		cancel()
		running.Wait()
		h.sumUpLast(context.WithoutCancel(ctx))
		h.beat(context.WithoutCancel(ctx), time.Now())
	}
}

// repeat does something at once and then at each beat.
func repeat(ctx context.Context, do func(context.Context)) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		do(ctx)
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// askDatabase asks whether the database answers, also when no file comes for which it would be asked.
func (h *heart) askDatabase(ctx context.Context) {
	err := h.answers(ctx)
	if ctx.Err() != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if up := err == nil; up != h.database.Up || h.database.Since.IsZero() {
		h.database = status.Database{Up: up, Since: time.Now().UTC()}
	}
	if err != nil {
		h.database.Reason = err.Error()
	}
}

// answers asks the database for nothing.
func (d *daemon) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, askTime, fmt.Errorf("the database didn't answer for %v: %w", askTime, connectors.ErrUnavailable))
	defer cancel()
	session, err := d.database.Session(ctx, "")
	if err != nil {
		return err
	}
	return session.Exec(ctx, connectors.Statement{SQL: "SELECT 1"})
}

// roomy is somewhere that can run out of room.
type roomy struct {
	name, path string
	open       func() (connectors.Sizer, error)
}

// places are the state and the stores on this machine. A partner's server isn't asked at each beat: it is asked before a claim.
func (h *heart) places() []roomy {
	state := h.config.State.Dir
	all := []roomy{{"state", state, func() (connectors.Sizer, error) { return openState(state) }}}
	for _, s := range h.config.Stores {
		if folder, ok := h.stores[s.Name].(*local.Folder); ok {
			all = append(all, roomy{s.Name, s.Path, func() (connectors.Sizer, error) { return folder, nil }})
		}
	}
	h.disks = make([]status.Disk, len(all))
	for i, p := range all {
		h.disks[i] = status.Disk{Place: p.name, Path: p.path, MinFree: int64(h.config.Limits.MinFree)}
	}
	return all
}

// askRoom asks how much room there is. A file system that hangs keeps nobody else.
func (h *heart) askRoom(ctx context.Context, i int, place roomy) {
	var free int64
	sizer, err := place.open()
	if err == nil {
		free, err = sizer.Free(ctx)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	disk := &h.disks[i]
	disk.Known, disk.Free, disk.Reason = err == nil && free < math.MaxInt64, free, ""
	if err != nil {
		disk.Reason = err.Error()
	}
	if !disk.Known {
		disk.Free = 0
	}
	disk.Below = disk.Known && free < disk.MinFree
}

// beat writes the files. What keeps them from being written is said once.
func (h *heart) beat(ctx context.Context, stopped time.Time) {
	s, err := h.look(ctx, stopped)
	if err == nil {
		err = errors.Join(h.writer.Write(s), h.writePage(ctx, s, !stopped.IsZero()))
	}
	said := ""
	if err != nil {
		said = err.Error()
	}
	if said != h.failing && ctx.Err() == nil {
		if err != nil {
			h.log.Warn().Err(err).Msg("the status files can't be written")
		} else {
			h.log.Info().Msg("the status files are written again")
		}
		h.failing = said
	}
}
