// Package ledger is chute's own durable memory: one SQLite file with a row for every run, kept so that after a kill or a power cut
// the next start knows what was about to happen.
//
// The rule is that a thing is written down before it is done. A run is a file on its way, and its State names the last effect that
// was announced; what to do about each state at start-up is design.md, section 4. The states and the ways between them:
//
//	claiming -> claimed -> staging -> publishing -> published -> settled
//	               |          |
//	               +----------+-----> rejecting ------------> settled
//
// staging and publishing may go back to claimed (the stage is made again), and everything but settled may become withdrawn: the
// claim was lost or taken back and nothing of the run is left anywhere.
//
// A file that is loaded is an identity: its name and the SHA-256 of its delivered bytes, per job. Publish reserves the identity in the
// transaction that announces the publishing, so that of two equal files, dropped together or years apart, one is loaded. The reservation
// goes away in the transaction that takes the run back from publishing.
//
// There is one writing connection and every write is one immediate transaction, synced before it is acknowledged (WAL,
// synchronous=FULL). Reads have connections of their own and never wait for a write. schema.go describes the tables for a person
// with the sqlite3 shell.
package ledger

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// busyTimeout is how long a statement waits for another process, such as a command reading the ledger while the daemon writes.
const busyTimeout = 5 * time.Second

// Ledger is an open ledger. It may be used from several goroutines; writes queue up.
type Ledger struct {
	Reader
	write *sql.DB // one connection; transactions begin immediate
	back  *uint64 // see Restored

	mended bool // see Mended

	anybody *sql.Stmt // of the reading connections, which end it
}

var (
	// ErrNoRun: the ledger has no run of this number.
	ErrNoRun = errors.New("no such run")
	// ErrState: a run can't go from the state it is in to the one wanted. Nothing was written.
	ErrState = errors.New("illegal change of state")
)

// Open opens the ledger at path and makes it when there is none. A file that is damaged, is something else, comes from a newer chute
// or is held by another process gives an error that says so and names the file; it is left as it was.
func Open(ctx context.Context, path string) (*Ledger, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("ledger %s: %w", path, err)
	}
	if err := create(path); err != nil {
		return nil, fmt.Errorf("make the ledger: %w", err)
	}
	l := &Ledger{Reader: Reader{path: path}}
	if err := l.open(ctx); err != nil {
		return nil, errors.Join(l.explain(err), l.Close())
	}
	return l, nil
}

// create makes an empty file that only its owner can read, and makes its name durable: SQLite syncs content, not this entry.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (l *Ledger) open(ctx context.Context) error {
	var err error
	if l.write, err = sql.Open("sqlite", l.source("_txlock", "immediate")); err != nil {
		return err
	}
	l.write.SetMaxOpenConns(1)
	if err := l.restore(ctx); err != nil {
		return err
	}
	if err := l.migrate(ctx); err != nil {
		return err
	}
	if err := l.mendNumbers(ctx); err != nil {
		return err
	}
	if err := l.connect(l.source("_pragma", "query_only(1)")); err != nil {
		return err
	}
	if err := l.readID(ctx); err != nil {
		return err
	}
	l.anybody, err = l.read.PrepareContext(ctx, anybody)
	return err
}

// source is the data source name: the file and what every connection sets, besides one more parameter.
func (l *Ledger) source(key, value string) string {
	q := url.Values{"_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()),
		"journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
	}}
	q.Add(key, value)
	return (&url.URL{Scheme: "file", Path: l.path, RawQuery: q.Encode()}).String()
}

// Numbers of runs in tables: the ledger's mark, and behind it the run's number in twelve digits, so that a person sees the number.
// The largest is below 2^63, for programs that know no unsigned numbers.
const (
	runDigits = 1_000_000_000_000
	marks     = math.MaxInt64/runDigits - 1
)

// Lineage is the number under which a run's rows are in a table. Each ledger counts its runs from 1, and tables see the runs of several: of a
// daemon that shares them, of one that is gone, of a state that was lost. So the number begins with the ledger's mark.
func (r *Reader) Lineage(run uint64) uint64 { return LineageIn(r.id, run) }

// LineageIn is that of a run of any ledger, by the ledger's id.
func LineageIn(id string, run uint64) uint64 { return mark(id)*runDigits + run }

// LastRun is the highest number that a run can have in its ledger.
const LastRun = runDigits - 1

// RunOf is the number of the run in its ledger.
func RunOf(lineage uint64) (run uint64) { return lineage % runDigits }

// mark is a number made of a ledger's id, from 1 on. Of two ledgers one in nine million has the mark of the other.
func mark(id string) uint64 {
	sum := sha256.Sum256([]byte(id))
	return 1 + binary.BigEndian.Uint64(sum[:8])%marks
}

// Close ends all connections. A Ledger isn't used after it.
func (l *Ledger) Close() error {
	err := l.Reader.Close()
	if l.write != nil {
		err = errors.Join(err, l.write.Close())
	}
	return err
}

// tx runs do in one transaction. When it returns nil, what do wrote survives a power cut; otherwise nothing was written.
func (l *Ledger) tx(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := l.write.BeginTx(ctx, nil)
	if err != nil {
		return l.explain(err)
	}
	if err := do(tx); err != nil {
		return l.explain(errors.Join(err, ignoreDone(tx.Rollback())))
	}
	return l.explain(tx.Commit())
}
