package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Reader is an open ledger that is only read. It may be used from several goroutines.
type Reader struct {
	path string
	id   string
	read *sql.DB // query_only
}

// OpenReader opens a ledger for a process that doesn't own the state, whether or not another process has it open. Nothing is written, made
// or migrated, and nobody who starts meanwhile waits for it. The error wraps fs.ErrNotExist when there is no ledger yet.
func OpenReader(ctx context.Context, path string) (*Reader, error) { return openReader(ctx, path, nil) }

func openReader(ctx context.Context, path string, parameters url.Values) (*Reader, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("ledger %s: %w", path, err)
	}
	// SQLite says of every file that it can't open the same.
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("read the ledger: %w; only the user that chute runs as, and root, may", err)
	}
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	r := &Reader{path: path}
	q := url.Values{}
	maps.Copy(q, parameters)
	if err := r.open(ctx, q); err != nil {
		return nil, errors.Join(r.explain(err), r.Close())
	}
	return r, nil
}

// Look tells the id of a ledger that no process has open, and leaves no trace: other readers make files beside it. The errors are those of OpenReader.
func Look(ctx context.Context, path string) (id string, err error) {
	r, err := OpenUntouched(ctx, path)
	if err != nil {
		return "", err
	}
	return r.id, r.Close()
}

// Inspect is Look and Verify.
func Inspect(ctx context.Context, path string) error {
	r, err := OpenUntouched(ctx, path)
	if err != nil {
		return err
	}
	return errors.Join(r.Verify(ctx), r.Close())
}

// OpenUntouched is OpenReader for a ledger that no process has open, and leaves no trace as Look does.
func OpenUntouched(ctx context.Context, path string) (*Reader, error) {
	if _, err := os.Stat(path + "-wal"); err == nil {
		return openReader(ctx, path, nil) // it was left in the middle of something: what is behind it isn't in the file, and the others are there
	}
	return openReader(ctx, path, url.Values{"immutable": {"1"}})
}

func (r *Reader) open(ctx context.Context, q url.Values) error {
	q.Set("mode", "ro")
	q["_pragma"] = []string{fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()), "query_only(1)"}
	if err := r.connect((&url.URL{Scheme: "file", Path: r.path, RawQuery: q.Encode()}).String()); err != nil {
		return err
	}
	version, err := r.version(ctx)
	switch {
	case err != nil:
		return err
	case version == 0:
		return fmt.Errorf("it is being made: %w", fs.ErrNotExist)
	case version < len(migrations):
		return fmt.Errorf("its schema has version %d, this chute reads version %d: start the daemon of this version, or restart it", version, len(migrations))
	}
	return r.readID(ctx)
}

func (r *Reader) version(ctx context.Context) (version int, err error) {
	tx, err := r.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, ignoreDone(tx.Rollback())) }()
	return schemaVersion(ctx, tx)
}

// connect prepares the reading connections.
func (r *Reader) connect(source string) (err error) {
	if r.read, err = sql.Open("sqlite", source); err == nil {
		r.read.SetMaxOpenConns(4)
	}
	return err
}

func (r *Reader) readID(ctx context.Context) error {
	return r.read.QueryRowContext(ctx, `SELECT id FROM ledger`).Scan(&r.id)
}

// ID is the ledger's own name, made once at random: ten lower-case letters and digits. It is part of everything that chute
// makes outside of its state, so that several daemons on the same inboxes touch only their own.
func (r *Reader) ID() string { return r.id }

// Close ends all connections. A Reader isn't used after it.
func (r *Reader) Close() error {
	if r.read == nil {
		return nil
	}
	return r.read.Close()
}

// unusable marks errors that stay until a person has done something about the file.
type unusable struct{ error }

func (u *unusable) Unwrap() error { return u.error }

// Unusable tells whether an error means that the file is damaged, not a ledger, or of a newer chute: trying again doesn't help.
func Unusable(err error) bool { return errors.As(err, new(*unusable)) }

// Verify reads the whole file and tells whether it is sound; an error that is Unusable says that it isn't. It takes some seconds for a million runs, and
// holds nobody up.
func (r *Reader) Verify(ctx context.Context) error {
	var said string
	if err := r.read.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&said); err != nil {
		return r.explain(err)
	}
	if said != "ok" {
		return r.damaged(errors.New(strings.ReplaceAll(said, "\n", " ")))
	}
	return nil
}

func (r *Reader) damaged(err error) error {
	return &unusable{fmt.Errorf("ledger %s is damaged: %w; stop chute, move the file away with its -wal and -shm, and put a backup in its place; if there is "+
		"none, a new one is made at the next start, and chute adopt takes over what was claimed", r.path, err)}
}

// explain names the file in an error and says what can be done about it.
func (r *Reader) explain(err error) error {
	if err == nil {
		return nil
	}
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch e.Code() & 0xff {
		case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
			return r.damaged(err)
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
			return fmt.Errorf("ledger %s is held by another process: %w; end that process", r.path, err)
		case sqlite3.SQLITE_FULL:
			return fmt.Errorf("ledger %s can't grow: %w; make room on its disk", r.path, err)
		}
	}
	return fmt.Errorf("ledger %s: %w", r.path, err)
}
