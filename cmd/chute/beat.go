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
	"chute/pipeline"
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
	*holdings
	started time.Time
	writer  status.Writer
	failing string         // the last error of writing; only touched by beat
	beaten  int            // beats so far; only touched by writePage
	history ledger.History // only touched by sumUp
	of      *daemon        // whose places the askers ask; only touched by beat
	leave   func()         // ends those askers; only touched by beat

	mu       sync.Mutex // guards what the askers found out
	database status.Database
	disks    []*status.Disk
	hours    []ledger.Hour // of the history
}

// beats writes the status files until the returned function is called, which writes them a last time.
func (d *daemon) beats(ctx context.Context) (stop func()) {
	h := &heart{
		holdings: d.holdings, started: time.Now(), leave: func() {},
		writer: status.Writer{Dir: filepath.Join(d.config.State.Dir, status.Dir)},
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // what is under way when the daemon is told to stop may take a while
	var running sync.WaitGroup
	running.Go(func() { repeat(ctx, nil, h.askDatabase) })
	running.Go(func() { repeat(ctx, nil, h.sumUp) })
	running.Go(func() {
		repeat(ctx, d.readings.news, func(ctx context.Context) {
			h.follow(ctx, &running)
			h.beat(ctx, time.Time{})
		})
	})
	return func() {
		cancel()
		running.Wait()
		h.sumUpLast(context.WithoutCancel(ctx))
		h.beat(context.WithoutCancel(ctx), time.Now())
	}
}

// follow has those places asked that the configuration names now.
func (h *heart) follow(ctx context.Context, running *sync.WaitGroup) {
	d := h.now()
	if d == h.of {
		return
	}
	h.leave()
	ctx, h.leave = context.WithCancel(ctx)
	h.of = d
	places := d.places()
	disks := make([]*status.Disk, len(places))
	var fresh []chan struct{} // each is closed when a place that wasn't asked before has answered
	for i, p := range places {
		told := make(chan struct{})
		answered := sync.OnceFunc(func() { close(told) })
		if disks[i] = h.askedBefore(p); disks[i] == nil {
			disks[i] = &status.Disk{Place: p.name, Path: p.path, MinFree: int64(d.config.Limits.MinFree)}
			fresh = append(fresh, told)
		}
		running.Go(func() {
			repeat(ctx, nil, func(ctx context.Context) {
				h.askRoom(ctx, disks[i], p)
				answered()
			})
		})
	}
	for _, s := range d.config.Stores {
		if s.Remote() {
			running.Go(func() { d.watchFar(ctx, &s) })
		}
	}
	awaitAll(ctx, fresh)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.disks = disks
}

// askedBefore is what is known of a place from before a reload, or nil. Limits are as they were: only a start changes them.
func (h *heart) askedBefore(p roomy) *status.Disk {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, disk := range h.disks {
		if disk.Place == p.name && disk.Path == p.path {
			known := *disk
			return &known
		}
	}
	return nil
}

// awaitAll waits for the first answers, so that the first status has them, but for no longer than a beat: a file system may hang.
func awaitAll(ctx context.Context, answers []chan struct{}) {
	late := time.After(beatEvery)
	for _, one := range answers {
		select {
		case <-one:
		case <-late:
			return
		case <-ctx.Done():
			return
		}
	}
}

// repeat does something at once and then at each beat, and when there is news.
func repeat(ctx context.Context, news <-chan struct{}, do func(context.Context)) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		do(ctx)
		select {
		case <-ctx.Done():
		case <-news:
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

var errNoAnswer = fmt.Errorf("the database didn't answer for %v: %w", askTime, connectors.ErrUnavailable)

// answers asks the database for nothing.
func (d *holdings) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, askTime, errNoAnswer)
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
	lost       func(context.Context) error // why it isn't what it was; nil: nobody asks
}

// places are the state and the stores on this machine. A partner's server isn't asked at each beat: for its room it is asked before a claim.
func (d *daemon) places() []roomy {
	state := d.config.State.Dir
	all := []roomy{{"state", state, func() (connectors.Sizer, error) { return openState(state) }, nil}}
	for _, s := range d.config.Stores {
		if folder, ok := d.stores[s.Name].(*local.Folder); ok {
			all = append(all, roomy{s.Name, s.Path, func() (connectors.Sizer, error) { return folder, nil }, func(ctx context.Context) error {
				return pipeline.Present(ctx, folder, d.ledger, s.Path, s.Work)
			}})
		}
	}
	return all
}

// askRoom asks how much room there is. A file system that hangs keeps nobody else.
func (h *heart) askRoom(ctx context.Context, disk *status.Disk, place roomy) {
	var free int64
	sizer, err := place.open()
	if err == nil {
		free, err = sizer.Free(ctx)
	}
	var lost error
	if place.lost != nil {
		lost = place.lost(ctx)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	disk.Lost = ""
	if errors.Is(lost, pipeline.ErrLost) {
		disk.Lost = lost.Error()
	}
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
	if stopped.IsZero() {
		h.tellAlive(s, err)
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
