package wire

import (
	"context"
	"errors"
	"strings"

	"github.com/ClickHouse/ch-go/proto"

	"chute/connectors"
	"chute/connectors/native"
)

// query receives a statement, executes it and tells how it ended. Its error ends the connection.
func (l *line) query(ctx context.Context) error {
	var q proto.Query
	if err := q.DecodeAware(l.in, l.revision); err != nil {
		return err
	}
	packed := q.Compression == proto.CompressionEnabled
	if b, err := l.data(packed); err != nil || len(b.Columns) > 0 {
		return errors.Join(err, errors.New("a table comes with the statement, which isn't understood here"))
	}
	if err := l.engine.faults.strike(q.Body, Before); err != nil {
		return err
	}
	settings := map[string]string{}
	for _, s := range q.Settings {
		settings[s.Key] = s.Value
	}
	st := connectors.Statement{ID: q.ID, SQL: q.Body, Settings: l.engine.settings(settings)}
	var err error
	if into, ok := parseInsert(q.Body); ok {
		st.SQL = into.table
		err = l.insert(ctx, st, into, packed, q.Body)
	} else {
		st.SQL = findable(q.Body)
		err = l.run(ctx, st, packed)
	}
	if dropped := (*lost)(nil); errors.As(err, &dropped) || errors.Is(err, errDropped) {
		return err
	}
	if err == nil {
		err = l.engine.faults.strike(q.Body, After)
	}
	switch {
	case errors.Is(err, errDropped):
		return err
	case err != nil:
		return l.exception(err)
	}
	l.buffer.Reset()
	proto.ServerCodeProgress.Encode(&l.buffer)
	proto.Progress{}.EncodeAware(&l.buffer, l.revision)
	proto.Profile{}.EncodeAware(&l.buffer, l.revision)
	proto.ServerCodeEndOfStream.Encode(&l.buffer)
	return l.flush()
}

// lost is an error of the line, not of the statement: nobody is there to be told.
type lost struct{ error }

// run executes a statement that isn't fed by the client.
func (l *line) run(ctx context.Context, st connectors.Statement, packed bool) error {
	begun := false
	return l.engine.Query(ctx, st, func(b *native.Block) error {
		if !begun { // a result begins with a block without rows
			begun = true
			if err := l.block(packed, &native.Block{Columns: b.Columns}); err != nil {
				return &lost{err}
			}
		}
		if b.Rows == 0 {
			return nil
		}
		if err := l.block(packed, b); err != nil {
			return &lost{err}
		}
		return nil
	})
}

// findable changes a statement that looks for others by their ids. The engine gives ids of its own; ours are in what connectors/chdb
// marks its statements with.
func findable(sql string) string {
	if !strings.Contains(sql, "system.processes") && !strings.HasPrefix(sql, "KILL QUERY ") {
		return sql
	}
	return strings.ReplaceAll(sql, "query_id", "splitByString(' (statement ', Settings['log_comment'])[1]")
}
