package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net"
	"os"
	"os/exec"
	"time"

	"chute/connectors"
)

// byEngine measures the engine's own file, without a sync. How long it takes with one is kept.
func (e *exporting) byEngine(ctx context.Context) (took time.Duration, result string, err error) {
	name := e.path("engine." + e.format)
	began := time.Now()
	if e.engine == "clickhouse" {
		err = e.byClient(ctx, name)
	} else {
		err = e.intoOutfile(ctx, name)
	}
	took = time.Since(began)
	if err == nil {
		err = syncFile(name)
	}
	if err != nil {
		return 0, "", err
	}
	e.synced = append(e.synced, time.Since(began).Seconds())
	result, err = e.look(ctx, "engine", name)
	return took, result, err
}

// intoOutfile has the embedded engine write the file.
func (e *exporting) intoOutfile(ctx context.Context, name string) error {
	session, err := e.daemon.database.Session(ctx, "")
	if err != nil {
		return err
	}
	format := "CSVWithNames SETTINGS output_format_decimal_trailing_zeros = 1"
	if e.format == "parquet" {
		format = "Parquet SETTINGS output_format_parquet_compression_method = 'zstd'"
	}
	return session.Exec(ctx, connectors.Statement{SQL: "SELECT * FROM " + e.table() + " INTO OUTFILE ? FORMAT " + format, Args: []any{name}})
}

func syncFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// byClient has clickhouse-client write the file.
func (e *exporting) byClient(ctx context.Context, name string) error {
	host, port, err := net.SplitHostPort(e.address)
	if err != nil {
		return err
	}
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "clickhouse-client", "--host", host, "--port", port, "--query", "SELECT * FROM "+e.table()+" FORMAT CSVWithNames")
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	return errors.Join(cmd.Run(), out.Close())
}

// look tells what is in a file, and removes it. The first of each side is read; the others must have its size.
func (e *exporting) look(ctx context.Context, side, name string) (string, error) {
	in, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return "", err
	}
	if e.seen[side].size != info.Size() {
		result, err := e.inside(ctx, in)
		if err != nil {
			return "", err
		}
		e.seen[side] = written{info.Size(), result}
	}
	return e.seen[side].result, os.Remove(name)
}

// inside tells what is in a file: of Parquet by the engine, which reads all types of both as the table has them.
func (e *exporting) inside(ctx context.Context, in *os.File) (string, error) {
	if e.format == "csv" {
		return e.sum(in)
	}
	return e.row(ctx, "SELECT count(), sum(cityHash64(*)) FROM file(?, Parquet, ?)", in.Name(), benchStructure())
}

// sum is the same for the same records in any order, with whichever quotes.
func (e *exporting) sum(in io.Reader) (string, error) {
	records := csv.NewReader(in)
	records.ReuseRecord = true
	var sum, count uint64
	var hash maphash.Hash
	hash.SetSeed(e.seed)
	for {
		fields, err := records.Read()
		if errors.Is(err, io.EOF) {
			return fmt.Sprintf("%d records with the sum %016x", count, sum), nil
		}
		if err != nil {
			return "", err
		}
		hash.Reset()
		for _, f := range fields {
			hash.WriteString(f)
			hash.WriteByte(0)
		}
		sum += hash.Sum64()
		count++
	}
}
