package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"chute/config"
)

// memory is what bench memory compares.
type memory struct {
	*bench
	small, large string // sizes
	pairs        int
}

func benchMemory() *cobra.Command {
	m := &memory{bench: &bench{engine: "clickhouse"}}
	c := m.command(&cobra.Command{
		Use:   "memory",
		Short: "load a large file and a small one: memory, and time per record",
		Long: "Loads both in turns by \"chute import\" in processes of their own, on a server, so that they are chute and nothing else, and prints their " +
			"largest resident size, the large file's divided by the small one's, and likewise the time per record. The time of a file of one record, which is the " +
			"start of the program and the fixed part of a run, is printed apart and taken off.",
	}, m.run)
	c.Flags().StringVar(&m.address, "address", "", "`HOST:PORT` of a server")
	c.Flags().StringVar(&m.small, "small", "100MB", "`SIZE` of the small file")
	c.Flags().StringVar(&m.large, "large", "1GB", "`SIZE` of the large file")
	c.Flags().IntVar(&m.pairs, "pairs", 3, "how often both are measured")
	return c
}

// usage is what one process used.
type usage struct {
	seconds  float64
	resident int64 // at most, in bytes
}

func (m *memory) run(ctx context.Context) error {
	small, err1 := benchSize(m.small)
	large, err2 := benchSize(m.large)
	if err := errors.Join(err1, err2, m.checkEngine(), m.install(time.Second)); err != nil {
		return err
	}
	files := []benchFile{
		{name: m.path("bench-one.csv"), records: 1},
		{name: m.path("bench-small.csv"), records: int(small / benchRecordSize)},
		{name: m.path("bench-large.csv"), records: int(large / benchRecordSize)},
	}
	for _, f := range files {
		size, err := f.write()
		if err != nil {
			return err
		}
		m.say("%s: %d records, %d MB", f.base(), f.records, size/1e6)
	}
	used := make([][]usage, len(files))
	for i := range m.pairs + 1 {
		for j, f := range files {
			u, err := m.child(ctx, f)
			if err != nil {
				return err
			}
			m.say("%s: %.2f s, %d MiB", f.base(), u.seconds, u.resident>>20)
			if i > 0 { // the first round isn't counted: it fills the page cache
				used[j] = append(used[j], u)
			}
		}
	}
	m.print(files, used)
	return nil
}

func (m *memory) print(files []benchFile, used [][]usage) {
	var fixed []float64
	for _, u := range used[0] {
		fixed = append(fixed, u.seconds)
	}
	slices.Sort(fixed)
	start := middle(fixed)
	m.figure("seconds", "fixed", start)
	var memories, times []float64
	peaks := [2]int64{}
	for i := range used[1] {
		small, large := used[1][i], used[2][i]
		peaks[0], peaks[1] = max(peaks[0], small.resident), max(peaks[1], large.resident)
		memories = append(memories, float64(large.resident)/float64(small.resident))
		each := func(u usage, f benchFile) float64 { return (u.seconds - start) / float64(f.records) }
		times = append(times, each(large, files[2])/each(small, files[1]))
	}
	m.figure("mebibytes", "peak-small", float64(peaks[0])/(1<<20))
	m.figure("mebibytes", "peak-large", float64(peaks[1])/(1<<20))
	m.ratio("memory", memories)
	m.ratio("time-per-record", times)
}

// child loads a file by this program in a process of its own, and checks what is in the table.
func (m *memory) child(ctx context.Context, f benchFile) (u usage, err error) {
	program, err := os.Executable()
	if err != nil {
		return u, err
	}
	cmd := exec.CommandContext(ctx, program, "--config", m.path("chute.toml"), "import", "bench", f.name)
	cmd.Args[0] = os.Args[0]
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it takes back what it began
	began := time.Now()
	said, err := cmd.CombinedOutput()
	u.seconds = time.Since(began).Seconds()
	if err != nil {
		return u, fmt.Errorf("chute import: %w: %s", err, said)
	}
	if used, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.resident = used.Maxrss << 10 // never less than this process had, which is little
	}
	return u, m.opened(ctx, func() error { return m.wantCount(ctx, m.table(), f.records) })
}

// benchSize is a size of a flag.
func benchSize(text string) (config.Size, error) {
	var size config.Size
	if err := size.UnmarshalText([]byte(text)); err != nil {
		return 0, &exit{exitUsage, fmt.Sprintf("%s: %v", text, err)}
	}
	if size < benchRecordSize {
		return 0, &exit{exitUsage, text + " is less than a record"}
	}
	return size, nil
}
