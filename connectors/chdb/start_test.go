package chdb

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"chute/connectors"
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

// The failures are the engine's real words; the start that works is its own.
func TestStartIsTriedAgain(t *testing.T) {
	const raced = "Code: 722. DB::Exception: Waited job failed: Code: 695. DB::Exception: Load job 'load table default.t' failed: std::exception. " +
		"Code: 1001, type: std::__1::system_error, e.what() = recursive_mutex lock failed: Invalid argument,. (ASYNC_LOAD_WAIT_FAILED)"
	const damaged = "Code: 722. DB::Exception: Waited job failed: Code: 695. DB::Exception: Load job 'load table default.t' failed: Code: 62. DB::Exception: Syntax error. (ASYNC_LOAD_WAIT_FAILED)"
	file, err := Find("")
	if err != nil {
		t.Fatal(err)
	}
	library, err := load(file)
	if err != nil {
		t.Fatal(err)
	}
	connect := library.connect
	t.Cleanup(func() { library.connect = connect })
	for _, c := range []struct {
		said  string
		fails int // how often it does
		tries int
		opens bool
	}{
		{raced, starts - 1, starts, true},
		{raced, starts, starts, false},
		{damaged, 1, 1, false},
	} {
		tries := 0
		library.connect = func(argc int32, argv unsafe.Pointer) *uintptr {
			if tries++; tries <= c.fails {
				fmt.Fprintln(os.Stderr, c.said)
				return nil
			}
			return connect(argc, argv)
		}
		d, err := Open(testContext(t), Config{Path: t.TempDir()})
		if c.opens {
			if err != nil || tries < c.tries { // every statement connects once more
				t.Errorf("%d starts: %v", tries, err)
			} else if err := d.Close(); err != nil {
				t.Error(err)
			}
			continue
		}
		var own *connectors.DatabaseError
		if !errors.As(err, &own) || own.Code != 722 || !strings.HasSuffix(err.Error(), c.said) || tries != c.tries {
			t.Errorf("%d starts: %v", tries, err)
		}
	}
}
