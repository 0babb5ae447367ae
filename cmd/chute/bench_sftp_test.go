package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"chute/connectors"
	"chute/connectors/connectortest/sshd"
)

// BenchmarkSmallSFTP is `chute bench small` for a store behind a real sshd: files of 10 records are claimed, fetched, loaded and put away with their
// sidecars, by the daemon's watcher and importer. The time goes from when the first are taken until the last is settled. Run it with -benchtime 1x.
func BenchmarkSmallSFTP(b *testing.B) {
	const files = 1000
	s := sshd.Start(b)
	for b.Loop() {
		x := &bench{engine: "clickhouse", address: server.Address, dir: b.TempDir(), out: b.Output()}
		if err := errors.Join(x.install(time.Second), x.moveTo(s)); err != nil {
			b.Fatal(err)
		}
		for i := range files {
			f := benchFile{name: x.path(fmt.Sprintf("store/in/bench%07d.csv", i)), first: i * smallRecords, records: smallRecords}
			if _, err := f.write(); err != nil {
				b.Fatal(err)
			}
		}
		var took time.Duration
		err := x.opened(b.Context(), func() (err error) {
			if err = x.daemon.openSpool(b.Context()); err == nil {
				took, err = x.loadAll(b.Context(), files)
			}
			return errors.Join(err, x.wantCount(b.Context(), x.table(), files*smallRecords))
		})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(files/took.Minutes(), "files/min")
	}
}

// moveTo has the installation's store reached through sshd.
func (b *bench) moveTo(s *sshd.Server) error {
	if err := os.WriteFile(b.path("key"), []byte(s.Key), 0o600); err != nil {
		return err
	}
	w := &world{dir: b.dir}
	return w.fill(fmt.Sprintf("path = %q", b.path("store")), fmt.Sprintf("sftp = \"sftp://%s@%s%s\"\nknown_hosts = %q\nprivate_key = { file = %q }",
		s.User, s.Address(), b.path("store"), s.KnownHosts, b.path("key")))
}

// loadAll runs the daemon's watcher until so many files are through.
func (b *bench) loadAll(ctx context.Context, files int) (time.Duration, error) {
	w := b.daemon.newWatcher(ctx, nil)
	job := &w.Jobs[0]
	handle, through := job.Handle, 0
	var began time.Time
	var failed error
	ctx, cancel := context.WithTimeout(ctx, 2*benchPatience)
	defer cancel()
	job.Handle = func(ctx context.Context, batch []connectors.File) []connectors.Verdict {
		if began.IsZero() {
			began = time.Now()
		}
		verdicts := handle(ctx, batch)
		for _, v := range verdicts {
			if v.Outcome != connectors.Done {
				failed = errors.Join(failed, fmt.Errorf("file %q is %v: %w", v.File.Name, v.Outcome, v.Err))
			}
		}
		if through += len(batch); through >= files || failed != nil {
			cancel()
		}
		return verdicts
	}
	err := w.Run(ctx)
	return time.Since(began), errors.Join(err, failed)
}
