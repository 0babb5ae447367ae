package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// bench is what every benchmark has: where it works and prints, which engine it uses, and an installation of its own.
type bench struct {
	engine, address, folder string // flags

	dir    string
	out    io.Writer
	daemon *daemon
}

func benchCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "bench",
		Short: "measure chute against the engine's own tools, side by side",
		Long: "Each benchmark makes an installation of its own in a folder of its own. Lines that begin with # are for people; the others are for programs: " +
			"a unit, a name, and figures.",
	}
	c.AddCommand(benchLoad(), benchExport(), benchMemory(), benchSmall(), benchLook(), benchLatency())
	return c
}

// command makes a benchmark a command that runs in a folder, which is removed unless it was named.
func (b *bench) command(c *cobra.Command, run func(ctx context.Context) error) *cobra.Command {
	c.Args = cobra.NoArgs
	c.RunE = func(c *cobra.Command, _ []string) error {
		b.out = c.OutOrStdout()
		return b.inFolder(func() error { return run(c.Context()) })
	}
	c.Flags().StringVar(&b.folder, "dir", "", "an empty `FOLDER` to work in and to keep (default: a temporary one)")
	return c
}

// chooseEngine gives a benchmark its flags for the engine.
func (b *bench) chooseEngine(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&b.engine, "engine", "chdb", "chdb or clickhouse")
	c.Flags().StringVar(&b.address, "address", "", "`HOST:PORT` of a server, for --engine clickhouse")
	return c
}

// checkEngine says what is missing before anything is made.
func (b *bench) checkEngine() error {
	switch {
	case b.engine != "chdb" && b.engine != "clickhouse":
		return &exit{exitUsage, fmt.Sprintf("--engine %q: there are chdb and clickhouse", b.engine)}
	case b.engine == "clickhouse" && b.address == "":
		return &exit{exitUsage, "--engine clickhouse needs --address HOST:PORT, the native port of a server that has nothing else to do. " +
			"No server is started here; for one on this machine: clickhouse-server --config-file=/etc/clickhouse-server/config.xml, then --address 127.0.0.1:9000"}
	}
	return nil
}

// inFolder runs a benchmark in a folder of its own.
func (b *bench) inFolder(run func() error) (err error) {
	if b.folder != "" {
		if b.dir, err = demoFolder([]string{b.folder}); err != nil {
			return err
		}
		return run()
	}
	if b.dir, err = os.MkdirTemp("", "chute-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir) // made above, and nothing of anybody's is in it
	return run()
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, filepath.FromSlash(name)) }

// say prints a line for people.
func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.out, "# "+format+"\n", args...) }
