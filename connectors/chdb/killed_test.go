package chdb

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"chute/connectors/connectortest"
)

var everyCall = flag.Bool("every", false, "kill starts of the engine at every one of their system calls, not at some")

// startToBeKilled is what a process does whose start is killed: it hands its system calls to the parent, and then opens path.
func startToBeKilled(path string) int {
	if err := connectortest.OfferCalls(slices.Concat(connectortest.NameCalls, connectortest.WriteCalls)...); err != nil {
		fmt.Println(err)
		return 1
	}
	return second(path)
}

// killedStart starts the engine in a process that is killed before its n-th system call that changes something on the disk.
func killedStart(t *testing.T, path string, n int) (made int, killed bool) {
	t.Helper()
	c := exec.CommandContext(testContext(t), os.Args[0])
	c.Env = append(os.Environ(), "CHDB_TEST_START="+path)
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	made, ended, err := connectortest.KillAtCall(c, n)
	if err != nil || ended != nil && !connectortest.Killed(ended) {
		t.Fatalf("before call %d: %v, %v\n%s", n, err, ended, said.String())
	}
	return made, ended != nil
}

// Wherever a start is killed, of an engine that has tables and of one that has nothing yet, the next one works, and nothing of its trials is left.
func TestKilledStart(t *testing.T) {
	for _, fresh := range []bool{true, false} {
		t.Run(map[bool]string{true: "fresh", false: "used"}[fresh], func(t *testing.T) {
			used := t.TempDir()
			whole, killed := killedStart(t, used, 0)
			if killed || whole < 20 {
				t.Fatalf("a start has %d calls (killed: %t)", whole, killed)
			}
			if !fresh {
				fill(t, used)
				whole, _ = killedStart(t, used, 0)
			}
			step := whole/3 + 1
			if testing.Short() {
				step = whole
			}
			if *everyCall {
				step = 1
			}
			for n := 1 + step/2; n <= whole; n += step {
				path := used
				if fresh {
					path = t.TempDir()
				}
				killedStart(t, path, n)
				if got := startSecond(t, path); got != "opened\n" {
					t.Fatalf("killed before call %d of %d, the next start says %q", n, whole, got)
				}
				if left, err := filepath.Glob(filepath.Join(path, "*", scratch+"*")); err != nil || len(left) > 0 {
					t.Errorf("killed before call %d of %d: left: %q, %v", n, whole, left, err)
				}
			}
			t.Logf("killed before every %d. of %d system calls", step, whole)
			if !fresh {
				d := openTest(t, used)
				wantRows(t, d.session, "SELECT sum(n) FROM t", "3")
				wantRows(t, d.session, "SELECT sum(n) FROM other.t", "3")
			}
		})
	}
}

// fill gives an engine two databases with a table and rows each.
func fill(t *testing.T, path string) {
	t.Helper()
	d, err := Open(testContext(t), Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"CREATE DATABASE other", "CREATE TABLE other.t (n UInt8) ENGINE = MergeTree PARTITION BY n ORDER BY n", "INSERT INTO other.t SELECT number FROM numbers(3)",
		"CREATE TABLE t (n UInt8) ENGINE = MergeTree PARTITION BY n ORDER BY n", "INSERT INTO t SELECT number FROM numbers(3)",
	} {
		execute(t, d.session, sql)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}
