package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"chute/connectors"
	"chute/pipeline"
	"chute/pipeline/ledger"
)

// exporting is what bench export writes, and how often.
type exporting struct {
	*bench
	records, pairs int

	seed maphash.Seed
	seen map[string]written // by side: what its first file came to
}

// written is a file as it was found.
type written struct {
	size   int64
	result string
}

// benchExportJob writes a file like the engine's own: the line ends are the same, so that only quotes are different.
const benchExportJob = `
kind   = "export"
store  = "s"
outbox = "out"
file   = "bench_{seq}.csv"
table  = %q
[format]
line_end = "lf"
`

func benchExport() *cobra.Command {
	e := &exporting{bench: &bench{}, seed: maphash.MakeSeed(), seen: map[string]written{}}
	c := e.chooseEngine(e.command(&cobra.Command{
		Use:   "export",
		Short: "write a large table into a file, against the engine writing it by itself",
		Long: "Loads the file of bench load, and exports the table by chute, from the first step to settled with every check and sync, and by the engine's own " +
			"means (INTO OUTFILE, or clickhouse-client > FILE), in turns, compares what is in the files, and prints chute's time divided by the other's.",
	}, e.run))
	c.Flags().IntVar(&e.records, "records", 1_000_000, "rows in the table")
	c.Flags().IntVar(&e.pairs, "pairs", 5, "how often both are measured")
	return c
}

func (e *exporting) run(ctx context.Context) error {
	if e.pairs < 1 || e.records < 1 {
		return &exit{exitUsage, "--records and --pairs are at least 1"}
	}
	if err := errors.Join(e.checkEngine(), e.install(time.Second)); err != nil {
		return err
	}
	if err := os.WriteFile(e.path("jobs.d/export.toml"), fmt.Appendf(nil, benchExportJob, e.table()), 0o644); err != nil {
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
		e.say("%d rows, engine %s, %d pairs", e.records, e.engine, e.pairs)
		meter := &goMemory{}
		ours := side{"chute", func(ctx context.Context) (time.Duration, string, error) { return e.byChute(ctx, meter) }}
		theirs := side{"engine", e.byEngine}
		if err := e.compare(ctx, "export-"+e.engine, e.pairs, ours, theirs); err != nil {
			return err
		}
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
	result, err = e.look("chute", e.path(filepath.Join("store", run.Moves[0].To)))
	return took, result, err
}

// byEngine measures the engine's own file.
func (e *exporting) byEngine(ctx context.Context) (took time.Duration, result string, err error) {
	name := e.path("engine.csv")
	began := time.Now()
	if e.engine == "clickhouse" {
		err = e.byClient(ctx, name)
	} else {
		var session connectors.Session
		if session, err = e.daemon.database.Session(ctx, ""); err == nil {
			err = session.Exec(ctx, connectors.Statement{SQL: "SELECT * FROM " + e.table() + " INTO OUTFILE ? FORMAT CSVWithNames SETTINGS output_format_decimal_trailing_zeros = 1", Args: []any{name}})
		}
	}
	if took = time.Since(began); err != nil {
		return 0, "", err
	}
	result, err = e.look("engine", name)
	return took, result, err
}

// byClient has clickhouse-client write the file.
func (e *exporting) byClient(ctx context.Context, name string) error {
	host, port, err := net.SplitHostPort(e.address)
	if err != nil {
		return err
	}
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "clickhouse-client", "--host", host, "--port", port, "--query", "SELECT * FROM "+e.table()+" FORMAT CSVWithNames")
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	return errors.Join(cmd.Run(), out.Close())
}

// look tells what is in a file, and removes it. The first of each side is read; the others must have its size.
func (e *exporting) look(side, name string) (string, error) {
	in, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return "", err
	}
	if e.seen[side].size != info.Size() {
		result, err := e.sum(in)
		if err != nil {
			return "", err
		}
		e.seen[side] = written{info.Size(), result}
	}
	return e.seen[side].result, os.Remove(name)
}

// sum is the same for the same records in any order, with whichever quotes.
func (e *exporting) sum(in io.Reader) (string, error) {
	records := csv.NewReader(in)
	records.ReuseRecord = true
	var sum, count uint64
	var hash maphash.Hash
	hash.SetSeed(e.seed)
	for {
		fields, err := records.Read()
		if errors.Is(err, io.EOF) {
			return fmt.Sprintf("%d records with the sum %016x", count, sum), nil
		}
		if err != nil {
			return "", err
		}
		hash.Reset()
		for _, f := range fields {
			hash.WriteString(f)
			hash.WriteByte(0)
		}
		sum += hash.Sum64()
		count++
	}
}
