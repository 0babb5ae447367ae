package wire

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"chute/connectors"
	"chute/connectors/native"
)

// into is what an INSERT with the client's rows says.
type into struct{ table, columns string }

// parseInsert takes "INSERT INTO table (columns) FORMAT Native" apart, all names of which are quoted.
func parseInsert(sql string) (into, bool) {
	rest, begins := strings.CutPrefix(sql, "INSERT INTO ")
	rest, ends := strings.CutSuffix(rest, ") FORMAT Native")
	if !begins || !ends {
		return into{}, false
	}
	quoted := false
	for i := 0; i < len(rest); i++ {
		switch rest[i] {
		case '\\':
			i++
		case '`':
			quoted = !quoted
		case '(':
			if !quoted {
				return into{table: strings.TrimSpace(rest[:i]), columns: rest[i+1:]}, true
			}
		}
	}
	return into{}, false
}

// insert tells the client what rows the table has, and takes them.
func (l *line) insert(ctx context.Context, st connectors.Statement, i into, packed bool, sql string) error {
	wanted, err := l.engine.describe(ctx, i)
	if err != nil {
		return err
	}
	rows, err := l.engine.Insert(ctx, st, written(wanted))
	if err != nil {
		return err
	}
	defer rows.Abort()
	if err := l.engine.visible(ctx, st.ID); err != nil {
		return err
	}
	l.buffer.Reset()
	if proto.FeatureColumnDefaultsMetadata.In(l.revision) {
		proto.TableColumns{Second: "columns format version: 1\n0 columns:\n"}.EncodeAware(&l.buffer, l.revision)
	}
	if err := errors.Join(l.flush(), l.block(packed, &native.Block{Columns: wanted})); err != nil {
		return &lost{err}
	}
	for {
		b, err := l.data(packed)
		if err != nil {
			return &lost{err}
		}
		if len(b.Columns) == 0 {
			return rows.Commit()
		}
		if err := rows.Write(&native.Block{Columns: written(b.Columns), Data: b.Data, Rows: b.Rows}); err != nil {
			err = errors.Join(err, rows.Abort())
			_ = l.exception(err) // the client may be gone
			l.drain()
			return &lost{err}
		}
		if err := l.engine.faults.strike(sql, During); err != nil {
			return err
		}
	}
}

// describe returns the columns that the insert names, as the table has them.
func (e *engine) describe(ctx context.Context, i into) ([]native.Column, error) {
	var columns []native.Column
	seen := map[string]bool{}
	st := connectors.Statement{SQL: "DESCRIBE (SELECT " + i.columns + " FROM " + i.table + "\n)"}
	err := e.Query(ctx, st, func(b *native.Block) error {
		names, err := texts(b, 0)
		if err != nil {
			return err
		}
		types, err := texts(b, 1)
		if err != nil {
			return err
		}
		for n, name := range names {
			t, err := native.ParseType(types[n])
			if err != nil {
				return err
			}
			if seen[name] {
				return &connectors.DatabaseError{Code: int(proto.ErrDuplicateColumn), Message: "column " + name + " comes twice"}
			}
			seen[name] = true
			columns = append(columns, native.Column{Name: name, Type: t})
		}
		return nil
	})
	return columns, err
}

// visible returns when others can see the insert among the running statements, as in a server from its first moment; it runs in a goroutine here.
func (e *engine) visible(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second) // one that has failed at once is never seen
	defer cancel()
	for {
		found := false
		st := connectors.Statement{SQL: findable("SELECT 1 FROM system.processes WHERE query_id = ?"), Args: []any{id}}
		err := e.Query(ctx, st, func(b *native.Block) error {
			found = found || b.Rows > 0
			return nil
		})
		if err != nil || found {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}

// written are the columns as the engine takes them through its pipe.
func written(columns []native.Column) []native.Column {
	list := make([]native.Column, len(columns))
	for i, c := range columns {
		list[i] = native.Column{Name: c.Name, Type: c.Type.Written()}
	}
	return list
}
