package reconcile

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"chute/config"
	"chute/connectors"
	"chute/connectors/native"
)

// Trial makes tables as a run would, without rows and under other names, and drops them again.
type Trial struct {
	Session  connectors.Session
	Database string // where they are made; the embedded engine has one of its own for that
}

// Stage tries to make a stage for the target.
func (tr Trial) Stage(ctx context.Context, t *Target) error {
	return tr.in(ctx, func(table config.TableName) []connectors.Statement {
		return CreateStage(quoted(table), t, tr.Session.Server().Abilities)
	})
}

// Target tries to make a job's table.
func (tr Trial) Target(ctx context.Context, job *config.Job, types []*native.Type) error {
	scratch := *job
	return tr.in(ctx, func(table config.TableName) []connectors.Statement {
		scratch.Target.Table = table
		return []connectors.Statement{CreateTarget(&scratch, types, tr.Session.Server().Abilities)}
	})
}

// in runs statements that make a table of the name it gives them. The embedded engine leaves an empty folder of a table in an ordinary database;
// of one in a database that is kept in memory it leaves nothing.
func (tr Trial) in(ctx context.Context, make func(config.TableName) []connectors.Statement) error {
	table := config.TableName{Database: tr.Database, Table: connectors.ProbePrefix + rand.Text()}
	before, after := "", "DROP TABLE IF EXISTS "+quoted(table)
	if tr.Session.Server().Embedded {
		table.Database = table.Table
		before, after = "CREATE DATABASE "+native.Identifier(table.Database)+" ENGINE = Memory", "DROP DATABASE IF EXISTS "+native.Identifier(table.Database)
	}
	err := tr.run(ctx, before, make(table))
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if dropped := tr.Session.Exec(ending, connectors.Statement{SQL: after}); dropped != nil && err == nil {
		return fmt.Errorf("drop a table that was made to try: %w", dropped)
	}
	return err
}

func (tr Trial) run(ctx context.Context, before string, statements []connectors.Statement) error {
	if before != "" {
		statements = append([]connectors.Statement{{SQL: before}}, statements...)
	}
	for _, st := range statements {
		if err := tr.Session.Exec(ctx, st); err != nil {
			return err
		}
	}
	return nil
}

// HasDatabase tells whether the server has a database, as far as this user may see it.
func HasDatabase(ctx context.Context, s connectors.Session, name string) (bool, error) {
	rows, err := Rows(ctx, s, connectors.Statement{SQL: "SELECT count() FROM system.databases WHERE name = ?", Args: []any{name}})
	if err != nil {
		return false, fmt.Errorf("look for the database %s: %w", native.Identifier(name), err)
	}
	return rows[0][0].(uint64) > 0, nil
}

// Allowance says how to mend what a user's rights or profile refused, and "" for other errors.
func Allowance(err error) string {
	var answer *connectors.DatabaseError
	if !errors.As(err, &answer) {
		return ""
	}
	switch answer.Code {
	case 164:
		return "the user's profile has readonly set: give it a profile with readonly = 0 (users.xml, or ALTER USER)"
	case 392:
		return "the user's profile has allow_ddl = 0: chute makes and drops staging tables, so give it a profile with allow_ddl = 1"
	case 291:
		return "the user isn't let into this database: add it to the user's allow_databases (users.xml)"
	case 452:
		return "the user's profile doesn't let chute set what it relies on: take that constraint out of the profile"
	case 497:
		return "give the user what the server asks for"
	}
	return ""
}
