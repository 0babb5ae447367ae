package pipeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"chute/connectors/connectortest"
)

// TestInputOutputErrors has the kernel answer a run's system calls with EIO, as it does when a disk is broken: the reading of the file, the n-th
// sync, the n-th rename, the n-th write of the ledger, in a child under strace, which counts the calls of each thread. The child does what it can and ends; the next process, with a sound disk, brings everything
// to its end.
func TestInputOutputErrors(t *testing.T) {
	if testing.Short() {
		return // strace makes it slow
	}
	for _, c := range []struct{ name, calls, on string }{
		{"read", "read,pread64", "store/.chute/LEDGER/1/d.csv"},
		{"sync", "fsync,fdatasync,syncfs", ""},
		{"rename", "renameat2,renameat,rename", ""},
		{"ledger", "pwrite64,write", "state/ledger.db-wal"},
	} {
		step := 7
		if *everyCall {
			step = 1
		}
		n := 1
		for ; !t.Failed(); n += step {
			struck := false
			t.Run(c.name+"/"+strconv.Itoa(n), func(t *testing.T) {
				w := newWorld(t, "clickhouse")
				w.job(orders)
				w.open()
				on := w.im.Ledger.ID()
				w.close()
				dropFour(w)
				if c.on != "" {
					on = filepath.Join(w.Dir, strings.ReplaceAll(c.on, "LEDGER", on))
				} else {
					on = ""
				}
				struck = w.brokenDisk(c.calls, on, n)
				w.open()
				w.goOn()
				wantFour(w)
			})
			if !struck {
				break
			}
		}
		if n == 1 {
			t.Errorf("%s: there was nothing to be broken", c.name)
		}
		t.Logf("%s: every %d. call failed, of fewer than %d", c.name, step, n)
	}
}

// brokenDisk imports what waits in a child, of whose calls, on a file if one is named, the n-th fails. It tells whether there was one.
func (w *world) brokenDisk(calls, on string, n int) (struck bool) {
	w.t.Helper()
	text, err := json.Marshal(w.World)
	if err != nil {
		w.t.Fatal(err)
	}
	trace := filepath.Join(w.Dir, "trace")
	args := []string{"-f", "-qq", "-e", "signal=none", "-o", trace, "-e", "trace=" + calls, "-e", fmt.Sprintf("inject=%s:error=EIO:when=%d", calls, n)}
	if on != "" {
		args = append(args, "-P", on)
	}
	c := exec.CommandContext(w.ctx, "strace", append(args, os.Args[0])...)
	c.Env = append(os.Environ(), childTask+"="+string(text))
	said, err := c.CombinedOutput()
	if connectortest.Killed(err) {
		w.t.Fatalf("%v\n%s", err, said)
	}
	lines, err := os.ReadFile(trace)
	if err != nil {
		w.t.Fatalf("%v\n%s", err, said)
	}
	return bytes.Contains(lines, []byte("(INJECTED)"))
}
