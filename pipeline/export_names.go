package pipeline

import (
	"context"
	"fmt"

	"chute/connectors"
	"chute/connectors/native"
)

// named asks which columns the answer to a query has, and refuses two of one name. The answer itself doesn't tell: an old server makes one of them where it is
// asked for a part of it, and the embedded engine ends in the midst of it.
func (ex *Exporter) named(ctx context.Context, s connectors.Session, asked connectors.Statement) error {
	if ex.Job.Query == "" {
		return nil
	}
	var columns []native.Column
	st := connectors.Statement{SQL: "DESCRIBE TABLE (" + asked.SQL + "\n)", Settings: asked.Settings}
	err := s.Query(ctx, st, func(b *native.Block) error {
		if b.Rows == 0 {
			return nil
		}
		names, err := native.Values(b.Columns[0], b.Data[0], b.Rows)
		for _, name := range names {
			columns = append(columns, native.Column{Name: fmt.Sprint(name)})
		}
		return err
	})
	if err != nil {
		return err
	}
	return apart(columns)
}

// apart refuses columns of one name: who reads the file can't tell which is which, or takes one for the other.
func apart(columns []native.Column) error {
	at := map[string]int{}
	for i, c := range columns {
		if first, twice := at[c.Name]; twice {
			return refuse("columns", "columns %d and %d of the answer are both called %q: give one of them another name with AS", first+1, i+1, c.Name)
		}
		at[c.Name] = i
	}
	return nil
}
