package main

import (
	"os"
	"path/filepath"
	"testing"

	"chute/config"
	"chute/pipeline/ledger"
)

// TestDeliveredFile: a run's file and its log are where they really are: on this machine, on a server, in an inbox that they never left.
func TestDeliveredFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "store/in"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "store/in/a.csv"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	chute := &config.Chute{State: config.State{Dir: dir}, Stores: []config.Store{
		{Name: "near", Path: filepath.Join(dir, "store"), Work: ".chute"},
		{Name: "far", Work: ".chute", SFTP: config.SFTP{User: "chute", Host: "acme.example", Port: 22, Root: "out"}},
	}}
	const server = "sftp://chute@acme.example:22/~/out/"
	claimed := []ledger.Move{{From: ".chute/l/7/out/7.log", To: "done/a.csv.log"}, {From: ".chute/l/7/a.csv", To: "done/a.csv"}}
	stayed := func(to string) []ledger.Move {
		return []ledger.Move{{From: "remembered/l/7/out/7.log", To: "runs/7/a.csv.log"}, {From: "in/a.csv", To: to}}
	}
	for name, c := range map[string]struct {
		store     string
		state     ledger.State
		moves     []ledger.Move
		file, log string // below dir, or an address
		gone      bool
	}{
		"moved":                 {"near", ledger.Settled, claimed, "store/done/a.csv", "store/done/a.csv.log", true},
		"moved on a server":     {"far", ledger.Settled, claimed, server + "done/a.csv", server + "done/a.csv.log", false},
		"claimed":               {"near", ledger.Claimed, nil, "store/.chute/l/7/a.csv", "", true},
		"claimed on a server":   {"far", ledger.Claimed, nil, server + ".chute/l/7/a.csv", "", false},
		"withdrawn":             {"far", ledger.Withdrawn, nil, server + "in/a.csv", "", false},
		"stays":                 {"near", ledger.Claimed, stayed("")[1:], "store/in/a.csv", "", false},
		"stayed":                {"near", ledger.Settled, stayed(""), "store/in/a.csv", "runs/7/a.csv.log", false},
		"stayed on a server":    {"far", ledger.Settled, stayed(""), server + "in/a.csv", "runs/7/a.csv.log", false},
		"put away on a server":  {"far", ledger.Settled, stayed("done/a.csv"), server + "done/a.csv", "runs/7/a.csv.log", false},
		"deleted on a server":   {"far", ledger.Settled, stayed(".chute/l/7/a.csv"), server + ".chute/l/7/a.csv", "runs/7/a.csv.log", true},
		"of a store that's not": {"old", ledger.Settled, claimed, "old/done/a.csv", "", false},
		"claimed, store gone":   {"old", ledger.Claimed, nil, "old/.chute/l/7/a.csv", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &shownRun{Run: ledger.Run{ID: 7, Batch: 7, Store: c.store, Inbox: "in", State: c.state, Moves: c.moves}}
			s.File.Name = "a.csv"
			place := func(name string) string {
				if c.store == "far" && name != "runs/7/a.csv.log" {
					return name
				}
				return filepath.Join(dir, name)
			}
			want := place(c.file)
			if c.store == "old" {
				want = c.file
			}
			if got := s.findFiles(chute, "l")[0]; string(got.Path) != want || got.Gone != c.gone {
				t.Errorf("the file is %+v, want it at %s, gone: %t", got, want, c.gone)
			}
			if c.log == "" {
				return
			}
			if got, want := s.beside(chute, c.moves[0].To), place(c.log); got != want {
				t.Errorf("the log is at %s, want %s", got, want)
			}
		})
	}
}
