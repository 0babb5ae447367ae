package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
)

// backupID marks a backup in SQLite's header, until it is opened in a ledger's place: "chuB".
const backupID = 0x63687542

// Backup writes a copy of the ledger, as it is at one moment, whoever has it open meanwhile. Nothing has the name until the copy is whole, checked and
// on the disk; a file that has it already is never replaced: the error wraps fs.ErrExist.
func (r *Reader) Backup(ctx context.Context, name string) (err error) {
	if name, err = filepath.Abs(name); err != nil {
		return fmt.Errorf("back up the ledger: %w", err)
	}
	if _, err := os.Lstat(name); err == nil {
		return &fs.PathError{Op: "back up the ledger to", Path: name, Err: fs.ErrExist}
	}
	dir := filepath.Dir(name)
	f, err := os.CreateTemp(dir, ".chute-backup-*") // private, as the ledger is
	if err != nil {
		return fmt.Errorf("back up the ledger: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if err := r.copyTo(ctx, f.Name()); err != nil {
		return r.explain(fmt.Errorf("back up the ledger: %w", err))
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("back up the ledger: %w", err)
	}
	// A link is a rename that can't replace; the first name goes away behind it.
	if err := os.Link(f.Name(), name); err != nil {
		return fmt.Errorf("back up the ledger: %w", err)
	}
	parent, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(parent.Sync(), parent.Close())
}

// copyTo fills an empty file with a copy, checks it and marks it as a backup.
func (r *Reader) copyTo(ctx context.Context, name string) (err error) {
	from, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: r.path, RawQuery: url.Values{
		"mode": {"ro"}, "_pragma": {fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds())}}.Encode()}).String())
	if err != nil {
		return err
	}
	_, err = from.ExecContext(ctx, `VACUUM INTO ?`, name)
	if err := errors.Join(err, from.Close()); err != nil {
		return err
	}
	to, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: name}).String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	var verdict string
	if err := to.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("the copy isn't sound: %s", verdict)
	}
	_, err = to.ExecContext(ctx, fmt.Sprintf(`PRAGMA application_id = %d`, backupID))
	return err
}

// restore makes a ledger of a backup that stands in its place. Runs that began after it are unknown to it, while their rows may be in tables: so the
// numbers go on from the seconds since 1970, which is above them as long as there was less than a run a second from the first one on.
func (l *Ledger) restore(ctx context.Context) (err error) {
	tx, err := l.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ignoreDone(tx.Rollback())) }()
	var application int
	var last uint64
	if err := tx.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&application); err != nil || application != backupID {
		return err
	}
	if _, err := tx.ExecContext(ctx, mendNumbers, int64(LastRun)); err != nil {
		return err
	}
	if err := tx.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'runs'`).Scan(&last); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf(nextNumber+`
		UPDATE sqlite_sequence SET seq = max(seq + 1000000, unixepoch()) WHERE name = 'runs';
		PRAGMA application_id = %d`, applicationID))
	if err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	l.back = &last
	return nil
}

// Restored tells whether opening the ledger made it of a backup, and the last number of a run that the backup knows.
func (l *Ledger) Restored() (last uint64, made bool) {
	if l.back == nil {
		return 0, false
	}
	return *l.back, true
}
