package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"chute/connectors"
)

// loading is what bench load loads, and how often.
type loading struct {
	*bench
	records, pairs int
	bad            float64 // percent
	gzip           bool
	meter          *goMemory
}

func benchLoad() *cobra.Command {
	l := &loading{bench: &bench{}}
	c := l.chooseEngine(l.command(&cobra.Command{
		Use:   "load",
		Short: "load a large file, against the engine loading it by itself",
		Long: "Makes a CSV file of 11 typed columns (seeded, so always the same), loads it by chute, from claim to settled with every check and sync, and by the " +
			"engine's own means, in turns, compares counts and sums, and prints chute's time divided by the other's. With --bad or --gzip the other one is " +
			"chute itself with the clean file.",
	}, l.run))
	c.Flags().IntVar(&l.records, "records", 1_000_000, "records in the file")
	c.Flags().IntVar(&l.pairs, "pairs", 5, "how often both are measured")
	c.Flags().Float64Var(&l.bad, "bad", 0, "`PERCENT` of bad records: against the clean file")
	c.Flags().BoolVar(&l.gzip, "gzip", false, "the file compressed: against the clean file and zcat > /dev/null")
	c.MarkFlagsMutuallyExclusive("bad", "gzip")
	return c
}

func (l *loading) run(ctx context.Context) error {
	if l.bad < 0 || l.bad > 50 || l.pairs < 1 || l.records < 1 {
		return &exit{exitUsage, "--records and --pairs are at least 1, --bad is at most 50"}
	}
	if err := errors.Join(l.checkEngine(), l.install(time.Second)); err != nil {
		return err
	}
	clean := benchFile{name: l.path("bench.csv"), records: l.records}
	size, err := clean.write()
	if err != nil {
		return err
	}
	l.say("%d records, %d MB, engine %s, %d pairs", l.records, size/1e6, l.engine, l.pairs)
	return l.opened(ctx, func() error {
		l.meter = &goMemory{}
		name, ours, theirs, err := l.sides(clean)
		if err != nil {
			return err
		}
		if err := l.compare(ctx, name, l.pairs, ours, theirs); err != nil {
			return err
		}
		return l.printMemory()
	})
}

// sides are what is compared.
func (l *loading) sides(clean benchFile) (name string, ours, theirs side, err error) {
	chute := side{"chute", func(ctx context.Context) (time.Duration, string, error) { return l.byChute(ctx, clean) }}
	switch {
	case l.bad > 0:
		dirty := benchFile{name: l.path("bench-bad.csv"), records: l.records, every: max(int(100/l.bad), 2)}
		_, err = dirty.write()
		bad := side{"chute with bad records", func(ctx context.Context) (took time.Duration, _ string, err error) {
			took, _, err = l.byChute(ctx, dirty)
			return took, "", err
		}}
		chute.run = func(ctx context.Context) (took time.Duration, _ string, err error) { // its result is another one
			took, _, err = l.byChute(ctx, clean)
			return took, "", err
		}
		return "load-bad", bad, chute, err
	case l.gzip:
		packed := clean
		packed.name += ".gz"
		err = compress(clean.name, packed.name)
		return "load-gzip",
			side{"chute with gzip", func(ctx context.Context) (time.Duration, string, error) { return l.byChute(ctx, packed) }},
			side{"chute and zcat", func(ctx context.Context) (time.Duration, string, error) {
				took, result, err := l.byChute(ctx, clean)
				if err != nil {
					return 0, "", err
				}
				unpacking, err := zcat(ctx, packed.name)
				return took + unpacking, result, err
			}}, err
	}
	return "load-" + l.engine, chute, side{"engine", func(ctx context.Context) (time.Duration, string, error) { return l.byEngine(ctx, clean) }}, nil
}

// byChute measures a whole run of the file, from claim to settled.
func (l *loading) byChute(ctx context.Context, file benchFile) (took time.Duration, result string, err error) {
	if took, err = l.importFile(ctx, file, l.meter); err != nil {
		return 0, "", err
	}
	if err := l.checkRejects(file); err != nil {
		return 0, "", err
	}
	if err := os.RemoveAll(l.path("store/done")); err != nil { // links and sidecars that were made above
		return 0, "", err
	}
	result, err = l.fingerprint(ctx, l.table())
	return took, result, errors.Join(err, l.wantCount(ctx, l.table(), file.records-file.rejects()), l.drop(ctx, l.table()))
}

// importFile loads a file by chute, and tells how long it took from claim to settled.
func (b *bench) importFile(ctx context.Context, file benchFile, meter *goMemory) (took time.Duration, err error) {
	if err := os.Link(file.name, b.path("store/in/"+file.base())); err != nil {
		return 0, err
	}
	im := b.daemon.importer(b.daemon.jobs[0])
	files, err := im.Inbox.List(ctx, "in")
	if err != nil {
		return 0, err
	}
	stop := meter.watch()
	began := time.Now()
	v := im.Import(ctx, files)[0]
	took = time.Since(began)
	stop()
	if v.Outcome != connectors.Done {
		return 0, fmt.Errorf("the file is %v: %w", v.Outcome, errors.Join(v.Err))
	}
	return took, nil
}

// checkRejects counts the refused records.
func (l *loading) checkRejects(file benchFile) error {
	want := file.rejects()
	if want == 0 {
		return nil
	}
	got, err := countLines(l.path("store/done/" + file.rejectsName()))
	if err == nil && got != want+1 { // and the header
		err = fmt.Errorf("%d lines of refused records, want %d and the header", got, want)
	}
	return err
}

// fingerprint is what two loads of one file must have in common.
func (b *bench) fingerprint(ctx context.Context, table string) (string, error) {
	return b.row(ctx, "SELECT count(), sum(id), sum(toInt64(amount * 100)), sum(qty), sum(toUInt32(ordered)), "+
		"sum(toUInt16(day)), sum(length(note)), uniq(customer), sum(flag), sum(toInt64(score * 1000)) FROM "+table)
}

func (b *bench) wantCount(ctx context.Context, table string, want int) error {
	got, err := b.row(ctx, "SELECT count() FROM "+table)
	if err == nil && got != fmt.Sprint(want) {
		err = fmt.Errorf("%s rows are loaded, want %d", got, want)
	}
	return err
}

func (l *loading) printMemory() error {
	l.figure("mebibytes", "peak-go", float64(l.meter.peak)/(1<<20))
	l.say("that is what Go has while chute loads: chute without the engine")
	peak, err := residentPeak()
	if err != nil {
		return err
	}
	l.figure("mebibytes", "peak-process", float64(peak)/(1<<20))
	l.say("that is all of this process, and the embedded engine with both its loads, if it is in it")
	return nil
}
