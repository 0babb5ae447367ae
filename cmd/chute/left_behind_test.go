package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/watcher/control"
	"chute/watcher/status"
)

// TestLeftBehind: a run that a killed process has left is said to be running by nobody, and by somebody while there is one who may be at it.
func TestLeftBehind(t *testing.T) {
	dir := t.TempDir()
	state := filepath.Join(dir, "state")
	lock, err := control.Own(state)
	must(t, err)
	l, err := ledger.Open(t.Context(), filepath.Join(state, ledgerFile))
	must(t, err)
	must(t, l.Begin(t.Context(), []ledger.Run{
		{Kind: ledger.Import, Job: "orders", Store: "acme", Inbox: "in", File: connectors.File{Name: "a.csv"}},
		{Kind: ledger.Import, Job: "orders", Store: "/by/hand", Inbox: "tmp", File: connectors.File{Name: "b.csv"}},
	}))
	must(t, l.Close())
	must(t, os.MkdirAll(filepath.Join(dir, "store/in"), 0o755))
	must(t, os.Mkdir(filepath.Join(dir, "jobs.d"), 0o755))
	chute := filepath.Join(dir, "chute.toml")
	must(t, os.WriteFile(chute, []byte("[state]\ndir = \""+state+"\"\n[jobs]\ndir = \"jobs.d\"\n[[store]]\nname = \"acme\"\npath = \""+dir+"/store\"\n"), 0o644))

	ask := func(args ...string) string {
		t.Helper()
		var out, said bytes.Buffer
		if code := run(t.Context(), append([]string{"--config", chute}, args...), strings.NewReader(""), &out, &said); code != 0 {
			t.Fatalf("%q left with %d: %s", args, code, &said)
		}
		return out.String()
	}
	const left = "; nobody is at it: it goes on when chute is started"
	wanted := func(when string, daemons, hands bool) {
		t.Helper()
		for id, behind := range map[string]bool{"1": daemons, "2": hands} {
			if got := strings.Contains(ask("show", id), left); got != behind {
				t.Errorf("%s: run %s is left behind: %t", when, id, got)
			}
			if got := strings.Contains(ask("show", "--json", id), `"left_behind": true`); got != behind {
				t.Errorf("%s: as JSON run %s is left behind: %t", when, id, got)
			}
		}
	}
	told := func(d status.Daemon) {
		d.Schema, d.StaleAfter = status.Schema, 20
		must(t, (&status.Writer{Dir: filepath.Join(state, status.Dir)}).Write(status.Snapshot{Daemon: d}))
	}
	wanted("the owner has told nothing yet", false, false)
	told(status.Daemon{Heartbeat: time.Now()})
	wanted("a daemon", false, false)
	told(status.Daemon{Heartbeat: time.Now().Add(-time.Hour)})
	wanted("a daemon was killed, and another command has the state", true, false)
	told(status.Daemon{Heartbeat: time.Now(), Stopped: time.Now()})
	wanted("a daemon was stopped, and another command has the state", true, false)
	must(t, lock.Release())
	told(status.Daemon{Heartbeat: time.Now()})
	wanted("nobody", true, true)
	if said := ask("why", "acme:in/a.csv"); !strings.Contains(said, "state   not running\n") || !strings.Contains(said, "chute ended while it was running") {
		t.Errorf("why: %s", said)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
