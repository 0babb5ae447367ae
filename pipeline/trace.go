package pipeline

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"chute/connectors"
	"chute/connectors/native"
)

// session is a line to a server on which each statement is logged when the job wants that.
func (im *Importer) session(ctx context.Context, address string) (connectors.Session, error) {
	session, err := im.Database.Session(ctx, address)
	if err != nil || im.Job == nil || !im.Job.Trace {
		return session, err
	}
	return &tracedSession{session, im.Log.With().Str("job", im.Job.Name).Logger(), func(sql string) string { return sql }}, nil
}

func (ex *Exporter) session(ctx context.Context, address string) (connectors.Session, error) {
	session, err := ex.Database.Session(ctx, address)
	if err != nil || !ex.Job.Trace {
		return session, err
	}
	return &tracedSession{session, ex.Log.With().Str("job", ex.Job.Name).Logger(), ex.unfilled}, nil
}

// tracedSession logs each statement: its text, how long it took, and what was wrong. Values are bound and blocks are sent apart from the text, so that
// nothing of a record is logged.
type tracedSession struct {
	connectors.Session
	log   zerolog.Logger
	shown func(sql string) string // a statement as it is logged
}

func (t *tracedSession) Exec(ctx context.Context, s connectors.Statement) error {
	began := time.Now()
	err := t.Session.Exec(ctx, s)
	t.said(s.ID, s.SQL, began, err)
	return err
}

func (t *tracedSession) Query(ctx context.Context, s connectors.Statement, each func(*native.Block) error) error {
	began := time.Now()
	err := t.Session.Query(ctx, s, each)
	t.said(s.ID, s.SQL, began, err)
	return err
}

func (t *tracedSession) Insert(ctx context.Context, s connectors.Statement, columns []native.Column) (connectors.Inserter, error) {
	began := time.Now()
	inserter, err := t.Session.Insert(ctx, s, columns)
	if err != nil {
		t.said(s.ID, "INSERT INTO "+s.SQL, began, err)
		return nil, err
	}
	return &tracedInserter{inserter, func(end string, err error) { t.said(s.ID, "INSERT INTO "+s.SQL+end, began, err) }}, nil
}

func (t *tracedSession) Kill(ctx context.Context, idPrefix string) error {
	began := time.Now()
	err := t.Session.Kill(ctx, idPrefix)
	t.said(idPrefix, "KILL of statements whose id begins so", began, err)
	return err
}

func (t *tracedSession) said(id, sql string, began time.Time, err error) {
	t.log.Info().Str("id", id).Str("sql", t.shown(sql)).Str("server", t.Session.Server().Address).
		Float64("ms", milliseconds(began)).AnErr("error", err).Msg("statement")
}

// tracedInserter is logged when it ends, which is when the insert has been done.
type tracedInserter struct {
	connectors.Inserter
	said func(end string, err error)
}

func (t *tracedInserter) Commit() error {
	err := t.Inserter.Commit()
	t.said("", err)
	return err
}

func (t *tracedInserter) Abort() error {
	err := t.Inserter.Abort()
	t.said(" (broken off)", err)
	return err
}

func milliseconds(since time.Time) float64 { return float64(time.Since(since).Microseconds()) / 1000 }

// tracedStep does an effect of a job's run and logs it.
func tracedStep(log zerolog.Logger, job, name string, do func() error) error {
	began := time.Now()
	err := do()
	log.Info().Str("job", job).Str("step", name).Float64("ms", milliseconds(began)).AnErr("error", err).Msg("step")
	return err
}
