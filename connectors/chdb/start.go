package chdb

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"chute/connectors"
)

// lockPath makes the data path ours before the engine is asked: its own answer to a second process is a page of text.
func lockPath(path string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(path, "chute.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the engine's folder: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		owner, _ := io.ReadAll(io.LimitReader(f, 20))
		who := "another process"
		if pid, err := strconv.Atoi(strings.TrimSpace(string(owner))); err == nil {
			who = fmt.Sprintf("process %d", pid)
		}
		return nil, fmt.Errorf("open the engine on %s: %s has it, and one process at a time may; stop that one or hand it the work: %w", path, who, connectors.ErrUnavailable)
	}
	if err := f.Truncate(0); err != nil {
		return nil, errors.Join(fmt.Errorf("lock the engine's folder: %w", err), f.Close())
	}
	if _, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		return nil, errors.Join(fmt.Errorf("lock the engine's folder: %w", err), f.Close())
	}
	return f, nil
}

// sweepProbes removes what a killed process left of its scratch database: the data of its tables, and the line that has the database made again
// at the next start, which the engine writes even for one in memory.
func (d *Database) sweepProbes() error {
	var failed error
	for _, folder := range []string{"metadata", "data"} {
		entries, err := os.ReadDir(filepath.Join(d.path, folder))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = errors.Join(failed, err)
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), connectors.ProbePrefix) {
				failed = errors.Join(failed, os.RemoveAll(filepath.Join(d.path, folder, e.Name())))
			}
		}
	}
	if failed != nil {
		return fmt.Errorf("remove what a trial left: %w", failed)
	}
	return nil
}

// engineConfig is the engine's own configuration file. There has to be one: without, it would take a config.xml from the working directory.
type engineConfig struct {
	XMLName   xml.Name `xml:"clickhouse"`
	DropDelay int      `xml:"database_atomic_delay_before_drop_table_sec"` // 0: nobody will say UNDROP here, and stages are large
	Marks     int64    `xml:"mark_cache_size"`                             // the defaults of the caches are for a machine of the engine's own
	Index     int64    `xml:"primary_index_cache_size"`
	Users     string   `xml:"users_config,omitempty"`
	// 1: tables are loaded one after the other. Each needs the store of the functions that users defined, and the first to ask makes it, without
	// any lock: of two that ask at once, one locks a store that the other has just freed. That ends as "recursive_mutex lock failed", as a
	// crash, or as a start that hangs for ever. The parts of a table are still loaded by several threads.
	Loaders int `xml:"tables_loader_foreground_pool_size"`
}

// configure writes the configuration and returns the arguments of connect.
func (d *Database) configure(users string) ([]string, error) {
	c := engineConfig{Marks: 64 << 20, Index: 64 << 20, Users: users, Loaders: 1}
	text, err := xml.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("engine's configuration: %w", err)
	}
	file := filepath.Join(d.path, "chute-engine.xml")
	if err := os.WriteFile(file, append(text, '\n'), 0o600); err != nil {
		return nil, fmt.Errorf("engine's configuration: %w", err)
	}
	// The path must be absolute: with a relative one the engine's fsync settings fail.
	return []string{"clickhouse", "--path=" + d.path, "--config-file=" + file}, nil
}

// starts is how often the engine is started before it counts as failed.
const starts = 3

// startEngine makes the first connection, which starts the engine. A start that failed because the engine's threads got in each other's way
// is made again: the engine is gone then, with its threads and its lock.
func (d *Database) startEngine(ctx context.Context) (*connection, error) {
	for try := 1; ; try++ {
		c, err := d.tryStart()
		if err == nil || try == starts || !strings.Contains(err.Error(), "mutex lock failed") {
			return c, err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), err)
		}
	}
}

func (d *Database) tryStart() (*connection, error) {
	var handle *uintptr
	said, err := captureStderr(filepath.Join(d.path, "chute-engine.log"), func() {
		defer restoreSignals(saveSignals())
		// Its handler of a crash waits five minutes for a thread that isn't there. Without it a crash ends the process, and who started it can start it again.
		d.library.takeSignals(0)
		defer d.library.takeSignals(1) // with 0 every further connection would reset Go's handlers
		handle = d.library.open(d.arguments)
	})
	if handle != nil {
		// It may have warned, or others wrote meanwhile: hand on what was meant for standard error.
		_, _ = os.Stderr.WriteString(said)
		return &connection{library: d.library, handle: handle}, nil
	}
	failure := parseError(strings.TrimSpace(said))
	if failure.Code == cannotOpenFile && strings.Contains(said, "already running") {
		return nil, fmt.Errorf("open the engine on %s: a process other than chute has it; stop that one: %w", d.path, connectors.ErrUnavailable)
	}
	return nil, errors.Join(fmt.Errorf("open the engine on %s: %w", d.path, failure), err)
}

// captureStderr collects in a file what is written to standard error, by anyone, while f runs. The file is for the case
// that the library takes the process down with it; else it is removed.
func captureStderr(name string, f func()) (said string, err error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		f()
		return "", fmt.Errorf("catch what the engine says: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(name)) }()
	saved, err := unix.FcntlInt(2, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		f()
		return "", fmt.Errorf("catch what the engine says: %w", err)
	}
	defer unix.Close(saved)
	err = unix.Dup3(int(file.Fd()), 2, 0)
	f()
	err = errors.Join(err, unix.Dup3(saved, 2, 0))
	text, readErr := io.ReadAll(io.NewSectionReader(file, 0, 1<<20))
	return string(text), errors.Join(err, readErr)
}

// The library takes these when it starts, or resets them. Without Go's handlers a nil dereference in Go isn't a panic.
var seizedSignals = [...]unix.Signal{unix.SIGILL, unix.SIGTRAP, unix.SIGABRT, unix.SIGBUS, unix.SIGFPE, unix.SIGSEGV, unix.SIGSYS, unix.SIGTSTP}

// sigaction is the kernel's record of a handler, kept and given back as it is; there is more than enough room in it.
type sigaction [16]uint64

const signalSetSize = 8

// saveSignals asks the kernel itself: what the C library reports isn't exactly what Go has set.
func saveSignals() (saved [len(seizedSignals)]sigaction) {
	for i, s := range seizedSignals {
		_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), 0, uintptr(unsafe.Pointer(&saved[i])), signalSetSize, 0, 0)
	}
	return saved
}

func restoreSignals(saved [len(seizedSignals)]sigaction) {
	for i, s := range seizedSignals {
		_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&saved[i])), 0, signalSetSize, 0, 0)
	}
}
