package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

// smallRecords is how many records a small file has.
const smallRecords = 10

func benchSmall() *cobra.Command {
	b := &bench{}
	files := 0
	c := b.chooseEngine(b.command(&cobra.Command{
		Use:   "small",
		Short: "load many files of 10 records and print the files a second",
		Long: "Puts files of 10 records into an inbox, and lets the daemon's watcher and importer work on them. The time goes from the beginning of the look that " +
			"shows them at rest until the last one is settled.",
	}, func(ctx context.Context) error {
		const settle = time.Second
		if err := errors.Join(b.checkEngine(), b.install(settle)); err != nil {
			return err
		}
		for i := range files {
			f := benchFile{name: b.path(fmt.Sprintf("store/in/bench%07d.csv", i)), first: i * smallRecords, records: smallRecords}
			if _, err := f.write(); err != nil {
				return err
			}
		}
		return b.opened(ctx, func() error {
			return b.watching(ctx, settle, func(ctx context.Context, w *watched) error { return b.small(ctx, w, files) })
		})
	}))
	c.Flags().IntVar(&files, "files", 10_000, "how many files")
	return c
}

func (b *bench) small(ctx context.Context, w *watched, files int) error {
	began, err := await(ctx, w.atRest, "the look that shows the files at rest")
	if err != nil {
		return err
	}
	batches := 0
	for loaded := 0; loaded < files; batches++ {
		n, err := w.loaded(ctx)
		if err != nil {
			return err
		}
		loaded += n
	}
	took := time.Since(began).Seconds()
	if err := b.wantCount(ctx, b.table(), files*smallRecords); err != nil {
		return err
	}
	b.say("%d files of %d records, in %d batches, in %.2f s, of which %.2f s in the importer", files, smallRecords, batches, took, w.handling.Seconds())
	fmt.Fprintf(b.out, "files-per-second %.0f\n", float64(files)/took)
	return nil
}
