package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Identity is what Publish reserves for a run: the name and bytes under which its file counts as loaded. By itself it must be new in
// every way; the policy "load" for a case is permission to be loaded although an earlier run holds that much of it.
type Identity struct {
	Run          uint64
	Job          string
	SHA256, Name string

	MaySame    bool // same name and same bytes as a loaded file
	MayChanged bool // same name, other bytes
	MayRenamed bool // other name, same bytes

	// Again is the run whose file is loaded once more: its rows are going to leave, which Publish writes down. All three cases are permitted then.
	Again uint64

	// Replace: the rows of all loaded files of this name with other bytes are going to leave; MayChanged is true then. Publish writes down whose.
	Replace bool
}

// Case is in which way a file was delivered before.
type Case string

// The three cases, in the order in which they are looked for.
const (
	Same    Case = "same"    // same name, same bytes
	Renamed Case = "renamed" // other name, same bytes
	Changed Case = "changed" // same name, other bytes
)

// Taken says that a run can't have its identity.
type Taken struct {
	Run    uint64 // that wanted it
	Case   Case
	Holder Run // that has it, without its details; State tells whether it is loaded or still publishing (maybe in the same call)
}

// holders finds, for each case, the newest run other than the asking one that holds that much of an identity.
var holders = []struct {
	found Case
	may   func(Identity) bool
	where string
}{
	{Same, func(i Identity) bool { return i.MaySame }, `job = ?1 AND sha256 = ?2 AND name = ?3 AND run <> ?4`},
	{Renamed, func(i Identity) bool { return i.MayRenamed }, `job = ?1 AND sha256 = ?2 AND name <> ?3 AND run <> ?4`},
	{Changed, func(i Identity) bool { return i.MayChanged }, `job = ?1 AND sha256 <> ?2 AND name = ?3 AND run <> ?4`},
}

// Publish announces what becomes of judged files, in one transaction: the runs are recorded with state Publishing or Rejecting, and
// those that are publishing get their identities, one each. If any identity is taken, nothing at all is written and the
// holders are returned: the caller turns those runs into skips (Rejecting, with SameAs) or waits for a holder that isn't through yet, and calls again.
//
// Every file in the same call counts: of two equal ones the first is to be loaded and the second is taken by it. As there is one writer at
// a time, over all processes, exactly one of any number of equal calls wins.
func (l *Ledger) Publish(ctx context.Context, runs []Run, reserve []Identity) (taken []Taken, err error) {
	if err := checkReserved(runs, reserve); err != nil {
		return nil, fmt.Errorf("publish %d runs: %w", len(runs), err)
	}
	errTaken := errors.New("taken") // ends the transaction; never leaves this function
	err = l.tx(ctx, func(tx *sql.Tx) error {
		if err := update(ctx, tx, runs, func(*Run, State) error { return nil }); err != nil {
			return err
		}
		if err := putAllDetails(ctx, tx, runs); err != nil {
			return err
		}
		taken, err = reserveAll(ctx, tx, reserve)
		if err != nil {
			return err
		}
		if len(taken) > 0 {
			return errTaken
		}
		return nil
	})
	if errors.Is(err, errTaken) {
		return taken, nil
	}
	if err != nil {
		return nil, fmt.Errorf("publish %d runs: %w", len(runs), err)
	}
	return nil, nil
}

// anybody finds out whether any run but the asking one holds any part of an identity: mostly none does, and that ought to be quick.
// Two searches, because for an OR within one SQLite reads everything of the job.
const anybody = `SELECT EXISTS (SELECT 1 FROM identities WHERE job = ?1 AND sha256 = ?2 AND run <> ?4)
	OR EXISTS (SELECT 1 FROM identities WHERE job = ?1 AND name = ?3 AND run <> ?4)`

