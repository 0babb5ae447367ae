package reconcile

import (
	"context"
	"fmt"
	"strings"

	"chute/config"
	"chute/connectors"
	"chute/connectors/native"
)

// Attach lists the statements that make a stage's rows visible in the target, by the method that fits.
func Attach(ctx context.Context, s connectors.Session, t *Target, stage config.TableName, runs []uint64, id string) ([]connectors.Statement, error) {
	can := s.Server().Abilities
	st := Attaching(t, stage, runs, can)
	st.ID = id
	if t.Method(can) != AttachPartition {
		return []connectors.Statement{st}, nil
	}
	rows, err := Catalog(ctx, s, connectors.Statement{
		ID: id,
		SQL: "SELECT DISTINCT partition_id FROM system.parts WHERE database = ? AND table = ? AND active AND rows > 0 ORDER BY partition_id" +
			complete(can),
		Args:     []any{stage.Database, stage.Table},
		Settings: st.Settings,
	})
	if err != nil {
		return nil, fmt.Errorf("list partitions of %s: %w", quoted(stage), err)
	}
	var statements []connectors.Statement
	for _, r := range rows {
		st.Args = []any{r[0]}
		statements = append(statements, st)
	}
	return statements, nil
}

// Attaching is the statement that makes a stage's rows visible. By the method AttachPartition there is one for each partition, whose id is what its ?
// stands for.
func Attaching(t *Target, stage config.TableName, runs []uint64, can connectors.Abilities) connectors.Statement {
	switch t.Method(can) {
	case AttachAll:
		return connectors.Statement{SQL: "ALTER TABLE " + t.Table() + " ATTACH PARTITION ALL FROM " + quoted(stage), Settings: Pinned(can)}
	case AttachPartition:
		return connectors.Statement{SQL: "ALTER TABLE " + t.Table() + " ATTACH PARTITION ID ? FROM " + quoted(stage), Settings: Pinned(can)}
	}
	return insert(t, quoted(stage), runs, can)
}

// insert inserts the stage's rows in the records' order. If the target keeps rows, those that it has are left out, so that it can be
// repeated after any wreck. It doesn't look at other targets: the Log engines of old servers wait for ever when one statement reads and
// writes a table.
func insert(t *Target, stage string, runs []uint64, can connectors.Abilities) connectors.Statement {
	var names []string
	for _, c := range t.Columns {
		names = append(names, native.Identifier(c.Name))
	}
	columns := strings.Join(names, ", ")
	st := connectors.Statement{
		SQL:      "INSERT INTO " + t.Table() + " (" + columns + ") SELECT " + columns + " FROM " + stage,
		Settings: Pinned(can),
	}
	if !t.Lineage.Known() {
		st.SQL += complete(can)
		return st
	}
	key := lineageKey(t)
	if t.KeepsRows() {
		st.SQL += " WHERE " + key + " NOT IN (SELECT " + strings.Trim(key, "()") + " FROM " + t.Table() +
			" WHERE " + native.Identifier(t.Lineage.Run) + " IN ?)"
		st.Args = []any{runs}
	}
	st.SQL += " ORDER BY " + key + complete(can)
	return st
}

func lineageKey(t *Target) string {
	return "(" + native.Identifier(t.Lineage.Run) + ", " + native.Identifier(t.Lineage.Record) + ")"
}

// Delete is the statement that takes rows of runs out of the target again, and whether it only begins to: then Gone tells when it
// is done.
func Delete(t *Target, can connectors.Abilities, runs []uint64, id string) (st connectors.Statement, asynchronous bool) {
	where := " WHERE " + native.Identifier(t.Lineage.Run) + " IN ?"
	st = connectors.Statement{ID: id, Args: []any{runs}, Settings: Pinned(can)}
	if can.LightweightDelete && t.MergeTree() && !t.Projections { // servers refuse it where there are projections
		st.SQL = "DELETE FROM " + t.Table() + where
		return st, false
	}
	st.SQL = "ALTER TABLE " + t.Table() + " DELETE" + where
	return st, !can.MutationsSync
}

// Gone tells whether no rows of the runs are left. Other people's mutations of the target don't matter, and neither does one of ours
// that is still under way: it spares parts that are attached after it began.
func Gone(ctx context.Context, s connectors.Session, t *Target, runs []uint64, id string) (bool, error) {
	counts, err := Count(ctx, s, t.Table(), t.Lineage, id, runs)
	return err == nil && len(counts) == 0, err
}

// Altered tells whether an error from Attach means that target and stage aren't alike any more.
func Altered(err *connectors.DatabaseError) bool {
	const incompatibleColumns, badArguments = 122, 36
	return err.Code == incompatibleColumns || err.Code == badArguments
}

func quoted(t config.TableName) string { return native.Table(t.Database, t.Table) }
