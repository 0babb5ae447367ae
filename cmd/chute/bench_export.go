package main

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"chute/pipeline"
	"chute/pipeline/ledger"
)

// exporting is what bench export writes, and how often.
type exporting struct {
	*bench
	records, pairs int
	format         string

	seed         maphash.Seed
	seen         map[string]written // by side: what its first file came to
	mine, synced []float64          // by pair: chute's seconds, and the engine's with a sync at the end
}

// written is a file as it was found.
type written struct {
	size   int64
	result string
}

// benchExportJob writes a file like the engine's own: with the columns of lineage as well.
const benchExportJob = `
kind   = "export"
store  = "s"
outbox = "out"
file   = "bench_{seq}"
table  = %q
columns = [%s]
[format]
%s
`

// benchExportFormats are the formats that are measured: of CSV the line ends are the engine's, so that only quotes are different; of Parquet the compression.
var benchExportFormats = map[string]string{
	"csv":     "type = \"csv\"\nline_end = \"lf\"",
	"parquet": "type = \"parquet\"\ncompression = \"zstd\"",
}

func benchExport() *cobra.Command {
	e := &exporting{bench: &bench{}, seed: maphash.MakeSeed(), seen: map[string]written{}}
	c := e.chooseEngine(e.command(&cobra.Command{
		Use:   "export",
		Short: "write a large table into a file, against the engine writing it by itself",
		Long: "Loads the file of bench load, and exports the table by chute, from the first step to settled with every check and sync, and by the engine's own " +
			"means (INTO OUTFILE, or clickhouse-client > FILE), in turns, compares what is in the files, and prints chute's time divided by the other's, " +
			"as it is and with a sync of its file.",
	}, e.run))
	c.Flags().IntVar(&e.records, "records", 1_000_000, "rows in the table")
	c.Flags().IntVar(&e.pairs, "pairs", 5, "how often both are measured")
	c.Flags().StringVar(&e.format, "format", "csv", "csv or parquet")
	return c
}

func (e *exporting) run(ctx context.Context) error {
	if e.pairs < 1 || e.records < 1 {
		return &exit{exitUsage, "--records and --pairs are at least 1"}
	}
	if benchExportFormats[e.format] == "" || e.format == "parquet" && e.engine != "chdb" {
		return &exit{exitUsage, fmt.Sprintf("--format %q: there are csv, and parquet of the embedded engine, which reads both files again to compare them", e.format)}
	}
	if err := errors.Join(e.checkEngine(), e.install(time.Second)); err != nil {
		return err
	}
	if err := os.WriteFile(e.path("jobs.d/export.toml"), fmt.Appendf(nil, benchExportJob, e.table(), benchExported(), benchExportFormats[e.format]), 0o644); err != nil {
		return err
	}
	source := benchFile{name: e.path("bench.csv"), records: e.records}
	if _, err := source.write(); err != nil {
		return err
	}
	return e.opened(ctx, func() error {
		if _, err := e.importFile(ctx, source, &goMemory{}); err != nil {
			return err
		}
		e.say("%d rows as %s, engine %s, %d pairs", e.records, e.format, e.engine, e.pairs)
		meter := &goMemory{}
		ours := side{"chute", func(ctx context.Context) (time.Duration, string, error) { return e.byChute(ctx, meter) }}
		theirs := side{"engine", e.byEngine}
		name := "export-" + e.engine
		if e.format != "csv" {
			name += "-" + e.format
		}
		if err := e.compare(ctx, name, e.pairs, ours, theirs); err != nil {
			return err
		}
		e.compareSynced(name + "-synced")
		e.figure("mebibytes", "peak-go", float64(meter.peak)/(1<<20))
		e.say("that is what Go has while chute exports: chute without the engine")
		return nil
	})
}

// byChute measures a whole export, from the first step to settled.
func (e *exporting) byChute(ctx context.Context, meter *goMemory) (took time.Duration, result string, err error) {
	ex, err := e.daemon.exporterTo(e.daemon.config.Exports[0], "")
	if err != nil {
		return 0, "", err
	}
	stop := meter.watch()
	began := time.Now()
	run, err := ex.Export(ctx, pipeline.Occasion{})
	took = time.Since(began)
	stop()
	if err != nil || run.Status != ledger.Finished {
		return 0, "", fmt.Errorf("the export is %s: %w", run.Status, errors.Join(err))
	}
	e.mine = append(e.mine, took.Seconds())
	result, err = e.look(ctx, "chute", e.path(filepath.Join("store", run.Moves[0].To)))
	return took, result, err
}

// compareSynced prints the ratio to an engine that syncs its file as well. The first pair isn't counted.
func (e *exporting) compareSynced(name string) {
	var ratios []float64
	for i := 1; i < len(e.mine); i++ {
		ratios = append(ratios, e.mine[i]/e.synced[i])
	}
	e.ratio(name, ratios)
}
