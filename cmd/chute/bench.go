package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"chute/config"
	"chute/connectors"
	"chute/pipeline/reconcile"
)

// bench measures chute against a yardstick, alternately in one process, so that what the machine does meanwhile hits both.
type bench struct {
	records int
	pairs   int
	engine  string
	address string
	keep    string
	dir     string
	out     io.Writer
	daemon  *daemon
}

func benchCommand() *cobra.Command {
	b := &bench{}
	c := &cobra.Command{
		Use:   "bench",
		Short: "measure chute against the engine's own tools, side by side",
	}
	load := &cobra.Command{
		Use:   "load",
		Short: "load a large file, against the engine loading it by itself",
		Long: "Makes a CSV file of 11 typed columns (seeded, so always the same), loads it by chute, from claim to settled with every sync, and by the " +
			"engine's own means, in turns, compares counts and sums, and prints lines \"ratio NAME MEDIAN MIN MAX\": chute's time divided by the other's.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			b.out = c.OutOrStdout()
			return b.inFolder(func() error { return b.load(c.Context()) })
		},
	}
	small := &cobra.Command{
		Use:   "small",
		Short: "load many files of 10 records and print the files a second",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			b.out = c.OutOrStdout()
			return b.inFolder(func() error { return b.small(c.Context()) })
		},
	}
	for _, sub := range []*cobra.Command{load, small} {
		sub.Flags().IntVar(&b.records, "records", 1_000_000, "how many records, in all files together")
		sub.Flags().StringVar(&b.engine, "engine", "chdb", "chdb or clickhouse")
		sub.Flags().StringVar(&b.address, "address", "127.0.0.1:9000", "the server, for --engine clickhouse")
		sub.Flags().StringVar(&b.keep, "dir", "", "an empty `FOLDER` to work in and to keep (default: a temporary one)")
	}
	load.Flags().IntVar(&b.pairs, "pairs", 5, "how often each is run")
	c.AddCommand(load, small)
	return c
}

// inFolder runs a benchmark in a folder of its own.
func (b *bench) inFolder(run func() error) (err error) {
	if b.keep != "" {
		if b.dir, err = demoFolder([]string{b.keep}); err != nil {
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

// benchJob is a job for the columns of benchRecord.
const benchJob = `
kind   = "import"
store  = "s"
inbox  = "in"
match  = "*.csv"
[redelivery]
same = "load"
renamed = "load"
[target]
table    = "TABLE"
create   = true
order_by = ["id"]
`

// start writes an installation and opens it.
func (b *bench) start(ctx context.Context) error {
	for _, dir := range []string{"jobs.d", "store/in"} {
		if err := os.MkdirAll(filepath.Join(b.dir, dir), 0o755); err != nil {
			return err
		}
	}
	database := ""
	if b.engine == "clickhouse" {
		database = fmt.Sprintf("[database]\nengine = \"clickhouse\"\naddress = [%q]\n", b.address)
	}
	chute := fmt.Sprintf("%s[state]\ndir = %q\n[limits]\nmin_free = \"64MiB\"\n[[store]]\nname = \"s\"\npath = %q\n", database, b.dir+"/state", b.dir+"/store")
	var job strings.Builder
	job.WriteString(strings.Replace(benchJob, "TABLE", b.table(), 1))
	for _, c := range benchColumns {
		fmt.Fprintf(&job, "[[column]]\nname = %q\ntype = %q\n", c.name, c.typ)
	}
	for name, text := range map[string]string{"chute.toml": chute, "jobs.d/bench.toml": job.String()} {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	c, jobs, err := config.Load(filepath.Join(b.dir, "chute.toml"))
	if err != nil {
		return err
	}
	b.daemon, err = openDaemon(ctx, c, jobs, zerolog.Nop())
	return err
}

// table is the benchmark's table; on a server it is told from others' by the process.
func (b *bench) table() string {
	if b.engine == "clickhouse" {
		return fmt.Sprintf("chute_bench_%d", os.Getpid())
	}
	return "bench"
}

func (b *bench) exec(ctx context.Context, sql string) error {
	session, err := b.daemon.database.Session(ctx, "")
	if err != nil {
		return err
	}
	return session.Exec(ctx, connectors.Statement{SQL: sql, Settings: reconcile.Pinned(session.Server().Abilities)})
}

// fingerprint is what two loads of one file must have in common.
func (b *bench) fingerprint(ctx context.Context, table string) (string, error) {
	session, err := b.daemon.database.Session(ctx, "")
	if err != nil {
		return "", err
	}
	rows, err := reconcile.Rows(ctx, session, connectors.Statement{SQL: "SELECT count(), sum(id), sum(toInt64(amount * 100)), sum(qty), sum(toUInt32(ordered)), " +
		"sum(toUInt16(day)), sum(length(note)), uniq(customer), sum(flag) FROM " + table})
	if err != nil {
		return "", err
	}
	return fmt.Sprint(rows[0]), nil
}

// load runs the pairs.
func (b *bench) load(ctx context.Context) error {
	if err := b.start(ctx); err != nil {
		return err
	}
	defer b.daemon.Close()
	file := filepath.Join(b.dir, "bench.csv")
	size, err := writeBenchFile(file, b.records)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "# %d records, %d MB, engine %s, %d pairs\n", b.records, size/1e6, b.engine, b.pairs)
	var ratios []float64
	for i := range b.pairs {
		ours, theirs, err := b.pair(ctx, file, i)
		if err != nil {
			return err
		}
		fmt.Fprintf(b.out, "# pair %d: chute %.2f s, engine %.2f s\n", i+1, ours.Seconds(), theirs.Seconds())
		ratios = append(ratios, ours.Seconds()/theirs.Seconds())
	}
	printRatio(b.out, "load-"+b.engine, ratios)
	peak, err := peakMemory()
	if err == nil {
		fmt.Fprintf(b.out, "peak-memory %d MiB (this process, with what it has loaded)\n", peak>>20)
	}
	return err
}

// pair loads the file by both, whoever begins taking turns, and compares what is in the tables.
func (b *bench) pair(ctx context.Context, file string, i int) (ours, theirs time.Duration, err error) {
	steps := []func() error{
		func() (err error) { ours, err = b.byChute(ctx, file, i); return err },
		func() (err error) { theirs, err = b.byEngine(ctx, file); return err },
	}
	if i%2 == 1 {
		slices.Reverse(steps)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return 0, 0, err
		}
	}
	mine, err := b.fingerprint(ctx, b.table())
	if err != nil {
		return 0, 0, err
	}
	other, err := b.fingerprint(ctx, b.table()+"_yardstick")
	if err == nil && mine != other {
		err = fmt.Errorf("the tables differ: chute loaded %s, the engine %s", mine, other)
	}
	for _, table := range []string{b.table(), b.table() + "_yardstick"} {
		if err == nil {
			err = b.exec(ctx, "DROP TABLE "+table)
		}
	}
	return ours, theirs, err
}

// printRatio prints one line for programs.
func printRatio(w io.Writer, name string, ratios []float64) {
	slices.Sort(ratios)
	fmt.Fprintf(w, "ratio %s %.3f %.3f %.3f\n", name, ratios[len(ratios)/2], ratios[0], ratios[len(ratios)-1])
}
