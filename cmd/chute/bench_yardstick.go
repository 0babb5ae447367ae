package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"time"

	"chute/connectors"
)

// byEngine measures the engine's own load of the file: into a table of the same columns, order and syncs, with the engine's own settings, which
// are what its makers hold best.
func (l *loading) byEngine(ctx context.Context, file benchFile) (took time.Duration, result string, err error) {
	table, syncs := l.table()+"_yardstick", ""
	session, err := l.daemon.database.Session(ctx, "")
	if err != nil {
		return 0, "", err
	}
	if session.Server().Abilities.FsyncSettings {
		syncs = " SETTINGS fsync_after_insert = 1, fsync_part_directory = 1"
	}
	if err := l.exec(ctx, "CREATE TABLE "+table+" ("+benchStructure()+") ENGINE = MergeTree ORDER BY id"+syncs); err != nil {
		return 0, "", err
	}
	began := time.Now()
	if l.engine == "clickhouse" {
		err = l.byClient(ctx, file.name, table)
	} else {
		err = session.Exec(ctx, connectors.Statement{SQL: "INSERT INTO " + table + " SELECT * FROM file(?, CSVWithNames, ?)",
			Args: []any{file.name, benchStructure()}})
	}
	took = time.Since(began)
	if err == nil {
		result, err = l.fingerprint(ctx, table)
	}
	return took, result, errors.Join(err, l.drop(ctx, table))
}

// byClient gives the file to clickhouse-client, the way the server's makers load a file.
func (l *loading) byClient(ctx context.Context, file, table string) error {
	host, port, err := net.SplitHostPort(l.address)
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

// compress makes a gzip file as gzip does by itself.
func compress(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	packer := gzip.NewWriter(out)
	_, err = io.Copy(packer, in)
	return errors.Join(err, packer.Close(), out.Close())
}

// zcat measures unpacking alone.
func zcat(ctx context.Context, file string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, "zcat", file) // without an output: /dev/null
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("zcat: %w", err)
	}
	return time.Since(began), nil
}
