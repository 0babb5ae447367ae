package chdb

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Two tables that load at once may crash the engine or hang it; see engineConfig.
func TestTablesLoadOneByOne(t *testing.T) {
	const tables = 6
	path := t.TempDir()
	d, err := Open(testContext(t), Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	for i := range tables {
		execute(t, d.session, fmt.Sprintf("CREATE TABLE t%d (n UInt8) ENGINE = MergeTree PARTITION BY n ORDER BY n", i))
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	const loads = "(SELECT job, start_time, finish_time FROM system.asynchronous_loader WHERE startsWith(job, 'load table'))"
	again := openTest(t, path)
	wantRows(t, again.session, "SELECT count() FROM "+loads, fmt.Sprint(tables))
	wantRows(t, again.session, "SELECT count() FROM "+loads+" a CROSS JOIN "+loads+" b WHERE a.job != b.job AND a.start_time < b.finish_time AND b.start_time < a.finish_time", "0")
}

// startToCrash is what a process does whose engine crashes while it starts: a thread of the engine gets a SIGSEGV as soon as there is one.
func startToCrash(path string) int {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		fmt.Println(err)
		return 1
	}
	go func() {
		for {
			names, _ := filepath.Glob("/proc/self/task/*/comm")
			for _, name := range names {
				if thread, _ := os.ReadFile(name); string(thread) == "MemoryWorker\n" {
					id, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
					_ = unix.Tgkill(os.Getpid(), id, unix.SIGSEGV)
				}
			}
		}
	}()
	return second(path)
}

// With the library's own handlers the process would hang for five minutes.
func TestCrashedStartEnds(t *testing.T) {
	path := t.TempDir()
	c := exec.CommandContext(testContext(t), os.Args[0])
	c.Env = append(os.Environ(), "CHDB_TEST_CRASH="+path)
	said, err := c.CombinedOutput()
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != unix.SIGSEGV {
		t.Fatalf("%v: %s", err, said)
	}
	openTest(t, path)
}
