package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"chute/connectors"
	"chute/connectors/native"
	"chute/pipeline/reconcile"
)

// freshStage gives the stage of runs that were publishing before a name that no earlier statement knows. One that was sent by a process that is gone may
// still lie between here and the server, or in the server's buffer, where neither Kill nor system.processes sees it. Read after the rows were counted it
// would publish them a second time, and nobody would know; now it finds no stage. What has found it already is ended by the Kill that follows.
func (im *Importer) freshStage(ctx context.Context, b *batch, items []*item) error {
	if !b.resumed {
		return nil
	}
	stage, err := tableName(items[0].run.Stage)
	if err != nil {
		return err
	}
	first, number := numberedStage(stage.Table)
	stage.Table = fmt.Sprintf("%s_%d", first, number+1)
	name := native.Table(stage.Database, stage.Table)
	err = im.effect("renaming", func() error {
		for _, it := range items {
			it.run.Stage = name
		}
		return im.record(ctx, items)
	})
	if err != nil {
		return err
	}
	rows, err := reconcile.Catalog(ctx, b.session, connectors.Statement{
		SQL: "SELECT name FROM system.tables WHERE database = ? AND startsWith(name, ?)", Args: []any{stage.Database, first}})
	if err != nil {
		return fmt.Errorf("look for the stage of a run: %w", err)
	}
	// It has an earlier name when that was written down and not given. That there is none is found out later.
	i := slices.IndexFunc(rows, func(r []any) bool { other, _ := numberedStage(r[0].(string)); return other == first })
	if i < 0 || rows[i][0] == stage.Table {
		return nil
	}
	old := native.Table(stage.Database, rows[i][0].(string))
	return im.effect("fresh stage", func() error {
		if err := b.session.Exec(ctx, reconcile.Rename(old, name)); err != nil {
			return fmt.Errorf("rename stage %s: %w", old, err)
		}
		return nil
	})
}

// numberedStage takes a stage's name apart: its first name, and how many it has had.
func numberedStage(name string) (first string, number int) {
	parts := strings.Split(name, "_") // chute_stage_LEDGER_RUN or chute_stage_LEDGER_RUN_NUMBER
	if len(parts) != 5 {
		return name, 1
	}
	number, err := strconv.Atoi(parts[4])
	if err != nil {
		return name, 1
	}
	return strings.Join(parts[:4], "_"), number
}

// runOfStage is the run that a stage of a ledger, whose names begin with prefix, was made for.
func runOfStage(name, prefix string) (run uint64, err error) {
	first, _ := numberedStage(name)
	return strconv.ParseUint(strings.TrimPrefix(first, prefix), 10, 63)
}
