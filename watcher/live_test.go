package watcher

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"chute/config"
	"chute/connectors"
	"chute/connectors/local"
)

// counted is a local folder that counts the looks.
type counted struct {
	*local.Folder
	looks, listed, longest atomic.Int64 // how many, and nanoseconds
}

func (c *counted) Sift(ctx context.Context, dir string, wanted func(string, fs.FileMode) bool) ([]connectors.File, error) {
	began := time.Now()
	files, err := c.Folder.Sift(ctx, dir, wanted)
	took := int64(time.Since(began))
	c.looks.Add(1)
	c.listed.Add(took)
	c.longest.Store(max(took, c.longest.Load())) // one goroutine looks
	return files, err
}

// live is a watcher in real time, with inotify, that hands over to a function.
func live(t *testing.T, handle func(*counted, []connectors.File) []connectors.Verdict) (folder *counted, inbox string) {
	t.Helper()
	root := t.TempDir()
	inbox = filepath.Join(root, "in")
	must(t, os.Mkdir(inbox, 0o755))
	opened, err := local.Open(root, ".chute")
	must(t, err)
	folder = &counted{Folder: opened}
	job := jobConfig(t, "orders", "*.csv")
	job.Settle = config.Duration(100 * time.Millisecond)
	w := &Watcher{Rescan: time.Hour, Log: zerolog.Nop(), Jobs: []Job{{Config: job, Folder: folder, Resume: noRuns,
		Handle: func(_ context.Context, files []connectors.File) []connectors.Verdict { return handle(folder, files) }}}}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	return folder, inbox
}

// soon receives, or fails after a time that no healthy machine needs.
func soon[T any](t *testing.T, from <-chan T) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(time.Minute):
		t.Fatal("nothing came within a minute")
	}
	return got
}

// TestLive is in real time. What needs very many files isn't even begun in short runs.
func TestLive(t *testing.T) {
	t.Run("notice", liveNotice)
	if !testing.Short() {
		t.Run("many at once", liveManyAtOnce)
	}
}

func liveNotice(t *testing.T) {
	handed := make(chan string, 10)
	_, inbox := live(t, func(c *counted, files []connectors.File) []connectors.Verdict {
		var verdicts []connectors.Verdict
		for _, f := range files {
			if err := os.Remove(filepath.Join(c.Root, "in", f.Name)); err != nil {
				t.Error(err)
			}
			handed <- f.Name
			verdicts = append(verdicts, connectors.Verdict{File: f, Outcome: connectors.Done})
		}
		return verdicts
	})
	// The rescan is an hour away: only inotify can tell.
	write(t, filepath.Join(inbox, "a.csv"), "1\n")
	if got := soon(t, handed); got != "a.csv" {
		t.Errorf("handed over %q", got)
	}
	write(t, filepath.Join(inbox, "b.csv.tmp"), "1\n")
	must(t, os.Rename(filepath.Join(inbox, "b.csv.tmp"), filepath.Join(inbox, "b.csv")))
	if got := soon(t, handed); got != "b.csv" {
		t.Errorf("handed over %q", got)
	}
	must(t, os.RemoveAll(inbox))
	must(t, os.Mkdir(inbox, 0o755))
	write(t, filepath.Join(inbox, "c.csv"), "1\n")
	if got := soon(t, handed); got != "c.csv" {
		t.Errorf("handed over %q", got)
	}
}

// liveManyAtOnce: of fifty thousand events at once none gets lost that matters, nothing is handed over twice, and looks stay a tenth of the time.
func liveManyAtOnce(t *testing.T) {
	const every = 50
	seen := make(map[string]bool) // only touched by Handle, which is called by one goroutine
	all := make(chan struct{})
	folder, inbox := live(t, func(c *counted, batch []connectors.File) []connectors.Verdict {
		verdicts := make([]connectors.Verdict, len(batch))
		for i, f := range batch {
			if seen[f.Name] {
				t.Errorf("%s is handed over twice", f.Name)
			}
			seen[f.Name] = true
			if err := os.Remove(filepath.Join(c.Root, "in", f.Name)); err != nil {
				t.Error(err)
			}
			verdicts[i] = connectors.Verdict{File: f, Outcome: connectors.Done}
		}
		if len(seen) == liveFiles/every {
			close(all)
		}
		return verdicts
	})
	began := time.Now()
	for i := range liveFiles { // each makes four events: made, written or changed, renamed from, renamed to
		name := filepath.Join(inbox, fmt.Sprintf("%05d.txt", i))
		if i%every == 0 {
			name = filepath.Join(inbox, fmt.Sprintf("%05d.csv", i))
			write(t, name+".part", "1,2,3\n")
		} else {
			must(t, syscall.Mknod(name+".part", syscall.S_IFREG|0o600, 0))
			must(t, os.Chmod(name+".part", 0o644))
		}
		must(t, os.Rename(name+".part", name))
	}
	soon(t, all)
	took := time.Since(began)
	listed, longest := time.Duration(folder.listed.Load()), time.Duration(folder.longest.Load())
	t.Logf("%d looks, %v of %v", folder.looks.Load(), listed, took)
	if listed > took/10+2*longest { // two: the first look, before began, and the last, whose gap isn't over
		t.Errorf("looks took %v of %v", listed, took)
	}
}

// crowded lists very many files, always the same.
type crowded struct {
	*local.Folder
	names []string
	looks atomic.Int64
}

func (c *crowded) Sift(_ context.Context, _ string, wanted func(string, fs.FileMode) bool) ([]connectors.File, error) {
	c.looks.Add(1)
	for _, name := range c.names {
		if wanted(name, 0) {
			return nil, fmt.Errorf("%s is wanted", name)
		}
	}
	return nil, nil
}

func crowd(n int) *crowded {
	c := &crowded{names: make([]string, n)}
	for i := range c.names {
		c.names[i] = fmt.Sprintf("invoice-of-an-important-customer-%06d.pdf", i)
	}
	return c
}

func TestManyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := crowd(waitingFiles)
		log := new(logText)
		w := &Watcher{Log: zerolog.New(log).Level(zerolog.InfoLevel), Jobs: []Job{{
			Config: jobConfig(t, "orders", "*.csv"), Folder: &unnoticed{Folder: folder, Sifter: folder}, Resume: noRuns,
			Handle: func(context.Context, []connectors.File) []connectors.Verdict {
				t.Error("something is handed over")
				return nil
			},
		}}}
		before := heap()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.Run(ctx) }()
		<-time.After(2 * time.Minute)
		synctest.Wait()
		if each := (heap() - before) / len(folder.names); each > 100 {
			t.Errorf("%d bytes are kept for each file", each)
		}
		if looks := folder.looks.Load(); looks > 5 {
			t.Errorf("%d looks in two quiet minutes", looks)
		}
		if lines := strings.Count(log.String(), "\n"); lines > 102 {
			t.Errorf("%d lines in the log", lines)
		}
		if places := w.Places(); len(places) != 1 || places[0] != w.Snapshot().Inboxes[0] || places[0].Entries != len(folder.names) {
			t.Errorf("%+v", places)
		}
		if got := len(w.Snapshot().Waiting); got != len(folder.names) {
			t.Errorf("%d files wait", got)
		}
		cancel()
		must(t, <-ended)
	})
}

// heap is how many bytes are in use.
func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
