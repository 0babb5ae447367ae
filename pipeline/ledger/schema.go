package ledger

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
)

// applicationID marks the file as chute's ledger in SQLite's header: "chut".
const applicationID = 0x63687574

// migrations lead from one version of the schema to the next; PRAGMA user_version counts those that were applied. They are only
// ever appended to: a ledger in the field has run the earlier ones as they stand here.
//
//	1  runs, run_details, identities, the ledger's id
//	2  listings by store and by kind, and through the names of files
//	3  holds
//	4  replacements
//	5  exports
//	6  what schedules and imports want of exports
//	7  what people want of runs; listings of a job's runs by store
//	8  what exports of what is new have reached
//	9  where the ledger has folders of its own
//	10 what exports have delivered in all
var migrations = []string{schema1, schema2, schema3, schema4, schema5, schema6, schema7, schema8, schema9, schema10}

// schema1 can be read with the sqlite3 shell: `.schema` shows these comments, `SELECT * FROM runs_readable` the newest runs with
// times and names as text.
const schema1 = `
CREATE TABLE ledger (
	id   TEXT    NOT NULL, -- the ledger's own name, part of work folders, stages and statement ids
	made INTEGER NOT NULL  -- when, seconds since 1970 UTC
) STRICT;

CREATE TABLE runs ( -- one row for every file on its way, and for every one that arrived
	id       INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice, even after rows were removed
	batch    INTEGER NOT NULL, -- run that leads the batch it is loaded with; its own id when alone
	kind     TEXT    NOT NULL, -- import
	job      TEXT    NOT NULL,
	job_hash TEXT    NOT NULL, -- SHA-256 of the effective job
	store    TEXT    NOT NULL,
	inbox    TEXT    NOT NULL, -- folder in the store
	name     BLOB    NOT NULL, -- file name: bytes, maybe not UTF-8
	size     INTEGER NOT NULL,
	mtime_s  INTEGER NOT NULL, -- modification time as claimed, seconds since 1970 UTC ...
	mtime_ns INTEGER NOT NULL, -- ... and nanoseconds (one number would only reach from 1678 to 2262)
	inode    INTEGER NOT NULL,
	state    TEXT    NOT NULL, -- claiming claimed staging publishing published rejecting settled withdrawn
	status   TEXT    NOT NULL, -- what people are told: running retrying stuck finished ...
	sha256   TEXT    NOT NULL, -- of the delivered bytes, hex; '' until judged
	server   TEXT    NOT NULL, -- address of the database server that has the stage
	target   TEXT    NOT NULL, -- table, quoted
	stage    TEXT    NOT NULL, -- staging table, quoted
	records  INTEGER NOT NULL,
	accepted INTEGER NOT NULL, -- rows wanted in the target
	rejects  INTEGER NOT NULL,
	warnings INTEGER NOT NULL,
	same_as  INTEGER NOT NULL, -- for a skipped file the run that loaded it; else 0
	attempts INTEGER NOT NULL,
	error    TEXT    NOT NULL, -- the last one, for operators
	next_try INTEGER, -- this and the following: nanoseconds since 1970 UTC
	started  INTEGER NOT NULL,
	finished INTEGER
) STRICT;
CREATE INDEX runs_started        ON runs (started);
CREATE INDEX runs_job            ON runs (job, started);
CREATE INDEX runs_status         ON runs (status, started);
CREATE INDEX runs_job_and_status ON runs (job, status, started);
CREATE INDEX runs_name           ON runs (name, started);
CREATE INDEX runs_unsettled      ON runs (id) WHERE state NOT IN ('settled', 'withdrawn');

CREATE TABLE run_details ( -- what is long and not needed in a listing
	run        INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
	definition TEXT NOT NULL, -- the target's definition when the stage was made
	lineage    TEXT NOT NULL, -- JSON: names of the lineage columns; '' without
	moves      TEXT NOT NULL, -- a line for each rename still to be done: "from" "to", as Go quotes strings
	report     TEXT NOT NULL  -- JSON
) STRICT;

CREATE TABLE identities ( -- files that are loaded, or being published; rejected and skipped ones aren't here
	run    INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
	job    TEXT NOT NULL,
	sha256 TEXT NOT NULL,
	name   BLOB NOT NULL
) STRICT;
CREATE INDEX identities_bytes ON identities (job, sha256, run);
CREATE INDEX identities_name  ON identities (job, name, run);

CREATE VIEW runs_readable AS
SELECT id, batch, job, CAST(name AS TEXT) AS name, size, state, status, records, accepted, rejects, warnings, attempts, error,
	strftime('%Y-%m-%dT%H:%M:%SZ', started / 1000000000, 'unixepoch') AS started,
	strftime('%Y-%m-%dT%H:%M:%SZ', finished / 1000000000, 'unixepoch') AS finished
FROM runs ORDER BY id DESC;
`

