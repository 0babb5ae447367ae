package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"chute/config"
	"chute/connectors"
	"chute/connectors/chdb/install"
	"chute/pipeline/reconcile"
)

//go:embed demo
var samples embed.FS

// demoFiles are dropped at once; demoAgain, the bytes of the first under another name, when they are through.
var demoFiles = []string{"strikes_1990.csv", "strikes_1991.csv", "strikes_1992.csv.gz", "strikes_1993.csv"}

const demoAgain = "strikes_1990_again.csv"

// demoTime is how long the daemon may take for them; it needs a few seconds.
const demoTime = time.Minute

func demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo [FOLDER]",
		Short: "load sample files in an empty folder and show what became of them",
		Long: "Fetches the embedded engine once, makes a small installation in an empty folder (default: a new one for temporary files), drops real sample files " +
			"into its inbox, runs the daemon until they are through, and shows every folder and sidecar. Nothing outside of the folder changes.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := installEngine(c.Context(), install.Installer{}, c.ErrOrStderr()); err != nil {
				return err
			}
			dir, err := demoFolder(args)
			if err != nil {
				return err
			}
			return (&demo{dir: dir, out: c.OutOrStdout()}).run(c.Context())
		},
	}
}

// demoFolder makes or checks the folder: what is in it already isn't the demo's to touch.
func demoFolder(args []string) (string, error) {
	if len(args) == 0 {
		return os.MkdirTemp("", "chute-demo-")
	}
	if err := os.MkdirAll(args[0], 0o755); err != nil {
		return "", err
	}
	entries, err := os.ReadDir(args[0])
	if err != nil {
		return "", err
	}
	if len(entries) > 0 {
		return "", &exit{exitUsage, fmt.Sprintf("%s isn't empty; the demo wants an empty folder", args[0])}
	}
	return filepath.Abs(args[0])
}

// demo is a small installation in a folder.
type demo struct {
	dir    string
	out    io.Writer
	daemon *daemon
}

func (d *demo) run(ctx context.Context) error {
	if err := d.install(); err != nil {
		return err
	}
	d.printf("A store with an inbox, and four files dropped into it:\n\n")
	if err := d.printTree("store"); err != nil {
		return err
	}
	if err := d.start(ctx); err != nil {
		return err
	}
	defer d.daemon.Close()
	d.printf("\nchute runs: it waits until the files are at rest, then loads them …\n\n")
	if err := d.watch(ctx); err != nil {
		return err
	}
	return d.tell(ctx)
}

func (d *demo) printf(format string, args ...any) { fmt.Fprintf(d.out, format, args...) }

func (d *demo) path(name string) string { return filepath.Join(d.dir, filepath.FromSlash(name)) }

// install writes the configuration and drops the files.
func (d *demo) install() error {
	for _, folder := range []string{"jobs.d", "store/in"} {
		if err := os.MkdirAll(d.path(folder), 0o755); err != nil {
			return err
		}
	}
	chute := fmt.Sprintf("# The demo's installation: embedded engine, one store.\n[state]\ndir = %s\n\n[jobs]\ndir = %s\n\n[limits]\nmin_free = \"64MiB\"\n\n[[store]]\nname = \"demo\"\npath = %s\n",
		strconv.Quote(d.path("state")), strconv.Quote(d.path("jobs.d")), strconv.Quote(d.path("store")))
	if err := os.WriteFile(d.path("chute.toml"), []byte(chute), 0o644); err != nil {
		return err
	}
	if err := d.drop("strikes.toml", "jobs.d/strikes.toml"); err != nil {
		return err
	}
	for _, name := range demoFiles {
		if err := d.drop(name, "store/in/"+name); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) drop(sample, name string) error {
	data, err := samples.ReadFile("demo/" + sample)
	if err != nil {
		return err
	}
	return os.WriteFile(d.path(name), data, 0o644)
}

func (d *demo) start(ctx context.Context) error {
	chute, jobs, err := config.Load(d.path("chute.toml"))
	if err != nil {
		return err
	}
	log := newLog(d.out)
	d.daemon, err = openDaemon(ctx, chute, jobs, log)
	return err
}

// watch runs the daemon until all files are through, the one that comes twice last.
func (d *demo) watch(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, demoTime, errors.New("the demo's files aren't through after a minute"))
	defer cancel()
	running, stop := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- d.daemon.Run(running) }()
	err := d.through(ctx, len(demoFiles))
	if err == nil {
		if err = d.drop(demoFiles[0], "store/in/"+demoAgain); err == nil {
			err = d.through(ctx, len(demoFiles)+1)
		}
	}
	stop()
	return errors.Join(err, <-stopped)
}

// through waits until n runs are settled.
func (d *demo) through(ctx context.Context, n int) error {
	for {
		runs, err := d.settled(ctx)
		if err != nil || len(runs) >= n {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// counts asks the table what it has.
func (d *demo) counts(ctx context.Context) ([][]any, error) {
	session, err := d.daemon.database.Session(ctx, "")
	if err != nil {
		return nil, err
	}
	return reconcile.Rows(ctx, session, connectors.Statement{
		SQL: "SELECT file_year, count(), sum(cost_total), min(flight_date), max(flight_date) FROM strikes GROUP BY file_year ORDER BY file_year"})
}
