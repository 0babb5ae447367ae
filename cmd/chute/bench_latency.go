package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
)

// latency is how bench latency measures.
type latency struct {
	*bench
	files, millions int
}

// latencySettle is short: waiting for rest isn't measured.
const latencySettle = 50 * time.Millisecond

func benchLatency() *cobra.Command {
	l := &latency{bench: &bench{}}
	c := l.chooseEngine(l.command(&cobra.Command{
		Use:   "latency",
		Short: "one small file at a time into a large table: milliseconds until its rows are visible",
		Long: "Fills the table, then puts files of 10 records into the inbox, each when the one before is settled, and lets the daemon's watcher and importer work. " +
			"Another reader asks the table all the time. The time goes from the beginning of the look that shows the file at rest until the reader has all its rows.",
	}, l.run))
	c.Flags().IntVar(&l.files, "files", 1000, "how many files, one after the other")
	c.Flags().IntVar(&l.millions, "millions", 10, "`MILLIONS` of rows that the table has before")
	return c
}

func (l *latency) run(ctx context.Context) error {
	if l.files < 1 {
		return &exit{exitUsage, "--files is at least 1"}
	}
	if err := errors.Join(l.checkEngine(), l.install(latencySettle)); err != nil {
		return err
	}
	return l.opened(ctx, func() error {
		return l.watching(ctx, latencySettle, func(ctx context.Context, w *watched) error {
			if err := l.prepare(ctx, w); err != nil {
				return err
			}
			var visible, settled []time.Duration
			for i := range l.files {
				v, s, err := l.one(ctx, w, i+1)
				if err != nil {
					return err
				}
				visible, settled = append(visible, v), append(settled, s)
			}
			l.milliseconds("visible", visible)
			l.milliseconds("settled", settled)
			return l.wantCount(ctx, l.table(), l.millions*1_000_000+(l.files+1)*smallRecords)
		})
	})
}

// prepare has a first file make the table, and fills it.
func (l *latency) prepare(ctx context.Context, w *watched) error {
	if _, _, err := l.put(ctx, w, 0); err != nil {
		return err
	}
	if _, err := w.loaded(ctx); err != nil {
		return err
	}
	began := time.Now()
	err := l.fill(ctx)
	l.say("the table has %d million rows, after %.1f s", l.millions, time.Since(began).Seconds())
	return err
}

// fill gives the table rows as the files have them, with ids that no file has.
func (l *latency) fill(ctx context.Context) error {
	if l.millions == 0 {
		return nil
	}
	return l.exec(ctx, fmt.Sprintf("INSERT INTO %s (id, customer, product, amount, qty, country, ordered, day, note, score, flag) SELECT number + 1000000000, "+
		"concat('customer ', toString(number %% 200000)), concat('product-', toString(number %% 5000)), toDecimal64(number %% 1000000, 2), "+
		"toInt32(number %% 2000000) - 1000000, 'DE', toDateTime(1704067200 + number %% 31000000), toDate(19723 + number %% 365), "+
		"concat('note, with \"quotes\" and number ', toString(number)), number / 7, toUInt8(number %% 2) FROM (SELECT number FROM system.numbers LIMIT %d)",
		l.table(), l.millions*1_000_000))
}

// put puts a file into the inbox and waits for the look that shows it at rest.
func (l *latency) put(ctx context.Context, w *watched, i int) (f benchFile, began time.Time, err error) {
	f = benchFile{name: l.path(fmt.Sprintf("bench%07d.csv", i)), first: i * smallRecords, records: smallRecords}
	if _, err := f.write(); err != nil {
		return f, began, err
	}
	w.reset()
	if err := os.Rename(f.name, l.path("store/in/"+f.base())); err != nil {
		return f, began, err
	}
	began, err = await(ctx, w.atRest, "the look that shows a file at rest")
	return f, began, err
}

// one measures from the look that shows a file at rest until its rows are visible, and until it is settled.
func (l *latency) one(ctx context.Context, w *watched, i int) (visible, settled time.Duration, err error) {
	f, began, err := l.put(ctx, w, i)
	if err != nil {
		return 0, 0, err
	}
	read := make(chan error, 1)
	go func() {
		at, err := l.reader(ctx, f)
		visible = at.Sub(began)
		read <- err
	}()
	_, err = w.loaded(ctx)
	settled = time.Since(began)
	return visible, settled, errors.Join(err, <-read)
}

// reader asks for the file's rows until all are there, and says when that was.
func (l *latency) reader(ctx context.Context, f benchFile) (at time.Time, err error) {
	sql := fmt.Sprintf("SELECT count() FROM %s WHERE id >= %d AND id < %d", l.table(), f.first, f.first+f.records)
	for late := time.Now().Add(benchPatience); time.Now().Before(late); {
		count, err := l.row(ctx, sql)
		if err != nil {
			return at, err
		}
		switch at = time.Now(); count {
		case fmt.Sprint(f.records):
			return at, nil
		case "0":
		default:
			return at, fmt.Errorf("a reader sees %s rows of %d", count, f.records)
		}
		select {
		case <-ctx.Done():
			return at, context.Cause(ctx)
		case <-time.After(2 * time.Millisecond):
		}
	}
	return at, fmt.Errorf("the rows of %s aren't visible within %v", f.base(), benchPatience)
}