// schema2 adds what listings are read along. With the name in it, runs_started alone tells which runs a pattern for names wants.
const schema2 = `
DROP INDEX runs_started;
CREATE INDEX runs_started ON runs (started, name);
CREATE INDEX runs_store   ON runs (store, started);
CREATE INDEX runs_kind    ON runs (kind, started);
`

// schema3 adds which jobs take no files until a person says so.
const schema3 = `
CREATE TABLE holds ( -- a row for every job that was ever held
	job    TEXT    PRIMARY KEY,
	reason TEXT    NOT NULL, -- why it is held; '' once it was released
	since  INTEGER NOT NULL, -- when it was held or released, nanoseconds since 1970 UTC
	after  INTEGER NOT NULL  -- the last run when it was released: what became of earlier ones doesn't count any more
) STRICT;
`

// schema4 adds which runs' rows leave for those of a newer file.
const schema4 = `
CREATE TABLE replacements (
	run     INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE, -- that loads a newer file of the same name
	earlier INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE, -- whose rows leave once the newer ones are visible
	gone    INTEGER, -- when they had left, nanoseconds since 1970 UTC; NULL until then
	PRIMARY KEY (run, earlier)
) STRICT;
CREATE INDEX replacements_earlier ON replacements (earlier);
`

// schema5 adds what an export has besides, and how far each job has come with its deliveries.
const schema5 = `
CREATE TABLE exports ( -- a row for every run of kind export
	run   INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
	due   INTEGER, -- the moment of its schedule, nanoseconds since 1970 UTC; NULL when somebody asked for it
	seq   INTEGER NOT NULL, -- number of the delivery; given for good when the run is settled with a delivery
	since INTEGER, -- what it is to have: rows above since, in nanoseconds since 1970 UTC ...
	until INTEGER  -- ... and up to until; NULL without a watermark
) STRICT;

CREATE TABLE deliveries ( -- a row for every job that has exported
	job       TEXT    PRIMARY KEY,
	seq       INTEGER NOT NULL, -- number of the last delivery
	watermark INTEGER, -- what lies up to here was delivered, nanoseconds since 1970 UTC
	due       INTEGER  -- the last moment of the schedule that was dealt with
) STRICT;
`

// schema6 adds how far each job's plan has come.
const schema6 = `
ALTER TABLE exports    ADD COLUMN cut      TEXT NOT NULL DEFAULT ''; -- JSON: which runs had ended when it began; '' before there was this column
ALTER TABLE deliveries ADD COLUMN rule     TEXT NOT NULL DEFAULT ''; -- schedule and imports since which due and followed count
ALTER TABLE deliveries ADD COLUMN followed TEXT NOT NULL DEFAULT ''; -- JSON: which runs had ended when the delivery began that followed an import last
CREATE INDEX exports_due ON exports (due);
`

// schema7 adds what people want of runs that aren't through. With the store in it, runs_job alone tells which runs of a job are of a store.
const schema7 = `
DROP INDEX runs_job;
CREATE INDEX runs_job ON runs (job, started, store);
CREATE TABLE wishes (
	run    INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
	want   TEXT    NOT NULL, -- pause, cancel, reject
	reason TEXT    NOT NULL, -- '' without one
	uid    INTEGER NOT NULL, -- the user who wants it
	at     INTEGER NOT NULL  -- nanoseconds since 1970 UTC
) STRICT;
`

