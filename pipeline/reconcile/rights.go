package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"chute/connectors"
	"chute/connectors/native"
)

// Right is something that the user has to be allowed.
type Right struct {
	What []string // "ALTER DELETE"
	On   string   // quoted: a table, a database with ".*", or the stages of a database with ".chute_stage_*"
	ask  string   // a table to ask about, where On has a star
}

// stagePrefix begins the names of all stages.
const stagePrefix = "chute_stage_"

// RightsFor are what runs need in a table, and for their stages in a database.
func (t *Target) RightsFor(staging string, can connectors.Abilities) []Right {
	table := Right{What: []string{"SELECT", "INSERT"}, On: t.Table()}
	if t.Method(can) != InsertSelect || t.CountsRun() { // attaching asks for it, and so does taking a run's rows out again
		table.What = append(table.What, "ALTER DELETE")
	}
	stages := stageRight(staging)
	if len(t.Constraints) > 0 {
		stages.What = append(stages.What, "ALTER DROP CONSTRAINT")
	}
	if len(t.TTLs) > 0 {
		stages.What = append(stages.What, "ALTER MODIFY COLUMN")
	}
	return []Right{table, stages}
}

// RightsToCreate are what is needed to make a table that isn't there, and then to load it.
func RightsToCreate(table string, database string, hasDatabase bool, staging string) []Right {
	var rights []Right
	if !hasDatabase {
		rights = append(rights, Right{What: []string{"CREATE DATABASE"}, On: native.Identifier(database) + ".*"})
	}
	return append(rights, Right{What: []string{"CREATE TABLE", "SELECT", "INSERT", "ALTER DELETE"}, On: table}, stageRight(staging))
}

func stageRight(database string) Right {
	return Right{
		What: []string{"CREATE TABLE", "DROP TABLE", "SELECT", "INSERT"},
		On:   native.Identifier(database) + "." + stagePrefix + "*", ask: native.Table(database, stagePrefix+"check"),
	}
}

// ErrUntold: the server can't be asked what a user may do.
var ErrUntold = errors.New("this server doesn't tell what a user may do")

// Missing returns the GRANTs that the session's user lacks. Old servers have no rights that could be asked for: ErrUntold.
func Missing(ctx context.Context, s connectors.Session, rights []Right) (grants []string, err error) {
	for _, r := range rights {
		var missing []string
		for _, what := range r.What {
			has, err := granted(ctx, s, what, r)
			if err != nil {
				return nil, err
			}
			if !has {
				missing = append(missing, what)
			}
		}
		if len(missing) == 0 {
			continue
		}
		user, err := userOf(ctx, s)
		if err != nil {
			return nil, err
		}
		grants = append(grants, "GRANT "+strings.Join(missing, ", ")+" ON "+r.On+" TO "+user)
	}
	return grants, nil
}

func granted(ctx context.Context, s connectors.Session, what string, r Right) (bool, error) {
	on := r.On
	if r.ask != "" {
		on = r.ask
	}
	rows, err := Rows(ctx, s, connectors.Statement{SQL: "CHECK GRANT " + what + " ON " + on})
	if answer := new(connectors.DatabaseError); errors.As(err, &answer) {
		return false, fmt.Errorf("%w: %w", ErrUntold, err)
	}
	if err != nil {
		return false, err
	}
	return len(rows) > 0 && fmt.Sprint(rows[0][0]) == "1", nil
}

func userOf(ctx context.Context, s connectors.Session) (string, error) {
	rows, err := Rows(ctx, s, connectors.Statement{SQL: "SELECT currentUser()"})
	if err != nil {
		return "", fmt.Errorf("ask for the current user: %w", err)
	}
	return native.Identifier(rows[0][0].(string)), nil
}
