package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"chute/connectors"
	"chute/connectors/local"
	"chute/watcher"
)

// stopwatch is a store that notes when the watcher sees a file for the first time, and when it sees it at rest: what comes before that is
// waiting by design, what comes behind it is work.
type stopwatch struct {
	*local.Folder
	settle time.Duration
	atRest chan time.Time // the beginning of the look that showed a file at rest; one for each reset

	mu    sync.Mutex
	first time.Time // end of the first look that showed a file
	given bool
}

// Sift implements connectors.Sifter.
func (s *stopwatch) Sift(ctx context.Context, dir string, wanted func(string, fs.FileMode) bool) ([]connectors.File, error) {
	began := time.Now()
	files, err := s.Folder.Sift(ctx, dir, wanted)
	if len(files) > 0 {
		s.note(began, time.Now())
	}
	return files, err
}

func (s *stopwatch) note(began, ended time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.first.IsZero():
		s.first = ended
	case !s.given && began.Sub(s.first) >= s.settle:
		s.given = true
		s.atRest <- began
	}
}

// reset begins with the next file. The inbox is empty then.
func (s *stopwatch) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first, s.given = time.Time{}, false
}

// watched is the daemon's watcher at work on the benchmark's job.
type watched struct {
	*stopwatch
	watcher  *watcher.Watcher
	verdicts chan []connectors.Verdict
	handling time.Duration // in the importer, as of the last verdicts that were received
}

// watching runs the daemon's own watcher during do.
func (b *bench) watching(ctx context.Context, settle time.Duration, do func(ctx context.Context, w *watched) error) error {
	w := &watched{
		stopwatch: &stopwatch{Folder: b.daemon.stores["s"].(*local.Folder), settle: settle, atRest: make(chan time.Time, 1)},
		watcher:   b.daemon.newWatcher(ctx, nil),
		verdicts:  make(chan []connectors.Verdict),
	}
	job := &w.watcher.Jobs[0]
	job.Folder = w.stopwatch
	handle := job.Handle
	job.Handle = func(ctx context.Context, files []connectors.File) []connectors.Verdict {
		began := time.Now()
		verdicts := handle(ctx, files)
		w.handling += time.Since(began)
		select {
		case w.verdicts <- verdicts:
		case <-ctx.Done():
		}
		return verdicts
	}
	ctx, cancel := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- w.watcher.Run(ctx) }()
	err := do(ctx, w)
	cancel()
	return errors.Join(err, <-stopped)
}

// benchPatience is how long a benchmark waits for what has to come within seconds.
const benchPatience = time.Minute

// await receives, or says what didn't come.
func await[T any](ctx context.Context, from <-chan T, what string) (got T, err error) {
	select {
	case got = <-from:
		return got, nil
	case <-ctx.Done():
		return got, context.Cause(ctx)
	case <-time.After(benchPatience):
		return got, fmt.Errorf("%s didn't come within %v", what, benchPatience)
	}
}

// loaded awaits the verdicts on the next files and insists that they are done.
func (w *watched) loaded(ctx context.Context) (int, error) {
	verdicts, err := await(ctx, w.verdicts, "the verdict on a file")
	for _, v := range verdicts {
		if v.Outcome != connectors.Done {
			return 0, fmt.Errorf("file %q is %v: %w", v.File.Name, v.Outcome, errors.Join(v.Err))
		}
	}
	return len(verdicts), err
}