// schema8 adds how far the deliveries of what is new have come.
const schema8 = `
ALTER TABLE exports    ADD COLUMN moves INTEGER NOT NULL DEFAULT 0; -- 1: when it is delivered the job's watermark moves to until or, without one, runs to cut
ALTER TABLE deliveries ADD COLUMN runs  TEXT    NOT NULL DEFAULT ''; -- JSON: what the runs have loaded that had ended then was delivered
`

// schema9 adds in which stores chute has worked: one of them that has nothing of it any more isn't there, whatever is in its place.
const schema9 = `
CREATE TABLE places (
	place TEXT    PRIMARY KEY, -- path or address of a store, with its work folder
	since INTEGER NOT NULL     -- nanoseconds since 1970 UTC
) STRICT;
`

// schema10 adds what each job has delivered, so that nobody has to add up its runs. An export has loaded nothing.
const schema10 = `
ALTER TABLE deliveries ADD COLUMN files  INTEGER NOT NULL DEFAULT 0; -- delivered so far, without what went to folders given by hand ...
ALTER TABLE deliveries ADD COLUMN rows   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN bytes  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN latest INTEGER; -- ... and when that was last, nanoseconds since 1970 UTC
UPDATE deliveries SET (files, rows, bytes, latest) = (SELECT count(*), coalesce(sum(records), 0), coalesce(sum(size), 0), max(finished) FROM runs
	WHERE runs.job = deliveries.job AND kind = 'export' AND state = 'settled' AND status = 'finished' AND store NOT LIKE '/%');
UPDATE runs SET accepted = 0 WHERE kind = 'export';
`

// migrate brings the file to the newest schema, one transaction a step.
func (l *Ledger) migrate(ctx context.Context) error {
	for {
		done, err := l.migrateOnce(ctx)
		if err != nil || done {
			return err
		}
	}
}

// migrateOnce looks at the version within the transaction that changes it, so that two processes that start together
// don't both migrate.
func (l *Ledger) migrateOnce(ctx context.Context) (done bool, err error) {
	tx, err := l.write.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, ignoreDone(tx.Rollback())) }()
	version, err := schemaVersion(ctx, tx)
	if err != nil || version == len(migrations) {
		return true, err
	}
	if _, err := tx.ExecContext(ctx, migrations[version]); err != nil {
		return false, fmt.Errorf("bring the schema to version %d: %w", version+1, err)
	}
	if version == 0 {
		if _, err := tx.ExecContext(ctx, `INSERT INTO ledger VALUES (?, unixepoch())`, newID()); err != nil {
			return false, err
		}
	}
	// Pragmas take no bound values; both are numbers of ours.
	mark := fmt.Sprintf(`PRAGMA application_id = %d; PRAGMA user_version = %d`, applicationID, version+1)
	if _, err := tx.ExecContext(ctx, mark); err != nil {
		return false, err
	}
	return false, tx.Commit()
}

// schemaVersion returns 0 for an empty file and refuses what isn't a ledger that this program understands.
func schemaVersion(ctx context.Context, tx *sql.Tx) (int, error) {
	var version, application, tables int
	err := errors.Join(
		tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version),
		tx.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&application),
		tx.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&tables),
	)
	switch {
	case err != nil:
		return 0, err
	case application != applicationID && application != backupID && (version != 0 || tables != 0):
		return 0, &unusable{errors.New("it is an SQLite file, but not a ledger of chute; move it away")}
	case version > len(migrations):
		return 0, &unusable{fmt.Errorf("its schema has version %d, this chute knows up to %d; install the newer chute again", version, len(migrations))}
	}
	return version, nil
}

// ignoreDone drops the error that Rollback gives after Commit.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// newID returns ten random characters that are safe in file names, table names and statement ids.
func newID() string {
	b := make([]byte, 10)
	rand.Read(b) // never fails: documented to crash the program instead
	return strings.ToLower(base32.StdEncoding.EncodeToString(b))[:10]
}