// reserveAll gives the identities to their runs, one after the other, and returns those that are taken.
func reserveAll(ctx context.Context, tx *sql.Tx, reserve []Identity) (taken []Taken, err error) {
	known, err := tx.PrepareContext(ctx, anybody)
	if err != nil {
		return nil, err
	}
	defer known.Close()
	insert, err := tx.PrepareContext(ctx, `INSERT OR REPLACE INTO identities (job, sha256, name, run) VALUES (?, ?, ?, ?)`)
	if err != nil {
		return nil, err
	}
	defer insert.Close()
	for _, want := range reserve {
		args := []any{want.Job, want.SHA256, []byte(want.Name), int64(want.Run)}
		var found bool
		if err := known.QueryRowContext(ctx, args...).Scan(&found); err != nil {
			return nil, err
		}
		if found {
			holder, err := holderOf(ctx, tx, want)
			if err != nil {
				return nil, err
			}
			if holder != nil {
				taken = append(taken, *holder)
				continue
			}
		}
		if found && want.Replace || want.Again != 0 {
			unfinished, err := replace(ctx, tx, want)
			if err != nil {
				return nil, err
			}
			if unfinished != nil {
				taken = append(taken, *unfinished)
				continue
			}
		}
		if _, err := insert.ExecContext(ctx, args...); err != nil {
			return nil, err
		}
	}
	return taken, nil
}

// checkReserved insists that publishing runs, and only they, get an identity, and that Publish announces nothing else.
func checkReserved(runs []Run, reserve []Identity) error {
	reserved := make(map[uint64]int, len(reserve))
	for _, want := range reserve {
		reserved[want.Run]++
	}
	for _, r := range runs {
		if r.State != Publishing && r.State != Rejecting {
			return fmt.Errorf("run %d: %w: %q isn't announced by Publish", r.ID, ErrState, r.State)
		}
		if want := map[bool]int{true: 1}[r.State == Publishing]; reserved[r.ID] != want {
			return fmt.Errorf("run %d is %s with %d identities, not %d", r.ID, r.State, reserved[r.ID], want)
		}
		delete(reserved, r.ID)
	}
	for id := range reserved {
		return fmt.Errorf("identity for run %d, which isn't among those published", id)
	}
	return nil
}

// release gives up the identity of a run that isn't going to be loaded after all.
func release(ctx context.Context, tx *sql.Tx, r *Run, from State) error {
	if from == r.State || (from != Publishing && from != Published) || (r.State != Claimed && r.State != Withdrawn) {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM identities WHERE run = ?`, int64(r.ID)); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM replacements WHERE run = ? AND gone IS NULL`, int64(r.ID))
	return err
}

// querier is what a transaction and a set of connections have in common.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// holderOf returns who is in the way of an identity, nil when nobody is.
func holderOf(ctx context.Context, q querier, want Identity) (*Taken, error) {
	for _, h := range holders {
		if h.may(want) {
			continue
		}
		runs, err := query(ctx, q, selectRuns+` WHERE id = (SELECT max(run) FROM identities WHERE `+h.where+`)`,
			want.Job, want.SHA256, []byte(want.Name), int64(want.Run))
		if err != nil {
			return nil, err
		}
		if len(runs) > 0 {
			return &Taken{Run: want.Run, Case: h.found, Holder: runs[0]}, nil
		}
	}
	return nil, nil
}

// Holder returns who holds an identity that isn't to be loaded twice, nil when it could be had now. It reserves
// nothing: it spares staging a file that is going to be skipped.
func (l *Ledger) Holder(ctx context.Context, want Identity) (*Taken, error) {
	var found bool
	err := l.anybody.QueryRowContext(ctx, want.Job, want.SHA256, []byte(want.Name), int64(want.Run)).Scan(&found)
	var taken *Taken
	if err == nil && found {
		taken, err = holderOf(ctx, l.read, want)
	}
	if err != nil {
		return nil, l.explain(err)
	}
	return taken, nil
}

// Identity returns what is known of a file: the newest run of the job that loaded these bytes and the newest that loaded a file of this
// name, each without its details and nil when there is none. They may still be publishing.
func (l *Ledger) Identity(ctx context.Context, job, sha256, name string) (byBytes, byName *Run, err error) {
	one := func(where string, value any) (*Run, error) {
		runs, err := query(ctx, l.read, selectRuns+` WHERE id = (SELECT max(run) FROM identities WHERE job = ? AND `+where+` = ?)`, job, value)
		if err != nil || len(runs) == 0 {
			return nil, err
		}
		return &runs[0], nil
	}
	if byBytes, err = one("sha256", sha256); err == nil {
		byName, err = one("name", []byte(name))
	}
	if err != nil {
		return nil, nil, l.explain(err)
	}
	return byBytes, byName, nil
}
