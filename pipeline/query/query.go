// Package query asks the database without letting the question do anything else.
//
// A question may come from somebody who may look at tables and no more: at nothing outside of the database, neither this machine's files, which
// the embedded engine could open with chute's own rights, nor the network. The engines' read-only mode isn't enough for that. On the embedded engine
// of today DESCRIBE url('…') connects, file('…') reads any file, INTO OUTFILE writes one, hasColumnInTable connects to any address, KILL QUERY
// kills, and a SETTINGS clause in a subquery ends the read-only mode itself.
//
// So a question is cut into tokens here, by a grammar so strict that no server can see others: what servers of some version read differently is refused.
// The rules look at tokens; comments, quotes and blanks hide nothing from them. What is sent is made of the tokens, not of the text. The engine's
// read-only mode is used all the same, as the second lock.
package query

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"chute/connectors"
	"chute/connectors/native"
)

// Refused says why a question isn't asked.
type Refused struct{ Why string }

func (r *Refused) Error() string { return r.Why }

func refused(format string, args ...any) *Refused { return &Refused{fmt.Sprintf(format, args...)} }

// Run asks and hands over the blocks of the answer, as connectors.Session's Query does. A question that isn't one is a *Refused.
func Run(ctx context.Context, s connectors.Session, sql string, each func(*native.Block) error) error {
	st, err := Prepare(ctx, s, sql)
	if err != nil {
		return err
	}
	st.ID = "chute/query"
	return s.Query(ctx, st, each)
}

// Prepare makes a question ready to be asked in this session. One that isn't a question is a *Refused.
func Prepare(ctx context.Context, s connectors.Session, sql string) (connectors.Statement, error) {
	if _, err := Check(sql, nil); err != nil {
		return connectors.Statement{}, err // without asking the server anything
	}
	functions, err := tableFunctions(ctx, s)
	if err != nil {
		return connectors.Statement{}, err
	}
	checked, err := Check(sql, functions)
	return connectors.Statement{SQL: checked, Settings: map[string]string{"readonly": "1"}}, err
}

// unknownTable is the code of servers that have no list of their table functions. In read-only mode they refuse all of them.
const unknownTable = 60

// tableFunctions asks the server which it has: a newer one may have some that aren't known here.
func tableFunctions(ctx context.Context, s connectors.Session) (names []string, err error) {
	err = s.Query(ctx, connectors.Statement{SQL: "SELECT name FROM system.table_functions"}, func(b *native.Block) error {
		if b.Rows == 0 {
			return nil
		}
		values, err := native.Values(b.Columns[0], b.Data[0], b.Rows)
		for _, v := range values {
			names = append(names, fmt.Sprint(v))
		}
		return err
	})
	var refused *connectors.DatabaseError
	if errors.As(err, &refused) && refused.Code == unknownTable {
		return nil, nil
	}
	return names, err
}

// Zone is the time zone in which the server shows times of types that name none.
func Zone(ctx context.Context, s connectors.Session) (zone *time.Location, err error) {
	err = s.Query(ctx, connectors.Statement{SQL: "SELECT timezone()"}, func(b *native.Block) error {
		if b.Rows == 0 {
			return nil
		}
		values, err := native.Values(b.Columns[0], b.Data[0], b.Rows)
		if err == nil {
			zone, err = time.LoadLocation(fmt.Sprint(values[0]))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot find out the server's time zone: %w", err)
	}
	return zone, nil
}

// Check returns the question as it is to be sent, or a *Refused. further are names of table functions that the server has besides those known here.
func Check(sql string, further []string) (string, error) {
	tokens, err := scan(sql)
	if err != nil {
		return "", err
	}
	if tokens, err = oneStatement(tokens); err != nil {
		return "", err
	}
	known := map[string]bool{}
	for _, name := range further {
		known[strings.ToLower(name)] = true
	}
	if err := balanced(tokens); err != nil {
		return "", err
	}
	for i := range tokens {
		if err := judge(tokens, i, known); err != nil {
			return "", err
		}
	}
	return text(tokens), nil
}
