// Package chdb is the embedded engine: ClickHouse inside this process, through the library libchdb and without cgo.
//
// There is one engine for each process and one process for each data path; both are refused with a plain sentence when
// they are taken. Opening it has to undo what the library does to its host: it puts its own handlers on the signals by
// which Go recovers from a nil dereference, and it says why it can't start on standard error only.
//
// Every statement has a connection of its own, made for it and closed after it (a third of a millisecond). So settings
// never leak from one statement into the next, and the engine's worst trap can't spring: a connection that has an open
// stream answers anything else with an empty result and no error. A statement that has to end is killed from a spare
// connection, found by the mark it carries in its log_comment, because the engine lets nobody choose a query id.
//
// Rows go in through a pipe that the engine reads as a file of Native blocks. A pipe that just ends is a success for
// the engine, wherever the writer stopped; therefore giving up an insert means writing half a block first.
package chdb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"chute/connectors"
)

// Config is what Open needs to know. All limits are optional.
type Config struct {
	Library string // the engine library; empty: Find looks for it
	Path    string // folder of the data, and of what sorting and grouping can't keep in memory; made when it is missing
	Memory  int64  // bytes that one statement may take; 0: no limit
	Threads int    // threads of one statement; 0: as many as there are cores
	Users   string // a users.xml that says what the engine's user may do; empty: everything
}

// Database is the engine, running on one data path. There is at most one open Database in a process.
type Database struct {
	path      string // absolute
	library   *library
	arguments []string // of every connect
	base      map[string]string
	lock      *os.File
	disk      syncer
	session   *Session

	mutex   sync.Mutex // guards what follows; held while the library connects, which it can't do twice at a time
	closed  bool
	anchor  *connection             // keeps the engine running between statements
	running map[*statement]struct{} // statements in the engine

	spareMutex sync.Mutex  // held during a KILL
	spare      *connection // for KILL only, so that it never waits behind a statement
}

var _ connectors.Database = (*Database)(nil)

// open is the path of this process's Database; the library has one engine for the whole process.
var open atomic.Pointer[string]

// Open starts the engine. An engine path in use by another process gives an error wrapping connectors.ErrUnavailable.
func Open(ctx context.Context, cfg Config) (*Database, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	file, err := Find(cfg.Library)
	if err != nil {
		return nil, err
	}
	lib, err := load(file)
	if err != nil {
		return nil, err
	}
	if cfg.Path == "" {
		return nil, errors.New("open the engine: no data path is given; set path in [database]")
	}
	path, err := filepath.Abs(cfg.Path)
	if err != nil {
		return nil, fmt.Errorf("open the engine: %w", err)
	}
	if !open.CompareAndSwap(nil, &path) {
		return nil, fmt.Errorf("open the engine on %s: this process has it open on %s already, and there is one engine for each process; close that one first", path, *open.Load())
	}
	d := &Database{path: path, library: lib, running: map[*statement]struct{}{}}
	if err := d.start(ctx, cfg); err != nil {
		return nil, errors.Join(err, d.stop())
	}
	return d, nil
}

func (d *Database) start(ctx context.Context, cfg Config) (err error) {
	// Without metadata the engine of this version never starts the task that really removes dropped tables.
	if err := os.MkdirAll(filepath.Join(d.path, "metadata"), 0o700); err != nil {
		return fmt.Errorf("make the engine's folder: %w", err)
	}
	if d.lock, err = lockPath(d.path); err != nil {
		return err
	}
	if err = d.disk.begin(d.path); err != nil {
		return err
	}
	if err := d.sweepProbes(); err != nil {
		return err
	}
	if d.arguments, err = d.configure(cfg.Users); err != nil {
		return err
	}
	if d.anchor, err = d.startEngine(ctx); err != nil {
		return err
	}
	if d.spare, err = d.connect(); err != nil {
		return err
	}
	d.session = &Session{database: d}
	if err := d.session.describe(ctx); err != nil {
		return fmt.Errorf("ask the engine what it can do: %w", err)
	}
	d.base = baseSettings(cfg)
	maps.DeleteFunc(d.base, func(name, _ string) bool { return !d.session.server.Abilities.Settings[name] })
	return nil
}

// connect makes one more connection to the running engine.
func (d *Database) connect() (*connection, error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.closed {
		return nil, fmt.Errorf("engine on %s: closed: %w", d.path, connectors.ErrUnavailable)
	}
	handle := d.library.open(d.arguments)
	if handle == nil {
		return nil, fmt.Errorf("engine on %s: no further connection: %w", d.path, connectors.ErrUnavailable)
	}
	return &connection{library: d.library, handle: handle}, nil
}

// Session returns the line to the engine; address is empty or the one that Server told.
func (d *Database) Session(ctx context.Context, address string) (connectors.Session, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if own := d.session.server.Address; address != "" && address != own {
		return nil, fmt.Errorf("no session with %q: the engine here is %q: %w", address, own, connectors.ErrUnavailable)
	}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.closed {
		return nil, fmt.Errorf("engine on %s: closed: %w", d.path, connectors.ErrUnavailable)
	}
	return d.session, nil
}

// Close kills what still runs, waits for it and stops the engine. The memory of the engine is not given back.
func (d *Database) Close() error {
	d.mutex.Lock()
	if d.closed {
		d.mutex.Unlock()
		return nil
	}
	d.closed = true
	left := make([]*statement, 0, len(d.running))
	for s := range d.running {
		left = append(left, s)
	}
	d.mutex.Unlock()

	for _, s := range left {
		s.cancel(fmt.Errorf("engine on %s: closed: %w", d.path, connectors.ErrUnavailable))
	}
	for _, s := range left {
		<-s.gone // closing a connection with a running statement would hang
	}
	return d.stop()
}

// stopping is how long the engine may take to stop. It takes 10 to 150 ms; once in some thousand times it was seen to hang, and to abort
// the process after five minutes. Whoever closes it is about to end anyway.
const stopping = 20 * time.Second

// stop undoes start, as far as it came.
func (d *Database) stop() error {
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for _, c := range []*connection{d.spare, d.anchor} {
			if c != nil {
				c.close()
			}
		}
	}()
	select {
	case <-stopped:
	case <-time.After(stopping):
		return fmt.Errorf("engine on %s: it didn't stop within %s; it ends with this process, and nothing that was acknowledged is lost", d.path, stopping)
	}
	err := d.disk.close()
	if d.lock != nil {
		err = errors.Join(err, d.lock.Close())
	}
	open.Store(nil)
	return err
}
