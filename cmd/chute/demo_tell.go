package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"chute/pipeline/ledger"
)

// settled are the demo's runs that are through, the first one first.
func (d *demo) settled(ctx context.Context) ([]ledger.Run, error) {
	runs, err := d.daemon.ledger.Runs(ctx, ledger.Filter{})
	if err != nil {
		return nil, err
	}
	var through []ledger.Run
	for _, run := range runs {
		if run.State == ledger.Settled {
			through = append([]ledger.Run{run}, through...)
		}
	}
	return through, nil
}

// tell shows what became of the files.
func (d *demo) tell(ctx context.Context) error {
	d.printf("\nThe folders afterwards:\n\n")
	if err := d.printTree("store"); err != nil {
		return err
	}
	runs, err := d.settled(ctx)
	if err != nil {
		return err
	}
	d.printf("\nThe runs:\n\n")
	table := d.table(column{name: "run", right: true}, column{name: "file"}, column{name: "status"}, column{name: "records", right: true},
		column{name: "loaded", right: true}, column{name: "refused", right: true})
	for _, r := range runs {
		err := table.add(fmt.Sprint(r.ID), r.File.Name, string(r.Status), fmt.Sprint(r.Records), fmt.Sprint(r.Accepted), fmt.Sprint(r.Rejects))
		if err != nil {
			return err
		}
	}
	if err := table.flush(); err != nil {
		return err
	}
	if err := d.printCounts(ctx); err != nil {
		return err
	}
	if err := d.printReject(); err != nil {
		return err
	}
	d.printf("\nEverything lies in %s: chute.toml, jobs.d/strikes.toml, store/ (what a partner sees), state/ (what chute remembers).\n", d.dir)
	d.printf("Next: mend store/done/strikes_1991.rejects.csv, put it into store/in and start the daemon (Ctrl-C stops it):\n\n  chute --config %s run\n", d.path("chute.toml"))
	return nil
}

func (d *demo) printCounts(ctx context.Context) error {
	rows, err := d.counts(ctx)
	if err != nil {
		return err
	}
	d.printf("\nThe table strikes, asked by SQL:\n\n")
	table := d.table(column{name: "file_year"}, column{name: "count()", right: true}, column{name: "sum(cost_total)", right: true},
		column{name: "min(flight_date)"}, column{name: "max(flight_date)"})
	for _, r := range rows {
		err := table.add(fmt.Sprint(r[0]), fmt.Sprint(r[1]), fmt.Sprint(r[2]), fmt.Sprintf("%.10s", fmt.Sprint(r[3])), fmt.Sprintf("%.10s", fmt.Sprint(r[4])))
		if err != nil {
			return err
		}
	}
	return table.flush()
}

// table is one that is laid out and indented, wherever the demo prints.
func (d *demo) table(columns ...column) *table {
	t := textTable(d.out, columns...)
	t.indent = "  "
	return t
}

// printReject shows one refused record: its bytes, and the reason.
func (d *demo) printReject() error {
	rejects, err := os.ReadFile(d.path("store/done/strikes_1991.rejects.csv"))
	if err != nil {
		return err
	}
	reasons, err := os.ReadFile(d.path("store/done/strikes_1991.rejects.jsonl"))
	if err != nil {
		return err
	}
	lines := strings.Split(string(rejects), "\n")
	reason, _, _ := strings.Cut(string(reasons), "\n")
	d.printf("\nOne refused record, in store/done/strikes_1991.rejects.csv, and its reason, in strikes_1991.rejects.jsonl:\n\n  %s\n  %s\n",
		strings.TrimSpace(lines[1]), reason)
	return nil
}

// printTree lists a folder with what is in it, chute's own hidden work folder too.
func (d *demo) printTree(root string) error {
	return filepath.WalkDir(d.path(root), func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(d.dir, name)
		if err != nil {
			return err
		}
		indent := strings.Repeat("  ", strings.Count(rel, string(filepath.Separator))+1)
		if entry.IsDir() {
			d.printf("%s%s/\n", indent, entry.Name())
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		d.printf("%s%-36s %8d bytes\n", indent, entry.Name(), info.Size())
		return nil
	})
}
