package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"chute/watcher"
)

func benchLook() *cobra.Command {
	// No file is ever taken, so there is no need of an engine that answers.
	b := &bench{engine: "clickhouse", address: "127.0.0.1:1"}
	files, seconds := 0, 0
	c := b.command(&cobra.Command{
		Use:   "look",
		Short: "watch an inbox full of files that nobody takes: time of a look, idle CPU, memory",
		Long: "Fills an inbox with files that no job matches and runs the daemon's watcher on it: the seconds of the first look and of later ones, " +
			"the percent of one core that watching takes while nothing happens, and the memory of the process, which has nothing else to do.",
	}, func(ctx context.Context) error {
		if err := b.install(time.Second); err != nil {
			return err
		}
		for i := range files {
			name := b.path(fmt.Sprintf("store/in/invoice-of-an-important-customer-%07d.pdf", i))
			if err := os.WriteFile(name, nil, 0o644); err != nil {
				return err
			}
		}
		if err := b.open(ctx); err != nil {
			return err
		}
		return errors.Join(b.look(ctx, files, time.Duration(seconds)*time.Second), b.daemon.Close())
	})
	c.Flags().IntVar(&files, "files", 100_000, "how many files wait")
	c.Flags().IntVar(&seconds, "seconds", 60, "how long to watch while nothing happens; a look is due every 30")
	return c
}

func (b *bench) look(ctx context.Context, files int, idle time.Duration) error {
	w := b.daemon.newWatcher(ctx, nil)
	ctx, cancel := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- w.Run(ctx) }()
	err := b.looks(ctx, w, files)
	if err == nil {
		err = b.idle(ctx, idle)
	}
	cancel()
	return errors.Join(err, <-stopped)
}

// looks measures the first look and five later ones.
func (b *bench) looks(ctx context.Context, w *watcher.Watcher, files int) error {
	first, err := nextLook(ctx, w, time.Time{})
	if err != nil {
		return err
	}
	if first.Entries != files {
		return fmt.Errorf("the watcher sees %d files of %d", first.Entries, files)
	}
	b.figure("seconds", "look-first", first.Took.Seconds())
	var later []float64
	for before := first; len(later) < 5; {
		w.Look()
		if before, err = nextLook(ctx, w, before.Looked); err != nil {
			return err
		}
		later = append(later, before.Took.Seconds())
	}
	slices.Sort(later)
	b.figure("seconds", "look-next", middle(later))
	return nil
}

// nextLook waits for a look after the one that ended at the given time.
func nextLook(ctx context.Context, w *watcher.Watcher, after time.Time) (watcher.Place, error) {
	late := time.After(benchPatience)
	for {
		for _, place := range w.Places() {
			if !place.Looked.IsZero() && place.Looked.After(after) {
				return place, nil
			}
		}
		select {
		case <-ctx.Done():
			return watcher.Place{}, context.Cause(ctx)
		case <-late:
			return watcher.Place{}, fmt.Errorf("no look within %v", benchPatience)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// idle measures what watching costs while nothing happens.
func (b *bench) idle(ctx context.Context, whole time.Duration) error {
	before, err := cpuTime()
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(whole):
	}
	after, err := cpuTime()
	if err != nil {
		return err
	}
	b.figure("percent", "idle-cpu", 100*(after-before).Seconds()/whole.Seconds())
	now, err1 := resident()
	peak, err2 := residentPeak()
	b.figure("mebibytes", "resident", float64(now)/(1<<20))
	b.figure("mebibytes", "peak-process", float64(peak)/(1<<20))
	return errors.Join(err1, err2)
}
