package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"chute/connectors"
)

// byChute measures a whole run of the file, from claim to settled.
func (b *bench) byChute(ctx context.Context, file string, i int) (time.Duration, error) {
	name := fmt.Sprintf("bench%d.csv", i)
	if err := os.Link(file, filepath.Join(b.dir, "store/in", name)); err != nil {
		return 0, err
	}
	im := b.daemon.importer(b.daemon.jobs[0])
	files, err := im.Inbox.List(ctx, "in")
	if err != nil {
		return 0, err
	}
	began := time.Now()
	v := im.Import(ctx, files)[0]
	took := time.Since(began)
	if v.Outcome != connectors.Done {
		return 0, fmt.Errorf("chute's load is %v: %w", v.Outcome, errors.Join(v.Err))
	}
	return took, os.Remove(filepath.Join(b.dir, "store/done", name)) // a link that was made above
}

// byEngine measures the engine's own load of the file into a table of the same columns and with the same syncs.
func (b *bench) byEngine(ctx context.Context, file string) (time.Duration, error) {
	var columns []string
	for _, c := range benchColumns {
		columns = append(columns, c.name+" "+c.typ)
	}
	table, syncs := b.table()+"_yardstick", ""
	session, err := b.daemon.database.Session(ctx, "")
	if err != nil {
		return 0, err
	}
	if session.Server().Abilities.FsyncSettings {
		syncs = " SETTINGS fsync_after_insert = 1, fsync_part_directory = 1"
	}
	if err := b.exec(ctx, "CREATE TABLE "+table+" ("+strings.Join(columns, ", ")+") ENGINE = MergeTree ORDER BY id"+syncs); err != nil {
		return 0, err
	}
	began := time.Now()
	if b.engine == "clickhouse" {
		err = b.byClient(ctx, file, table)
	} else {
		err = session.Exec(ctx, connectors.Statement{SQL: "INSERT INTO " + table + " SELECT * FROM file(?, CSVWithNames, ?)",
			Args: []any{file, strings.Join(columns, ", ")}})
	}
	return time.Since(began), err
}

// byClient pipes the file into clickhouse-client, the way the server's makers load a file.
func (b *bench) byClient(ctx context.Context, file, table string) error {
	host, port, err := net.SplitHostPort(b.address)
	if err != nil {
		return err
	}
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	cmd := exec.CommandContext(ctx, "clickhouse-client", "--host", host, "--port", port, "--query", "INSERT INTO "+table+" FORMAT CSVWithNames")
	cmd.Stdin = in
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("clickhouse-client: %w: %s", err, out)
	}
	return nil
}

// small measures many small files, all at rest at once.
func (b *bench) small(ctx context.Context) error {
	if err := b.start(ctx); err != nil {
		return err
	}
	defer b.daemon.Close()
	const each = 10
	n := b.records / each
	for i := range n {
		if _, err := writeBenchPart(filepath.Join(b.dir, "store/in", fmt.Sprintf("small%07d.csv", i)), i*each, each); err != nil {
			return err
		}
	}
	im := b.daemon.importer(b.daemon.jobs[0])
	files, err := im.Inbox.List(ctx, "in")
	if err != nil {
		return err
	}
	batch := im.Job.Batch.Files
	began := time.Now()
	for first := 0; first < len(files); first += batch {
		for _, v := range im.Import(ctx, files[first:min(first+batch, len(files))]) {
			if v.Outcome != connectors.Done {
				return fmt.Errorf("file %q is %v: %w", v.File.Name, v.Outcome, errors.Join(v.Err))
			}
		}
	}
	took := time.Since(began).Seconds()
	fmt.Fprintf(b.out, "# %d files of %d records in %.2f s\nfiles-per-second %.0f\n", n, each, took, float64(n)/took)
	return nil
}

// peakMemory is the largest resident size of this process so far, in bytes (proc(5), VmHWM).
func peakMemory() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, errors.New("/proc/self/status has no VmHWM")
	}
	kib, err := strconv.ParseInt(fields[0], 10, 64)
	return kib << 10, err
}
