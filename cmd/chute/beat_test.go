package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"chute/config"
	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/watcher/status"
)

// TestBeatKnowsRoom: the first status has the room in all places, and a reload forgets none of it.
func TestBeatKnowsRoom(t *testing.T) {
	d, _ := newDaemonAt(t)
	must(t, os.Mkdir(d.config.State.Dir, 0o755))
	synctest.Test(t, func(t *testing.T) {
		h := &heart{holdings: d.holdings, leave: func() {}}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		h.follow(ctx, &running)
		cancel()
		running.Wait()
		if len(h.disks) != 1 || !h.disks[0].Known || h.disks[0].Free == 0 {
			t.Fatalf("the first status has the disks %+v", h.disks)
		}
		before := *h.disks[0]
		next := *d
		d.readings.current.Store(&next)
		h.follow(ctx, &running) // nobody asks any more
		running.Wait()
		if len(h.disks) != 1 || *h.disks[0] != before {
			t.Errorf("after a reload the disks are %+v, they were %+v", h.disks, before)
		}
	})
}

// newDaemonAt makes a daemon of one job that has a ledger and nothing else.
func newDaemonAt(t *testing.T) (d *daemon, dir string) {
	t.Helper()
	dir = t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "jobs.d"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "jobs.d/orders.toml"), []byte("kind = \"import\"\nstore = \"acme\"\ninbox = \"in\"\nmatch = \"*\"\n[target]\ntable = \"t\"\n"), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "chute.toml"), []byte("[state]\ndir = \""+dir+"/state\"\n[jobs]\ndir = \"jobs.d\"\n[[store]]\nname = \"acme\"\npath = \""+dir+"/store\"\n"), 0o644))
	chute, jobs, err := config.Load(filepath.Join(dir, "chute.toml"))
	must(t, err)
	d = newDaemon(chute, jobs, zerolog.Nop())
	d.ledger, err = ledger.Open(t.Context(), filepath.Join(dir, ledgerFile))
	must(t, err)
	t.Cleanup(func() { must(t, d.ledger.Close()) })
	return d, dir
}

// TestBeat: what the ledger has of runs that wait comes into the status files, to chute status and onto the page.
func TestBeat(t *testing.T) {
	d, dir := newDaemonAt(t)
	var runs []ledger.Run
	for _, name := range []string{"a.csv", "b.csv", "c<i>.csv", "d.csv", "e.csv"} {
		runs = append(runs, ledger.Run{Kind: ledger.Import, Job: "orders", Store: "acme", Inbox: "in", File: connectors.File{Name: name}})
	}
	must(t, d.ledger.Begin(t.Context(), runs))
	for i, s := range []ledger.Status{ledger.Interrupted, ledger.Stuck, ledger.Paused, ledger.Cancelling, ledger.Cancelling} {
		runs[i].State, runs[i].Status, runs[i].Error = ledger.Claimed, s, "secret_value"
	}
	runs[4].Error = "" // nothing keeps it from being cancelled
	must(t, d.ledger.Update(t.Context(), runs))

	h := &heart{holdings: d.holdings, leave: func() {}, started: time.Now(), writer: status.Writer{Dir: filepath.Join(dir, status.Dir)}}
	h.beat(t.Context(), time.Time{})
	s, err := status.Read(h.writer.Dir)
	must(t, err)
	var codes []string
	for _, f := range status.Judge(s, time.Now()) {
		codes = append(codes, f.Code)
	}
	if got := strings.Join(codes, " "); got != "run-interrupted run-stuck" {
		t.Errorf("found %q", got)
	}
	if len(s.Jobs) != 1 || len(s.Jobs[0].Runs) != 4 || s.Daemon.Queue.Retrying != 1 || s.Jobs[0].Oldest.IsZero() {
		t.Errorf("the jobs are %+v, the queue %+v", s.Jobs, s.Daemon.Queue)
	}
	page, err := os.ReadFile(filepath.Join(h.writer.Dir, status.PageFile))
	must(t, err)
	for _, want := range []string{">interrupted</span>", ">stuck</span>", ">paused</span>", "<bdi>c&lt;i&gt;.csv</bdi>"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(string(page), "secret_value") {
		t.Error("the page has what an error may repeat of a record")
	}
}
