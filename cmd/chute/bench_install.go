package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"chute/config"
	"chute/connectors"
	"chute/pipeline/reconcile"
)

// benchJob is a job for the columns of benchRecord; the same file may come again and again.
const benchJob = `
kind   = "import"
store  = "s"
inbox  = "in"
match  = "bench*.csv*"
settle = %q
[redelivery]
same = "load"
renamed = "load"
[target]
table    = %q
create   = true
order_by = ["id"]
`

// install writes an installation: a store, a state, one job.
func (b *bench) install(settle time.Duration) error {
	for _, dir := range []string{"jobs.d", "store/in"} {
		if err := os.MkdirAll(b.path(dir), 0o755); err != nil {
			return err
		}
	}
	database := ""
	if b.engine == "clickhouse" {
		database = fmt.Sprintf("[database]\nengine = \"clickhouse\"\naddress = [%q]\n", b.address)
	}
	chute := fmt.Sprintf("%s[state]\ndir = %q\n[jobs]\ndir = %q\n[limits]\nmin_free = \"64MiB\"\n[[store]]\nname = \"s\"\npath = %q\n",
		database, b.path("state"), b.path("jobs.d"), b.path("store"))
	var job strings.Builder
	fmt.Fprintf(&job, benchJob, settle, b.table())
	for _, c := range benchColumns {
		fmt.Fprintf(&job, "[[column]]\nname = %q\ntype = %q\n", c.name, c.typ)
	}
	return errors.Join(os.WriteFile(b.path("chute.toml"), []byte(chute), 0o644), os.WriteFile(b.path("jobs.d/bench.toml"), []byte(job.String()), 0o644))
}

// open opens the installation in this process.
func (b *bench) open(ctx context.Context) error {
	c, jobs, err := config.Load(b.path("chute.toml"))
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

// row asks for one row and returns it as text.
func (b *bench) row(ctx context.Context, sql string, args ...any) (string, error) {
	session, err := b.daemon.database.Session(ctx, "")
	if err != nil {
		return "", err
	}
	rows, err := reconcile.Rows(ctx, session, connectors.Statement{SQL: sql, Args: args})
	if err != nil {
		return "", err
	}
	if len(rows) != 1 {
		return "", fmt.Errorf("%d rows instead of one from %s", len(rows), sql)
	}
	return strings.TrimSuffix(fmt.Sprintln(rows[0]...), "\n"), nil
}

// drop removes a table, if there is one.
func (b *bench) drop(ctx context.Context, table string) error {
	return b.exec(ctx, "DROP TABLE IF EXISTS "+table)
}

// close drops what was made on the server and ends the daemon.
func (b *bench) close(ctx context.Context) error {
	var errs []error
	if b.engine == "clickhouse" {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute) // also after an interrupt
		defer cancel()
		errs = append(errs, b.drop(ctx, b.table()), b.drop(ctx, b.table()+"_yardstick"))
	}
	return errors.Join(append(errs, b.daemon.Close())...)
}

// opened does something with the installation open.
func (b *bench) opened(ctx context.Context, do func() error) error {
	if err := b.open(ctx); err != nil {
		return err
	}
	return errors.Join(do(), b.close(ctx))
}
