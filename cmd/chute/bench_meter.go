package main

import (
	"fmt"
	"math"
	"os"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// goMemory is the largest memory that Go had from the system while somebody watched. What a library of another language has isn't in it.
type goMemory struct{ peak uint64 }

// watch looks all the time until stop.
func (m *goMemory) watch() (stop func()) {
	end := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
		for ended := false; !ended; {
			select {
			case <-ticker.C:
			case <-end:
				ended = true
			}
			metrics.Read(samples)
			m.peak = max(m.peak, samples[0].Value.Uint64()-samples[1].Value.Uint64())
		}
	})
	return func() { close(end); watching.Wait() }
}

// residentPeak is the largest resident size of this process so far, in bytes.
func residentPeak() (int64, error) { return processStatus("VmHWM:") }

// resident is its resident size now.
func resident() (int64, error) { return processStatus("VmRSS:") }

// processStatus reads a size from proc(5).
func processStatus(key string) (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), key)
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, fmt.Errorf("/proc/self/status has no %s", key)
	}
	kib, err := strconv.ParseInt(fields[0], 10, 64)
	return kib << 10, err
}

// cpuTime is what this process has used of the processors.
func cpuTime() (time.Duration, error) {
	var u unix.Rusage
	err := unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), err
}

// percentile is the smallest of the sorted durations that at least that part of them doesn't exceed.
func percentile(sorted []time.Duration, part float64) time.Duration {
	return sorted[max(int(math.Ceil(part*float64(len(sorted)))), 1)-1]
}

// milliseconds prints the median, the 99th percentile and the largest.
func (b *bench) milliseconds(name string, took []time.Duration) {
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	fmt.Fprintf(b.out, "milliseconds %s %.1f %.1f %.1f\n", name, ms(percentile(took, 0.5)), ms(percentile(took, 0.99)), ms(took[len(took)-1]))
}
